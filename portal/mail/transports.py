"""One try to hand a mail over: through the platform's server, or the agency's own.

What a server answers is sorted once, here: refused for good (this mail, this address),
refused for now, or not reached at all.
"""

from __future__ import annotations

import smtplib
import socket
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formataddr
from typing import Any, Final

import requests
from anymail.backends.resend import EmailBackend as ResendBackend
from anymail.exceptions import AnymailAPIError, AnymailError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SMTPBackend

from portal.brand import OPERATOR_NAME
from portal.mail import dkim
from portal.mail.public_smtp import PublicSMTP, PublicSMTPS
from portal.models import MailSender, OutgoingMail, Portal, SendingDomain

_TIMEOUT_S: Final = 20
Transport = MailSender.Transport


@dataclass(frozen=True)
class Envelope:
    """A mail with what decides how it goes out."""

    mail: OutgoingMail
    portal: Portal | None
    sender: MailSender | None


@dataclass(frozen=True)
class Outcome:
    """What became of one try. `error` is a server's own words, for people to read."""

    is_sent: bool = False
    is_final: bool = False
    is_server_down: bool = False
    is_sender_refused: bool = False
    error: str = ""


SENT: Final = Outcome(is_sent=True)


def deliver(envelope: Envelope) -> Outcome:
    """Try once; never raise for what a server or the network did."""
    connection = connection_of(envelope.sender)
    try:
        message = message_of(envelope)
        message.connection = connection
        message.send(fail_silently=False)
    except (
        smtplib.SMTPException,
        AnymailError,
        requests.RequestException,
        OSError,
    ) as error:
        return outcome_of(error)
    finally:
        # A sign-in that was refused leaves Django's connection open.
        with suppress(smtplib.SMTPException, OSError):
            connection.close()
    return SENT


def message_of(envelope: Envelope) -> EmailMultiAlternatives:
    """Return the message as it goes out, with the portal as its sender."""
    mail, portal, sender = envelope.mail, envelope.portal, envelope.sender
    name, address = sender_address(portal, sender)
    domain = _signing_domain(envelope, address)
    reply_to = (sender.reply_to if sender else "") or (
        portal.support_email if portal else ""
    )
    shown = formataddr((name, address))
    message = _SignedMessage(
        subject=mail.subject,
        body=mail.text,
        # Where bounces go: the domain's own return path once it was verified.
        from_email=f"bounce@send.{domain.domain_name}" if domain else shown,
        to=[mail.recipient],
        reply_to=[reply_to] if reply_to else None,
        headers={
            "Message-ID": f"<{mail.pk}@{address.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
            **({"From": shown} if domain else {}),
        },
    )
    message.domain = domain
    message.attach_alternative(mail.html, "text/html")
    return message


def _signing_domain(envelope: Envelope, address: str) -> SendingDomain | None:
    """Return the verified domain of the sender's address; Resend signs for itself."""
    sender = envelope.sender
    if sender is None or sender.transport == Transport.RESEND:
        return None
    return SendingDomain.objects.filter(
        organization=envelope.mail.agency_id,
        domain_name=address.rpartition("@")[2].lower(),
        status=SendingDomain.Status.VERIFIED,
    ).first()


class _SignedMessage(EmailMultiAlternatives):
    """A message that carries the signature of its domain, if it has one."""

    domain: SendingDomain | None = None

    def message(self, **kwargs: Any) -> Any:
        built = super().message(**kwargs)
        if self.domain is not None and self.domain.dkim_key:
            dkim.sign(
                built,
                domain=self.domain.domain_name,
                selector=self.domain.dkim_selector,
                pem=self.domain.dkim_key,
            )
        return built


def sender_address(portal: Portal | None, sender: MailSender | None) -> tuple[str, str]:
    """Return the name and address in the `From` line."""
    name = (sender.from_name if sender else "") or (
        portal.name if portal else OPERATOR_NAME
    )
    address = (sender.from_address if sender else "") or settings.DEFAULT_FROM_EMAIL
    return " ".join(name.split()), address


def connection_of(sender: MailSender | None) -> BaseEmailBackend:
    """Return the way out: the agency's own where it set one up."""
    if sender is None or sender.transport == Transport.PLATFORM:
        return get_connection()
    if sender.transport == Transport.RESEND:
        resend: BaseEmailBackend = ResendBackend(
            api_key=sender.resend_key, api_url=settings.RESEND_API_URL
        )
        return resend
    return _OwnServer(
        host=sender.smtp_host,
        port=sender.smtp_port,
        username=sender.smtp_user,
        password=sender.smtp_password,
        use_tls=sender.smtp_security == MailSender.Security.STARTTLS,
        use_ssl=sender.smtp_security == MailSender.Security.TLS,
        timeout=_TIMEOUT_S,
    )


class _OwnServer(SMTPBackend):
    """A server a customer named: on the public internet or nowhere."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return PublicSMTPS if self.use_ssl else PublicSMTP


def outcome_of(error: Exception) -> Outcome:
    """Sort an error into refused for good, refused for now, or not reached."""
    text = _words(error)
    match error:
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _text in error.recipients.values()]
            return Outcome(is_final=all(code >= 500 for code in codes), error=text)
        case smtplib.SMTPAuthenticationError() | smtplib.SMTPSenderRefused():
            return Outcome(is_sender_refused=True, error=text)
        case smtplib.SMTPDataError() | smtplib.SMTPResponseException():
            return Outcome(is_final=error.smtp_code >= 500, error=text)
        case AnymailAPIError():
            return _outcome_of_api(error, text)
        case AnymailError():
            return Outcome(is_final=True, error=text)
    return Outcome(is_server_down=True, error=text)


def _outcome_of_api(error: AnymailAPIError, text: str) -> Outcome:
    status = getattr(error, "status_code", None)
    if status is None or status >= 500:
        return Outcome(is_server_down=True, error=text)
    if status in (401, 403):
        return Outcome(is_sender_refused=True, error=text)
    return Outcome(is_final=status not in (408, 409, 425, 429), error=text)


def _words(error: Exception) -> str:
    """Return what the server said; an exception's own text may quote our secrets."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, answer = next(iter(error.recipients.values()))
        return f"{code} {_plain(answer)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_plain(error.smtp_error)}"
    if isinstance(error, AnymailAPIError):
        response = getattr(error, "response", None)
        if response is None:
            return "The mail service could not be reached."
        return f"{response.status_code} {_message_in(response)}"
    if isinstance(error, socket.gaierror):
        return "The server's name does not exist."
    return str(error) or type(error).__name__


def _message_in(response: requests.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.reason


def _plain(said: Any) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
