"""The advisors of the desk, from the precedents and models of this installation."""

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
    """What the desk consults: none of them decides, and each may be away."""

    shelf: Shelf
    memory: MemoryPort
    recogniser: Recogniser
    recommender: Recommender
    narrator: Narrator | None = None
    talker: Talker | None = None


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """The real advisors with the parts they share: stored precedents, their index, the models."""

    advisors: Advisors
    library: Library
    shelf: SqlShelf
    precedents: Precedents
    embedder: Embedder
    learned: Learned
    #: Of the index and the model file. It can be deleted: both are made again from the ledger.
    folder: Path

    def model_is_outdated(self) -> bool:
        """Say whether people have decided enough since the last training to train again."""
        if self.learned.failure:
            return True
        return is_worth_it(self.learned.model, self.shelf, self.embedder)


@dataclass(frozen=True)
class _LatestModels:
    """The models of the latest training, looked up at each use."""

    learned: Learned
    embedder: Embedder

    def recogniser(self) -> RecogniserModel | None:
        model = self.learned.model
        return model.recogniser if model else None

    def plan(self, kind: str) -> PlanModel | None:
        model = self.learned.model
        # A model trained on the vectors of another embedder says nothing about ours.
        if model is None or model.embedder != self.embedder.identity:
            return None
        return model.plans.get(kind)


def open_knowledge(
    settings: Settings, store: SqlStore, library: Library, clock: Clock
) -> Knowledge:
    """Open the advisors. ``precedents.start()`` fills the index, in a thread of its own."""
    folder = settings.data_dir / "memory"
    shelf = SqlShelf(store)
    embedder = open_embedder(settings.embeddings)
    learned = Learned(folder)
    index = VectorIndex(folder, settings.chroma_url, embedder.identity)
    precedents = Precedents(shelf, embedder, index)
    models = _LatestModels(learned, embedder)
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
        learned=learned,
        folder=folder,
    )


def without_memory(shelf: Shelf, clock: Clock) -> Advisors:
    """Return advisors that know no past: only playbooks recommend, and nothing is recognised."""
    memory = Forgetful()
    embedder = Words()
    return Advisors(
        shelf=shelf,
        memory=memory,
        recogniser=TrainedRecogniser(lambda: None, embedder, {}),
        recommender=RememberingRecommender(
            memory=memory, latest=lambda kind: None, embedder=embedder, clock=clock
        ),
    )


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
    """Train the models in a process of its own, so that the bot stays small and responsive."""

    def __init__(self, settings: Settings, knowledge: Knowledge) -> None:
        self._settings = settings
        self._knowledge = knowledge
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopping = False

    def train_if_outdated(self) -> None:
        """Train when enough was decided since the last time, and wait for the end of it."""
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
        """End a training that is under way. Nothing is lost: the next one starts over."""
        self._is_stopping = True
        if self._process:
            self._process.terminate()
