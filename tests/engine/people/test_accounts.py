"""Accounts as their people meet them: logging in, the brake on guessing, sessions that end, and proving oneself once more."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from engine.errors import Invalid, NotFound, NotPermitted
from engine.instants import local_date
from engine.model import audit_event, login_throttle, person, post, session
from engine.people import passwords, throttle
from engine.people.accounts import Accounts, hash_of
from engine.people.organisation import Organisation
from engine.people.persons import create_person, deactivate
from engine.people.posts import end_post
from engine.settings import Settings

ADDRESS = "10.1.2.3"
PASSWORD = "tjjk-rd84-sud7"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    """Let a hash cost next to nothing here; what it must cost is test_passwords.py's."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Office:
    """Accounts with two people: 张明华 holds two posts, 李志强 one."""

    def __init__(self, database, clock, keyring):
        self.database, self.clock = database, clock
        organisation = Organisation.from_folder(Settings.from_environment().workflows)
        self.accounts = Accounts(database, clock, organisation)
        with database.transaction() as connection:
            people = [("zmh-01", "张明华"), ("lzq-02", "李志强")]
            self.zhang, self.li = (
                create_person(
                    connection,
                    staff_no=staff_no,
                    name=name,
                    id_hash=keyring.person_hash(staff_no),
                    now=clock(),
                    password_hash=passwords.hash_password(PASSWORD),
                )
                for staff_no, name in people
            )
            posts = [(self.zhang, "TWN_CIVIL"), (self.zhang, "TWN_POV"), (self.li, "TWN_FIN")]
            self.posts = [
                connection.execute(
                    post.insert()
                    .values(person_id=number, role=role, region_code="441424104", body="华城镇", from_date="2018-01-01")
                    .returning(post.c.id)
                ).scalar_one()
                for number, role in posts
            ]

    def log_in(self, staff_no="zmh-01", password=PASSWORD, address=ADDRESS):
        return self.accounts.log_in(staff_no, password, address=address, client="Firefox")

    def fails(self, staff_no="zmh-01", password="wrong", address=ADDRESS):
        """Try to log in and return the rule that refused."""
        with pytest.raises(NotPermitted) as refusal:
            self.log_in(staff_no, password, address)
        return refusal.value.rule

    def events(self, person_id=None):
        statement = select(audit_event.c.kind).order_by(audit_event.c.at, audit_event.c.stream, audit_event.c.seq)
        if person_id is not None:
            statement = statement.where(audit_event.c.stream == f"person:{person_id}")
        with self.database.reading() as connection:
            return list(connection.execute(statement).scalars())

    def close_account(self, person_id):
        with self.database.transaction() as connection:
            deactivate(connection, person_id, now=self.clock())


@pytest.fixture
def office(database, clock, keyring):
    return Office(database, clock, keyring)


@pytest.fixture
def quick_office(sqlite_database, clock, keyring):
    """Return the same office where the database makes no difference."""
    return Office(sqlite_database, clock, keyring)


# ---- logging in ------------------------------------------------------------------------------------------------------


def test_staff_number_and_password_open_a_session_and_tell_the_posts(office):
    answer = office.log_in()
    assert (answer.person_id, answer.name, answer.must_change_password) == (office.zhang, "张明华", False)
    assert [post.role for post in answer.posts] == ["TWN_CIVIL", "TWN_POV"]
    assert answer.last_login_at is None
    view = office.accounts.session(answer.token)
    assert (view.person_id, view.staff_no, view.post_id) == (office.zhang, "zmh-01", None)


def test_the_last_log_in_is_told_at_the_next_one(quick_office):
    quick_office.log_in()
    before = quick_office.clock()
    quick_office.clock.advance(hours=20)
    assert quick_office.log_in().last_login_at == before


def test_whoever_has_one_post_need_not_choose(quick_office):
    answer = quick_office.log_in("lzq-02")
    assert quick_office.accounts.session(answer.token).post.role == "TWN_FIN"


def test_every_wrong_log_in_gets_the_same_answer(quick_office):
    office = quick_office
    with office.database.transaction() as connection:
        create_person(connection, staff_no="new-03", name="王新来", id_hash="b" * 64, now=office.clock())
    office.close_account(office.li)
    messages = set()
    for staff_no, password in [("zmh-01", "wrong"), ("nobody", PASSWORD), ("lzq-02", PASSWORD), ("new-03", "!")]:
        with pytest.raises(NotPermitted) as refusal:
            office.log_in(staff_no, password)
        messages.add((refusal.value.rule, refusal.value.message))
    assert len(messages) == 1


