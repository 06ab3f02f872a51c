"""Plans on a real MCP server and a real mail server: what is in doubt or has changed asks a person."""

from dataclasses import replace

import pytest

from bot.cases.lifecycle import State
from bot.cases.mail_server import MailSecurity
from bot.connectors.mail_servers import Login
from bot.connectors.mcp import McpConnector
from bot.connectors.parameters import ParameterType
from bot.connectors.smtp import SmtpConnector
from bot.connectors.smtp_system import MailAction, SmtpSystem
from tests.connectors.mail import HOST, Certificates, running_post_office
from tests.connectors.tickets import Tickets, address, checksums, serving, ticket_system

TYPES = {"product_id": ParameterType.INTEGER, "quantity": ParameterType.INTEGER}


class Beside:
    """The real connector for actions, and the fake house for evidence."""

    def __init__(self, house, connector) -> None:
        self._connector = connector
        self.look_up = house.look_up

    def __getattr__(self, name):
        return getattr(self._connector, name)


@pytest.fixture
def put(small_world):
    """Let the plans of a world go to another connector."""

    def put(connector):
        small_world.house = Beside(small_world.house, connector)
        small_world.start("")
        return small_world

    return put


@pytest.fixture
def tickets(tmp_path):
    tickets = Tickets(tmp_path)
    with serving(tickets) as port:
        tickets.port = port
        tickets.pins = checksums(port)
        yield tickets


def as_order(tickets, **changes):
    """Make closing a ticket the action that the playbook offers."""
    system = ticket_system(tickets.pins, **(changes or address(tickets.port)))
    close = system.actions["close"]
    rename = {"ticket": "product_id"}
    order = replace(
        close,
        name="order_stock",
        parameters=TYPES,
        target="ticket:{product_id}",
        summary="Close ticket {product_id}",
        preview="ticket {product_id} goes from {status} to closed",
        precondition=replace(close.precondition, arguments=rename),
        execute=replace(
            close.execute,
            arguments={**rename, "reason": "to_string(quantity)", "request_id": "key"},
        ),
        undo=replace(close.undo, arguments={**rename, "request_id": "key", "done_id": "done_key"}),
    )
    return McpConnector(replace(system, name="house", actions={"order_stock": order}), str)


def run(world, case):
    """Carry out what was approved, with all the looks that a doubt needs."""
    for _ in range(30):
        world.work()
        world.clock.forward(seconds=40)
    return world.case(case)


def test_a_tool_is_called_once_for_what_a_person_approved(put, tickets):
    world = put(as_order(tickets))
    case = world.proposed()
    world.approve(case)
    world.work()
    assert tickets.state["status"] == "closed"
    assert len(tickets.state["effects"]) == 1
    assert "step.reported" in world.entry_names(case)


def test_a_tool_that_changed_after_the_approval_is_asked_about_anew(put, tickets):
    world = put(as_order(tickets))
    case = world.proposed()
    world.approve(case)
    # From now on the command behind the same tickets has another schema.
    tickets.misbehave("schema")
    world.house._connector = as_order(tickets, command=tickets.command)
    world.work()
    assert tickets.state == {"status": "open", "effects": []}
    after = world.case(case)
    assert "takes other arguments" in " ".join(after.activity.drift_reasons)
    assert "plan.drifted" in world.entry_names(case)


def test_a_call_that_was_lost_is_looked_for_and_not_repeated(put, tickets):
    world = put(as_order(tickets))
    case = world.proposed()
    world.approve(case)
    tickets.misbehave("error after")
    run(world, case)
    assert len(tickets.state["effects"]) == 1
    assert "found" in str(world.case(case).execution.steps[0].detail)


def test_a_mail_that_nobody_confirmed_is_never_sent_again_and_asks_a_person(put, tmp_path):
    certificates = Certificates(tmp_path)
    with running_post_office(certificates, auth_required=False) as (office, port):
        ask = MailAction(
            name="order_stock",
            parameters=TYPES,
            to=("anna@supplier.example",),
            subject="Order {quantity} of {product_id}",
            text="Please send {quantity}.",
        )
        system = SmtpSystem(
            name="house",
            host=HOST,
            port=port,
            security=MailSecurity.STARTTLS,
            ca_file=certificates.authority,
            sender="desk@harbour.example",
            domains=("supplier.example",),
            actions={"order_stock": ask},
        )
        world = put(SmtpConnector(system, Login(), Login()))
        case = world.proposed()
        # It cannot be taken back, so it is no low risk.
        world.approve(case, "ben")
        office.fault = "CONFIRMATION:drop"
        final = run(world, case)
        assert len(office.mails) == 1
        assert final.state is State.OUTCOME_UNKNOWN
