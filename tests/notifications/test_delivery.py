"""From an owed message to a delivered one: once, with patience, and honest about what did not work."""

from __future__ import annotations

import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from engine import model
from engine.instants import from_text
from notifications import Postman, RetryPauses, postman_from_environment
from notifications.channels import (
    Addressee,
    FileChannel,
    MailChannel,
    Parcel,
    PermanentFailure,
    TemporaryFailure,
    message_id_of,
)

PATIENT = RetryPauses(jitter=lambda: 0.0)


def mail_to(controller, **changes) -> MailChannel:
    values = {
        "host": controller.hostname,
        "port": controller.server.sockets[0].getsockname()[1],
        "sender": "bangfu@gov.example",
        "address_of": lambda to: f"{to.staff_no}@gov.example",
        "timeout_seconds": 5.0,
    }
    return MailChannel(**{**values, **changes})


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Flaky:
    """A channel at the edge of the world that fails as it is told."""

    name = "flaky"

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.parcels: list[Parcel] = []
        self.tried = 0

    def serves(self, addressee: Addressee) -> bool:
        return addressee.person_id > 0

    def send(self, parcel: Parcel) -> None:
        self.tried += 1
        if self.failures:
            raise self.failures.pop(0)
        self.parcels.append(parcel)


# ---- once ----------------------------------------------------------------------------------------------------------------


def test_one_message_reaches_each_holder_of_the_post_once_in_the_application_and_by_mail(any_world, post_office):
    letterbox, controller = post_office
    key = any_world.owe()
    postman = Postman(channels=(mail_to(controller),), base_url="https://bangfu.example/")
    first = postman.deliver(any_world.outbox, any_world.now)
    second = postman.deliver(any_world.outbox, any_world.later(days=1))
    assert (first.sent, second.taken) == (1, 0)
    assert any_world.message(key).state == "SENT"
    assert any_world.notices_of(1) == any_world.notices_of(2) == ["待办：YLJZ-441424-2016-000123 镇级审核"]
    assert any_world.notices_of(3) == []
    assert [row.reason for row in any_world.rows(model.notice)] == ["华城镇民政办"] * 2
    assert sorted(mail["To"] for mail in letterbox.mails) == ["t001@gov.example", "t002@gov.example"]
    assert [row.state for row in any_world.rows(model.delivery)] == ["SENT", "SENT"]


def test_a_mail_says_what_where_and_until_when_in_both_languages_and_carries_a_link(world, post_office):
    letterbox, controller = post_office
    world.owe(role=None, person_id=1)
    Postman(channels=(mail_to(controller),), base_url="https://bangfu.example/").deliver(world.outbox, world.now)
    (mail,) = letterbox.mails
    assert mail["Subject"] == "【帮扶】待办：YLJZ-441424-2016-000123 镇级审核"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] == "Tue, 18 Oct 2016 01:00:00 +0000"
    text = mail.get_content()
    assert "镇级环节“镇级审核”。期限：2016年10月17日。" in text
    assert "Step “镇级审核”, township level. Due: 17 October 2016." in text
    assert "https://bangfu.example/cases/7?task=7-2" in text


def test_the_same_thing_owed_in_two_rounds_is_in_the_notice_centre_once(world):
    flaky = Flaky(TemporaryFailure("no"), TemporaryFailure("no"))
    world.owe()
    postman = Postman(channels=(flaky,), pauses=PATIENT)
    postman.deliver(world.outbox, world.now)
    postman.deliver(world.outbox, world.later(minutes=2))
    assert len(world.notices_of(1)) == 1
    assert len(flaky.parcels) == 2


def test_two_workers_at_the_same_time_send_nothing_twice(any_world, post_office):
    letterbox, controller = post_office
    for number in range(30):
        any_world.owe(key=f"8-{number}", task_no=number, role=None, person_id=1)
    postman = Postman(channels=(mail_to(controller),), batch=4)

    def work(_):
        sent = 0
        while report := postman.deliver(any_world.outbox, any_world.now).sent:
            sent += report
        return sent

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(work, range(4))) == 30
    assert len({mail["Message-ID"] for mail in letterbox.mails}) == len(letterbox.mails) == 30


def test_a_round_for_the_runner_tells_how_many_messages_it_settled(world):
    class Engine:
        outbox = world.outbox

    flaky = Flaky(TemporaryFailure("busy"))
    world.owe(key="1", role=None, person_id=1)
    world.owe(key="2", role=None, person_id=2)
    go_round = Postman(channels=(flaky,), pauses=PATIENT).round_for(Engine(), lambda: world.now)
    assert [go_round(), go_round()] == [1, 0]
    world.later(minutes=1)
    assert go_round() == 1


# ---- crashes -------------------------------------------------------------------------------------------------------------