@pytest.mark.parametrize("odd", ["", " ", "\x00", "zmh-01\x00", "\ud800", "😀", "a" * 100_000, "' or 1=1 --", "?"])
def test_whatever_is_typed_as_staff_number_is_refused_and_never_an_accident(office, odd):
    assert office.fails(odd, odd) == "log_in"


def test_two_log_ins_get_two_tokens_and_the_database_keeps_neither(quick_office):
    tokens = {quick_office.log_in().token for _ in range(2)}
    assert len(tokens) == 2
    assert all(len(token) >= 43 for token in tokens)
    with quick_office.database.reading() as connection:
        stored = str(connection.execute(select(session)).all()) + str(connection.execute(select(audit_event)).all())
    assert not any(token in stored for token in tokens)
    assert PASSWORD not in stored


def test_log_ins_good_and_bad_are_audit_events(office):
    office.fails()
    token = office.log_in().token
    office.accounts.choose_post(token, office.posts[1])
    office.accounts.log_out(token)
    assert office.events(office.zhang) == ["log_in_failed", "logged_in", "post_chosen", "logged_out"]


def test_what_was_typed_into_the_wrong_field_is_not_kept(quick_office):
    quick_office.fails("my secret password", "zmh-01")
    with quick_office.database.reading() as connection:
        bodies = list(connection.execute(select(audit_event.c.body)).scalars())
    assert len(bodies) == 1
    assert "secret" not in bodies[0]
    assert json.loads(bodies[0])["kind"] == "log_in_failed"


def test_a_weaker_hash_of_old_is_made_anew_at_the_next_log_in(quick_office, monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=16, parallelism=1))
    quick_office.log_in()
    with quick_office.database.reading() as connection:
        stored = connection.execute(
            select(person.c.password_hash).where(person.c.id == quick_office.zhang)
        ).scalar_one()
    assert "m=16" in stored
    assert quick_office.log_in().name == "张明华"


def test_a_password_that_was_replaced_while_it_was_being_checked_opens_nothing(quick_office, monkeypatch):
    office = quick_office
    real = passwords.matches

    def replaced_meanwhile(password, stored):
        found = real(password, stored)
        monkeypatch.setattr(passwords, "matches", real)
        office.accounts.issue_password(office.zhang, by=None)
        return found

    monkeypatch.setattr(passwords, "matches", replaced_meanwhile)
    assert office.fails(password=PASSWORD) == "log_in"
    assert office.accounts.sessions(office.zhang) == ()


# ---- the brake -------------------------------------------------------------------------------------------------------


def test_after_five_wrong_passwords_even_the_right_one_must_wait(office):
    assert [office.fails() for _ in range(6)] == ["log_in"] * 5 + ["throttled"]
    assert office.fails(password=PASSWORD) == "throttled"
    office.clock.advance(minutes=15)
    assert office.log_in().name == "张明华"


def test_the_refusal_tells_how_long_to_wait(quick_office):
    for _ in range(5):
        quick_office.fails()
    quick_office.clock.advance(minutes=5, seconds=30)
    with pytest.raises(NotPermitted, match="10 minutes") as refusal:
        quick_office.log_in()
    assert "10 分钟" in refusal.value.message.zh


def test_knocking_does_not_lengthen_the_pause(quick_office):
    for _ in range(5):
        quick_office.fails()
    for _ in range(14):
        quick_office.clock.advance(minutes=1)
        assert quick_office.fails() == "throttled"
    quick_office.clock.advance(minutes=1)
    assert quick_office.log_in().name == "张明华"


def test_a_thousand_wrong_passwords_over_days_are_never_more_than_ten_in_a_quarter_of_an_hour(quick_office):
    tried = []
    for n in range(1000):
        quick_office.clock.advance(seconds=37 + n % 90)
        if quick_office.fails(address=f"10.0.{n // 50}.1") == "log_in":
            tried.append(quick_office.clock())
    assert len(tried) > 100
    for start in tried:
        assert sum(start <= moment < start + timedelta(minutes=15) for moment in tried) <= 10


def test_an_unknown_account_is_braked_like_a_known_one(quick_office):
    assert [quick_office.fails("nobody") for _ in range(6)] == [quick_office.fails("zmh-01") for _ in range(6)]


