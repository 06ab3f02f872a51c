"""``questions.yml``: how people ask, for the bot to learn from."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from bot.cases.errors import PlaybookInvalid
from bot.views.query import About, Act, Ask, Measure
from knowledge.library.yaml_files import locate, read

FILE_NAME = "questions.yml"
#: Stands for the name of a kind, where an example may be about any.
KIND_MASK = "{kind}"
#: What names, numbers and times are replaced by.
MASKS = frozenset(
    {KIND_MASK, "{case}", "{person}", "{group}", "{channel}", "{name}", "{money}", "{period}"}
)
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


Label = Annotated[str, AfterValidator(_check_label)]


@dataclass(frozen=True, slots=True)
class QuestionsFile:
    """The file: every text has one example a line."""

    asks: dict[Label, str]
    names: dict[str, str]
    kinds: dict[str, str]
    none: str


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
            problem = _find_problem(line, may_name_kind=place[0] == "asks")
            if problem:
                file, _, line_number = locate(path, place).rpartition(":")
                name = ".".join(place)
                complaints.append(f"{file}:{int(line_number) + offset}: {name}: {problem}")
    return complaints


def _texts(document: QuestionsFile) -> list[tuple[tuple[str, ...], str]]:
    texts: list[tuple[tuple[str, ...], str]] = [(("none",), document.none)]
    for section in ("asks", "names", "kinds"):
        for label, text in getattr(document, section).items():
            texts.append(((section, label), text))
    return texts


def _find_problem(line: str, *, may_name_kind: bool) -> str:
    if len(line) > MAX_EXAMPLE_LENGTH:
        return f"an example should have at most {MAX_EXAMPLE_LENGTH} characters"
    for mask in _MASK.findall(line):
        if mask == KIND_MASK and not may_name_kind:
            return f"{KIND_MASK} can stand under asks only"
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
