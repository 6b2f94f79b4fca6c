"""The ways out of the house: a mail server, and a file of JSON lines for tests, demonstrations and other systems to read.

A channel sends one text to one person and says by its exception what a failure means: `TemporaryFailure` is worth another try,
`PermanentFailure` is not. When to try again is the delivery's business. Each mail carries a Message-ID that depends only on what
it is, so that one sent twice (a crash between sending and noting it) is recognised as one by every mail program.
"""

from __future__ import annotations

import hashlib
import json
import os
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

_PERMANENT_FROM = 500


class TemporaryFailure(Exception):  # noqa: N818  (said of an attempt, like a refusal)
    """The message did not go out this time; it may the next."""


class PermanentFailure(Exception):  # noqa: N818
    """The message will never go out this way."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom a text goes: the person's number and the name they log in with."""

    person_id: int
    staff_no: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """One text on its way to one person."""

    message_id: str
    addressee: Addressee
    title: str
    body: str
    at: datetime


class Channel(Protocol):
    """A way out: it has a short name, may not serve everybody, and sends."""

    @property
    def name(self) -> str:
        """The name under which deliveries are recorded."""

    def serves(self, addressee: Addressee) -> bool:
        """Say whether this person can be reached this way."""

    def send(self, parcel: Parcel) -> None:
        """Send, or raise TemporaryFailure or PermanentFailure."""


def message_id_of(message_key: str, person_id: int, channel: str, domain: str = "bangfu.invalid") -> str:
    """Return the Message-ID of a message to a person by a channel: the same whenever it is sent."""
    digest = hashlib.sha256(f"{message_key}\n{person_id}\n{channel}".encode()).hexdigest()
    return f"<{digest[:32]}@{domain}>"


@dataclass(frozen=True, slots=True)
class FileChannel:
    """Appends each message as a line of JSON, on disk before it counts as sent."""

    path: Path
    name: str = "file"

    def serves(self, addressee: Addressee) -> bool:
        """Everybody: a file asks for no address."""
        return addressee.person_id > 0

    def send(self, parcel: Parcel) -> None:
        """Append one line."""
        line = json.dumps(
            {
                "message_id": parcel.message_id,
                "at": parcel.at.isoformat(),
                "to": parcel.addressee.staff_no,
                "title": parcel.title,
                "body": parcel.body,
            },
            ensure_ascii=False,
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise TemporaryFailure(f"{type(error).__name__}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class MailChannel:
    """Sends plain-text mail through an SMTP server.

    `address_of` knows a person's address, or answers empty for somebody without one. The connection lives for one mail:
    a notice is rare, and a kept connection is one more thing that can be half dead.
    """

    host: str
    port: int
    sender: str
    address_of: Callable[[Addressee], str | None]
    timeout_seconds: float = 10.0
    starttls: bool = False
    user: str = ""
    password: str = ""
    name: str = "mail"

    def serves(self, addressee: Addressee) -> bool:
        """Whoever has an address."""
        return bool(self.address_of(addressee))

    def send(self, parcel: Parcel) -> None:
        """Hand the mail to the server, which from then on answers for it."""
        to = self.address_of(parcel.addressee)
        if not to:
            raise PermanentFailure("The person has no mail address")
        try:
            mail = self._mail(parcel, to)
        except (ValueError, UnicodeError) as error:
            raise PermanentFailure(f"Not a mail address or title: {type(error).__name__}") from error
        try:
            with smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds) as server:
                if self.starttls:
                    server.starttls()
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(mail)
        except smtplib.SMTPAuthenticationError as error:
            # A wrong password is the installation's mistake and will be mended; the message is not at fault.
            raise TemporaryFailure(f"The mail server refused our log-in ({error.smtp_code})") from error
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _failure(code, said) from error
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            raise TemporaryFailure(f"{type(error).__name__}: {error}") from error

    def _mail(self, parcel: Parcel, to: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self.sender
        mail["To"] = to
        mail["Subject"] = parcel.title
        mail["Date"] = format_datetime(parcel.at)
        mail["Message-ID"] = parcel.message_id
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(parcel.body)
        return mail


def _failure(code: int, said: bytes | str) -> Exception:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    sentence = f"The mail server answered {code} {text[:200]}"
    return PermanentFailure(sentence) if code >= _PERMANENT_FROM else TemporaryFailure(sentence)