def test_a_crash_between_sending_and_noting_it_sends_again_with_the_same_message_id(any_world, post_office):
    letterbox, controller = post_office
    key = any_world.owe(role=None, person_id=1)
    postman = Postman(channels=(mail_to(controller),))

    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    dying = type(
        "Dying", (), {"__getattr__": lambda _, name: getattr(any_world.outbox, name), "end_delivery": killed}
    )()
    with pytest.raises(Killed):
        postman.deliver(dying, any_world.now)
    assert any_world.message(key).state == "OWED"
    assert [row.state for row in any_world.rows(model.delivery)] == ["SENDING"]
    assert postman.deliver(any_world.outbox, any_world.later(minutes=5)).taken == 0  # still leased to the dead worker
    assert postman.deliver(any_world.outbox, any_world.later(minutes=6)).sent == 1
    assert len(letterbox.mails) == 2
    assert len({mail["Message-ID"] for mail in letterbox.mails}) == 1
    assert any_world.message(key).state == "SENT"
    assert len(any_world.notices_of(1)) == 1


def test_an_accident_with_one_message_does_not_hold_up_the_others(world, caplog):
    bad = world.owe(key="1", role=None, person_id=1, content="[]")
    good = world.owe(key="2", role=None, person_id=2)
    report = Postman().deliver(world.outbox, world.now)
    assert (report.sent, report.postponed) == (1, 1)
    assert world.message(bad).state == "OWED"
    assert world.message(good).state == "SENT"
    assert bad in caplog.text


# ---- retries -------------------------------------------------------------------------------------------------------------


def test_a_dead_mail_server_is_tried_again_after_growing_pauses_and_at_last_shown_as_failed(world):
    dead = MailChannel("127.0.0.1", free_port(), "bangfu@gov.example", lambda to: f"{to.staff_no}@gov.example", 2.0)
    key = world.owe(role=None, person_id=1)
    postman = Postman(channels=(dead,), pauses=replace(PATIENT, most_attempts=4))
    pauses = []
    while postman.deliver(world.outbox, world.now).postponed:
        before, world.now = world.now, from_text(world.message(key).next_at)
        pauses.append(int((world.now - before).total_seconds()))
    assert pauses == [60, 120, 240]
    message = world.message(key)
    assert (message.state, message.attempts) == ("FAILED", 4)
    assert "ConnectionRefusedError" in message.last_error
    (delivery,) = world.rows(model.delivery)
    assert delivery.state == "FAILED"
    assert "ConnectionRefusedError" in delivery.error
    assert len(world.notices_of(1)) == 1  # the application told them all the same, at once


def test_a_server_that_recovers_gets_what_waited(world, post_office):
    letterbox, controller = post_office
    letterbox.answer = "451 try later"
    key = world.owe(role=None, person_id=1)
    postman = Postman(channels=(mail_to(controller),), pauses=PATIENT)
    assert postman.deliver(world.outbox, world.now).postponed == 1
    assert "451" in world.message(key).last_error
    letterbox.answer = "250 OK"
    assert postman.deliver(world.outbox, world.later(seconds=59)).taken == 0
    assert postman.deliver(world.outbox, world.later(seconds=1)).sent == 1
    assert len(letterbox.mails) == 1
    assert (world.message(key).state, world.message(key).last_error) == ("SENT", None)


def test_a_mailbox_that_does_not_exist_fails_at_once_for_that_person_only(world, post_office):
    letterbox, controller = post_office
    letterbox.refuse_recipient = "t001"
    key = world.owe()
    report = Postman(channels=(mail_to(controller),)).deliver(world.outbox, world.now)
    assert report.failed == 1
    assert [mail["To"] for mail in letterbox.mails] == ["t002@gov.example"]
    assert [(row.person_id, row.state) for row in world.rows(model.delivery)] == [(1, "FAILED"), (2, "SENT")]
    assert "550" in world.message(key).last_error


def test_who_got_it_in_the_first_round_gets_it_in_no_later_one(any_world):
    flaky = Flaky()
    flaky.failures = [TemporaryFailure("busy")]  # for person 1; person 2 is served
    any_world.owe()
    postman = Postman(channels=(flaky,), pauses=PATIENT)
    assert postman.deliver(any_world.outbox, any_world.now).postponed == 1
    assert postman.deliver(any_world.outbox, any_world.later(minutes=1)).sent == 1
    assert [parcel.addressee.person_id for parcel in flaky.parcels] == [2, 1]


def test_a_failure_of_an_earlier_round_is_not_forgotten_by_a_later_success(world):
    flaky = Flaky(PermanentFailure("gone"), TemporaryFailure("busy"))
    key = world.owe()
    postman = Postman(channels=(flaky,), pauses=PATIENT)
    assert postman.deliver(world.outbox, world.now).postponed == 1
    assert postman.deliver(world.outbox, world.later(minutes=1)).failed == 1
    assert world.message(key).state == "FAILED"


