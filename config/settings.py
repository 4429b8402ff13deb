"""Settings of every process; what a person may change is read through `config.env`.

`DEBUG` switches hardening and nothing else. With no address given for the database,
the broker or the channel layer, the embedded ones of `config.embedded` are used, so
that a checkout runs with no server and no account.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from config import embedded, env, object_storage
from portal.body_limits import PLAIN_BYTES

# --- core -----------------------------------------------------------------------------
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(
    env.text("VAR_DIR", str(BASE_DIR / "var"), "Folder for what is made at run time.")
)
DEBUG = env.flag("DEBUG", False, "Developer mode: plain HTTP, verbose errors.")
DEMO = env.flag(
    "DEMO", False, "Set by `make demo`: embedded servers, plain HTTP on localhost."
)
SECRET_KEY = env.secret(
    "SECRET_KEY", "", "Signs sessions and tokens; required outside the demo."
)
if not SECRET_KEY:
    if not (DEBUG or DEMO or embedded.is_default()):
        raise ImproperlyConfigured("SECRET_KEY is not set.")
    SECRET_KEY = embedded.secret_key(VAR_DIR)
SEALING_KEYS = env.secret(
    "SEALING_KEYS",
    "",
    "Keys for secrets at rest, `k2:<base64>,k1:<base64>`: the first seals, all open.",
)
if not SEALING_KEYS and (DEBUG or DEMO or embedded.is_default()):
    SEALING_KEYS = embedded.sealing_key(VAR_DIR)
IS_PLAIN_HTTP = DEBUG or DEMO or embedded.is_default()
# Hosts are checked by portal.middleware: a host is known when a portal has it.
ALLOWED_HOSTS = ["*"]
BASE_DOMAIN = env.text(
    "BASE_DOMAIN", "localhost", "Portals answer at <slug>.<BASE_DOMAIN>."
)
OPERATOR_HOSTS = env.words(
    "OPERATOR_HOSTS",
    "127.0.0.1",
    "Further hosts of the operator, beside BASE_DOMAIN itself.",
)
PORT = env.integer("PORT", 8000, "Port of the web process.", low=1, high=65535)
BIND = env.text("BIND", "127.0.0.1", "Address `make demo` listens on.")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- apps -----------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "config.apps.StaticFilesApp",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.microsoft",
    "allauth.usersessions",
    "channels",
    "channels_postgres",
    "csp",
    "django_htmx",
    "template_partials",
    "portal",
    "assistants",
    "billing",
    "calls",
    "campaigns",
    "config",
]

# --- middleware -----------------------------------------------------------------------
MIDDLEWARE = [
    "portal.even_time.EvenTimeMiddleware",
    "portal.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.HostMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.middleware.SessionHostMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.LanguageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.ScopeMiddleware",
    "portal.api.middleware.ApiMiddleware",
]

# --- urls and templates ---------------------------------------------------------------
ROOT_URLCONF = "config.urls"
# The operator's own host has other pages: /ops/, the API, health; no portal.
OPERATOR_URLCONF = "config.operator_urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.portal",
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "portal.templatetags.ui",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# --- database -------------------------------------------------------------------------
DATABASE_URL = env.secret(
    "DATABASE_URL", "", "PostgreSQL 15 or newer; empty: the embedded one. No superuser."
)


def _database(url: str) -> dict[str, Any]:
    parts = conninfo_to_dict(url)
    options = {
        name: value
        for name, value in parts.items()
        if name not in {"dbname", "user", "password", "host", "port"}
    }
    return {
        "ENGINE": "portal.postgresql",
        "NAME": parts.get("dbname", ""),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        # Under ASGI a connection may not outlive its request; the web process pools
        # instead (config.asgi). A prefork worker must not: a pool does not survive fork.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "AUTOCOMMIT": True,
        "TIME_ZONE": None,
        "OPTIONS": options,
        "TEST": {"NAME": f"test_{parts.get('dbname', 'portavoce')}"},
    }


DATABASES = {"default": _database(DATABASE_URL or embedded.database_url(VAR_DIR))}
DATABASE_POOL_SIZE = env.integer(
    "DATABASE_POOL_SIZE",
    0,
    "Connections kept by a web or voice process; 0: none kept.",
    low=0,
    high=200,
)
if DATABASE_POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": DATABASE_POOL_SIZE,
        "timeout": 10,
    }

# --- cache and channel layer ----------------------------------------------------------
REDIS_URL = env.secret(
    "REDIS_URL", "", "Redis for the channel layer and the cache; empty: PostgreSQL."
)
# Captions travel there, and rest a minute: sealed under keys made from the installation's.
_layer_keys = [f"channel layer {key}" for key in SEALING_KEYS.split(",") if key]
CHANNEL_LAYERS: dict[str, dict[str, Any]]
CACHES: dict[str, dict[str, Any]]
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            # The core layer of channels-redis loses idle sockets after 5 s on redis-py 8.
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [REDIS_URL],
                "symmetric_encryption_keys": _layer_keys,
            },
        }
    }
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
        }
    }
else:
    _plain = {
        key: value
        for key, value in DATABASES["default"].items()
        if key not in {"ENGINE", "TEST"}
    }
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "config.channel_layer.ReconnectingPostgresLayer",
            "CONFIG": {
                **_plain,
                "symmetric_encryption_keys": _layer_keys,
                "OPTIONS": {k: v for k, v in _plain["OPTIONS"].items() if k != "pool"},
            },
        }
    }
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        }
    }
PORTAL_ADDRESSES = env.words(
    "PORTAL_ADDRESSES",
    "",
    "Public addresses of the proxy, for domains that cannot be an alias.",
)
DNS_SERVERS = env.words(
    "DNS_SERVERS",
    "",
    "Name server that checks domains, `host:port`; empty: the system's.",
)
DOMAIN_CHECK_PORT = env.integer(
    "DOMAIN_CHECK_PORT",
    443,
    "Port at which a domain's certificate is looked at.",
    low=1,
    high=65535,
)
DOMAIN_CA_FILE = env.text(
    "DOMAIN_CA_FILE", "", "Further authority whose certificates are accepted; a file."
)
PORTAL_CACHE_S = 5  # how long a portal is remembered by its host

# --- auth -----------------------------------------------------------------------------
AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["portal.auth.PortalBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
ACCOUNT_ADAPTER = "portal.auth.PortalAccountAdapter"
ACCOUNT_FORMS = {
    "reset_password": "portal.auth.PortalResetPasswordForm",
    "request_login_code": "portal.auth.PortalRequestCodeForm",
}
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
MFA_ADAPTER = "portal.second_step.SecondStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = IS_PLAIN_HTTP
SOCIALACCOUNT_ADAPTER = "portal.social.PortalSocialAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # by provider, below
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True


def _sign_in_app(client_id: str, secret: str, **more: Any) -> list[dict[str, Any]]:
    """Return the operator's application at a provider, if there is one."""
    if not client_id:
        return []
    return [{"client_id": client_id, "secret": secret, "key": "", "settings": more}]


SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "google": {
        "SCOPE": ["profile", "email"],
        "EMAIL_AUTHENTICATION": True,
        "OAUTH_PKCE_ENABLED": True,
        "APPS": _sign_in_app(
            env.text(
                "GOOGLE_SIGN_IN_ID",
                "",
                "Client id at Google: portals without their own offer sign-in with it.",
            ),
            env.secret("GOOGLE_SIGN_IN_SECRET", "", "Its secret."),
        ),
    },
    "github": {
        "SCOPE": ["user:email"],
        "EMAIL_AUTHENTICATION": True,
        "APPS": _sign_in_app(
            env.text("GITHUB_SIGN_IN_ID", "", "The same at GitHub."),
            env.secret("GITHUB_SIGN_IN_SECRET", "", "Its secret."),
        ),
    },
    # Microsoft vouches for no address of its tenants: people connect it themselves.
    "microsoft": {
        "EMAIL_AUTHENTICATION": False,
        "APPS": _sign_in_app(
            env.text("MICROSOFT_SIGN_IN_ID", "", "The same at Microsoft."),
            env.secret("MICROSOFT_SIGN_IN_SECRET", "", "Its secret."),
            tenant=env.text(
                "MICROSOFT_SIGN_IN_TENANT",
                "common",
                "Whose people come in with it: a tenant's id, or `common` for all.",
            ),
        ),
    },
}
# What a provider says beside who it is, nobody here needs.
SOCIALACCOUNT_STORE_TOKENS = False
EVEN_ANSWERS_S = 0.5  # answers that would tell who is known leave at such steps
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900  # portal.sudo asks again after this
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
# A mail to an address nobody has would tell its owner which portal was tried.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if IS_PLAIN_HTTP else "https"

