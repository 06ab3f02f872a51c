"""The training set: texts and precedents that people confirmed.

They are the examples of playbooks, decided cases, and the labels that people gave.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from bot.cases.playbook import Playbook
from bot.cases.precedent import Label, Precedent
from bot.cases.signal import UNRECOGNISED
from bot.ports.memory import PrecedentStore
from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.model_file import FORMAT, TrainedModel
from knowledge.learning.question_examples import QuestionTrainingSet, gather_questions
from knowledge.learning.stranger_share import PRIOR_SHARE, stranger_share
from knowledge.library.questions import QuestionExamples
from knowledge.memory.embedder import Embedders

# The latest precedents of each kind: of a plan model, and of recognition.
MAX_PRECEDENTS_PER_KIND = 10_000
MAX_RECOGNITION_PRECEDENTS_PER_KIND = 150
# Memory must have grown by a twentieth since the last training, and by ten at least.
GROWTH_DIVISOR = 20
MIN_GROWTH = 10


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Everything that models are trained on."""

    #: Texts and the kinds that they belong to.
    examples: tuple[TrainingExample, ...]
    #: Texts that people called something new.
    novel_texts: tuple[str, ...]
    #: Precedents by kind, in time order.
    precedents: Mapping[str, Sequence[Precedent]]
    #: The identities of the embedders of plans, unless their past speaks for the other, and of
    #: recognition.
    plan_embedder: str
    recognition_embedder: str
    #: How many precedents and labels there were.
    memory_size: int
    #: The place of the last change of memory that is surely among them.
    memory_place: int
    #: The share of cases of unknown kinds among the coming ones.
    stranger_share: float = PRIOR_SHARE
    #: Examples of how people ask.
    questions: QuestionTrainingSet | None = None

    @property
    def version(self) -> str:
        """Return a checksum of the content."""
        embedders = f"{self.plan_embedder}\n{self.recognition_embedder}"
        checksum = hashlib.sha256(f"{FORMAT}\n{embedders}".encode())
        for example in self.examples:
            checksum.update(f"\0{example.label}\1{example.text}".encode("utf-8", "replace"))
        for text in self.novel_texts:
            checksum.update(f"\2{text}".encode("utf-8", "replace"))
        checksum.update(f"\5{self.stranger_share}".encode())
        for kind, precedents in sorted(self.precedents.items()):
            for precedent in precedents:
                checksum.update(f"\3{kind}\1{precedent.id}\1{precedent.outcome}".encode())
        if self.questions:
            checksum.update(f"\4{self.questions.version}".encode())
        return checksum.hexdigest()[:12]


def gather_training_set(
    shelf: PrecedentStore,
    playbooks: Mapping[str, Playbook],
    embedders: Embedders,
    questions: QuestionExamples | None = None,
) -> TrainingSet:
    """Gather the training set of every kind that has a playbook.

    Without ``questions`` nothing is learned about them.
    """
    # Before anything is read: what comes meanwhile may be missed, and counts as not learned.
    memory_place = shelf.last_place()
    examples: list[TrainingExample] = []
    precedents: dict[str, Sequence[Precedent]] = {}
    for kind, playbook in sorted(playbooks.items()):
        if kind == UNRECOGNISED:
            continue
        precedents[kind] = _trainable_precedents(shelf, kind)
        examples += _text_examples(playbook.examples, kind)
        examples += _text_examples(_recognition_texts(precedents[kind]), kind)
    labels = shelf.labels()
    novel_texts = []
    for label in labels:
        if not label.kind:
            novel_texts.append(label.signal_text)
        if _has_playbook(label, playbooks):
            examples.append(TrainingExample(label.signal_text, label.kind, {}))
    question_set = None
    if questions:
        question_set = gather_questions(questions, playbooks)
    return TrainingSet(
        examples=tuple(examples),
        novel_texts=tuple(novel_texts),
        precedents=precedents,
        plan_embedder=embedders.precedents.identity,
        recognition_embedder=embedders.recognition.identity,
        memory_size=shelf.count() + len(labels),
        memory_place=memory_place,
        stranger_share=stranger_share(labels, chain.from_iterable(precedents.values())),
        questions=question_set,
    )


def is_training_due(
    model: TrainedModel | None,
    shelf: PrecedentStore,
    embedders: Embedders,
    question_version: str = "",
) -> bool:
    """Return whether memory has changed enough since this model.

    Training is due as well when there is no model for these embedders, or its examples of questions
    were others. An empty ``question_version`` asks for none.
    """
    if model is None or not _fits(model, embedders):
        return True
    if question_version and _question_version(model) != question_version:
        return True
    return cases_until_training(model, shelf) <= 0


def cases_until_training(model: TrainedModel, shelf: PrecedentStore) -> int:
    """Return how many more decided cases make training due.

    0 when it is due.
    """
    growth = shelf.count() + len(shelf.labels()) - model.memory_size
    if growth < 0:
        # An imported batch was removed: the model must not keep what it taught.
        return 0
    return max(0, max(MIN_GROWTH, model.memory_size // GROWTH_DIVISOR) - growth)


def _fits(model: TrainedModel, embedders: Embedders) -> bool:
    """Return whether the model was trained on vectors of these embedders."""
    if model.embedder != embedders.precedents.identity:
        return False
    identities = {embedders.precedents.identity, embedders.recognition.identity}
    if any(plan.embedder not in identities for plan in model.plans.values()):
        return False
    recogniser = model.recogniser
    return recogniser is None or recogniser.embedder == embedders.recognition.identity


def _question_version(model: TrainedModel) -> str:
    return model.questions.version if model.questions else ""


def _trainable_precedents(shelf: PrecedentStore, kind: str) -> list[Precedent]:
    precedents = shelf.of_kind(kind, MAX_PRECEDENTS_PER_KIND)
    return [precedent for precedent in precedents if precedent.is_trainable]


def _recognition_texts(precedents: Sequence[Precedent]) -> list[str]:
    latest = precedents[-MAX_RECOGNITION_PRECEDENTS_PER_KIND:]
    # A kind that recognition guessed and nobody confirmed would only teach it its own guess.
    return [precedent.signal_text for precedent in latest if precedent.is_kind_known]


def _text_examples(texts: Sequence[str], kind: str) -> list[TrainingExample]:
    return [TrainingExample(text, kind, {}) for text in texts]


def _has_playbook(label: Label, playbooks: Mapping[str, Playbook]) -> bool:
    return label.kind in playbooks and label.kind != UNRECOGNISED