def test_a_channel_that_keeps_failing_is_left_alone_for_the_rest_of_the_round(world):
    flaky = Flaky(*[TemporaryFailure("down")] * 50)
    for number in range(10):
        world.owe(key=f"9-{number}", task_no=number, role=None, person_id=1)
    assert Postman(channels=(flaky,)).deliver(world.outbox, world.now).postponed == 10
    assert flaky.tried == 3
    assert len(world.notices_of(1)) == 10


def test_a_message_for_a_post_that_nobody_holds_waits_and_is_then_shown_as_failed(world):
    key = world.owe(role="TWN_FIN")
    postman = Postman(pauses=replace(PATIENT, most_attempts=2))
    assert postman.deliver(world.outbox, world.now).postponed == 1
    assert postman.deliver(world.outbox, world.later(minutes=1)).failed == 1
    assert world.message(key).last_error == "Nobody holds the post this message is for"


def test_whoever_takes_the_post_in_the_meantime_gets_what_waited(world):
    key = world.owe(role="TWN_FIN")
    Postman(pauses=PATIENT).deliver(world.outbox, world.now)
    with world.database.transaction() as connection:
        connection.execute(update(model.post).where(model.post.c.person_id == 3).values(role="TWN_FIN"))
    assert Postman(pauses=PATIENT).deliver(world.outbox, world.later(minutes=1)).sent == 1
    assert world.message(key).state == "SENT"
    assert len(world.notices_of(3)) == 1


def test_pauses_double_up_to_the_longest_and_jitter_adds_less_than_a_quarter():
    pauses = RetryPauses(jitter=lambda: 0.0)
    assert [pauses.after(n).total_seconds() for n in (1, 2, 3, 9, 10, 400)] == [60, 120, 240, 15360, 21600, 21600]
    most = RetryPauses(jitter=lambda: 0.999999)
    assert 60 < most.after(1).total_seconds() < 75
    assert 21600 < most.after(99).total_seconds() < 27000


# ---- after an outage -----------------------------------------------------------------------------------------------------


def test_after_ten_days_down_each_person_is_told_the_present_stage_and_not_the_whole_story(any_world):
    for seq, kind in enumerate(("reminder", "yellow_card", "red_card", "takeover")):
        any_world.owe(kind, key=f"7-{seq}")
    any_world.owe("yellow_card", key="7-9-lead", role="TWN_LEADER")
    report = Postman().deliver(any_world.outbox, any_world.now)
    assert (report.sent, report.superseded) == (2, 3)
    assert any_world.notices_of(1) == ["督办：YLJZ-441424-2016-000123 镇级审核"]
    assert any_world.notices_of(3) == ["黄牌：YLJZ-441424-2016-000123 镇级审核 已超期"]
    assert {row.state for row in any_world.rows(model.message)} == {"SENT"}
    assert "Superseded" in any_world.message("7-1-yellow_card").last_error


def test_the_stages_of_one_delay_stay_together_however_small_the_batch(any_world):
    for seq, kind in enumerate(("reminder", "yellow_card", "red_card")):
        any_world.owe(kind, key=f"7-{seq}")
        any_world.later(minutes=1)
        any_world.owe("task_arrived", key=f"8-{seq}", case_id=8 + seq)
    assert Postman(batch=1).deliver(any_world.outbox, any_world.now).superseded == 2
    assert any_world.notices_of(1) == ["红牌：YLJZ-441424-2016-000123 镇级审核 已转本级负责人"]


def test_messages_for_different_posts_that_nobody_holds_do_not_replace_one_another(world):
    world.owe("yellow_card", key="7-1", role="TWN_FIN")
    world.owe("red_card", key="7-2", role="TWN_BUILD")
    assert Postman().deliver(world.outbox, world.now).postponed == 2


def test_stages_of_different_tasks_do_not_replace_one_another(world):
    world.owe("reminder", key="7-1", task_no=2)
    world.owe("yellow_card", key="7-2", task_no=3)
    assert Postman().deliver(world.outbox, world.now).sent == 2


# ---- the channels --------------------------------------------------------------------------------------------------------


def parcel(**changes) -> Parcel:
    values = {
        "message_id": "<a@b>",
        "addressee": Addressee(1, "t001"),
        "title": "标题",
        "body": "正文",
        "at": datetime(2016, 10, 18, 1, 0, tzinfo=UTC),
    }
    return Parcel(**{**values, **changes})


def test_the_file_channel_writes_a_line_of_json_each(tmp_path):
    channel = FileChannel(tmp_path / "out" / "notices.jsonl")
    channel.send(parcel())
    channel.send(parcel(title="第二条\n换行"))
    lines = [json.loads(line) for line in channel.path.read_text(encoding="utf-8").splitlines()]
    assert [line["title"] for line in lines] == ["标题", "第二条\n换行"]
    assert lines[0]["to"] == "t001"


