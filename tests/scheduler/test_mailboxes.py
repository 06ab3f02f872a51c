"""Mailboxes on a real IMAP server: every mail is one signal, over restarts and processes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.errors import NoSuchCase
from bot.cases.mail_server import Mailbox, MailSecurity
from bot.cases.source import Format, RecordCheck, Source
from bot.connectors.mail_servers import Login
from bot.desk.record_checks import RecordChecks
from scheduler.mailboxes import MailboxReader
from tests.connectors.mail import HOST, IMAP_LOGIN, Certificates, running_imap


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(certificates):
    with running_imap(certificates) as server:
        yield server


@pytest.fixture
def world(small_world):
    """Use one database: the mailbox is what is tried here."""
    return small_world


@pytest.fixture
def imap(server, request):
    """Give each test a folder of its own."""
    server.folder = f"Test {abs(hash(request.node.nodeid))}"
    with server.client() as client:
        client.create_folder(server.folder)
    return server


@pytest.fixture
def reader(imap, certificates, world):
    mailbox = Mailbox(
        host=HOST,
        port=imap.port,
        security=MailSecurity.STARTTLS,
        ca_file=certificates.authority,
        username_env="IMAP_USER",
        password_env="IMAP_PASSWORD",
        folder=imap.folder,
        since=timedelta(days=3650),
    )
    return MailboxReader(
        source=Source(name="support", format=Format.EMAIL, mailbox=mailbox),
        mailbox=mailbox,
        login=Login(*IMAP_LOGIN),
        positions=world.store.ticks,
        intake=world.desk.intake,
        clock=world.clock,
    )


def post(imap, number, *headers, text="The wine came warm."):
    lines = [
        "From: Ana Lima <ana@guest.example>",
        f"Subject: Table {number}: warm wine",
        f"Message-ID: <m{number}@guest.example>",
        *headers,
        "",
        text,
    ]
    imap.append("\r\n".join(lines).encode(), imap.folder)


def titles(world):
    titles = []
    while True:
        try:
            titles.append(world.store.cases.case(f"EX-{len(titles) + 1}").signal.title)
        except NoSuchCase:
            return titles


def test_every_new_mail_opens_one_case(imap, reader, world):
    assert reader.poll() == 0
    post(imap, 1)
    post(imap, 2)
    assert [reader.poll(), reader.poll()] == [2, 0]
    post(imap, 3)
    assert reader.poll() == 1
    assert titles(world) == [f"Table {number}: warm wine" for number in (1, 2, 3)]
    signal = world.store.cases.case("EX-1").signal
    assert (signal.source, signal.facts["from"]) == ("support", "ana@guest.example")


def test_a_restart_goes_on_where_it_stopped(imap, reader, world):
    post(imap, 1)
    assert reader.poll() == 1
    post(imap, 2)
    assert replace(reader).poll() == 1
    assert len(titles(world)) == 2


def test_two_processes_at_once_read_no_mail_twice(imap, reader, world):
    for number in range(6):
        post(imap, number)
    with ThreadPoolExecutor(2) as both:
        opened = sum(both.map(lambda one: one.poll(), [reader, replace(reader)]))
    assert opened == 6
    assert sorted(titles(world)) == [f"Table {number}: warm wine" for number in range(6)]
    for number in range(6):
        assert world.store.cases.case(f"EX-{number + 1}").activity.signal_count == 1


def test_a_crash_before_the_note_loses_nothing_and_doubles_nothing(imap, reader, world):
    for number in range(3):
        post(imap, number)

    class Crash(Exception):
        pass

    class Positions:
        def last_slot(self, job):
            return world.store.ticks.last_slot(job)

        def claim_tick(self, job, slot):
            raise Crash

    with pytest.raises(Crash):
        replace(reader, positions=Positions()).poll()
    assert len(titles(world)) == 3
    assert reader.poll() == 0
    assert len(titles(world)) == 3


def test_a_database_that_is_away_for_one_mail_is_tried_again_from_there(imap, reader, world):
    for number in range(3):
        post(imap, number)

    class Away(Exception):
        pass

    class Intake:
        def is_on_record(self, source, signal):
            return False

        def receive(self, signal, raw):
            if signal.title.startswith("Table 1"):
                raise Away
            return world.desk.intake.receive(signal, raw)

    with pytest.raises(Away):
        replace(reader, intake=Intake()).poll()
    assert titles(world) == ["Table 0: warm wine"]
    assert reader.poll() == 2
    assert len(titles(world)) == 3


def test_nothing_is_marked_unless_it_is_asked_for(imap, reader):
    post(imap, 1)
    reader.poll()
    assert unseen(imap) == 1
    post(imap, 2)
    marking = replace(reader.mailbox, mark_seen=True)
    replace(reader, mailbox=marking).poll()
    assert unseen(imap) == 1


def unseen(imap):
    with imap.client() as client:
        client.select_folder(imap.folder, readonly=True)
        return len(client.search(["UNSEEN"]))


def test_a_folder_that_was_made_anew_is_read_from_its_beginning(imap, reader, world):
    post(imap, 1)
    reader.poll()
    with imap.client() as client:
        client.delete_folder(imap.folder)
        client.create_folder(imap.folder)
    post(imap, 1)
    post(imap, 2)
    assert reader.poll() == 1
    assert len(titles(world)) == 2


def test_mails_from_before_are_left_alone(imap, reader, world):
    with imap.client() as client:
        content = b"Subject: Of last year\r\nMessage-ID: <old@x>\r\n\r\nx"
        client.append(imap.folder, content, msg_time=world.clock() - timedelta(days=30))
        fresh = b"Subject: Of today\r\nMessage-ID: <new@x>\r\n\r\nx"
        client.append(imap.folder, fresh, msg_time=world.clock())
    young = replace(reader.mailbox, since=timedelta(days=1))
    assert replace(reader, mailbox=young).poll() == 1
    assert titles(world) == ["Of today"]


def test_automatic_answers_are_counted_and_replies_join_their_case(imap, reader, world):
    post(imap, 1)
    post(imap, 2, "Auto-Submitted: auto-replied")
    post(imap, 3, "In-Reply-To: <m1@guest.example>")
    assert reader.poll() == 1
    assert world.store.cases.case("EX-1").activity.signal_count == 2
    (count,) = world.store.ignored_requests.list("support")
    assert (count.event, count.count) == ("an automatic answer", 1)


def test_malformed_mails_do_not_hold_up_the_others(imap, reader, world):
    for content in (b"\xff\x00\xfe", b"Content-Type: multipart/mixed\r\n\r\nx", b": :"):
        imap.append(content, imap.folder)
    post(imap, 1)
    assert reader.poll() == 4
    assert titles(world)[-1] == "Table 1: warm wine"


@pytest.mark.parametrize(
    "changes",
    [
        {"port": 1},
        {"ca_file": ""},
        {"folder": "No such folder"},
        {"security": MailSecurity.TLS},
    ],
)
def test_a_mailbox_that_cannot_be_read_changes_nothing(imap, reader, world, changes):
    post(imap, 1)
    away = replace(reader.mailbox, **changes)
    assert replace(reader, mailbox=away).poll() == 0
    assert titles(world) == []
    assert reader.poll() == 1


def test_a_wrong_password_changes_nothing(imap, reader, world, caplog):
    post(imap, 1)
    assert replace(reader, login=Login("demouser", "wr0ng")).poll() == 0
    assert "does not accept the login" in caplog.text
    assert "wr0ng" not in caplog.text


def test_what_the_service_log_has_already_opens_nothing(imap, reader, world):
    check = RecordCheck(
        system="house", query="SELECT 1 AS known", parameters={"guest": "signal.from"}
    )
    source = replace(reader.source, record_check=check)
    intake = replace(
        world.desk.intake, record_checks=RecordChecks({"house": world.house}, world.clock)
    )
    reader = replace(reader, source=source, intake=intake)
    world.house.rows = [{"known": 1}]
    post(imap, 1)
    assert reader.poll() == 0
    (count,) = world.store.ignored_requests.list("support")
    assert (count.event, count.count) == ("on record already", 1)
    world.house.rows = []
    post(imap, 2)
    assert reader.poll() == 1
