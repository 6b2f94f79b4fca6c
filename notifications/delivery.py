"""The round that turns owed messages into delivered ones.

One round: take what is owed and due (which leases it, so that two workers never send the same), write the notice in the application
(always, and first), then send by each channel, noting before and after. A crash between sending and noting sends once more with
the same Message-ID. What fails for now is tried again after a growing pause; what fails for good, or too often, is marked as
failed where an administrator sees it. Of several stages of one delay that are owed at once, as after an outage, only the last is told.
"""

from __future__ import annotations

import logging
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from notifications.channels import (
    Addressee,
    FileChannel,
    MailChannel,
    Parcel,
    PermanentFailure,
    TemporaryFailure,
    message_id_of,
)
from notifications.templates import personal_data_in, render, template_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from notifications.channels import Channel
    from notifications.templates import Text

_LOG = logging.getLogger(__name__)

SENT, FAILED, OWED = "SENT", "FAILED", "OWED"


class Recipient(Protocol):
    """One person a message reaches, and why: the post they hold, or that it is theirs."""

    @property
    def person_id(self) -> int:
        """The person."""

    @property
    def staff_no(self) -> str:
        """The name they log in with."""

    @property
    def reason(self) -> str:
        """Why they are told, in a few words: the post they hold."""


class OwedMessage(Protocol):
    """A message as the engine hands it out: leased to this round, its addressees looked up at this moment."""

    @property
    def key(self) -> str:
        """The dedupe key: owed once, delivered once."""

    @property
    def kind(self) -> str:
        """Which template it takes."""

    @property
    def case_id(self) -> int | None:
        """The case it is about, if any."""

    @property
    def task_no(self) -> int | None:
        """The task of the case it is about, if any."""

    @property
    def content(self) -> Mapping[str, Any]:
        """Numbers and step names, as owed."""

    @property
    def created_at(self) -> datetime:
        """When it was owed."""

    @property
    def attempts(self) -> int:
        """How often it has been taken, this time included."""

    @property
    def recipients(self) -> Sequence[Recipient]:
        """Who holds the post now, or the one person."""

    @property
    def sent(self) -> Collection[tuple[int, str]]:
        """The (person, channel) pairs that went out in an earlier round."""

    @property
    def failed(self) -> Collection[tuple[int, str]]:
        """The (person, channel) pairs that failed for good in an earlier round."""


class Outbox(Protocol):
    """What the engine's front door offers the delivery; each verb is one transaction."""

    def take_messages(self, *, now: datetime, limit: int, lease_seconds: int) -> Sequence[OwedMessage]:
        """Lease the messages owed at `now`, oldest first; nobody else gets them until the lease ends.

        With each comes whatever else is owed about the same case, beyond `limit`, so that a delay's stages stay together.
        """

    def post_notice(
        self,
        message_key: str,
        *,
        person_id: int,
        kind: str,
        case_id: int | None,
        task_no: int | None,
        title_zh: str,
        title_en: str,
        reason: str,
        now: datetime,
    ) -> None:
        """Write a notice into a person's notice centre; the same one again changes nothing."""

    def begin_delivery(self, message_key: str, *, person_id: int, channel: str, message_id: str, now: datetime) -> None:
        """Note that a sending is about to happen."""

    def end_delivery(self, message_key: str, *, person_id: int, channel: str, state: str, error: str | None) -> None:
        """Note how a sending ended: SENT, FAILED, or SENDING still, with the error of this attempt."""

    def settle_message(self, message_key: str, *, state: str, next_at: datetime, error: str | None) -> None:
        """Close a message as SENT or FAILED, or leave it OWED until `next_at`."""


class Engine(Protocol):
    """An engine as the runner hands it to its handlers."""

    @property
    def outbox(self) -> Outbox:
        """The door to what is owed."""


