"""``questions.yml``: mistakes in the examples of how people ask."""

import pytest

from bot.cases.errors import PlaybookInvalid
from knowledge.library import PACKAGED, load
from tests.knowledge.library.editing import change

MISTAKES = [
    ("  list: |", "  lists: |", r"questions.yml:6: asks.lists.*: should begin with one of list"),
    ("  count: |", "  count.colour: |", r"questions.yml:\d+: asks.count.colour.*: after the full"),
    (
        "    what is open\n",
        "    what is open\n    who is {persn}\n",
        "questions.yml:8: asks.list: {persn} ",
    ),
    ("    what is open\n", f"    {'x' * 301}\n", "questions.yml:7: asks.list: .*at most 300"),
    ("    bills\n", "    {kind} bills\n", r"questions.yml:\d+: names.invoice_no_order: {kind} can"),
    ("none: |", "no: |", "questions.yml:.*no"),
    ("  low_stock: |", "  low_stok: |", r"questions.yml:\d+: names.low_stok: no playbook"),
    ("kinds:\n", "kinds: [1]\n", r"questions.yml:\d+"),
    ("  me.owner: |", "  mine: |", r"questions.yml:\d+: slots.mine.*: should be none, or begin"),
    ("  me.owner: |", "  me.boss: |", r"questions.yml:\d+: slots.me.boss.*: after me and a full"),
    ("    owned by me\n", "    owned by {me}\n", r"questions.yml:\d+: slots.me.owner: {me}"),
]


def find_problems(folder):
    return load(folder).question_problems()


def test_the_packaged_examples_are_sound():
    assert load().question_problems() == []


@pytest.mark.parametrize(("before", "after", "complaint"), MISTAKES)
def test_a_mistake_is_named_with_its_line(folder, before, after, complaint):
    change(folder / "questions.yml", before, after)
    problems = find_problems(folder)
    assert problems
    with pytest.raises(AssertionError, match=complaint):
        raise AssertionError("\n".join(problems))


def test_a_wrong_example_does_not_keep_the_library_from_loading(folder):
    change(folder / "questions.yml", "  list: |", "  lists: |")
    library = load(folder)
    assert library.playbooks
    with pytest.raises(PlaybookInvalid, match="questions.yml"):
        library.questions()


def test_a_library_without_the_file_has_the_packaged_examples(folder):
    (folder / "questions.yml").unlink()
    (folder / "playbooks" / "low_stock.yml").unlink()
    library = load(folder)
    assert library.question_problems() == []
    assert library.questions().checksum == load(PACKAGED).questions().checksum


def test_examples_are_one_a_line_and_each_counts_once(folder):
    path = folder / "questions.yml"
    path.write_text(
        "asks:\n  list: |\n    what is open\n\n    what is open\n    {{7*7}}\n"
        "names: {}\nkinds: {}\nnone: ''\n"
    )
    assert load(folder).questions().asks == {"list": ("what is open", "{{7*7}}")}