# --- security and CSP -----------------------------------------------------------------
SESSION_COOKIE_SECURE = not IS_PLAIN_HTTP
CSRF_COOKIE_SECURE = not IS_PLAIN_HTTP
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# No cookie names a domain: a browser keeps it for the one portal that set it.
SESSION_COOKIE_DOMAIN = None
CSRF_COOKIE_DOMAIN = None
CSRF_FAILURE_VIEW = "portal.views.errors.csrf_failure"
SECURITY_CONTACT = env.text(
    "SECURITY_CONTACT",
    "",
    "Where weaknesses are reported, an address or URL; told by security.txt.",
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = None if IS_PLAIN_HTTP else ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if IS_PLAIN_HTTP else 31_536_000
SECURE_SSL_REDIRECT = False
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        # A form that buys credits leads on to Stripe's pages, which a browser checks too.
        "form-action": [
            SELF,
            "https://checkout.stripe.com",
            "https://billing.stripe.com",
            "https://connect.stripe.com",
            # And one that signs in with a provider, to its pages.
            "https://accounts.google.com",
            "https://github.com",
            "https://login.microsoftonline.com",
        ],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = PLAIN_BYTES
OUTBOUND_ALLOWED_NETWORKS = env.networks(
    "OUTBOUND_ALLOWED_NETWORKS",
    "",
    "Private networks that webhooks and tools may reach, also over plain HTTP.",
)

# --- static and media -----------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "recordings": object_storage.recordings(VAR_DIR / "recordings"),
    "voices": {  # samples, rendered again when they are gone
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "voices"},
    },
    "staticfiles": {"BACKEND": "config.staticfiles.PortavoceStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# --- i18n -----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands"), ("de", "Deutsch")]
LANGUAGE_COOKIE_NAME = "language"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

# --- email ----------------------------------------------------------------------------
EMAIL_HOST = env.text(
    "EMAIL_HOST", "", "SMTP server; empty: mails are written to files under VAR_DIR."
)
EMAIL_PORT = env.integer(
    "EMAIL_PORT", 587, "Port of the SMTP server.", low=1, high=65535
)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "", "User at the SMTP server.")
EMAIL_HOST_PASSWORD = env.secret(
    "EMAIL_HOST_PASSWORD", "", "Password at the SMTP server."
)
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", True, "Use STARTTLS with the SMTP server.")
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = VAR_DIR / "mail"
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL", "no-reply@localhost", "Sender where a portal names none."
)

DEMO_MAILBOX = env.text(
    "DEMO_MAILBOX", "", "Set by `make demo`: where its own mail server keeps mails."
)
MAIL_SPF = env.text(
    "MAIL_SPF",
    "",
    "SPF record agencies enter, `v=spf1 include:… ~all`; empty: EMAIL_HOST's.",
)
MAIL_RETURN_PATH_HOST = env.text(
    "MAIL_RETURN_PATH_HOST", "", "Host that takes bounces of agencies' domains."
)
RESEND_API_URL = env.text(
    "RESEND_API_URL", "https://api.resend.com/", "Where Resend's API is reached."
)

