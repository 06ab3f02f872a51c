"""Strict YAML: every complaint has file and line."""

from dataclasses import dataclass

import pytest

from bot.cases.errors import PlaybookInvalid
from knowledge.library import load
from knowledge.library.yaml_files import locate, read
from tests.knowledge.library.editing import change, refuse

MISTAKES = [
    ("kind: low_stock", "kind: low_stock\nkind: low_stock", "low_stock.yml:2: .*duplicate key"),
    ("kind: low_stock", "kind: !!python/object/apply:os.system [x]", "tags are not allowed"),
    ("kind: low_stock", "kind: &a low_stock", "anchors"),
    ("kind: low_stock", "kind: [", "low_stock.yml"),
]


@pytest.mark.parametrize(("before", "after", "complaint"), MISTAKES, ids=range(len(MISTAKES)))
def test_what_is_no_plain_yaml_is_told_with_file_and_line(folder, before, after, complaint):
    refuse(folder / "playbooks/low_stock.yml", before, after, complaint=complaint)


def test_all_mistakes_are_told_at_once(folder):
    change(folder / "playbooks/low_stock.yml", "every: 60s", "every: often")
    change(folder / "playbooks/lead_cold.yml", "every: 60s", "every: often")
    with pytest.raises(PlaybookInvalid) as failure:
        load(folder)
    assert len(str(failure.value).splitlines()) == 2


def test_a_missing_or_huge_or_binary_file_is_refused(folder):
    (folder / "policy.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(PlaybookInvalid, match="not UTF-8"):
        load(folder)
    (folder / "policy.yml").write_text("a: " + "x" * 1_100_000)
    with pytest.raises(PlaybookInvalid, match="larger than"):
        load(folder)
    (folder / "policy.yml").unlink()
    with pytest.raises(PlaybookInvalid, match="^policy.yml: is missing"):
        load(folder)


# --- what Pydantic says of a dataclass, in the words of YAML --------------------------------------


@dataclass(frozen=True)
class Inner:
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Document:
    inner: Inner
    name: str = ""


def read_text(tmp_path, text):
    path = tmp_path / "x.yml"
    path.write_text(text)
    return read(path, Document)


def test_a_file_is_read_as_a_dataclass_with_its_checksum(tmp_path):
    value, checksum = read_text(tmp_path, "inner: {numbers: [1, 2]}\nname: x\n")
    assert value == Document(Inner((1, 2)), "x")
    assert checksum == "06f35aa7271dbb419fcea75a3400c01b1c30b36ce9e11108b0534959d4fcf595"


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("inner: {numbers: 5}", ["x.yml:1: inner.numbers: Input should be a valid list"]),
        ("name: x\ninner: 5", ["x.yml:2: inner: Input should be a mapping"]),
        ("inner: {numbers: []}\nage: 5", ["x.yml:2: age: Extra inputs are not permitted"]),
        ("inner:\n  numbers: []\n  b: 1", ["x.yml:3: inner.b: Extra inputs are not permitted"]),
        ("name: x", ["x.yml:1: inner: Field required"]),
        (
            "name: 5",
            ["x.yml:1: inner: Field required", "x.yml:1: name: Input should be a valid string"],
        ),
        ("[1]", ["x.yml:1: must be a mapping"]),
    ],
    ids=range(7),
)
def test_a_complaint_speaks_of_lists_and_mappings(tmp_path, text, complaints):
    with pytest.raises(PlaybookInvalid) as failure:
        read_text(tmp_path, text)
    assert str(failure.value).splitlines() == complaints


def test_a_value_is_located_by_its_line(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text("a:\n  b:\n    - 1\n    - 2\n")
    assert locate(path, ("a", "b", 1)) == "x.yml:4"
    assert locate(path, ("a", "missing")) == "x.yml:1"