def test_a_file_that_cannot_be_written_is_a_failure_for_now(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(TemporaryFailure):
        FileChannel(tmp_path / "taken" / "notices.jsonl").send(parcel())


def test_a_step_name_cannot_become_a_second_header(post_office):
    letterbox, controller = post_office
    with pytest.raises(PermanentFailure):
        mail_to(controller).send(parcel(title="a\nBcc: x@y.example"))
    with pytest.raises(PermanentFailure):
        mail_to(controller, address_of=lambda _: None).send(parcel())
    assert letterbox.mails == []


def test_a_silent_mail_server_is_given_up_after_the_timeout():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        channel = MailChannel("127.0.0.1", silent.getsockname()[1], "a@b.example", lambda _: "c@d.example", 0.2)
        with pytest.raises(TemporaryFailure):
            channel.send(parcel())


def test_a_wrong_log_in_is_our_mistake_and_not_the_messages(monkeypatch, post_office):
    _, controller = post_office

    def refuse(*_, **__):
        raise smtplib.SMTPAuthenticationError(535, b"bad credentials")

    monkeypatch.setattr(smtplib.SMTP, "login", refuse)
    with pytest.raises(TemporaryFailure, match="535"):
        mail_to(controller, user="u", password="p").send(parcel())


def test_a_message_id_depends_only_on_message_person_and_channel():
    one = message_id_of("7-3-task_arrived", 1, "mail", "gov.example")
    assert one == message_id_of("7-3-task_arrived", 1, "mail", "gov.example")
    assert re.fullmatch(r"<[0-9a-f]{32}@gov\.example>", one)
    others = {
        message_id_of("7-3-task_arrived", 2, "mail"),
        message_id_of("7-3-reminder", 1, "mail"),
        message_id_of("7-3-task_arrived", 1, "file"),
    }
    assert len(others | {one}) == 4


def test_the_environment_names_the_channels(tmp_path):
    postman = postman_from_environment(
        {
            "BANGFU_MAIL_URL": "smtp://us%40er:p%3Aw@mail.gov.example:2525?from=bangfu@gov.example&domain=gov.example&starttls=1",
            "BANGFU_NOTICE_FILE": str(tmp_path / "n.jsonl"),
            "BANGFU_BASE_URL": "https://bangfu.example",
        }
    )
    mail, file = postman.channels
    assert (mail.host, mail.port, mail.user, mail.password, mail.starttls) == (
        "mail.gov.example",
        2525,
        "us@er",
        "p:w",
        True,
    )
    assert mail.address_of(Addressee(1, "t001")) == "t001@gov.example"
    assert not mail.serves(Addressee(1, ""))
    assert file.path == tmp_path / "n.jsonl"
    assert postman_from_environment({}).channels == ()


@pytest.mark.parametrize("url", ["mail.gov.example", "smtp://mail.gov.example", "http://h?from=a&domain=b"])
def test_a_mail_setting_that_is_not_whole_is_refused_at_start(url):
    with pytest.raises(ValueError, match="BANGFU_MAIL_URL"):
        postman_from_environment({"BANGFU_MAIL_URL": url})


WORKER = """
import sys
from datetime import datetime
from engine.database import Database
from notifications import Postman
from notifications.channels import MailChannel
from engine.outbox import Outbox
url, port, now = sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
mail = MailChannel("127.0.0.1", port, "bangfu@gov.example", lambda to: f"{to.staff_no}@gov.example")
postman = Postman(channels=(mail,), batch=10)
while postman.deliver(Outbox(Database(url)), now).taken:
    pass
"""


def test_workers_killed_in_the_middle_lose_nothing_and_double_at_most_one_mail_each(any_world, post_office):
    letterbox, controller = post_office
    for number in range(12):
        any_world.owe(key=f"5-{number}", task_no=number, role=None, person_id=1 + number % 3)
    url = any_world.database.url.render_as_string(hide_password=False)
    port = controller.server.sockets[0].getsockname()[1]
    deaths = 0
    while any(row.state == "OWED" for row in any_world.rows(model.message)):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, url, str(port), any_world.now.isoformat()],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )
        # It dies when the server has the fifth mail of its life but has not thanked for it.
        letterbox.kill_at = (len(letterbox.mails) + 5, worker.pid)
        deaths += worker.wait() == -signal.SIGKILL
        any_world.later(minutes=11)
    received = Counter(mail["Message-ID"] for mail in letterbox.mails)
    assert len(received) == 12
    assert deaths == 2
    assert sum(received.values()) - 12 <= deaths
    assert [len(any_world.notices_of(person)) for person in (1, 2, 3)] == [4, 4, 4]
