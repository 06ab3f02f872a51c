"""The promises of the port Connector, on fake and real systems."""

import sqlite3
import uuid
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from bot.cases.errors import (
    ChatFailed,
    ChatUnknown,
    ConnectorFailed,
    OutcomeUnknown,
    SystemRefused,
    WorldMoved,
)
from bot.cases.mail_server import MailSecurity
from bot.cases.plan import Action
from bot.clock import boottime, time_limit
from bot.connectors.http import HttpConnector
from bot.connectors.http_system import HttpCall
from bot.connectors.mail_servers import Login
from bot.connectors.mcp import McpConnector
from bot.connectors.message import MessageAction, MessageConnector, MessageSystem
from bot.connectors.parameters import ParameterType
from bot.connectors.smtp import SmtpConnector
from bot.connectors.smtp_system import MailAction, SentMailbox, SmtpSystem
from bot.connectors.sql import SqlConnector
from bot.ports.connector import Connector, EffectStatus
from tests.connectors.bank import PAY, Bank, bank_system, running_bank
from tests.connectors.mail import (
    IMAP_LOGIN,
    Certificates,
    running_imap,
    running_post_office,
)
from tests.connectors.stock import (
    ORDER,
    administer,
    create_stock,
    fail_at_commit,
    mariadb_stock,
    on_order,
    stock_system,
)
from tests.connectors.tickets import CLOSE, Tickets, address, checksums, serving, ticket_system
from tests.fakes.chat import FakeChat
from tests.fakes.connector import FakeConnector
from tests.mariadb import MariaDb
from tests.servers import create_database, free_port

KEY, UNDO_KEY = "k1", "undo:k1"
REFUND = HttpCall(
    method="POST", path="/refund/{key}", body={"invoice": "invoice"}, landed_when="ok"
)


class Subject:
    """One connector on a system that a test can look into."""

    connector: Connector
    action: str
    parameters: dict[str, Any]
    #: The same key is one effect, however often it is carried out.
    keeps_keys = True
    #: It looks at the time limit of the call by itself.
    keeps_time = True
    is_reversible = True
    can_move = True
    can_lose_answers = True

    def prepare(self) -> Action:
        return self.connector.prepare(self.action, self.parameters)

    def count_effects(self) -> int:
        """Count the effects in the system, without those that were taken back."""
        raise NotImplementedError

    def move(self) -> None:
        """Change the facts on which the action is based."""
        raise NotImplementedError

    def refuse(self) -> None:
        """Let the system refuse the next change, for certain."""
        raise NotImplementedError

    def lose_answer(self) -> None:
        """Let the answer to the next change be lost."""
        raise NotImplementedError

    def disconnect(self) -> AbstractContextManager[object]:
        """Let no question be answered meanwhile."""
        raise NotImplementedError


class FakeSubject(Subject):
    action = "order_stock"
    parameters: ClassVar = {"product_id": 1, "quantity": 24}
    # It counts every call, so that the tests of the executor see a second one.
    keeps_keys = False
    keeps_time = False

    def __init__(self) -> None:
        self.connector = FakeConnector()

    def count_effects(self) -> int:
        keys = self.connector.effects
        return keys.count(KEY) - keys.count(UNDO_KEY)

    def move(self) -> None:
        self.connector.facts["on_hand"] = 3

    def refuse(self) -> None:
        self.connector.faults["execute"] = ["refuse"]

    def lose_answer(self) -> None:
        self.connector.faults["execute"] = ["lost after"]

    @contextmanager
    def disconnect(self):
        self.connector.faults["verify"] = ["away"]
        yield


class StockSubject(Subject):
    action = "order"
    parameters: ClassVar = ORDER

    def __init__(self, url: str) -> None:
        self.url = url
        create_stock(url)
        self.connector = SqlConnector(stock_system(), url)

    def count_effects(self) -> int:
        return on_order(self.connector) // ORDER["quantity"]

    def move(self) -> None:
        administer(self.url, "UPDATE stock SET on_order = 1 WHERE product_id = 1")

    @contextmanager
    def losing_patience(self):
        """Give up soon inside: what does not answer is not waited for."""
        patient = self.connector
        system = replace(stock_system(), timeout=timedelta(seconds=0.5))
        self.connector = SqlConnector(system, self.url)
        yield
        self.connector = patient