def test_guessing_over_many_accounts_is_braked_by_address(quick_office):
    rules = [quick_office.fails(f"guess-{n}") for n in range(throttle.PER_ADDRESS + 5)]
    assert rules.count("log_in") == throttle.PER_ADDRESS
    assert quick_office.fails("zmh-01", PASSWORD) == "throttled"
    assert quick_office.log_in(address="10.9.9.9").name == "张明华"


def test_ones_own_right_password_does_not_hide_guessing_at_others(quick_office):
    for n in range(throttle.PER_ADDRESS - 1):
        quick_office.fails(f"guess-{n}")
        if n % 10 == 0:
            quick_office.log_in("lzq-02")
    assert quick_office.fails("guess-last") == "log_in"
    assert quick_office.fails("guess-more") == "throttled"


def test_a_right_password_forgives_the_wrong_ones_before_it(quick_office):
    for _ in range(3):
        for _ in range(4):
            assert quick_office.fails() == "log_in"
        quick_office.log_in()


def test_tries_at_the_same_moment_are_all_counted(office):
    rules = []
    lock = threading.Lock()

    def guess(n):
        try:
            office.log_in("zmh-01", f"guess {n}")
        except NotPermitted as refusal:
            with lock:
                rules.append(refusal.rule)

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(rules) == ["log_in"] * 5 + ["throttled"] * 15


def test_counters_that_no_longer_matter_are_swept(quick_office):
    quick_office.fails()
    assert quick_office.accounts.sweep() == 0
    quick_office.clock.advance(minutes=16)
    assert quick_office.accounts.sweep() == 2
    with quick_office.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(login_throttle)).scalar_one() == 0


# ---- sessions --------------------------------------------------------------------------------------------------------


def test_a_session_ends_after_half_an_hour_of_silence(office):
    token = office.log_in().token
    for _ in range(4):
        office.clock.advance(minutes=29)
        assert office.accounts.session(token) is not None
    office.clock.advance(minutes=30)
    assert office.accounts.session(token) is None


def test_a_session_ends_after_twelve_hours_however_busy(quick_office):
    token = quick_office.log_in().token
    for _ in range(35):
        quick_office.clock.advance(minutes=20)
        assert quick_office.accounts.session(token) is not None
    quick_office.clock.advance(minutes=20)
    assert quick_office.accounts.session(token) is None


def test_a_busy_session_is_written_down_once_a_minute_and_not_for_every_page(quick_office):
    token = quick_office.log_in().token
    start = quick_office.clock()
    for _ in range(5):
        quick_office.clock.advance(seconds=10)
        assert quick_office.accounts.session(token).last_seen_at == start
    quick_office.clock.advance(seconds=10)
    quick_office.accounts.session(token)
    assert quick_office.accounts.session(token).last_seen_at == start + timedelta(seconds=60)


def test_a_token_that_was_logged_out_opens_nothing_again(office):
    token = office.log_in().token
    office.accounts.log_out(token)
    office.accounts.log_out(token)
    assert office.accounts.session(token) is None
    assert office.events(office.zhang).count("logged_out") == 1


@pytest.mark.parametrize("token", ["", "x", "\x00", "\ud800", "' or 1=1"])
def test_a_made_up_token_opens_nothing(quick_office, token):
    quick_office.log_in()
    assert quick_office.accounts.session(token) is None
    quick_office.accounts.log_out(token)


def test_the_hash_of_a_token_is_not_a_token(quick_office):
    token = quick_office.log_in().token
    assert quick_office.accounts.session(hash_of(token)) is None


def test_a_closed_account_has_no_session_any_more(office):
    token = office.log_in().token
    office.close_account(office.zhang)
    assert office.accounts.session(token) is None
    assert office.accounts.sessions(office.zhang) == ()


def test_one_sees_ones_sessions_and_ends_one_of_them(quick_office):
    office = quick_office
    first = office.log_in().token
    office.clock.advance(minutes=5)
    second = office.log_in().token
    listed = office.accounts.sessions(office.zhang)
    assert [one.token_hash for one in listed] == [hash_of(second), hash_of(first)]
    office.accounts.revoke(office.zhang, hash_of(first))
    assert office.accounts.session(first) is None
    assert office.accounts.session(second) is not None
    assert [one.token_hash for one in office.accounts.sessions(office.zhang)] == [hash_of(second)]


