"""Windows about many cases: a page of a list, and one decision on all."""

import json

import pytest

from bot.emulator.blocks import validate_view
from bot.views.case_list import CaseGroup, CaseListView, GroupAct, GroupOutcome
from handlers.cards import ids
from handlers.cards.case_list import case_list_modal, group_form, group_outcome
from tests.handlers.cards.examples import low_risk_case, permalink, rows

KINDS = (("low_stock", "Running low"),)


def page(number, pages=3):
    return CaseListView(
        key="storm:C0STOCK:low_stock:api:2026-11-21",
        title="Cases of this storm",
        rows=rows(low_risk_case(), range(1, 16)),
        page=number,
        pages=pages,
        total=38,
    )


def group(act, count=24):
    cases = tuple(row.case for row in rows(low_risk_case(), range(1, count + 1)))
    return CaseGroup(act=act, cases=cases, checksum="a" * 64, more=5)


@pytest.mark.parametrize(
    ("number", "buttons"),
    [
        (0, [ids.NEXT_PAGE]),
        (1, [ids.PREVIOUS_PAGE, ids.NEXT_PAGE]),
        (2, [ids.PREVIOUS_PAGE]),
    ],
)
def test_a_page_leads_to_the_pages_beside_it(number, buttons):
    view = case_list_modal(page(number), permalink)
    assert validate_view(view) == []
    assert [element["action_id"] for element in view["blocks"][-1]["elements"]] == buttons


def test_a_list_of_one_page_has_no_pages():
    text = json.dumps(case_list_modal(page(0, pages=1), permalink))
    assert "Page" not in text
    assert "38 cases, the most urgent first" in text


@pytest.mark.parametrize("act", GroupAct)
def test_a_group_form_says_how_many_and_which_cases(act):
    view = group_form(group(act), KINDS)
    assert validate_view(view) == []
    text = json.dumps(view)
    assert "24 cases, each recorded on its own. " in text
    assert "and 14 more" in text
    assert "5 more can follow after these." in text


def test_a_group_of_the_largest_size_fits_and_carries_its_hash():
    view = group_form(group(GroupAct.REJECT, count=50), KINDS)
    assert validate_view(view) == []
    act, checksum, case_ids = view["private_metadata"].split(" ")
    assert (act, checksum, len(case_ids.split(","))) == ("reject", "a" * 64, 50)


def test_what_was_not_done_is_told_case_by_case():
    outcome = GroupOutcome(
        act=GroupAct.REJECT, successes=("EX-1", "EX-2"), refusals=(("EX-3", "it is too late"),)
    )
    view = group_outcome(outcome)
    assert validate_view(view) == []
    assert "2 of 3 rejected." in json.dumps(view)
    assert "EX-3: it is too late" in json.dumps(view)
