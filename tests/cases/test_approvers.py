"""Approvers in files: a group, people by ids, or an owner."""

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.cases.approval import ApprovalRequirement
from bot.cases.approvers import Approvers

APPROVERS = TypeAdapter(Approvers)


def test_each_of_the_three_sorts_has_one_name_in_the_rules():
    entries = [
        {"group": "ops-leads"},
        {"people": ["U0BEN", "U0ANA", "U0BEN"], "count": 2},
        {"owner": "technical"},
    ]
    assert APPROVERS.validate_python(entries) == (
        ApprovalRequirement("ops-leads", 1),
        ApprovalRequirement("people:U0ANA+U0BEN", 2),
        ApprovalRequirement("owner:technical", 1),
    )


@pytest.mark.parametrize(
    ("entry", "place", "complaint"),
    [
        ({}, (0,), "name approvers by one of group, people or owner"),
        ({"group": "a", "owner": "next"}, (0,), "name approvers by one of"),
        ({"people": ["U0ANA"], "count": 2}, (0,), "2 of 1 people can never be complete"),
        ({"people": ["Ana"]}, (0, "people", 0), "String should match pattern"),
        ({"people": []}, (0, "people"), "at least 1 item"),
        ({"owner": "legal"}, (0, "owner"), "Input should be 'business'"),
        ({"group": "a", "count": True}, (0, "count"), "valid integer"),
        ({"group": "a", "count": 6}, (0, "count"), "less than or equal to 5"),
        ({"group": "a", "colour": "red"}, (0, "colour"), "Unexpected keyword argument"),
    ],
    ids=range(9),
)
def test_an_entry_that_is_none_of_them_is_told_where_it_is(entry, place, complaint):
    with pytest.raises(ValidationError) as failure:
        APPROVERS.validate_python([entry])
    error = failure.value.errors()[0]
    assert error["loc"] == place
    assert complaint in error["msg"]


def test_people_of_whom_somebody_would_be_needed_twice_are_refused():
    entries = [{"people": ["U0ANA"]}, {"people": ["U0ANA", "U0BEN"], "count": 2}]
    with pytest.raises(ValidationError, match="somebody would be needed twice"):
        APPROVERS.validate_python(entries)
