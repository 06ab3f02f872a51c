"""The quick reader of YAML: what it reads, the strict one reads alike."""

import random
from pathlib import Path

import pytest

from bot.cases.errors import PlaybookInvalid
from knowledge.library import PACKAGED, marked_yaml
from knowledge.library.plain_yaml import NotPlain, read_plain

FILES = sorted([*PACKAGED.glob("*.yml"), *PACKAGED.glob("packs/**/*.yml")])
PIECES = [
    *" \n:,-#'\"[]{}|>?&*!%@`~.+=<0e",
    *("\n  ", "\n- ", ": ", "null", "yes", "0x1f", "012", "1_000", "1e3", ".5", "-7", "12:30"),
    *("2026-01-01", "<<", "\\/", "é", "😀", "| \n", "---\n", "%YAML 1.1\n", "? a\n: b"),
]
PLAIN = {
    "a: 1": 1,
    "a: -1.50": -1.5,
    "a: true": True,
    "a: ~": None,
    "a:": None,
    "a: yes": "yes",
    "a: on": "on",
    "a: '1'": "1",
    "a: 08:00-18:00 h": "08:00-18:00 h",
    "a: [x, 2, {b: c}]": ["x", 2, {"b": "c"}],
    "a: |\n  x\n  y\n": "x\ny\n",
    "a: >\n  x\n  y\n": "x y\n",
}
NOT_PLAIN = (
    "a: 012", "a: 0x1f", "a: 1_000", "a: 1e3", "a: .5", "a: 2026-01-01", "a: 12:30", "a: +1",
    "a: &x 1", "a: !!str 1", "a: 1\na: 2", "a: [", "a: &x [*x]", "<<: {a: 1}", "1: a", "- a", "",
    "a: 1\n---\nb: 2", "%YAML 1.1\n---\na: yes", "a: \tx", "a: x\u2028y",
)  # fmt: skip


def read_strictly(text):
    path = Path("x.yml")
    return marked_yaml.to_plain(marked_yaml.parse(path, text.encode()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_packaged_file_is_read_as_by_the_strict_reader(path):
    text = path.read_text("utf-8")
    assert repr(read_plain(text)) == repr(read_strictly(text))


@pytest.mark.parametrize("text", PLAIN)
def test_plain_values_are_those_of_the_strict_reader(text):
    assert read_plain(text) == {"a": PLAIN[text]} == read_strictly(text)
    assert type(read_plain(text)["a"]) is type(PLAIN[text])


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_what_is_unusual_or_wrong_is_left_to_the_strict_reader(text):
    with pytest.raises(NotPlain):
        read_plain(text)


def test_a_document_of_any_depth_is_left_to_the_strict_reader():
    with pytest.raises(NotPlain):
        read_plain("a: " + "[" * 50_000)


@pytest.mark.parametrize("seed", range(4))
def test_what_both_readers_accept_they_read_alike(seed):
    dice = random.Random(seed)
    texts = [path.read_text("utf-8").splitlines(keepends=True) for path in FILES[1:]]
    for _ in range(60):
        lines = dice.choice(texts)
        start = dice.randrange(len(lines))
        text = "".join(lines[start : start + 10])
        for _ in range(dice.randrange(1, 4)):
            place = dice.randrange(len(text) + 1)
            text = text[:place] + dice.choice(PIECES) + text[place + dice.randrange(3) :]
        try:
            values = read_plain(text), read_strictly(text)
        except (NotPlain, PlaybookInvalid):
            continue
        assert repr(values[0]) == repr(values[1]), text
