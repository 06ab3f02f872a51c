"""The window with a case's trail: what each entry says, in pages that fit into Slack's limits."""

import pytest

from bot.cases.entries import Gathered
from bot.cases.evidence import Evidence
from bot.views.entry_content import trail
from bot.views.labels import Labels
from handlers.cards import ids
from handlers.cards.text import stored_length
from handlers.cards.trail_view import LATEST, MAX_ENTRIES, TrailPlace, trail_view
from tests.cases.making import NOW, entry_after, opened
from tests.cases.test_evaluation import CARRIED_OUT, history

NO_LABELS = Labels()


def items_of(entries):
    return list(trail(entries))


def facts(count, value="x"):
    return tuple(
        Evidence(name=f"stock.f{n}", label=f"Fact {n}", value=value, source="house", read_at=NOW)
        for n in range(count)
    )


def long_history(count=40, evidence=()):
    """Many looks at one case: each gathers evidence."""
    entries = history()
    case = opened()
    for _ in range(count):
        entry = entry_after(
            case, Gathered(evidence=evidence, what="4 left", why="matters", stake=None)
        )
        case = items_of([*entries, entry])[-1].case
        entries.append(entry)
    return entries


def view_of(entries, place=None):
    items = items_of(entries)
    case = items[-1].case
    return trail_view(case, items, place=place or TrailPlace(case.id), labels=NO_LABELS)


def texts(view):
    """Every text of the window, in order."""
    found = []

    def walk(value):
        if isinstance(value, dict):
            if isinstance(value.get("text"), str):
                found.append(value["text"])
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(view["blocks"])
    return found


def buttons(view):
    return {one["text"]["text"]: one["value"] for one in view["blocks"][-1]["elements"]}


def test_the_window_says_what_each_entry_says():
    shown = "\n".join(texts(view_of(history(*CARRIED_OUT), TrailPlace("EX-1", is_full=True))))
    assert "Opened: Merlot is running low" in shown
    assert "Read from: house, 21 Nov 2026 12:00 UTC" in shown
    assert "Recommended: Order 24" in shown
    assert "Policy: must be approved, low risk" in shown
    assert "Ana approved" in shown
    assert "Step 1: done" in shown


def test_a_long_entry_is_folded_and_unfolds_with_one_press():
    entries = long_history(1, facts(30))
    folded = view_of(entries)
    assert "… and 27 more lines" in texts(folded)
    place = TrailPlace.parse(buttons(folded)["Show everything"])
    unfolded = "\n".join(texts(view_of(entries, place)))
    assert "Fact 29: x" in unfolded
    assert "more lines" not in unfolded


def test_a_long_trail_opens_with_its_latest_page_and_goes_back():
    entries = long_history(25)
    latest = view_of(entries)
    assert texts(latest)[0] == "EX-1 has 26 entries. Page 3 of 3, the latest is the last"
    assert "Later" not in buttons(latest)
    earlier = view_of(entries, TrailPlace.parse(buttons(latest)["Earlier"]))
    assert "Page 2 of 3" in texts(earlier)[0]
    first = view_of(entries, TrailPlace.parse(buttons(earlier)["Earlier"]))
    assert "Earlier" not in buttons(first)
    assert "Opened: Merlot is running low" in texts(first)


@pytest.mark.parametrize("is_full", [True, False])
@pytest.mark.parametrize(
    ("count", "evidence"),
    [(1, ()), (60, facts(40, "y" * 200)), (5, facts(400, "z" * 900))],
    ids=["short", "many", "long"],
)
def test_every_page_is_within_the_limits_of_slack(count, evidence, is_full):
    entries = long_history(count, evidence)
    seen, page = 0, 0
    while True:
        view = view_of(entries, TrailPlace("EX-1", page, is_full))
        assert len(view["blocks"]) <= 100
        assert len(view["title"]["text"]) <= 24
        for block in view["blocks"]:
            if block["type"] == "rich_text":
                assert sum(stored_length(text) for text in texts({"blocks": [block]})) <= 3_500
        assert sum(map(len, texts(view))) <= 130_000
        seen += sum(" → " in text or "Looked up" in text for text in texts(view)) > 0
        if "Later" not in buttons(view):
            break
        page += 1
    assert page + 1 >= (count + 1) / MAX_ENTRIES
    assert seen


def test_buttons_name_a_page_and_nothing_else_is_one():
    place = TrailPlace("EX-12", 3, is_full=True)
    assert TrailPlace.parse(str(place)) == place
    assert TrailPlace.parse("EX-12 -1 folded") == TrailPlace("EX-12", LATEST)
    for text in ("", "EX-12", "EX-12 3", "EX-12 -2 full", "EX-12 3 open", "EX-1;2 3 full"):
        assert TrailPlace.parse(text) is None


def test_a_page_that_is_not_there_is_the_latest():
    assert view_of(long_history(25), TrailPlace("EX-1", 99)) == view_of(long_history(25))


def test_the_ids_of_a_rows_buttons_differ():
    view = view_of(long_history(25), TrailPlace("EX-1", 1))
    action_ids = [one["action_id"] for one in view["blocks"][-1]["elements"]]
    assert action_ids == [ids.TRAIL_BACK, ids.TRAIL_NEXT, ids.TRAIL_UNFOLD]
