"""Examples of questions as training sees them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle

from bot.cases.playbook import Playbook
from bot.cases.signal import UNRECOGNISED
from bot.views.query import Act, Ask
from knowledge.language.question_text import normalise
from knowledge.learning.question_model import NO_KIND, mask_kinds
from knowledge.library.questions import KIND_MASK, NO_SLOTS, QuestionExamples

#: Change it when the same examples would be learned otherwise.
METHOD = "4"
#: Reports describe anything at all, in words that other kinds may use.
REPORTS = f"{Ask.ACT}.{Act.RAISE}"
#: Asks whose questions say nothing of which cases are meant.
NO_CASE_ASKS = frozenset({Ask.SMALL_TALK, Ask.OUT_OF_SCOPE, Ask.HELP})
#: With so many kinds an example that may be about any is learned.
NAMES_PER_EXAMPLE = 2
#: Every so many examples without a kind one is learned as such: they are far more than the others.
NO_KIND_INTERVAL = 2
#: Most examples are gathered for several models, all of them before each training.
MAX_PLAIN_LINES = 50_000


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A normalised question with the right answer."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class SlotQuestion:
    """A normalised question with the labels of all its slots."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class QuestionTrainingSet:
    """Everything that the reading of questions is trained on."""

    asks: tuple[LabelledQuestion, ...]
    #: The empty label is for questions about no kind.
    kinds: tuple[LabelledQuestion, ...]
    #: How people name kinds.
    names: tuple[str, ...]
    version: str
    slots: tuple[SlotQuestion, ...] = ()


def question_version(examples: QuestionExamples, playbooks: Mapping[str, Playbook]) -> str:
    """Return a checksum of all that the training depends on."""
    checksum = hashlib.sha256(f"{METHOD}\n{examples.checksum}".encode())
    for kind, playbook in sorted(playbooks.items()):
        lines = (kind, playbook.title, *playbook.examples)
        checksum.update("\0".join(lines).encode("utf-8", "replace"))
    return checksum.hexdigest()[:12]


def gather_questions(
    examples: QuestionExamples, playbooks: Mapping[str, Playbook]
) -> QuestionTrainingSet:
    """Gather the questions about every kind that has a playbook."""
    kinds = sorted(set(playbooks) - {UNRECOGNISED})
    names = {kind: _names(kind, playbooks[kind], examples) for kind in kinds}
    flat_names = tuple(dict.fromkeys(name for kind in kinds for name in names[kind]))
    return QuestionTrainingSet(
        asks=_unique(_ask_questions(examples, kinds, flat_names)),
        kinds=_unique(_kind_questions(examples, playbooks, names)),
        names=flat_names,
        version=question_version(examples, playbooks),
        slots=_slot_questions(examples, flat_names),
    )


def _names(kind: str, playbook: Playbook, examples: QuestionExamples) -> tuple[str, ...]:
    phrases = (*examples.names.get(kind, ()), playbook.title)
    return tuple(dict.fromkeys(map(_plain, phrases)))


def _ask_questions(
    examples: QuestionExamples, kinds: list[str], names: tuple[str, ...]
) -> Iterator[LabelledQuestion]:
    """Yield the questions with their kinds masked."""
    for label, lines in examples.asks.items():
        for line in lines:
            yield LabelledQuestion(mask_kinds(_plain(line), names), label)
    for kind in kinds:
        for line in examples.kinds.get(kind, ()):
            yield LabelledQuestion(mask_kinds(_plain(line), names), str(Ask.LIST))


def _slot_questions(examples: QuestionExamples, names: tuple[str, ...]) -> tuple[SlotQuestion, ...]:
    """List the examples of slots, with kinds masked.

    Questions that are about no cases are among them.
    """
    by_text: dict[str, SlotQuestion] = {}
    for key, lines in examples.slots.items():
        labels = () if key == NO_SLOTS else tuple(key.split(" "))
        for line in lines:
            text = mask_kinds(_plain(line), names)
            by_text.setdefault(text, SlotQuestion(text, labels))
    for label, lines in examples.asks.items():
        if label.partition(".")[0] in NO_CASE_ASKS or label == REPORTS:
            for line in lines:
                text = mask_kinds(_plain(line), names)
                by_text.setdefault(text, SlotQuestion(text, ()))
    by_text.pop("", None)
    return tuple(by_text.values()) if examples.slots else ()


def _kind_questions(
    examples: QuestionExamples,
    playbooks: Mapping[str, Playbook],
    names: Mapping[str, tuple[str, ...]],
) -> Iterator[LabelledQuestion]:
    # In turn, so that every kind is asked about in many ways.
    turns = cycle([(kind, name) for row in _rows(names) for kind, name in row])
    for label, lines in examples.asks.items():
        for place, line in enumerate(lines):
            if KIND_MASK in line and names:
                for _ in range(NAMES_PER_EXAMPLE):
                    kind, name = next(turns)
                    yield LabelledQuestion(_plain(line.replace(KIND_MASK, name)), kind)
            elif label != REPORTS and place % NO_KIND_INTERVAL == 0:
                yield LabelledQuestion(_plain(line), NO_KIND)
    for line in examples.none:
        yield LabelledQuestion(_plain(line), NO_KIND)
    for kind, phrases in names.items():
        questions = (*examples.kinds.get(kind, ()), *playbooks[kind].examples)
        for line in (*phrases, *questions):
            yield LabelledQuestion(_plain(line), kind)


def _rows(names: Mapping[str, tuple[str, ...]]) -> Iterator[list[tuple[str, str]]]:
    """Yield the first names of all kinds, then the second, …"""
    longest = max(map(len, names.values()), default=0)
    for place in range(longest):
        yield [(kind, phrases[place]) for kind, phrases in names.items() if place < len(phrases)]


@lru_cache(maxsize=MAX_PLAIN_LINES)
def _plain(line: str) -> str:
    # The reader cuts off the ending of a name before it masks it.
    return normalise(line.replace("}'s", "}"))


def _unique(questions: Iterator[LabelledQuestion]) -> tuple[LabelledQuestion, ...]:
    """Keep the first of questions with the same words."""
    by_text: dict[str, LabelledQuestion] = {}
    for question in questions:
        if question.text:
            by_text.setdefault(question.text, question)
    return tuple(by_text.values())
