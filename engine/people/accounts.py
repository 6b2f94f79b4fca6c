"""Logging in and staying logged in: passwords, sessions, the post one acts in, and proving oneself once more before signing.

Each verb is one transaction with its audit event; hashing happens between transactions, so that nobody holds a lock for a tenth of a
second. A session is a row: the cookie carries 32 random bytes, the row only their hash, and revoking the row ends it at the next
request. What a session may do is decided elsewhere, by the actor it leads to (:mod:`engine.people.jurisdiction`). Unknown account,
wrong password and account without a password are one answer after one length of time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from engine.audit.writing import append
from engine.errors import Message, NotFound, NotPermitted
from engine.instants import from_text, local_date, to_text
from engine.model import person as person_table
from engine.model import session as session_table
from engine.people import passwords, throttle
from engine.people.persons import STAFF_NO, find_person
from engine.people.posts import Post, posts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.database import Database
    from engine.people.actor import Actor
    from engine.people.organisation import Organisation

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
_SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last request is known: a write for every page would cost more than it tells."""
_TOKEN_BYTES = 32
_LONGEST_CLIENT = 200


@dataclass(frozen=True, slots=True)
class LogIn:
    """What a successful log-in answers; the token is shown this once and kept nowhere."""

    token: str
    person_id: int
    name: str
    posts: tuple[Post, ...]
    must_change_password: bool
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionView:
    """An open session: who, in which post (None until one is chosen), and when it ends at the latest."""

    token_hash: str
    person_id: int
    name: str
    staff_no: str
    post_id: int | None
    posts: tuple[Post, ...]
    must_change_password: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime

    @property
    def post(self) -> Post | None:
        """The post chosen, while it runs."""
        return next((post for post in self.posts if post.id == self.post_id), None)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One line of "my sessions"."""

    token_hash: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    client: str


@dataclass(frozen=True, slots=True)
class Proof:
    """That a person proved themselves at a moment; holds for one act, which the nonce tells apart."""

    person_id: int
    method: str
    at: datetime
    nonce: str


class Accounts:
    """The door for everybody: log in, choose a post, log out, prove oneself."""

    def __init__(self, database: Database, clock: Callable[[], datetime], organisation: Organisation) -> None:
        self._database = database
        self._clock = clock
        self._organisation = organisation

    # ---- logging in and out ----------------------------------------------------------------------------------------

    def log_in(self, staff_no: str, password: str, *, address: str, client: str = "") -> LogIn:
        """Open a session with a staff number and a password.

        `address` is the client's network address, `client` what one recognises a browser by. NotPermitted with rule "log_in" says that
        the two do not belong together, and no more; with rule "throttled" how long to wait.
        """
        staff_no = staff_no.strip()
        now = self._clock()
        self._count_tries(staff_no, address, now)
        with self._database.reading() as connection:
            row = _find_account(connection, staff_no)
        stored = row.password_hash if row is not None and row.deactivated_at is None else passwords.UNUSABLE
        if not passwords.matches(password, stored):
            self._note_failure(None if row is None else row.id, staff_no, address, now)
            raise NotPermitted(
                Message("工号或密码不正确", "The staff number and the password do not belong together"), rule="log_in"
            )
        fresh_hash = passwords.hash_password(password) if passwords.needs_new_hash(stored) else stored
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._database.transaction() as connection:
            # Looked at again inside: the account may have been closed, or its password changed, while we were hashing.
            row = _find_account(connection, staff_no)
            if row is None or row.deactivated_at is not None or row.password_hash != stored:
                raise NotPermitted(
                    Message("工号或密码不正确", "The staff number and the password do not belong together"),
                    rule="log_in",
                )
            throttle.forget(connection, throttle.account(staff_no))
            throttle.give_back(connection, throttle.address(address))
            posts = posts_of(connection, self._organisation, row.id, local_date(now))
            connection.execute(
                session_table.insert().values(
                    token_hash=hash_of(token),
                    person_id=row.id,
                    # Whoever has one post need not choose.
                    post_id=posts[0].id if len(posts) == 1 else None,
                    created_at=to_text(now),
                    last_seen_at=to_text(now),
                    expires_at=to_text(now + ABSOLUTE),
                    client=_plain(client),
                )
            )
            connection.execute(
                person_table.update()
                .where(person_table.c.id == row.id)
                .values(last_login_at=to_text(now), password_hash=fresh_hash)
            )
            self._append(connection, row.id, "logged_in", now, address=_plain(address), client=_plain(client))
        return LogIn(
            token=token,
            person_id=row.id,
            name=row.name,
            posts=posts,
            must_change_password=bool(row.must_change_password),
            last_login_at=from_text(row.last_login_at) if row.last_login_at else None,
        )

    def log_out(self, token: str) -> None:
        """End a session; one that is over already stays over."""
        now = self._clock()
        with self._database.transaction() as connection:
            row = connection.execute(
                select(session_table).where(session_table.c.token_hash == hash_of(token))
            ).one_or_none()
            if row is not None and _revoke(connection, row.token_hash, now):
                self._append(connection, row.person_id, "logged_out", now)

    # ---- sessions --------------------------------------------------------------------------------------------------

    def session(self, token: str) -> SessionView | None:
        """Return the session a token opens; None when it was never one, was revoked, or has run out."""
        now = self._clock()
        with self._database.reading() as connection:
            view = self._session(connection, hash_of(token), now)
        if view is not None and now - view.last_seen_at >= _SEEN_EVERY:
            with self._database.transaction() as connection:
                connection.execute(
                    session_table.update()
                    .where(session_table.c.token_hash == view.token_hash, session_table.c.revoked_at.is_(None))
                    .values(last_seen_at=to_text(now))
                )
        return view

    def choose_post(self, token: str, post_id: int) -> SessionView:
        """Act in one of one's posts from now on; NotFound when it is not one's own or does not run today."""
        now = self._clock()
        with self._database.transaction() as connection:
            view = self._session(connection, hash_of(token), now)
            if view is None:
                raise NotPermitted(
                    Message("登录已失效，请重新登录", "Your session has ended; please log in again"), rule="session"
                )
            post = next((post for post in view.posts if post.id == post_id), None)
            if post is None:
                raise NotFound(
                    Message(
                        "您没有这个岗位，或任期已结束", "Expected one of your current posts, found none of that number"
                    )
                )
            connection.execute(
                session_table.update().where(session_table.c.token_hash == view.token_hash).values(post_id=post_id)
            )
            self._append(
                connection, view.person_id, "post_chosen", now, region=post.region_code, post=post_id, role=post.role
            )
            chosen = self._session(connection, view.token_hash, now)
        if chosen is None:
            raise AssertionError("a session ended within its own transaction")
        return chosen

    def sessions(self, person_id: int) -> tuple[OpenSession, ...]:
        """Return a person's open sessions, the one last used first."""
        now = self._clock()
        columns = session_table.c
        statement = (
            select(session_table)
            .where(columns.person_id == person_id, columns.revoked_at.is_(None), columns.expires_at > to_text(now))
            .order_by(columns.last_seen_at.desc())
        )
        with self._database.reading() as connection:
            rows = connection.execute(statement.where(columns.last_seen_at > to_text(now - IDLE))).all()
        return tuple(
            OpenSession(
                token_hash=row.token_hash,
                created_at=from_text(row.created_at),
                last_seen_at=from_text(row.last_seen_at),
                expires_at=from_text(row.expires_at),
                client=row.client,
            )
            for row in rows
        )

    def revoke(self, person_id: int, token_hash: str) -> None:
        """End one of a person's sessions by the hash that :meth:`sessions` shows; NotFound when it is not theirs."""
        now = self._clock()
        with self._database.transaction() as connection:
            columns = session_table.c
            row = connection.execute(
                select(columns.token_hash).where(columns.token_hash == token_hash, columns.person_id == person_id)
            ).one_or_none()
            if row is None:
                raise NotFound(Message("没有这个登录", "Expected one of your sessions, found none with that number"))
            if _revoke(connection, token_hash, now):
                self._append(connection, person_id, "session_revoked", now, session=token_hash[:16])

    # ---- passwords -------------------------------------------------------------------------------------------------

    def change_password(self, person_id: int, old: str, new: str, *, keep_token: str = "") -> None:
        """Change one's own password; ends all other sessions (`keep_token` names the one to stay).

        NotPermitted when the old one is wrong (counted like a log-in), Invalid when the new one is not good enough.
        """
        person, stored = self._check_password(person_id, old)
        passwords.require_good(new, staff_no=person.staff_no, name=person.name)
        fresh = passwords.hash_password(new)
        now = self._clock()
        with self._database.transaction() as connection:
            changed = connection.execute(
                person_table.update()
                .where(person_table.c.id == person_id, person_table.c.password_hash == stored)
                .values(password_hash=fresh, must_change_password=False)
            )
            if changed.rowcount != 1:
                raise NotPermitted(Message("密码刚刚已被修改", "The password has just been changed"), rule="log_in")
            _revoke_all(connection, person_id, now, but=hash_of(keep_token))
            self._append(connection, person_id, "password_changed", now)

    def issue_password(self, person_id: int, *, by: Actor | None, must_change: bool = True) -> str:
        """Make up a password for somebody, end their sessions, and return it to be shown once; it is kept nowhere.

        An administrator starts this and does not choose the password (ASVS 6.4.6); its bearer must change it at the first log-in.
        `by` is empty only where an installation sets itself up.
        """
        password = passwords.make_password()
        fresh = passwords.hash_password(password)
        now = self._clock()
        with self._database.transaction() as connection:
            find_person(connection, person_id)
            connection.execute(
                person_table.update()
                .where(person_table.c.id == person_id)
                .values(password_hash=fresh, must_change_password=must_change)
            )
            _revoke_all(connection, person_id, now)
            append(
                connection,
                f"person:{person_id}",
                "password_issued",
                now,
                by,
                by.region_code if by is not None else "",
                person=person_id,
            )
        return password

    def prove(self, person_id: int, password: str) -> Proof:
        """Prove once more that one is who one is, for the signature that follows; wrong passwords count as at log-in."""
        self._check_password(person_id, password)
        return Proof(person_id, "password", self._clock(), secrets.token_hex(16))

    def sweep(self) -> int:
        """Delete throttle counters that no longer matter; return how many. Sessions stay, they tell who was in."""
        with self._database.transaction() as connection:
            return throttle.sweep(connection, self._clock())

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _count_tries(self, staff_no: str, address: str, now: datetime) -> None:
        with self._database.transaction() as connection:
            throttle.count_try(connection, throttle.account(staff_no), now)
            throttle.count_try(connection, throttle.address(address), now)

    def _note_failure(self, person_id: int | None, staff_no: str, address: str, now: datetime) -> None:
        with self._database.transaction() as connection:
            if person_id is not None:
                self._append(connection, person_id, "log_in_failed", now, address=_plain(address))
            else:
                # What was typed is not kept: people type their password into the wrong field.
                told = sha256(staff_no.encode("utf-8", "replace")).hexdigest()[:16]
                append(connection, "log_in", "log_in_failed", now, None, "", account=told, address=_plain(address))

    def _check_password(self, person_id: int, password: str) -> tuple[_Account, str]:
        now = self._clock()
        with self._database.reading() as connection:
            row = connection.execute(select(person_table).where(person_table.c.id == person_id)).one_or_none()
        if row is None or row.deactivated_at is not None:
            raise NotPermitted(Message("账号已停用", "The account is closed"), rule="session")
        tries = throttle.account(row.staff_no)
        with self._database.transaction() as connection:
            throttle.count_try(connection, tries, now)
        if not passwords.matches(password, row.password_hash):
            with self._database.transaction() as connection:
                self._append(connection, person_id, "proof_failed", now)
            raise NotPermitted(Message("密码不正确", "The password is not right"), rule="log_in")
        with self._database.transaction() as connection:
            throttle.forget(connection, tries)
        return _Account(row.staff_no, row.name), row.password_hash

    def _session(self, connection: Connection, token_hash: str, now: datetime) -> SessionView | None:
        columns = session_table.c
        row = connection.execute(
            select(
                session_table,
                person_table.c.name,
                person_table.c.staff_no,
                person_table.c.must_change_password,
            )
            .join(person_table, person_table.c.id == columns.person_id)
            .where(
                columns.token_hash == token_hash, columns.revoked_at.is_(None), person_table.c.deactivated_at.is_(None)
            )
        ).one_or_none()
        if row is None or row.expires_at <= to_text(now) or row.last_seen_at <= to_text(now - IDLE):
            return None
        posts = posts_of(connection, self._organisation, row.person_id, local_date(now))
        return SessionView(
            token_hash=row.token_hash,
            person_id=row.person_id,
            name=row.name,
            staff_no=row.staff_no,
            # A post that has ended cannot be acted in, whatever was chosen before.
            post_id=row.post_id if any(post.id == row.post_id for post in posts) else None,
            posts=posts,
            must_change_password=bool(row.must_change_password),
            created_at=from_text(row.created_at),
            last_seen_at=from_text(row.last_seen_at),
            expires_at=from_text(row.expires_at),
        )

    def _append(
        self, connection: Connection, person_id: int, kind: str, now: datetime, *, region: str = "", **body: str | int
    ) -> None:
        append(connection, f"person:{person_id}", kind, now, None, region, person=person_id, **body)


@dataclass(frozen=True, slots=True)
class _Account:
    staff_no: str
    name: str


def hash_of(token: str) -> str:
    """Return the hash under which a session token is kept."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _find_account(connection: Connection, staff_no: str) -> Row[Any] | None:
    # Whatever cannot be a staff number is not asked for: PostgreSQL refuses NUL, and nobody has such a number.
    wanted = staff_no if STAFF_NO.fullmatch(staff_no) else "?"
    return connection.execute(select(person_table).where(person_table.c.staff_no == wanted)).one_or_none()


def _revoke(connection: Connection, token_hash: str, now: datetime) -> bool:
    columns = session_table.c
    statement = session_table.update().where(columns.token_hash == token_hash, columns.revoked_at.is_(None))
    return connection.execute(statement.values(revoked_at=to_text(now))).rowcount == 1


def _revoke_all(connection: Connection, person_id: int, now: datetime, *, but: str = "") -> None:
    columns = session_table.c
    connection.execute(
        session_table.update()
        .where(columns.person_id == person_id, columns.revoked_at.is_(None), columns.token_hash != but)
        .values(revoked_at=to_text(now))
    )


def _plain(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())[:_LONGEST_CLIENT]
