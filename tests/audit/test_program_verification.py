"""Requests of programs: the verifier finds a forged token, approver or report."""

from dataclasses import replace

import pytest

from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.cases.commands import ReportedOutcome
from tests.audit.test_verifier import Log, forged, on
from tests.desk.test_program_approvals import AGENT, ORDER, REFUND, Agent, approve
from tests.fakes.directory import principal


@pytest.fixture
def log(small_world, tmp_path):
    """A ledger with requests of every outcome, and a revoked token."""
    small_world.library.programs[AGENT.name] = AGENT
    small_world.start("")
    agent = Agent(small_world)
    late, own, cancelled = (
        agent.ask(replace(REFUND, arguments={"booking": booking, "deposit": 9})).case
        for booking in ("B-1", "B-2", "B-3")
    )
    approve(small_world, late, "elsie")
    approve(small_world, own, "elsie")
    agent.report(own, ReportedOutcome.FAILED, detail="no")
    agent.approvals.cancel(agent.caller, cancelled.id)
    small_world.clock.forward(hours=3)
    small_world.work()
    agent.report(late)
    small_world.work()
    case = agent.ask(ORDER).case
    approve(small_world, case)
    tokens = small_world.desk.program_tokens
    tokens.revoke(tokens.list()[0].id, operator="root")
    checkpoints = Checkpoints(tmp_path / "cp", "log")
    checkpoints.sign(small_world.store.ledger)
    export(small_world.store.ledger, tmp_path / "log.jsonl")
    return Log(tmp_path, checkpoints.public_key)


def test_honest_requests_raise_no_alarm(log):
    assert log.findings() == []
    names = {line["entry"].partition('"type":"')[2].partition('"')[0] for line in log.lines}
    assert {"token.made", "token.revoked", "step.settled", "case.retracted"} <= names


def of_report(change):
    def act(body, entry):
        if entry["actor"].startswith("source:"):
            change(body, entry)

    return act


@pytest.mark.parametrize(
    ("kind", "change", "finding"),
    [
        (
            "token.made",
            lambda body, entry: entry.update(actor="countersign"),
            "a token that no operator made",
        ),
        (
            "token.made",
            lambda body, entry: body["token"].update(program="other"),
            "program:stock-agent had no token that was valid then",
        ),
        (
            "token.made",
            lambda body, entry: body["token"].update(expires_at="2026-11-21T11:00:00.000000Z"),
            "had no token that was valid then",
        ),
        (
            "token.made",
            lambda body, entry: body["token"].update(token_hash="0" * 64),
            "whose id is not that of its hash",
        ),
        (
            "token.revoked",
            lambda body, entry: body.update(token="0000000000"),
            "revoked that nobody had made",
        ),
        (
            "case.opened",
            lambda body, entry: body["signal"].update(principals=[principal("elsie")]),
            "approved what they raised, edited or gain from",
        ),
        (
            "case.opened",
            lambda body, entry: entry.update(actor="source:program:other"),
            "that somebody else recorded",
        ),
        (
            "step.reported",
            of_report(lambda body, entry: entry.update(actor="source:program:other")),
            "reported a step of a plan that it had not asked for",
        ),
        (
            "step.settled",
            lambda body, entry: entry.update(actor="source:api"),
            "reported a step of a plan that it had not asked for",
        ),
        (
            "approval.given",
            lambda body, entry: body["approval"].update(digest="0" * 64),
            "another plan than the one that was shown",
        ),
        (
            "plan.recommended",
            lambda body, entry: body["plan"]["actions"][0]["parameters"].update(deposit=900),
            "another plan than the one that was shown",
        ),
    ],
)
def test_what_is_forged_is_found(log, kind, change, finding):
    findings = forged(log, on(kind, change))
    assert any(finding in line for line in findings), findings


def test_a_plan_of_a_program_that_ran_alone_is_found(log):
    def alone(entry):
        if entry["type"] == "plan.authorised":
            entry["body"]["by"] = ["policy:" + "0" * 64]

    findings = forged(log, alone)
    assert any("authorised without the approvals it needs" in line for line in findings)
