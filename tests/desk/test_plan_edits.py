"""Edits of a plan: shown before they are saved, within bounds, and refused on record."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.cases.edits import EditField
from bot.cases.errors import BadRequest, NotEligible
from bot.cases.playbook import EditLimit, EditWarning
from bot.cases.policy import ActionLimit
from tests.fakes.directory import principal
from tests.world import playbook, policy, request


@pytest.fixture
def world(small_world):
    book = playbook()
    offer = replace(
        book.offers[0],
        limits={"quantity": EditLimit(1, "stock.largest")},
        warnings=(
            EditWarning("plan.quantity < stock.quantity", "fewer than the {stock.quantity}"),
        ),
    )
    small_world.library.book = replace(book, offers=(offer,))
    small_world.house.rows[0]["largest"] = 60
    return small_world


def by(world, case, name="omar"):
    return request(case.id, principal(name), world.seen(case))


def test_what_may_be_edited_has_bounds_from_playbook_evidence_and_policy(world):
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(per_plan=Decimal(5000))})
    form = world.desk.decisions.edits.form(world.proposed())
    assert form.fields == (EditField(name="quantity", value=24, minimum=1, maximum=60),)
    assert str(form.max_amount) == "£5,000.00"


def test_a_preview_shows_before_and_after_and_writes_nothing(world):
    case = world.proposed()
    names = world.entry_names(case)
    preview = world.desk.decisions.edits.preview(by(world, case), {"quantity": 12})
    (change,) = preview.after.proposal.changes
    assert (change.field, change.before, change.after) == ("quantity", 24, 12)
    assert preview.before.proposal.plan == case.proposal.plan
    assert preview.contradictions == ("fewer than the 24",)
    assert world.entry_names(case) == names
    assert (
        world.desk.decisions.edits.preview(by(world, case), {"quantity": 30}).contradictions == ()
    )


def test_the_preview_of_somebody_who_may_not_edit_is_refused_on_record(world):
    case = world.proposed()
    with pytest.raises(NotEligible):
        world.desk.decisions.edits.preview(by(world, case, "finn"), {"quantity": 12})
    assert world.entry_names(case)[-1] == "attempt.refused"


@pytest.mark.parametrize("quantity", [0, 61, "999"])
def test_a_value_out_of_bounds_is_neither_shown_nor_saved(world, quantity):
    case = world.proposed()
    for edit in (world.desk.decisions.edits.preview, world.desk.decisions.edit):
        with pytest.raises(BadRequest, match="it must be from 1 to 60") as refusal:
            edit(by(world, case), {"quantity": quantity})
        assert refusal.value.field == "quantity"
    assert world.case(case).proposal.revision == 1
