"""What people did by hand, compared with the parameters of a plan."""

import pytest

from bot.cases.practice import differing_parameters


@pytest.mark.parametrize(
    ("parameters", "row", "differing"),
    [
        ({"quantity": 24}, {"quantity": 24}, ()),
        ({"quantity": 24}, {"quantity": 24.0}, ()),
        ({"quantity": 24}, {"quantity": "24"}, ()),
        ({"quantity": 24}, {"quantity": 30}, ("quantity",)),
        ({"quantity": 24}, {"quantity": None}, ("quantity",)),
        ({"due_on": "2026-11-02"}, {"due_on": "2026-11-02 "}, ()),
        ({"due_on": "2026-11-02"}, {"due_on": "2026-11-03"}, ("due_on",)),
        ({"lead_id": 1, "due_on": "2026-11-02"}, {"lead_id": 1}, ()),
        ({"a": None}, {"a": None}, ()),
    ],
)
def test_only_what_the_system_contradicts_differs(parameters, row, differing):
    assert differing_parameters(parameters, row) == differing