# --- celery ---------------------------------------------------------------------------
BROKER_URL = env.secret(
    "BROKER_URL", "", "RabbitMQ or Redis; empty: files under VAR_DIR."
)
CELERY_BROKER_URL = BROKER_URL or "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS = {} if BROKER_URL else embedded.broker_options(VAR_DIR)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- telephony and media --------------------------------------------------------------
STUN_URLS = env.words(
    "STUN_URLS",
    "",
    "STUN servers a browser and a voice process use, `stun:host:port,…`.",
)
TURN_URLS = env.words(
    "TURN_URLS", "", "TURN servers, `turn:host:port?transport=udp,…`."
)
TURN_SECRET = env.secret(
    "TURN_SECRET",
    "",
    "Shared secret for short-lived TURN credentials (coturn use-auth-secret).",
)
VOICE_CAPACITY = env.integer(
    "VOICE_CAPACITY", 12, "Calls one voice process carries at once.", low=1, high=500
)
INBOUND_RESERVE_PERCENT = env.integer(
    "INBOUND_RESERVE_PERCENT",
    20,
    "Share of an organization's lines, and of a voice process, kept for callers.",
    low=0,
    high=90,
)
SIP_HOST = env.text(
    "SIP_HOST",
    "0.0.0.0",  # noqa: S104  # trunks call from outside; strangers are refused
    "Address a voice process listens on for SIP and telephone audio.",
)
SIP_PORT = env.integer(
    "SIP_PORT",
    5060,
    "SIP port, UDP and TCP; one in use: any free one.",
    low=0,
    high=65535,
)
SIP_TLS_PORT = env.integer(
    "SIP_TLS_PORT", 0, "SIP port for TLS, usually 5061; 0: none.", low=0, high=65535
)
SIP_TLS_CERTIFICATE = env.text(
    "SIP_TLS_CERTIFICATE", "", "PEM file with the certificate chain for SIP over TLS."
)
SIP_TLS_KEY = env.text("SIP_TLS_KEY", "", "PEM file with its key.")
SIP_PUBLIC_ADDRESS = env.text(
    "SIP_PUBLIC_ADDRESS",
    "",
    "Address that trunks reach a voice process by, behind NAT.",
)
SIP_ALLOWED_NETWORKS = env.networks(
    "SIP_ALLOWED_NETWORKS",
    "",
    "Private networks in which trunks, and the audio of their calls, may be.",
)
if DEMO:  # its telephones are on this machine
    SIP_ALLOWED_NETWORKS += ["127.0.0.0/8", "::1/128"]
RTP_FIRST_PORT = env.integer(
    "RTP_FIRST_PORT", 10000, "First UDP port of telephone audio.", low=1024, high=65535
)
RTP_LAST_PORT = env.integer(
    "RTP_LAST_PORT", 19999, "Last UDP port of telephone audio.", low=1025, high=65535
)
STREAM_HOST = env.text(
    "STREAM_HOST", "127.0.0.1", "Address a voice process takes carriers' streams at."
)
STREAM_PORT = env.integer(
    "STREAM_PORT", 0, "Its port; 0: any free one.", low=0, high=65535
)
STREAM_PUBLIC_URL = env.text(
    "STREAM_PUBLIC_URL",
    "",
    "Where Twilio and Telnyx reach this voice process, `https://…`; empty: not at all.",
)
TWILIO_API_URL = env.text("TWILIO_API_URL", "", "Another server with Twilio's API.")
TELNYX_API_URL = env.text("TELNYX_API_URL", "", "Another server with Telnyx's API.")
CALL_TOKEN_TTL_S = 60
CALL_LEASE_S = 10
ICE_TIMEOUT_S = 15

# --- speech and language vendors ------------------------------------------------------
VENDOR_KEYS = {
    "openai": env.secret("OPENAI_API_KEY", "", "OpenAI key of the platform."),
    "deepgram": env.secret("DEEPGRAM_API_KEY", "", "Deepgram key of the platform."),
    "elevenlabs": env.secret(
        "ELEVENLABS_API_KEY", "", "ElevenLabs key of the platform."
    ),
    "mistral": env.secret("MISTRAL_API_KEY", "", "Mistral key of the platform."),
    "google": env.secret("GOOGLE_API_KEY", "", "Gemini API key of the platform."),
    "google_vertex": env.secret(
        "GOOGLE_VERTEX_CREDENTIALS",
        "",
        "Service account of the platform for Vertex AI and Google Speech, as JSON.",
    ),
    "gladia": env.secret("GLADIA_API_KEY", "", "Gladia key of the platform."),
    "inworld": env.secret("INWORLD_API_KEY", "", "Inworld key of the platform."),
    "xai": env.secret("XAI_API_KEY", "", "xAI key of the platform."),
    "azure": env.secret("AZURE_SPEECH_KEY", "", "Azure Speech key of the platform."),
    "cartesia": env.secret("CARTESIA_API_KEY", "", "Cartesia key of the platform."),
    "groq": env.secret("GROQ_API_KEY", "", "Groq key of the platform."),
    "anthropic": env.secret("ANTHROPIC_API_KEY", "", "Anthropic key of the platform."),
    **env.secrets(
        "CATALOGUE_KEYS",
        "Keys of providers the operator added, `name=key,…`.",
    ),
}
VENDOR_BASE_URLS = {
    "openai": env.text(
        "OPENAI_BASE_URL",
        "",
        "Another server that speaks OpenAI's API (Ollama, vLLM, llama.cpp).",
    ),
    "deepgram": env.text(
        "DEEPGRAM_BASE_URL", "", "Another server that speaks Deepgram's API."
    ),
    "elevenlabs": env.text(
        "ELEVENLABS_BASE_URL", "", "Another server that speaks ElevenLabs' API."
    ),
}
# What a key alone does not say.
VENDOR_SETTINGS = {
    "azure": {
        "region": env.text(
            "AZURE_SPEECH_REGION", "westeurope", "Region of the Azure Speech key."
        )
    },
}
CATALOGUE_DIR = env.text(
    "CATALOGUE_DIR",
    "",
    "A TOML file or a folder of them that adds providers to the catalogue, or prices.",
)

