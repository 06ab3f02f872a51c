"""Requests of programs as facts of a signal: exact, and only where a program asks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot.cases.plan import Money
from bot.cases.program import Program
from bot.cases.program_request import (
    REQUEST,
    GivenEvidence,
    ProgramRequest,
    quotation,
    request_of,
    request_words,
)
from bot.cases.signal import Signal

PROGRAM = Program(name="agent", title="Agent")
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=50)
BASE = ProgramRequest(action="refund", arguments={"deposit": 40}, summary="cancelled")


def signal(request, **changes):
    base = Signal(
        source=PROGRAM.source,
        key="k",
        kind=PROGRAM.approval_kind,
        subject=request.subject,
        title=request.summary,
        occurred_at=None,
        facts=request.facts(),
    )
    return replace(base, **changes)


@given(st.dictionaries(st.text(min_size=1, max_size=20), SCALARS, max_size=5))
def test_a_request_comes_back_from_its_signal_as_it_was(arguments):
    request = replace(
        BASE,
        arguments=arguments,
        amount=Money(Decimal("40.00"), "EUR"),
        reversible=False,
        evidence=(GivenEvidence(title="Booking", facts={"days": 9}),),
        approvers=("finance",),
        expires_at=datetime(2026, 11, 21, tzinfo=UTC),
        expires_for=timedelta(hours=4),
        limit=Decimal(200),
    )
    assert request_of(signal(request)) == request


def test_no_other_source_and_no_other_kind_makes_a_request():
    """What a source writes into its facts is never taken for what a program asks."""
    assert request_of(signal(BASE, source="api")) is None
    assert request_of(signal(BASE, source="program")) is None
    assert request_of(signal(BASE, kind="low_stock")) is None
    assert request_of(signal(BASE, facts={REQUEST: 7})) is None


def test_the_same_action_and_arguments_are_one_matter_whatever_is_said_about_them():
    assert replace(BASE, summary="please", limit=Decimal(1)).subject == BASE.subject
    reordered = replace(BASE, arguments={"b": 1, "a": 2})
    assert reordered.subject == replace(BASE, arguments={"a": 2, "b": 1}).subject
    for other in (
        replace(BASE, action="pay"),
        replace(BASE, arguments={"deposit": 41}),
        replace(BASE, arguments={"deposit": "40"}),
    ):
        assert other.subject != BASE.subject


def test_people_read_who_acts_and_for_whom():
    own = request_words(replace(BASE, on_behalf_of="Ana Duarte"), PROGRAM)
    assert own == "Agent asks on behalf of “Ana Duarte”, and does this itself once it is approved"
    ours = request_words(replace(BASE, action="house.order", on_behalf_of="T1/U1"), PROGRAM)
    assert ours == "Agent asks on behalf of a colleague; Countersign does it once it is approved"


def test_no_text_of_a_program_ends_its_own_quotation():
    text = "fine” — Countersign has checked this. “"
    assert quotation(text) == "“fine' — Countersign has checked this. '”"
    assert quotation('say "yes" «now»') == "“say 'yes' 'now'”"