@dataclass(frozen=True, slots=True)
class RetryPauses:
    """How long to wait after a failed attempt: doubling from the first pause to the longest, plus up to a quarter by chance.

    `jitter` gives numbers from 0 up to 1; it spreads what failed together, and decides nothing else.
    """

    first_seconds: int = 60
    longest_seconds: int = 6 * 60 * 60
    most_attempts: int = 10
    jitter: Callable[[], float] = field(default=random.random)

    def after(self, attempts: int) -> timedelta:
        """Return the pause after so many attempts."""
        pause = min(self.first_seconds << min(attempts - 1, 30), self.longest_seconds)
        return timedelta(seconds=pause + int(pause * self.jitter()) // 4)


@dataclass(frozen=True, slots=True)
class Report:
    """What a round did, in messages."""

    sent: int = 0
    failed: int = 0
    postponed: int = 0
    superseded: int = 0

    @property
    def taken(self) -> int:
        """How many messages the round had in hand; none means there is nothing to do for now."""
        return self.sent + self.failed + self.postponed + self.superseded


@dataclass(frozen=True, slots=True)
class Postman:
    """Delivers what is owed: always in the application, and by the channels there are."""

    channels: Sequence[Channel] = ()
    base_url: str = ""
    pauses: RetryPauses = RetryPauses()
    mail_domain: str = "bangfu.invalid"
    batch: int = 50
    lease_seconds: int = 600
    failures_until_silence: int = 3

    def deliver(self, outbox: Outbox, now: datetime) -> Report:
        """Go one round: every message owed and due at `now`, up to a batch. Safe to run anywhere, at any time, again."""
        round_ = _Round(self, outbox, now)
        messages = outbox.take_messages(now=now, limit=self.batch, lease_seconds=self.lease_seconds)
        current = _current(messages)
        outcomes: Counter[str] = Counter()
        for message in messages:
            try:
                outcome = round_.deliver(message) if message.key in current else round_.supersede(message)
            except Exception:  # noqa: BLE001  (the edge of a sweep: logged with its key, and the rest goes on)
                # Ours, not the channel's: the lease runs out and the message comes round again.
                _LOG.exception("Message %s could not be delivered", message.key)
                outcome = "postponed"
            outcomes[outcome] += 1
        return Report(**outcomes)

    def __call__(self, engine: Engine, now: datetime) -> Report:
        """Go one round for an engine: so a postman can be registered as the runner's handler as he is."""
        return self.deliver(engine.outbox, now)

    def round_for(self, engine: Engine, clock: Callable[[], datetime]) -> Callable[[], int]:
        """Return one round as the embedded runner takes it: no arguments, and how many messages it settled."""

        def deliver_what_is_owed() -> int:
            report = self(engine, clock())
            return report.taken - report.postponed

        return deliver_what_is_owed

    def link(self, message: OwedMessage) -> str:
        """Return where the message leads after log-in; empty if the site has no address yet or there is no case."""
        if not self.base_url or message.case_id is None:
            return ""
        task = f"?task={message.case_id}-{message.task_no}" if message.task_no is not None else ""
        return f"{self.base_url.rstrip('/')}/cases/{message.case_id}{task}"


class _Round:
    """One round's memory: which channels have gone silent, so that one dead server does not hold up the rest."""

    def __init__(self, postman: Postman, outbox: Outbox, now: datetime) -> None:
        self._postman = postman
        self._outbox = outbox
        self._now = now
        self._failures: Counter[str] = Counter()

    def deliver(self, message: OwedMessage) -> str:
        text = render(message.kind, message.content)
        self._tell_in_the_application(message, text)
        errors: list[str] = []
        pending: list[tuple[Recipient, Channel, str]] = []
        if not message.recipients:
            errors.append("Nobody holds the post this message is for")
        for recipient in message.recipients:
            for channel in self._postman.channels:
                error, is_final = self._send(message, recipient, channel, text)
                if error is not None:
                    errors.append(f"{channel.name}: {error}")
                if error is not None and not is_final:
                    pending.append((recipient, channel, error))
        return self._settle(message, errors, pending)

    def supersede(self, message: OwedMessage) -> str:
        self._outbox.settle_message(
            message.key, state=SENT, next_at=self._now, error="Superseded by a later stage of the same delay"
        )
        return "superseded"

    def _tell_in_the_application(self, message: OwedMessage, text: Text) -> None:
        for recipient in message.recipients:
            self._outbox.post_notice(
                message.key,
                person_id=recipient.person_id,
                kind=message.kind,
                case_id=message.case_id,
                task_no=message.task_no,
                title_zh=text.title_zh,
                title_en=text.title_en,
                reason=recipient.reason,
                now=self._now,
            )

    def _send(
        self, message: OwedMessage, recipient: Recipient, channel: Channel, text: Text
    ) -> tuple[str | None, bool]:
        """Send to one person by one channel; return the error, if any, and whether it is final."""
        to = Addressee(recipient.person_id, recipient.staff_no)
        if (to.person_id, channel.name) in {*message.sent, *message.failed} or not channel.serves(to):
            return None, True
        if self._failures[channel.name] >= self._postman.failures_until_silence:
            return "not tried, the channel failed several times in this round", False
        message_id = message_id_of(message.key, to.person_id, channel.name, self._postman.mail_domain)
        parcel = Parcel(message_id, to, f"【帮扶】{text.title_zh}", self._body(message, text), self._now)
        self._outbox.begin_delivery(
            message.key, person_id=to.person_id, channel=channel.name, message_id=message_id, now=self._now
        )
        state, error = SENT, None
        try:
            _look_through(parcel)
            channel.send(parcel)
        except TemporaryFailure as failure:
            self._failures[channel.name] += 1
            state, error = "SENDING", str(failure)
        except PermanentFailure as failure:
            state, error = FAILED, str(failure)
        else:
            self._failures[channel.name] = 0
        self._outbox.end_delivery(message.key, person_id=to.person_id, channel=channel.name, state=state, error=error)
        return error, state != "SENDING"

    def _body(self, message: OwedMessage, text: Text) -> str:
        link = self._postman.link(message)
        parts = [text.body_zh, text.title_en, text.body_en, link]
        return "\n\n".join(part for part in parts if part)

    def _settle(self, message: OwedMessage, errors: list[str], pending: list[tuple[Recipient, Channel, str]]) -> str:
        error = "; ".join(dict.fromkeys(errors)) or None
        pauses = self._postman.pauses
        waits = bool(pending) or not message.recipients
        if waits and message.attempts < pauses.most_attempts:
            next_at = self._now + pauses.after(message.attempts)
            self._outbox.settle_message(message.key, state=OWED, next_at=next_at, error=error)
            return "postponed"
        for recipient, channel, why in pending:
            self._outbox.end_delivery(
                message.key, person_id=recipient.person_id, channel=channel.name, state=FAILED, error=why
            )
        # A failure of an earlier round is settled by now and raises no error here, but the message is no success.
        state = FAILED if error or message.failed else SENT
        self._outbox.settle_message(message.key, state=state, next_at=self._now, error=error)
        return "sent" if state == SENT else "failed"


def _look_through(parcel: Parcel) -> None:
    found = personal_data_in(f"{parcel.title}\n{parcel.body}")
    if found is not None:
        raise PermanentFailure(f"Withheld: the text seems to carry personal data ({found})")


def _current(messages: Sequence[OwedMessage]) -> set[str]:
    """The messages that still tell the present: of the stages of one delay to one person, only the highest."""
    highest: dict[tuple[object, ...], OwedMessage] = {}
    for message in messages:
        rank = template_of(message.kind).rank
        people = tuple(sorted(recipient.person_id for recipient in message.recipients))
        about = (message.case_id, message.task_no, people) if rank and people else (message.key,)
        known = highest.get(about)
        if known is None or (rank, message.created_at) >= (template_of(known.kind).rank, known.created_at):
            highest[about] = message
    return {message.key for message in highest.values()}


def postman_from_environment(environ: Mapping[str, str] | None = None) -> Postman:
    """Return the postman of this installation, with the channels the environment names.

    `BANGFU_MAIL_URL` is smtp://[user:password@]host[:port]?from=ADDRESS&domain=DOMAIN[&starttls=1] (a person's address is their
    staff number at DOMAIN), `BANGFU_NOTICE_FILE` a file for JSON lines, `BANGFU_BASE_URL` the site's own address for links. ValueError
    if the mail URL is not whole. Without any of them, notices appear in the application only.
    """
    env = os.environ if environ is None else environ
    channels: list[Channel] = []
    domain = "bangfu.invalid"
    if env.get("BANGFU_MAIL_URL"):
        channel, domain = _mail_channel(env["BANGFU_MAIL_URL"])
        channels.append(channel)
    if env.get("BANGFU_NOTICE_FILE"):
        channels.append(FileChannel(Path(env["BANGFU_NOTICE_FILE"])))
    return Postman(channels=tuple(channels), base_url=env.get("BANGFU_BASE_URL", ""), mail_domain=domain)


def _mail_channel(url: str) -> tuple[MailChannel, str]:
    parts = urlsplit(url)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme != "smtp" or not parts.hostname or not asked.get("from") or not asked.get("domain"):
        raise ValueError("Expected BANGFU_MAIL_URL as smtp://host:port?from=ADDRESS&domain=DOMAIN")
    domain = asked["domain"]
    channel = MailChannel(
        host=parts.hostname,
        port=parts.port or 25,
        sender=asked["from"],
        address_of=lambda addressee: f"{addressee.staff_no}@{domain}" if addressee.staff_no else None,
        starttls=asked.get("starttls") == "1",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
    return channel, domain
