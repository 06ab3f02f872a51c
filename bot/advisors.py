"""The advisors of the desk, and the training of their models."""

import logging
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.ports import Clock, Narrator, Recogniser, Recommender, Shelf, Talker
from bot.ports import Memory as MemoryPort
from bot.settings import Settings
from bot.store.shelf import Shelf as SqlShelf
from bot.store.store import SqlStore
from knowledge.chat_model import Bounds
from knowledge.embedder import Embedder, Words, open_embedder
from knowledge.learned import Learned
from knowledge.library import Library
from knowledge.narrator import open_narrator
from knowledge.plan_model import PlanModel
from knowledge.precedents import Forgetful, Precedents
from knowledge.recogniser import RecogniserModel, TrainedRecogniser
from knowledge.recommender import RememberingRecommender
from knowledge.talker import open_talker
from knowledge.training import is_worth_it
from knowledge.vector_index import VectorIndex

log = logging.getLogger(__name__)
#: An answer to a question may take longer than the words of a card: somebody watches it grow.
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Advisors:
    """The parts that the desk consults. None decides; each may fail."""

    shelf: Shelf
    memory: MemoryPort
    recogniser: Recogniser
    recommender: Recommender
    narrator: Narrator | None = None
    talker: Talker | None = None


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """The real advisors with the parts that they share."""

    advisors: Advisors
    library: Library
    shelf: SqlShelf
    precedents: Precedents
    embedder: Embedder
    model_file: Learned
    #: Of the index and the model file. It can be deleted: both are made again from the ledger.
    folder: Path

    def model_is_outdated(self) -> bool:
        """Say whether enough was decided since the last training."""
        if self.model_file.failure:
            return True
        return is_worth_it(self.model_file.model, self.shelf, self.embedder)


@dataclass(frozen=True)
class _LatestModels:
    """The models of the latest training, looked up at each use."""

    model_file: Learned
    embedder: Embedder

    def recogniser(self) -> RecogniserModel | None:
        model = self.model_file.model
        return model.recogniser if model else None

    def plan(self, kind: str) -> PlanModel | None:
        model = self.model_file.model
        # A model trained on the vectors of another embedder says nothing about ours.
        if model is None or model.embedder != self.embedder.identity:
            return None
        return model.plans.get(kind)


def open_knowledge(
    settings: Settings, store: SqlStore, library: Library, clock: Clock
) -> Knowledge:
    """Open the advisors with an index that is still empty.

    ``precedents.start()`` fills it in a thread of its own.
    """
    folder = settings.data_dir / "memory"
    shelf = SqlShelf(store)
    embedder = open_embedder(settings.embeddings)
    model_file = Learned(folder)
    index = VectorIndex(folder, settings.chroma_url, embedder.identity)
    precedents = Precedents(shelf, embedder, index)
    models = _LatestModels(model_file, embedder)
    advisors = Advisors(
        shelf=shelf,
        memory=precedents,
        recogniser=TrainedRecogniser(models.recogniser, embedder, dict(library.titles())),
        recommender=RememberingRecommender(
            memory=precedents, latest=models.plan, embedder=embedder, clock=clock
        ),
        narrator=_open_narrator(settings, clock),
        talker=_open_talker(settings, clock),
    )
    return Knowledge(
        advisors=advisors,
        library=library,
        shelf=shelf,
        precedents=precedents,
        embedder=embedder,
        model_file=model_file,
        folder=folder,
    )


def without_memory(shelf: Shelf, clock: Clock) -> Advisors:
    """Return advisors that know no past.

    Only playbooks recommend then, and no kind is recognised.
    """
    memory = Forgetful()
    embedder = Words()
    return Advisors(
        shelf=shelf,
        memory=memory,
        recogniser=TrainedRecogniser(_no_recogniser, embedder, {}),
        recommender=RememberingRecommender(
            memory=memory, latest=_no_plan, embedder=embedder, clock=clock
        ),
    )


def _no_recogniser() -> RecogniserModel | None:
    return None


def _no_plan(kind: str) -> PlanModel | None:
    return None


def _open_narrator(settings: Settings, clock: Clock) -> Narrator | None:
    if not settings.chat_model:
        return None
    bounds = Bounds(per_day=settings.chat_per_day)
    return open_narrator(
        name=settings.chat_model, url=settings.chat_url, clock=clock, bounds=bounds
    )


def _open_talker(settings: Settings, clock: Clock) -> Talker | None:
    if not settings.chat_model:
        return None
    bounds = Bounds(seconds=ANSWER_SECONDS, per_day=settings.chat_per_day)
    return open_talker(name=settings.chat_model, url=settings.chat_url, clock=clock, bounds=bounds)


class Trainer:
    """Train the models in a process of its own.

    The bot stays small and responsive meanwhile.
    """

    def __init__(self, settings: Settings, knowledge: Knowledge) -> None:
        self._settings = settings
        self._knowledge = knowledge
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopping = False

    def train_if_outdated(self) -> None:
        """Train if enough was decided since the last time.

        Returns when the training has ended.
        """
        if self._is_stopping or not self._knowledge.model_is_outdated():
            return
        # Attached: it ends when the pipe to its standard input does, and so with us, even killed.
        command = [sys.executable, "-m", "bot", "memory", "train", "--attached"]
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            command,
            env=dict(self._settings.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        try:
            has_failed = self._process.wait() != 0
        finally:
            if self._process.stdin:
                self._process.stdin.close()
        if has_failed and not self._is_stopping:
            log.warning(
                "training failed; the last model stays. `countersign memory train` shows why"
            )

    def stop(self) -> None:
        """End a training that is under way.

        Nothing is lost: the next one starts over.
        """
        self._is_stopping = True
        if self._process:
            self._process.terminate()