def test_nobody_ends_anothers_session(quick_office):
    token = quick_office.log_in().token
    with pytest.raises(NotFound):
        quick_office.accounts.revoke(quick_office.li, hash_of(token))
    assert quick_office.accounts.session(token) is not None


# ---- posts -----------------------------------------------------------------------------------------------------------


def test_one_chooses_among_ones_own_posts(office):
    token = office.log_in().token
    assert office.accounts.choose_post(token, office.posts[1]).post.role == "TWN_POV"
    assert office.accounts.session(token).post_id == office.posts[1]
    with pytest.raises(NotFound):
        office.accounts.choose_post(token, office.posts[2])
    assert office.accounts.session(token).post_id == office.posts[1]


def test_a_post_that_ended_is_no_longer_acted_in(quick_office):
    office = quick_office
    token = office.log_in("lzq-02").token
    with office.database.transaction() as connection:
        end_post(connection, office.posts[2], last_day=local_date(office.clock()) - timedelta(days=1))
    view = office.accounts.session(token)
    assert (view.post_id, view.post, view.posts) == (None, None, ())


def test_a_session_that_is_over_chooses_nothing(quick_office):
    token = quick_office.log_in().token
    quick_office.accounts.log_out(token)
    with pytest.raises(NotPermitted) as refusal:
        quick_office.accounts.choose_post(token, quick_office.posts[0])
    assert refusal.value.rule == "session"


# ---- passwords -------------------------------------------------------------------------------------------------------


def test_a_changed_password_replaces_the_old_one_and_ends_all_other_sessions(office):
    here, elsewhere = office.log_in().token, office.log_in().token
    office.accounts.change_password(office.zhang, PASSWORD, "correct horse battery", keep_token=here)
    assert office.accounts.session(here) is not None
    assert office.accounts.session(elsewhere) is None
    assert office.fails(password=PASSWORD) == "log_in"
    assert office.log_in(password="correct horse battery").name == "张明华"
    assert "password_changed" in office.events(office.zhang)


def test_a_password_is_changed_only_by_who_knows_the_old_one_and_to_a_good_one(quick_office):
    office = quick_office
    with pytest.raises(NotPermitted):
        office.accounts.change_password(office.zhang, "wrong", "correct horse battery")
    with pytest.raises(Invalid):
        office.accounts.change_password(office.zhang, PASSWORD, "short")
    assert office.log_in().name == "张明华"


def test_an_issued_password_is_shown_once_ends_sessions_and_must_be_changed(office):
    token = office.log_in().token
    issued = office.accounts.issue_password(office.zhang, by=None)
    assert office.accounts.session(token) is None
    answer = office.log_in(password=issued)
    assert answer.must_change_password
    assert office.accounts.session(answer.token).must_change_password
    office.accounts.change_password(office.zhang, issued, "correct horse battery")
    assert not office.log_in(password="correct horse battery").must_change_password
    with office.database.reading() as connection:
        stored = str(connection.execute(select(audit_event)).all()) + str(connection.execute(select(person)).all())
    assert issued not in stored


def test_no_password_is_issued_to_nobody(quick_office):
    with pytest.raises(NotFound):
        quick_office.accounts.issue_password(99, by=None)


# ---- proving oneself once more ---------------------------------------------------------------------------------------


def test_a_proof_names_the_person_and_the_moment_and_no_two_are_alike(office):
    first, second = (office.accounts.prove(office.zhang, PASSWORD) for _ in range(2))
    assert (first.person_id, first.method, first.at) == (office.zhang, "password", office.clock())
    assert first.nonce != second.nonce


def test_a_wrong_password_proves_nothing_and_counts_like_a_log_in(quick_office):
    office = quick_office
    for _ in range(5):
        with pytest.raises(NotPermitted):
            office.accounts.prove(office.zhang, "wrong")
    with pytest.raises(NotPermitted) as refusal:
        office.accounts.prove(office.zhang, PASSWORD)
    assert refusal.value.rule == "throttled"
    assert office.fails(password=PASSWORD) == "throttled"
    assert office.events(office.zhang).count("proof_failed") == 5


def test_a_closed_account_proves_nothing(quick_office):
    quick_office.close_account(quick_office.zhang)
    for number in (quick_office.zhang, 99):
        with pytest.raises(NotPermitted):
            quick_office.accounts.prove(number, PASSWORD)
