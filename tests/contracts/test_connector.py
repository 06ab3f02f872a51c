"""What every connector promises, asked of the fake and of the real ones on real systems."""

import contextlib
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.cases.errors import (
    ChatFailed,
    ChatUnknown,
    ConnectorFailed,
    OutcomeUnknown,
    WorldMoved,
)
from bot.clock import boottime, time_limit
from bot.connectors.http import HttpCall, HttpConnector
from bot.connectors.message import MessageAction, MessageConnector, MessageSystem
from bot.connectors.parameters import ParameterType
from bot.connectors.sql import SqlConnector
from bot.ports import Connector, Landing
from tests.connectors.bank import PAY, bank_system, running_bank
from tests.connectors.stock import (
    ORDER,
    administer,
    create_stock,
    fail_at_commit,
    on_order,
    stock_system,
)
from tests.fakes.chat import FakeChat
from tests.fakes.connector import FakeConnector
from tests.servers import create_database

KEY, UNDO_KEY = "k1", "undo:k1"
REFUND = HttpCall(
    method="POST", path="/refund/{key}", body={"invoice": "invoice"}, landed_when="ok"
)


@dataclass(kw_only=True)
class Subject:
    """One connector, with what a test can do behind its back; None where the system cannot."""

    connector: Connector
    action: str
    parameters: dict[str, Any]
    #: How many effects there are in the system, without those that were taken back.
    count_effects: Callable[[], int]
    #: Changes the facts on which the action was based.
    move: Callable[[], object] | None = None
    #: Lets the system refuse the next change, for certain.
    refuse: Callable[[], object] | None = None
    #: Lets the answer to the next change be lost.
    lose_answer: Callable[[], object] | None = None
    #: Lets no question be answered meanwhile.
    disconnect: Callable[[], AbstractContextManager[object]]
    is_reversible: bool = True
    #: The fake counts every call, so that the tests of the executor see a second one.
    keeps_keys: bool = True
    #: A chat looks at the time limit itself; the fakes do not.
    keeps_time: bool = True

    def prepare(self):
        return self.connector.prepare(self.action, self.parameters)


def fake_subject(stack, request, tmp_path) -> Subject:
    connector = FakeConnector()

    @contextlib.contextmanager
    def disconnect():
        connector.faults["verify"] = ["away"]
        yield

    return Subject(
        connector=connector,
        action="order_stock",
        parameters={"product_id": 1, "quantity": 24},
        count_effects=lambda: connector.effects.count(KEY) - connector.effects.count(UNDO_KEY),
        move=lambda: connector.facts.update(on_hand=3),
        refuse=lambda: connector.faults.update(execute=["refuse"]),
        lose_answer=lambda: connector.faults.update(execute=["lost after"]),
        disconnect=disconnect,
        keeps_keys=False,
        keeps_time=False,
    )


