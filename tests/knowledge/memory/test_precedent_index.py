"""The search over a real Chroma and Tantivy."""

from dataclasses import replace
from datetime import timedelta

from bot.cases.precedent import CaseOutcome
from tests.cases.making import NOW
from tests.knowledge.memory.stories import STORIES, recall_ids, stories
from tests.store.test_precedents import precedent


def test_it_finds_by_meaning_and_by_words_what_no_other_would(open_memory):
    memory = open_memory(*stories())
    similar = recall_ids(memory, "almost out of red wine for Saturday")
    assert set(similar) == {"EX-wine", "EX-gin"}
    assert recall_ids(memory, "something about INV-X0053")[0] == "EX-invoice"
    assert recall_ids(memory, "the lift is stuck between two floors") == []


def test_it_shows_only_this_kind_and_what_this_channel_may_see(open_memory):
    places = [("low_stock", "C0STOCK"), ("lead_cold", "C0STOCK"), ("low_stock", "C0SECRET")]
    memory = open_memory(
        *[
            replace(story, id=f"{story.id}-{number}", kind=kind, channel=channel)
            for story in stories()
            for number, (kind, channel) in enumerate(places)
        ]
    )
    ids = recall_ids(memory, STORIES["wine"])
    assert ids[0] == "EX-wine-0"
    assert all(precedent_id.endswith("-0") for precedent_id in ids)


def test_what_is_related_is_of_any_kind_and_of_the_named_channels_alone(open_memory):
    secret = precedent("EX-hidden", signal_text=STORIES["wine"], channel="C0SECRET")
    other = precedent("EX-other", signal_text=STORIES["wine"], kind="lead_cold")
    cases = [replace(story, case_id=story.id) for story in (*stories(), secret, other)]
    memory = open_memory(*cases, precedent("row-7", signal_text=STORIES["wine"]))
    case_ids = memory.find_related("almost out of red wine for Saturday", {"C0STOCK"}, NOW)
    assert set(case_ids) == {"EX-wine", "EX-gin", "EX-other"}
    assert memory.find_related("almost out of red wine for Saturday", set(), NOW) == []
    assert memory.find_related("the lift is stuck between two floors", {"C0STOCK"}, NOW) == []


def test_a_rare_kind_among_many_others_is_found_by_looking_further(open_memory):
    crowd = [
        precedent(f"EX-c{n}", kind="lead_cold", signal_text=f"{STORIES['wine']} {n}")
        for n in range(150)
    ]
    memory = open_memory(*crowd, precedent("EX-rare", signal_text="Barolo runs low"))
    assert recall_ids(memory, STORIES["wine"]) == ["EX-rare"]


def test_recent_and_good_endings_come_first_among_equals(open_memory):
    long_ago = NOW - timedelta(days=900)
    memory = open_memory(
        precedent("EX-old", signal_text=STORIES["wine"], ended_at=long_ago),
        precedent(
            "EX-bad", signal_text=STORIES["wine"], outcome=CaseOutcome.REJECTED, ended_at=NOW
        ),
        precedent("EX-good", signal_text=STORIES["wine"], ended_at=NOW),
    )
    assert recall_ids(memory, STORIES["wine"]) == ["EX-good", "EX-bad", "EX-old"]


def test_what_changes_in_the_store_changes_in_memory(open_memory, shelf):
    memory = open_memory(*stories(batch="b"))
    shelf.save([precedent("EX-new", signal_text="Our Barolo is low again")])
    assert memory.catch_up() == 1
    assert "EX-new" in recall_ids(memory, STORIES["wine"])
    shelf.forget("b")
    memory.catch_up()
    assert recall_ids(memory, STORIES["wine"]) == ["EX-new"]


def test_among_very_many_chromas_own_index_finds_the_same(open_memory, monkeypatch):
    places = [("low_stock", "C0STOCK"), ("lead_cold", "C0STOCK"), ("low_stock", "C0SECRET")]
    memory = open_memory(
        *[
            replace(story, id=f"{story.id}-{number}", kind=kind, channel=channel)
            for story in stories()
            for number, (kind, channel) in enumerate(places)
        ]
    )
    exact = recall_ids(memory, "almost out of red wine for Saturday")
    monkeypatch.setattr("knowledge.memory.precedent_index.MAX_EXACT_ROWS", 1)
    assert exact
    assert recall_ids(memory, "almost out of red wine for Saturday") == exact


def test_a_search_that_shows_what_was_shown_before_reads_no_row(open_memory, shelf, monkeypatch):
    memory = open_memory(*stories())
    first = recall_ids(memory, STORIES["wine"])
    monkeypatch.setattr(shelf, "by_id", lambda ids: 1 / 0)
    assert recall_ids(memory, STORIES["wine"]) == first


def test_precedents_of_some_kinds_are_found_however_many_others_are_more_alike(open_memory):
    others = [
        precedent(f"EX-other-{number}", signal_text=STORIES["wine"], kind="other")
        for number in range(80)
    ]
    wanted = [
        precedent("EX-a", signal_text="Red wine is running low", kind="low_stock"),
        precedent("EX-b", signal_text="Wine is running low in the cellar", kind="cellar"),
    ]
    memory = open_memory(*others, *wanted)

    def find(kinds):
        found = memory.find_precedents(STORIES["wine"], kinds=kinds, channels={"C0STOCK"}, now=NOW)
        return {one.id for one in found}

    assert find({"low_stock"}) == {"EX-a"}
    assert find({"low_stock", "cellar"}) == {"EX-a", "EX-b"}
    assert find({"none"}) == set()
    assert find(None) & {one.id for one in others}


def test_a_memory_that_cannot_be_searched_says_so(open_memory):
    memory = open_memory(*stories())

    def fail(vector, scope, limit):
        raise OSError("the disk is gone")

    memory.index.matrix.find_nearest = fail
    found = memory.find_precedents("gin", kinds=None, channels={"C0STOCK"}, now=NOW)
    assert found is None
