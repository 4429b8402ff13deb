"""The product's settings with nothing outside the process but PostgreSQL.

`tests.plugins.postgres` has set DATABASE_URL and VAR_DIR to a throwaway cluster and
folder. A test that wants Redis or RabbitMQ asks for the fixture of that name.
"""

from config.settings import *  # noqa: F403 - overrides of one file, nothing else
from config.settings import STORAGES, VENDOR_BASE_URLS, VENDOR_KEYS

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# Portals of one test are not those of the next; the cache has tests of its own.
PORTAL_CACHE_S = 0
EVEN_ANSWERS_S = 0.0
DEMO_MAILBOX = ""
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
VENDOR_KEYS = dict.fromkeys(VENDOR_KEYS, "")
VENDOR_BASE_URLS = dict.fromkeys(VENDOR_BASE_URLS, "")
SIP_HOST, SIP_PORT = "127.0.0.1", 0