def sqlite_subject(stack, request, tmp_path) -> Subject:
    path = tmp_path / "house.db"
    url = f"sqlite:///{path}"

    @contextlib.contextmanager
    def disconnect():
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            yield

    subject = stock_subject(url, disconnect)
    subject.refuse = lambda: administer(
        url,
        "CREATE TRIGGER refusing BEFORE UPDATE ON stock BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    return subject


def postgresql_subject(stack, request, tmp_path) -> Subject:
    server, name = request.getfixturevalue("postgres"), f"h{uuid.uuid4().hex[:10]}"
    create_database(server, name)
    url = f"{server}/{name}"
    engine = sa.create_engine(url)
    stack.callback(engine.dispose)

    @contextlib.contextmanager
    def disconnect():
        with engine.begin() as holder:
            holder.exec_driver_sql("LOCK TABLE countersign_marks IN ACCESS EXCLUSIVE MODE")
            yield

    subject = stock_subject(url, disconnect)
    refusal = "RAISE EXCEPTION 'no' USING ERRCODE = '23514'"
    subject.refuse = lambda: fail_at_commit(url, refusal)
    death = "PERFORM pg_terminate_backend(pg_backend_pid())"
    subject.lose_answer = lambda: fail_at_commit(url, death)
    return subject


def stock_subject(url, disconnect) -> Subject:
    create_stock(url)
    connector = SqlConnector(replace(stock_system(), timeout=timedelta(seconds=2)), url)
    return Subject(
        connector=connector,
        action="order",
        parameters=ORDER,
        count_effects=lambda: on_order(connector) // ORDER["quantity"],
        move=lambda: administer(url, "UPDATE stock SET on_order = 1 WHERE product_id = 1"),
        disconnect=disconnect,
    )


def http_subject(stack, request, tmp_path) -> Subject:
    bank = stack.enter_context(running_bank())

    @contextlib.contextmanager
    def disconnect():
        bank.shutdown()
        bank.server_close()
        yield

    return Subject(
        connector=HttpConnector(bank_system(bank.server_port, refund=REFUND), "secret"),
        action="pay",
        parameters=PAY,
        count_effects=lambda: len(set(bank.paid) - set(bank.refunded.values())),
        move=lambda: setattr(bank, "etag", "v2"),
        refuse=lambda: setattr(bank, "mode", "refuse"),
        lose_answer=lambda: setattr(bank, "mode", "dies after"),
        disconnect=disconnect,
    )


def message_subject(stack, request, tmp_path) -> Subject:
    chat = FakeChat()
    tell = MessageAction(
        name="tell",
        parameters={"to": ParameterType.TEXT, "text": ParameterType.TEXT},
        target="channel:{to}",
        summary="Tell {to}",
        preview="“{text}”",
    )

    @contextlib.contextmanager
    def disconnect():
        def fail(to, key):
            raise ChatFailed("internal_error")

        chat.find = fail
        yield

    return Subject(
        connector=MessageConnector(MessageSystem(name="slack", actions={"tell": tell}), chat),
        action="tell",
        parameters={"to": "C0SALES", "text": "please call"},
        count_effects=lambda: len(chat.sent),
        refuse=lambda: chat.failures.append(ChatFailed("channel_not_found")),
        lose_answer=lambda: chat.failures.append(ChatUnknown("timeout")),
        disconnect=disconnect,
        is_reversible=False,
        keeps_time=False,
    )


SUBJECTS = {
    "fake": fake_subject,
    "sqlite": sqlite_subject,
    "postgresql": postgresql_subject,
    "http": http_subject,
    "message": message_subject,
}


@pytest.fixture(params=list(SUBJECTS))
def subject(request, tmp_path):
    with contextlib.ExitStack() as stack:
        yield SUBJECTS[request.param](stack, request, tmp_path)


def needs(ability: object, what: str) -> None:
    if not ability:
        pytest.skip(f"this system cannot {what}")


def test_to_prepare_an_action_changes_nothing(subject):
    action = subject.prepare()
    assert action.parameters == subject.parameters
    assert subject.connector.precondition(action) == action.precondition
    assert subject.connector.verify(action, KEY) is Landing.ABSENT
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
    assert subject.connector.verify(action, KEY) is Landing.LANDED
    assert subject.connector.verify(action, "k2") is Landing.ABSENT


def test_the_same_key_is_one_effect_however_often_it_is_carried_out(subject):
    needs(subject.keeps_keys, "know a key again")
    action = subject.prepare()
    for _ in range(3):
        assert subject.connector.execute(action, KEY)
    assert subject.count_effects() == 1


def test_facts_that_have_moved_keep_an_action_from_happening(subject):
    needs(subject.move, "move: it has no snapshot")
    action = subject.prepare()
    subject.move()
    before = subject.count_effects()
    assert subject.connector.precondition(action) != action.precondition
    with pytest.raises(WorldMoved):
        subject.connector.execute(action, KEY)
    assert subject.connector.verify(action, KEY) is Landing.ABSENT
    assert subject.count_effects() == before


def test_what_is_refused_has_surely_not_happened(subject):
    action = subject.prepare()
    subject.refuse()
    with pytest.raises(ConnectorFailed) as raised:
        subject.connector.execute(action, KEY)
    assert type(raised.value) is ConnectorFailed
    assert subject.count_effects() == 0
    assert subject.connector.verify(action, KEY) is Landing.ABSENT


def test_after_an_answer_that_was_lost_the_system_says_what_happened(subject):
    needs(subject.lose_answer, "lose an answer")
    action = subject.prepare()
    subject.lose_answer()
    with pytest.raises(OutcomeUnknown):
        subject.connector.execute(action, KEY)
    expected = Landing.LANDED if subject.count_effects() else Landing.ABSENT
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
            assert landing is Landing.UNKNOWN


def test_an_effect_is_taken_back_under_a_key_of_its_own(subject):
    needs(subject.is_reversible, "take anything back")
    action = subject.prepare()
    subject.connector.execute(action, KEY)
    assert subject.connector.verify(action, UNDO_KEY) is Landing.ABSENT
    assert subject.connector.undo(action, KEY, UNDO_KEY)
    assert subject.count_effects() == 0
    assert subject.connector.verify(action, UNDO_KEY) is Landing.LANDED


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
    with time_limit(boottime() - 1), pytest.raises(ConnectorFailed) as raised:
        subject.connector.execute(action, KEY)
    assert (type(raised.value), raised.value.retryable) == (ConnectorFailed, True)
    assert subject.count_effects() == 0
    assert subject.connector.verify(action, KEY) is Landing.ABSENT


def test_every_connector_says_how_long_a_call_may_take(subject):
    assert subject.connector.timeout > timedelta(0)