# The model an own server runs, offered where the catalogue leaves the name open.
OWN_MODELS = {
    "openai_compatible": env.text(
        "OPENAI_COMPATIBLE_MODEL",
        "",
        "Model name at OPENAI_BASE_URL, such as `llama3.2`.",
    ),
}

# --- stripe ---------------------------------------------------------------------------
STRIPE_SECRET_KEY = env.secret(
    "STRIPE_SECRET_KEY", "", "The operator's Stripe key: agencies buy credits with it."
)
STRIPE_WEBHOOK_SECRET = env.secret(
    "STRIPE_WEBHOOK_SECRET", "", "Secret of the operator's webhook endpoint at Stripe."
)
STRIPE_CONNECT_WEBHOOK_SECRET = env.secret(
    "STRIPE_CONNECT_WEBHOOK_SECRET",
    "",
    "Secret of the endpoint for connected accounts, where agencies connect theirs.",
)
STRIPE_API_BASE = env.text(
    "STRIPE_API_BASE", "", "Another server that speaks Stripe's API, for tests."
)
STRIPE_TAX_BASIS_POINTS = env.integer(
    "STRIPE_TAX_BASIS_POINTS",
    0,
    "Tax the operator adds to an agency's purchase, in hundredths of a percent.",
    low=0,
    high=10_000,
)
OPERATOR_NAME = env.text(
    "OPERATOR_NAME", "Portavoce", "Who sells to agencies, as it stands on receipts."
)
OPERATOR_TAX_ID = env.text("OPERATOR_TAX_ID", "", "The operator's VAT id, on receipts.")
OPERATOR_APPROVAL_CREDITS = env.integer(
    "OPERATOR_APPROVAL_CREDITS",
    0,
    "Credits that one of the operator's staff gives or corrects alone; 0: any number.",
    low=0,
    high=10**9,
)

# --- portal defaults ------------------------------------------------------------------
API_RATE_PER_MINUTE = env.integer(
    "API_RATE_PER_MINUTE", 100, "API requests a minute for each key.", low=1
)
PLATFORM_PRICE_MICROCREDITS_PER_MINUTE = env.integer(
    "PLATFORM_PRICE_MICROCREDITS_PER_MINUTE",
    1_000_000,
    "What an agency pays for a minute of a call; one credit is 1,000,000.",
    low=0,
    high=10**12,
)
PLATFORM_REALTIME_PRICE_MICROCREDITS_PER_MINUTE = env.integer(
    "PLATFORM_REALTIME_PRICE_MICROCREDITS_PER_MINUTE",
    3_571_429,
    "The same for a speech model on the platform's keys, its use included.",
    low=0,
    high=10**12,
)
PLATFORM_CREDIT_EUR_MILLIS = env.integer(
    "PLATFORM_CREDIT_EUR_MILLIS",
    70,
    "What the platform sells a credit for, in thousandths of a euro.",
    low=1,
    high=10**6,
)

# --- logging --------------------------------------------------------------------------
LOG_LEVEL = env.text("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")
LOG_PII = env.flag(
    "LOG_PII", False, "Keep what people said, dialed or wrote in the log."
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "common.logging.PlainFormatter", "keep_pii": LOG_PII}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {
            "handlers": ["console"],
            "level": "WARNING",
            "propagate": False,
        },
        "daphne": {"level": "WARNING"},
        "aioice": {"level": "WARNING"},
        "aiortc": {"level": "WARNING"},
        # It warns of each message to a call that nobody watches.
        "channels_postgres": {"level": "ERROR"},
        "livekit": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        # It logs the address of every request.
        "stripe": {"level": "WARNING"},
    },
}
