"""What the site is made of: complete, current, and with a place for every message."""

import json
import re
import sys
from collections import Counter
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from bot.cases.canonical import canonical_bytes
from bot.cases.entries import BODIES, entry_of, entry_plain
from bot.settings import NAMES
from knowledge.library.schemas import SCHEMAS, schema_of
from knowledge.library.yaml_files import read
from tests.handlers.intake.deliveries import IntakeClient
from tests.test_exposition import families  # noqa: F401 (a fixture)

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs/site"))

import api  # noqa: E402
import commands  # noqa: E402
import drawing  # noqa: E402
import entries_page  # noqa: E402
import keys  # noqa: E402
import messages  # noqa: E402
import metrics  # noqa: E402
import settings_page  # noqa: E402
import source_pages  # noqa: E402


def test_every_message_has_a_remedy_of_its_own_and_every_remedy_a_message():
    assert messages.find_gaps() == [], "write the remedy into docs/site/remedies"


def test_every_message_has_an_anchor_of_its_own():
    found = messages.find_messages()
    assert len(found) > 600
    anchors = Counter(re.findall(r"\(([^()\n]+)\)=\n", messages.page()))
    for message in found:
        assert anchors[message.anchor] == 1, message


def test_a_remedy_is_a_sentence_and_says_more_than_its_message():
    for area in messages.areas():
        assert len(area.remedy.split()) > 10, area.title
        for text, remedy in area.remedies.items():
            assert remedy.endswith((".", ".)")), text
            assert len(remedy.split()) >= 6, text
            assert remedy.count(". ") <= 3, text
            assert remedy.rstrip(".").lower() != text.rstrip(".").lower()


@pytest.mark.parametrize("source", ['raise Refusal("a new no")', 'Finding(sentence="A new no.")'])
def test_a_new_message_without_a_remedy_is_named(source, monkeypatch):
    (text,) = messages._texts(source, "bot/cli/new.py")
    message = messages.Message(text, "bot/cli/new.py")
    monkeypatch.setattr(messages, "find_messages", lambda: [message])
    assert f"bot/cli/new.py: {text!r} has no remedy in “Commands”" in messages.find_gaps()


def test_a_remedy_whose_message_is_gone_is_named(monkeypatch):
    monkeypatch.setattr(messages, "find_messages", list)
    assert "“Commands”: there is no message 'name one key, or use --all'" in messages.find_gaps()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('raise NotEligible(f"only {group} may approve this")', "only … may approve this"),
        ('Finding(sentence="The bot is in no channel.")', "The bot is in no channel."),
        ('TEXT = "nothing is here"\nraise Refusal(TEXT)', "nothing is here"),
        ('problems.append(f"{name} is not set")', "… is not set"),
        ('raise BadRequest("name one" if x else "name two")', "name two"),
        ('raise LedgerBroken(f"{name} has no plan")', "… has no plan"),
        ('files.finding(file, way, f"{name} is above {other}")', "… is above …"),
        ('def f():\n    sentence = f"no {a} here"\n    self._report(x, y, sentence)', "no … here"),
        (
            'def f():\n    return f"{head} is looked up only afterwards", f"Put {head} above."',
            "… is looked up only afterwards",
        ),
    ],
)
def test_messages_are_found_as_they_are_written(source, text):
    assert text in list(messages._texts(source, "knowledge/library/made.py"))


def test_what_the_loader_says_of_a_value_is_among_the_messages():
    texts = {message.text for message in messages.find_messages()}
    assert "must be a duration like 30s, 15m, 48h or 7d" in texts
    assert "… already exists; name another folder, or remove it" in texts


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_every_key_has_an_example(file):
    schema = schema_of(file)
    examples = keys.find_examples(file, schema)
    missing = [
        f"{name}.{key}" for name, key, _ in keys.keys(file, schema) if (name, key) not in examples
    ]
    assert not missing


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_the_loader_takes_the_examples(file):
    path = keys.EXAMPLES / f"{file.name}.yml"
    if path.exists():
        read(path, file.shape)


# --- entries of the ledger ------------------------------------------------------------------------