class SqliteSubject(StockSubject):
    can_lose_answers = False

    def __init__(self, folder: Path) -> None:
        self.path = folder / "house.db"
        super().__init__(f"sqlite:///{self.path}")

    def refuse(self) -> None:
        trigger = "CREATE TRIGGER refusal BEFORE UPDATE ON stock"
        administer(self.url, f"{trigger} BEGIN SELECT RAISE(ABORT, 'no'); END")

    @contextmanager
    def disconnect(self):
        with closing(sqlite3.connect(self.path, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            with self.losing_patience():
                yield


class PostgresqlSubject(StockSubject):
    def refuse(self) -> None:
        fail_at_commit(self.url, "RAISE EXCEPTION 'no' USING ERRCODE = '23514'")

    def lose_answer(self) -> None:
        fail_at_commit(self.url, "PERFORM pg_terminate_backend(pg_backend_pid())")

    @contextmanager
    def disconnect(self):
        engine = sa.create_engine(self.url)
        with engine.begin() as holder:
            holder.exec_driver_sql("LOCK TABLE countersign_marks IN ACCESS EXCLUSIVE MODE")
            with self.losing_patience():
                yield
        engine.dispose()


class MariadbSubject(StockSubject):
    def __init__(self, server: MariaDb, url: str) -> None:
        self.server = server
        self.faults = ExitStack()
        self.url = url
        self.connector = SqlConnector(stock_system(), url)

    def refuse(self) -> None:
        refusal = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'"
        administer(
            self.url, f"CREATE TRIGGER refusal BEFORE UPDATE ON stock FOR EACH ROW {refusal}"
        )

    def lose_answer(self) -> None:
        # The table of marks has to be there: to create it is a commit as well.
        self.connector._marks.create_table()
        self.faults.enter_context(self.server.killing_commits(sa.make_url(self.url).database))

    @contextmanager
    def disconnect(self):
        with self.server.connect(sa.make_url(self.url).database) as holder:
            holder.cursor().execute("LOCK TABLES countersign_marks WRITE")
            with self.losing_patience():
                yield


class HttpSubject(Subject):
    action = "pay"
    parameters: ClassVar = PAY

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.connector = HttpConnector(bank_system(bank.server_port, refund=REFUND), "secret")

    def count_effects(self) -> int:
        return len(set(self.bank.payments) - set(self.bank.refunds.values()))

    def move(self) -> None:
        self.bank.etag = "v2"

    def refuse(self) -> None:
        self.bank.mode = "refuse"

    def lose_answer(self) -> None:
        self.bank.mode = "dies after"

    @contextmanager
    def disconnect(self):
        self.bank.shutdown()
        self.bank.server_close()
        yield


class MessageSubject(Subject):
    action = "tell"
    parameters: ClassVar = {"to": "C0SALES", "text": "please call"}
    # A real chat looks at it; the fake one does not.
    keeps_time = False
    is_reversible = False
    can_move = False

    def __init__(self) -> None:
        tell = MessageAction(
            name="tell",
            parameters={"to": ParameterType.TEXT, "text": ParameterType.TEXT},
            target="channel:{to}",
            summary="Tell {to}",
            preview="“{text}”",
        )
        self.chat = FakeChat()
        system = MessageSystem(name="slack", actions={"tell": tell})
        self.connector = MessageConnector(system, self.chat)

    def count_effects(self) -> int:
        return len(self.chat.sent)

    def refuse(self) -> None:
        self.chat.failures.append(ChatFailed("channel_not_found"))

    def lose_answer(self) -> None:
        self.chat.failures.append(ChatUnknown("timeout"))

    @contextmanager
    def disconnect(self):
        def fail(to, key):
            raise ChatFailed("internal_error")

        self.chat.find_message = fail
        yield


class MailSubject(Subject):
    action = "ask"
    parameters: ClassVar = {"to": "anna@supplier.example", "number": "R-17"}
    # The same key has the same Message-ID, by which people and servers recognise it.
    keeps_keys = False
    is_reversible = False
    can_move = False

    def __init__(self, office, port, imap, certificates) -> None:
        self.office = office
        office.sent = imap
        sent = imap.server(certificates)
        login = Login(*IMAP_LOGIN)
        system = SmtpSystem(
            name="mail",
            host="localhost",
            port=port,
            security=MailSecurity.STARTTLS,
            ca_file=certificates.authority,
            sender="desk@harbour.example",
            domains=("supplier.example",),
            sent_mailbox=SentMailbox(
                host=sent.host,
                port=sent.port,
                security=MailSecurity.STARTTLS,
                ca_file=sent.ca_file,
                username_env="IMAP_USER",
                password_env="IMAP_PASSWORD",
                complete=True,
            ),
            actions={
                "ask": MailAction(
                    name="ask",
                    parameters={"to": ParameterType.TEXT, "number": ParameterType.TEXT},
                    to=("{to}",),
                    subject="Invoice {number}",
                    # Another mail for every test: the mailbox is one for all of them.
                    text=uuid.uuid4().hex,
                )
            },
        )
        self.system = system
        self.connector = SmtpConnector(system, Login(), login)

    def count_effects(self) -> int:
        return len({message["Message-ID"] for message in self.office.mails})

    def refuse(self) -> None:
        self.office.fault = "RCPT:550 no such user"

    def lose_answer(self) -> None:
        self.office.fault = "CONFIRMATION:drop"

    @contextmanager
    def disconnect(self):
        connector = self.connector
        away = replace(
            self.system, sent_mailbox=replace(self.system.sent_mailbox, port=free_port())
        )
        self.connector = SmtpConnector(away, Login(), Login(*IMAP_LOGIN))
        yield
        self.connector = connector


class ToolSubject(Subject):
    action = "close"
    parameters: ClassVar = CLOSE
    # The effect changes the ticket, which is the snapshot.
    keeps_keys = False

    def __init__(self, tickets) -> None:
        self.tickets = tickets
        tickets.write(status="open", effects=[])
        tickets.misbehave("")
        self.connector = McpConnector(ticket_system(tickets.pins, **address(tickets.port)), str)

    def count_effects(self) -> int:
        state = self.tickets.state
        return len(state["effects"]) - 2 * len(state.get("undone", []))

    def move(self) -> None:
        self.tickets.write(status="waiting", effects=[])

    def refuse(self) -> None:
        self.tickets.misbehave("refuse")

    def lose_answer(self) -> None:
        self.tickets.misbehave("error after")

    @contextmanager
    def disconnect(self):
        connector = self.connector
        self.connector = McpConnector(ticket_system(self.tickets.pins, **address(free_port())), str)
        yield
        self.connector = connector


@pytest.fixture(scope="module")
def tickets(tmp_path_factory):
    tickets = Tickets(tmp_path_factory.mktemp("tickets"))
    with serving(tickets) as port:
        tickets.port = port
        tickets.pins = checksums(port)
        yield tickets


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def imap(certificates):
    with running_imap(certificates) as server:
        yield server


@pytest.fixture(
    params=["fake", "sqlite", "postgresql", "mariadb", "http", "message", "smtp", "mcp"]
)
def subject(request, tmp_path):
    match request.param:
        case "fake":
            yield FakeSubject()
        case "sqlite":
            yield SqliteSubject(tmp_path)
        case "postgresql":
            server = request.getfixturevalue("postgres")
            name = f"h{uuid.uuid4().hex[:10]}"
            create_database(server, name)
            yield PostgresqlSubject(f"{server}/{name}")
        case "mariadb":
            server = request.getfixturevalue("mariadb")
            subject = MariadbSubject(server, mariadb_stock(server))
            with subject.faults:
                yield subject
        case "http":
            with running_bank() as bank:
                yield HttpSubject(bank)
        case "message":
            yield MessageSubject()
        case "smtp":
            certificates = request.getfixturevalue("certificates")
            imap = request.getfixturevalue("imap")
            with running_post_office(certificates, auth_required=False) as (office, port):
                yield MailSubject(office, port, imap, certificates)
        case "mcp":
            yield ToolSubject(request.getfixturevalue("tickets"))


def needs(ability: bool, what: str) -> None:
    if not ability:
        pytest.skip(f"this system cannot {what}")


def test_to_prepare_an_action_changes_nothing(subject):
    action = subject.prepare()
    assert action.parameters == subject.parameters
    assert subject.connector.precondition(action) == action.precondition
    assert subject.connector.verify(action, KEY) is EffectStatus.ABSENT
    assert subject.count_effects() == 0
    assert subject.prepare() == action


def test_a_parameter_that_is_missing_is_refused(subject):
    name = next(iter(subject.parameters))
    with pytest.raises(ConnectorFailed):
        subject.connector.prepare(subject.action, {**subject.parameters, name: None})


def test_an_action_that_was_carried_out_is_there(subject):
    action = subject.prepare()
    assert subject.connector.execute(action, KEY)
    assert subject.count_effects() == 1
    assert subject.connector.verify(action, KEY) is EffectStatus.LANDED
    assert subject.connector.verify(action, "k2") is EffectStatus.ABSENT


def test_the_same_key_is_one_effect_however_often_it_is_carried_out(subject):
    needs(subject.keeps_keys, "know a key again")
    action = subject.prepare()
    for _ in range(3):
        assert subject.connector.execute(action, KEY)
    assert subject.count_effects() == 1


def test_facts_that_have_moved_keep_an_action_from_happening(subject):
    needs(subject.can_move, "move: it has no snapshot")
    action = subject.prepare()
    subject.move()
    before = subject.count_effects()
    assert subject.connector.precondition(action) != action.precondition
    with pytest.raises(WorldMoved):
        subject.connector.execute(action, KEY)
    assert subject.connector.verify(action, KEY) is EffectStatus.ABSENT
    assert subject.count_effects() == before


def test_what_is_refused_has_surely_not_happened(subject):
    action = subject.prepare()
    subject.refuse()
    with pytest.raises(ConnectorFailed) as failure:
        subject.connector.execute(action, KEY)
    assert type(failure.value) in {ConnectorFailed, SystemRefused}
    assert subject.count_effects() == 0
    assert subject.connector.verify(action, KEY) is EffectStatus.ABSENT


def test_after_an_answer_that_was_lost_the_system_says_what_happened(subject):
    needs(subject.can_lose_answers, "lose an answer")
    action = subject.prepare()
    subject.lose_answer()
    with pytest.raises(OutcomeUnknown):
        subject.connector.execute(action, KEY)
    expected = EffectStatus.LANDED if subject.count_effects() else EffectStatus.ABSENT
    assert subject.connector.verify(action, KEY) is expected


def test_a_system_that_does_not_answer_never_says_that_nothing_happened(subject):
    action = subject.prepare()
    subject.connector.execute(action, KEY)
    with subject.disconnect():
        try:
            landing = subject.connector.verify(action, KEY)
        except ConnectorFailed as failure:
            assert failure.retryable
        else:
            assert landing is EffectStatus.UNKNOWN


def test_an_effect_is_taken_back_under_a_key_of_its_own(subject):
    needs(subject.is_reversible, "take anything back")
    action = subject.prepare()
    subject.connector.execute(action, KEY)
    assert subject.connector.verify(action, UNDO_KEY) is EffectStatus.ABSENT
    assert subject.connector.undo(action, KEY, UNDO_KEY)
    assert subject.count_effects() == 0
    assert subject.connector.verify(action, UNDO_KEY) is EffectStatus.LANDED


def test_what_cannot_be_taken_back_says_so_before_and_when_asked(subject):
    action = subject.prepare()
    assert action.reversible is subject.is_reversible
    if not action.reversible:
        subject.connector.execute(action, KEY)
        with pytest.raises(ConnectorFailed):
            subject.connector.undo(action, KEY, UNDO_KEY)
        assert subject.count_effects() == 1


def test_after_the_time_limit_nothing_is_begun(subject):
    needs(subject.keeps_time, "look at the time limit by itself")
    action = subject.prepare()
    with time_limit(boottime() - 1), pytest.raises(ConnectorFailed) as failure:
        subject.connector.execute(action, KEY)
    assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)
    assert subject.count_effects() == 0
    assert subject.connector.verify(action, KEY) is EffectStatus.ABSENT


def test_every_connector_says_how_long_a_call_may_take(subject):
    assert subject.connector.timeout > timedelta(0)
