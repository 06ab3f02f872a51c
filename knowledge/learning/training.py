"""Training of all models.

It runs in a process of its own, so that the bot stays small and fast: importing this module loads
scikit-learn.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from bot.cases.errors import MemoryUnavailable
from knowledge.learning.model_file import TrainedModel
from knowledge.learning.plan_training import choose_plan_model
from knowledge.learning.question_model import QuestionModel
from knowledge.learning.question_training import train_question_model
from knowledge.learning.recogniser_training import train_recogniser
from knowledge.learning.training_set import TrainingSet
from knowledge.memory.embedder import Embedder, Embedders
from knowledge.memory.vectors import Vectors


class TextVectors:
    """The vectors of an embedder, each text embedded once.

    Recognition and plans are trained on the same texts.
    """

    def __init__(self, inner: Embedder) -> None:
        self.identity = inner.identity
        self.is_semantic = inner.is_semantic
        self._inner = inner
        self._vectors: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1."""
        new_texts = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new_texts:
            self._vectors.update(zip(new_texts, self._inner.embed(new_texts), strict=True))
        return np.array([self._vectors[text] for text in texts])


def train_models(
    training_set: TrainingSet,
    embedders: Embedders,
    last_model: TrainedModel | None = None,
) -> TrainedModel:
    """Train recognition, the plan models and the models of questions.

    Those of questions are kept while their examples are the same.
    """
    recognition = TextVectors(embedders.recognition)
    recogniser = train_recogniser(
        examples=training_set.examples,
        novel_texts=training_set.novel_texts,
        embedder=recognition,
        version=training_set.version,
        stranger_share=training_set.stranger_share,
    )
    plan_embedders = replace(embedders, recognition=recognition)
    plans = {}
    for kind, precedents in training_set.precedents.items():
        plan = choose_plan_model(kind, precedents, plan_embedders)
        if plan:
            plans[kind] = plan
    return TrainedModel(
        version=training_set.version,
        memory_size=training_set.memory_size,
        memory_place=training_set.memory_place,
        embedder=training_set.plan_embedder,
        recogniser=recogniser,
        plans=plans,
        questions=_train_questions(training_set, last_model),
    )


def _train_questions(
    training_set: TrainingSet, last_model: TrainedModel | None
) -> QuestionModel | None:
    questions = training_set.questions
    if questions is None:
        return None
    last = last_model.questions if last_model else None
    if last and last.version == questions.version:
        return last
    return train_question_model(questions)


@contextlib.contextmanager
def training_lock(folder: Path) -> Iterator[None]:
    """Keep other processes from training over the same memory.

    The lock of a process that is killed is released.

    Raises:
        MemoryUnavailable: another process is training.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(folder / "training.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise MemoryUnavailable(
            "another training of this memory is running; wait for it to end"
        ) from None
    try:
        yield
    finally:
        lock.release()