def test_the_reference_has_every_entry_with_every_field():
    page = entries_page.page()
    assert sorted(re.findall(r"^### `([a-z_.]+)`$", page, re.MULTILINE)) == sorted(BODIES)
    for name, body in BODIES.items():
        section = page.partition(f"### `{name}`\n")[2].partition("\n### ")[0]
        fields = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        assert fields == list(body.__dataclass_fields__), name
        assert "*Written* " in section


def test_every_field_of_every_entry_has_a_meaning():
    shapes = [shape for shape in (*BODIES.values(), *entries_page._shapes()) if is_dataclass(shape)]
    missing = [
        f"{shape.__name__}.{name}"
        for shape in shapes
        for name, meaning in entries_page.comments(shape).items()
        if not meaning
    ]
    assert not missing, "write a #: comment above the field, or a line in entry_fields.yml"
    names = {name for shape in shapes for name in shape.__dataclass_fields__}
    meanings = entries_page._usual_meanings()
    assert not [key for key in meanings if key.rpartition(".")[2] not in names]


def test_every_entry_has_an_example_that_stands_in_a_ledger_so():
    examples = entries_page.examples()
    assert sorted(examples) == sorted(BODIES)
    for name, line in examples.items():
        plain = json.loads(line)
        entry = entry_of(plain)
        assert entry.body.name == name
        rest = {"salt": plain["salt"]} if "salt" in plain else {}
        written = json.loads(canonical_bytes({**entry_plain(entry), **rest}))
        # A field that is newer than the example has its default.
        assert {**written, "body": None} == {**plain, "body": None}
        assert plain["body"].items() <= written["body"].items(), name


# --- drawings and source --------------------------------------------------------------------------


def test_the_floors_are_drawn_from_the_highest_to_the_lowest():
    page = drawing.draw((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))
    assert "mermaid" not in page
    places = [page.index(f"<b>{room}") for room in ("handlers", "bot.desk", "bot.ports")]
    assert places == sorted(places)


def test_each_step_of_a_walk_leads_to_its_line():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\d+\. `([\w.]+)`", text, re.MULTILINE)
    linked = source_pages.link_names(text)
    pages = {path.as_posix(): content for path, content in source_pages.pages(text)}
    for step in steps:
        found = re.search(rf'href="([^"#]+)\.html#L-(\d+)"><code[^>]*><span[^>]*>{step}<', linked)
        assert found, step
        assert f'id="L-{found[2]}"' in pages[f"{found[1]}.md"]
        assert int(found[2]) > 1, step


# --- references -----------------------------------------------------------------------------------


def test_the_page_of_settings_has_every_setting():
    page = settings_page.page()
    assert all(f"`{name}`" in page for name in NAMES)


@pytest.mark.proof
def test_the_page_of_commands_has_every_option_that_help_prints(capsys):
    page = commands.page()
    for words, _ in commands.find_commands(commands.COUNTERSIGN, ()):
        commands.COUNTERSIGN.main([*words, "--help"], standalone_mode=False)
        help_text = capsys.readouterr().out
        section = page.partition(f"## `countersign {' '.join(words)}`\n")[2].partition("\n## ")[0]
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", help_text.partition("Options:")[2]))
        named = set(re.findall(r"`(--[a-z][a-z-]+)`", section))
        declared = set(re.findall(r"^  (?:-\w, )?(--[a-z][a-z-]+)", help_text, re.MULTILINE))
        assert declared - {"--help"} <= named, words
        assert named <= options, words


def test_the_page_of_the_api_has_what_a_running_bot_serves(small_world):
    served = IntakeClient(small_world).get("/openapi.json").json()
    made = api.document()["paths"]
    for path, operations in served["paths"].items():
        assert operations.keys() <= made[path].keys()
    page = api.page()
    for path, operations in served["paths"].items():
        for method in operations:
            assert f"## `{method.upper()} {path}`" in page


def test_the_page_of_metrics_has_what_metrics_shows(families):  # noqa: F811
    shown = {name for name in families if name.startswith("countersign_")}
    declared = {metric.name for metric in metrics.find_metrics()}
    assert shown <= declared
    assert all(metric.meaning for metric in metrics.find_metrics())
