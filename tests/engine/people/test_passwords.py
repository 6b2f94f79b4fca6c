"""Passwords: argon2id, equal answers for accounts without one, what is good enough, and at most two hashes at once."""

from __future__ import annotations

import threading
import time

import pytest

from engine.errors import Conflict, Invalid
from engine.people import passwords


def test_a_password_matches_its_own_hash_and_no_other():
    stored = passwords.hash_password("horse battery 7")
    assert stored.startswith("$argon2id$")
    assert passwords.matches("horse battery 7", stored)
    assert not passwords.matches("horse battery 8", stored)


def test_the_settings_are_at_least_as_costly_as_the_recommended_ones():
    hasher = passwords._hasher
    assert hasher.memory_cost >= 64 * 1024
    assert hasher.time_cost >= 3


def test_nothing_matches_an_account_without_a_password_and_the_work_is_done_all_the_same(monkeypatch):
    verified = []
    real = passwords._hasher

    class Counting:
        def __getattr__(self, name):
            return getattr(real, name)

        def verify(self, stored, password):
            verified.append(stored)
            return real.verify(stored, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    assert not passwords.matches("anything", passwords.UNUSABLE)
    assert not passwords.matches(passwords.UNUSABLE, passwords.UNUSABLE)
    assert len(verified) == 2
    assert all(not real.check_needs_rehash(stored) for stored in verified)


def test_two_hashes_of_one_password_differ():
    assert passwords.hash_password("horse battery 7") != passwords.hash_password("horse battery 7")


def test_full_width_and_half_width_digits_are_the_same_password():
    assert passwords.matches("abc-１２３４", passwords.hash_password("abc-1234"))


@pytest.mark.parametrize("odd", ["", "\x00", "\ud800", "😀" * 10, "a" * 1_000_000])
def test_whatever_is_typed_is_an_answer_and_never_an_accident(odd):
    assert not passwords.matches(odd, passwords.UNUSABLE)


@pytest.mark.parametrize(
    "plain",
    [
        "short-1",
        "onlyletterswithoutanythingelse",
        "12345678901234",
        "1111111111a",
        "my-password-for-work",
        "zmh-441424-01 and more",
        "张明华的密码2018年",
        "x1" * 100,
    ],
)
def test_a_weak_password_is_refused_with_the_reason_at_its_field(plain):
    with pytest.raises(Invalid) as refusal:
        passwords.require_good(plain, staff_no="zmh-441424-01", name="张明华")
    assert refusal.value.fields["new_password"].zh


@pytest.mark.parametrize("plain", ["correct horse battery", "村口的老榕树 2018", "tjjk-rd84-sud7"])
def test_a_long_phrase_is_good_enough(plain):
    passwords.require_good(plain, staff_no="zmh-441424-01", name="张明华")


def test_made_up_passwords_are_good_enough_and_never_repeat():
    made = {passwords.make_password() for _ in range(500)}
    assert len(made) == 500
    for plain in made:
        passwords.require_good(plain, staff_no="zmh-441424-01", name="张明华")


def test_at_most_two_hashes_run_at_once(monkeypatch):
    running, most = [], []
    lock = threading.Lock()

    class Slow:
        def hash(self, password):
            with lock:
                running.append(password)
                most.append(len(running))
            time.sleep(0.01)
            with lock:
                running.remove(password)
            return "$argon2id$"

    monkeypatch.setattr(passwords, "_hasher", Slow())
    threads = [threading.Thread(target=passwords.hash_password, args=(f"password {n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 12
    assert max(most) <= 2


def test_who_cannot_be_served_in_time_is_asked_to_come_back(monkeypatch):
    monkeypatch.setattr(passwords, "_PATIENCE_SECONDS", 0.01)
    with passwords._place(), passwords._place(), pytest.raises(Conflict):
        passwords.hash_password("horse battery 7")
    assert passwords.hash_password("horse battery 7").startswith("$argon2id$")
