"""The training set: what people wrote in playbooks, decided and confirmed, and nothing else."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.cases.playbook import Playbook
from bot.cases.precedent import Label, Precedent
from bot.cases.signal import UNRECOGNISED
from bot.ports import Shelf
from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.model_file import FORMAT
from knowledge.memory.embedder import Embedder

# The latest precedents of each kind: of a plan model, and of recognition.
MAX_PRECEDENTS_PER_KIND = 3_000
MAX_RECOGNITION_PRECEDENTS_PER_KIND = 150


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Everything that models are trained on."""

    #: Texts and the kinds that they belong to.
    examples: tuple[TrainingExample, ...]
    #: Texts that people called something new.
    novel_texts: tuple[str, ...]
    #: Precedents by kind, in time order.
    precedents: Mapping[str, Sequence[Precedent]]
    #: The identity of the embedder.
    embedder: str
    #: How many precedents and labels there were.
    memory_size: int

    @property
    def version(self) -> str:
        """Return a checksum of the content: the same training set has the same version."""
        checksum = hashlib.sha256(f"{FORMAT}\n{self.embedder}".encode())
        for example in self.examples:
            checksum.update(f"\0{example.label}\1{example.text}".encode("utf-8", "replace"))
        for text in self.novel_texts:
            checksum.update(f"\2{text}".encode("utf-8", "replace"))
        for kind, precedents in sorted(self.precedents.items()):
            for precedent in precedents:
                checksum.update(f"\3{kind}\1{precedent.id}\1{precedent.ended}".encode())
        return checksum.hexdigest()[:12]


def gather_training_set(
    shelf: Shelf, playbooks: Mapping[str, Playbook], embedder: Embedder
) -> TrainingSet:
    """Gather playbook examples, decided cases and people's labels of every kind with a playbook."""
    examples: list[TrainingExample] = []
    precedents: dict[str, Sequence[Precedent]] = {}
    for kind, playbook in sorted(playbooks.items()):
        if kind == UNRECOGNISED:
            continue
        precedents[kind] = _trainable_precedents(shelf, kind)
        examples += [TrainingExample(text, kind, {}) for text in playbook.examples]
        examples += _recognition_examples(kind, precedents[kind])
    labels = shelf.labels()
    for label in labels:
        if _has_playbook(label, playbooks):
            examples.append(TrainingExample(label.said, label.kind, {}))
    return TrainingSet(
        examples=tuple(examples),
        novel_texts=tuple(label.said for label in labels if not label.kind),
        precedents=precedents,
        embedder=embedder.identity,
        memory_size=shelf.count() + len(labels),
    )


def _trainable_precedents(shelf: Shelf, kind: str) -> list[Precedent]:
    stored = shelf.of_kind(kind, MAX_PRECEDENTS_PER_KIND)
    return [precedent for precedent in stored if precedent.teaches]


def _recognition_examples(kind: str, precedents: Sequence[Precedent]) -> list[TrainingExample]:
    latest = precedents[-MAX_RECOGNITION_PRECEDENTS_PER_KIND:]
    # A kind that recognition guessed and nobody confirmed would only teach it its own guess.
    confirmed = [precedent for precedent in latest if precedent.named]
    return [TrainingExample(precedent.said, kind, {}) for precedent in confirmed]


def _has_playbook(label: Label, playbooks: Mapping[str, Playbook]) -> bool:
    return label.kind in playbooks and label.kind != UNRECOGNISED
