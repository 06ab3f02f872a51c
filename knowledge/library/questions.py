"""``questions.yml``: how people ask, for the bot to learn from."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from bot.cases.errors import PlaybookInvalid
from bot.views.query import About, Act, Ask, Grouping, Measure, Order
from knowledge.library.yaml_files import locate, read

FILE_NAME = "questions.yml"
#: Stands for the name of a kind, where an example may be about any.
KIND_MASK = "{kind}"
#: What names, numbers and times are replaced by.
MASKS = frozenset(
    {KIND_MASK, "{case}", "{person}", "{group}", "{channel}", "{name}", "{money}", "{period}"}
)
#: The parts of a condition that are learned, and what each may be. A part of the question that says
#: nothing of one has no label for it.
SLOTS: Mapping[str, frozenset[str]] = {
    #: What {person} or {group} is.
    "role": frozenset({"waits_on", "owner", "decided_by", "raised_by", "approver", "stands_in"}),
    #: What the asker is.
    "me": frozenset({"waits_on", "owner", "decided_by", "raised_by"}),
    "state": frozenset(
        {
            "open",
            "closed",
            "waiting",
            "overdue",
            "snoozed",
            "paused",
            "unrecognised",
            "expired",
            "cleared",
            "automatic",
            "part_approved",
            "approved",
            "rejected",
            "edited",
            "by_hand",
            "handed_over",
            "taken_back",
            "approved_worked",
        }
    ),
    "order": frozenset(map(str, Order)),
    #: What {period} is the period of.
    "time": frozenset(
        {
            "opened",
            "decided",
            "ended",
            "due",
            "due_within",
            "expires_within",
            "age_min",
            "age_max",
        }
    ),
    "grouping": frozenset(map(str, Grouping)),
}
#: The key of examples that have none of them.
NO_SLOTS = "none"
#: Where an example may stand for any kind.
MASKED_SECTIONS = ("asks", "slots")
MAX_EXAMPLE_LENGTH = 300
_MASK = re.compile(r"\{[^}]*\}?")
_DETAILS = frozenset(map(str, (*About, *Act, *Measure)))


def _check_label(label: str) -> str:
    ask, dot, detail = label.partition(".")
    if ask not in set(Ask):
        raise ValueError(f"should begin with one of {', '.join(Ask)}")
    if dot and detail not in _DETAILS:
        raise ValueError(f"after the full stop should be one of {', '.join(sorted(_DETAILS))}")
    return label


def _check_slots(key: str) -> str:
    if key == NO_SLOTS:
        return key
    for label in key.split(" "):
        slot, _, value = label.partition(".")
        if slot not in SLOTS:
            raise ValueError(f"should be {NO_SLOTS}, or begin with one of {', '.join(SLOTS)}")
        if value not in SLOTS[slot]:
            values = ", ".join(sorted(SLOTS[slot]))
            raise ValueError(f"after {slot} and a full stop should be one of {values}")
    return key


Label = Annotated[str, AfterValidator(_check_label)]
Slots = Annotated[str, AfterValidator(_check_slots)]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionsFile:
    """The file: every text has one example a line."""

    #: Questions by what they ask for, an example a line.
    asks: dict[Label, str]
    #: By kind: what people call it.
    names: dict[str, str]
    #: By kind: questions for its open cases.
    kinds: dict[str, str]
    #: Questions about no kind in particular.
    none: str
    #: Questions by the parts that they name.
    slots: dict[Slots, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionExamples:
    """Questions as people put them, and what each is."""

    #: By label: an ``Ask``, or one with an ``About``, ``Act`` or ``Measure`` after a full stop.
    asks: Mapping[str, tuple[str, ...]]
    #: By kind: how people name it within a question.
    names: Mapping[str, tuple[str, ...]]
    #: By kind: questions for its open cases.
    kinds: Mapping[str, tuple[str, ...]]
    #: Questions about no kind in particular.
    none: tuple[str, ...]
    #: By the labels of all their slots, with blanks between them.
    slots: Mapping[str, tuple[str, ...]]
    #: The SHA-256 of the file.
    checksum: str


def read_questions(path: Path) -> QuestionExamples:
    """Read the examples.

    Raises:
        PlaybookInvalid: one line for each mistake, with file, line and what is allowed.
    """
    document, checksum = read(path, QuestionsFile)
    complaints = _check_examples(path, document)
    if complaints:
        raise PlaybookInvalid("\n".join(complaints))
    return QuestionExamples(
        asks=_split_all(document.asks),
        names=_split_all(document.names),
        kinds=_split_all(document.kinds),
        none=_split(document.none),
        slots=_split_all(document.slots),
        checksum=checksum,
    )


def check_kinds(path: Path, examples: QuestionExamples, kinds: Collection[str]) -> list[str]:
    """List the kinds of the file that have no playbook."""
    complaints = []
    for section, by_kind in (("names", examples.names), ("kinds", examples.kinds)):
        for kind in by_kind:
            if kind not in kinds:
                place = locate(path, (section, kind))
                complaints.append(f"{place}: {section}.{kind}: no playbook is for this kind")
    return complaints


def _check_examples(path: Path, document: QuestionsFile) -> list[str]:
    complaints = []
    for place, text in _texts(document):
        # The examples begin on the line after their label.
        for offset, line in enumerate(text.splitlines(), start=1):
            problem = _find_problem(line, may_name_kind=place[0] in MASKED_SECTIONS)
            if problem:
                file, _, line_number = locate(path, place).rpartition(":")
                name = ".".join(place)
                complaints.append(f"{file}:{int(line_number) + offset}: {name}: {problem}")
    return complaints


def _texts(document: QuestionsFile) -> list[tuple[tuple[str, ...], str]]:
    texts: list[tuple[tuple[str, ...], str]] = [(("none",), document.none)]
    for section in ("asks", "names", "kinds", "slots"):
        for label, text in getattr(document, section).items():
            texts.append(((section, label), text))
    return texts


def _find_problem(line: str, *, may_name_kind: bool) -> str:
    if len(line) > MAX_EXAMPLE_LENGTH:
        return f"an example should have at most {MAX_EXAMPLE_LENGTH} characters"
    for mask in _MASK.findall(line):
        if mask == KIND_MASK and not may_name_kind:
            return f"{KIND_MASK} can stand under asks and slots only"
        # Braces that hold no word are text: "{{7*7}}".
        if mask not in MASKS and re.fullmatch(r"\{\s*\w+\s*\}?", mask):
            return f"{mask} should be one of {', '.join(sorted(MASKS))}"
    return ""


def _split_all(texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {label: _split(text) for label, text in texts.items()}


def _split(text: str) -> tuple[str, ...]:
    """List the examples of a text once each, without empty lines."""
    lines = [line.strip() for line in text.splitlines()]
    return tuple(filter(None, dict.fromkeys(lines)))
