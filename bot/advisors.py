"""The advisors of the desk."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cases.errors import PlaybookInvalid
from bot.cases.promise import PromiseRecord
from bot.lazy_module import LazyModule
from bot.ports.clock import Clock
from bot.ports.language import ActionSheet, Narrator, Planner, QuestionClassifier, QuestionReader
from bot.ports.memory import Memory as MemoryPort
from bot.ports.memory import PrecedentStore
from bot.ports.recommender import PromiseRecords, Recogniser, Recommender
from bot.settings import Settings
from bot.store.precedents import SqlPrecedentStore
from bot.store.store import Store
from knowledge.language.chat_model import ChatLimits
from knowledge.learning.live_records import LiveRecords
from knowledge.learning.model_file import ModelFile
from knowledge.learning.plan_model import PlanModel
from knowledge.learning.question_examples import question_version
from knowledge.learning.question_model import QuestionModel, TrainedQuestionClassifier
from knowledge.learning.recogniser import RecogniserModel, TrainedRecogniser
from knowledge.learning.recommender import PrecedentRecommender, PrecedentSearch
from knowledge.learning.training_set import is_training_due
from knowledge.library import FileLibrary
from knowledge.memory.embedder import (
    CachingEmbedder,
    Embedder,
    Embedders,
    HashedWordsEmbedder,
    open_embedders,
)
from knowledge.memory.helper_client import (
    HelperClient,
    HelperOptions,
    RemoteEmbedder,
    RemoteVectorIndex,
)
from knowledge.memory.null_memory import NullMemory
from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.timeout_embedder import TimeoutEmbedder

if TYPE_CHECKING:
    from knowledge.language import model_reader, narrator, planner
else:
    # Only a bot with a chat model has them.
    model_reader = LazyModule("knowledge.language.model_reader")
    narrator = LazyModule("knowledge.language.narrator")
    planner = LazyModule("knowledge.language.planner")

log = logging.getLogger(__name__)
#: Somebody waits for the answer: after this the reader without a model reads the question.
READING_SECONDS = 8.0
#: How long a card waits for a vector of the model; a helper that starts takes a second or two.
MODEL_VECTOR_TIMEOUT = 3.0


@dataclass(frozen=True, kw_only=True)
class Advisors:
    """The parts that the desk consults. None decides; each may fail."""

    shelf: PrecedentStore
    memory: MemoryPort
    recogniser: Recogniser
    recommender: Recommender
    #: Which promises of the recommender are not kept at present.
    promises: PromiseRecords
    question_classifier: QuestionClassifier
    narrator: Narrator | None = None
    #: Suggests plans with a chat model, where one is configured and may.
    planner: Planner | None = None
    #: Reads questions with a chat model, where one is configured.
    model_reader: QuestionReader | None = None


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """The real advisors with the parts that they share."""

    advisors: Advisors
    library: FileLibrary
    shelf: SqlPrecedentStore
    precedents: PrecedentMemory
    embedders: Embedders
    model_file: ModelFile
    live_records: LiveRecords
    #: Of the index and the model file. It can be deleted: both are made again from the ledger.
    folder: Path

    def model_is_outdated(self) -> bool:
        """Say whether enough was decided since the last training."""
        if self.model_file.failure:
            return True
        return is_training_due(
            model=self.model_file.model,
            shelf=self.shelf,
            embedders=self.embedders,
            question_version=self._question_version(),
        )

    def _question_version(self) -> str:
        try:
            examples = self.library.questions()
        except PlaybookInvalid as error:
            # `countersign check` names the mistakes; what was learned before stays in use.
            log.warning("the examples of questions cannot be read: %s", error)
            return ""
        return question_version(examples, self.library.playbooks)


@dataclass(frozen=True)
class _LatestModels:
    """The models of the latest training, looked up at each use."""

    model_file: ModelFile
    embedders: Embedders

    def recogniser(self) -> RecogniserModel | None:
        model = self.model_file.model
        return model.recogniser if model else None

    def questions(self) -> QuestionModel | None:
        model = self.model_file.model
        return model.questions if model else None

    def plan(self, kind: str) -> PlanModel | None:
        model = self.model_file.model
        # A file of other embedders: its plans rest until the next training, which is due.
        if model is None or model.embedder != self.embedders.precedents.identity:
            return None
        return model.plans.get(kind)


def open_knowledge(
    settings: Settings, store: Store, library: FileLibrary, clock: Clock
) -> Knowledge:
    """Open the advisors with an index that is still empty.

    ``precedents.start()`` fills it in a thread of its own.
    """
    folder = settings.data_dir / "memory"
    shelf = store.precedents
    embedders = open_embedders(settings.embeddings)
    model_file = ModelFile(folder)
    helper = HelperClient(
        HelperOptions(
            folder=folder,
            chroma_url=settings.chroma_url,
            identity=embedders.precedents.identity,
            embedder=settings.embeddings,
        )
    )
    live_records = LiveRecords(shelf, lambda: model_file.model)
    precedents = PrecedentMemory(
        shelf, embedders.precedents, RemoteVectorIndex(helper), follower=live_records
    )
    models = _LatestModels(model_file, embedders)
    advisors = Advisors(
        shelf=shelf,
        memory=precedents,
        recogniser=TrainedRecogniser(
            latest_model=models.recogniser,
            embedder=RemoteEmbedder(helper, embedders.recognition),
            titles=dict(library.titles()),
        ),
        recommender=PrecedentRecommender(
            memory=precedents,
            plan_model_of=models.plan,
            embedder=embedders.precedents,
            clock=clock,
            model_embedder=_model_embedder(embedders, helper),
            live_record_of=live_records.of_kind,
        ),
        promises=live_records,
        question_classifier=TrainedQuestionClassifier(
            latest_model=models.questions,
            kinds=library.playbooks,
        ),
        narrator=_open_narrator(settings, clock),
        planner=_open_planner(settings, library, clock),
        model_reader=_open_model_reader(settings, clock),
    )
    return Knowledge(
        advisors=advisors,
        library=library,
        shelf=shelf,
        precedents=precedents,
        embedders=embedders,
        model_file=model_file,
        live_records=live_records,
        folder=folder,
    )


def _model_embedder(embedders: Embedders, helper: HelperClient) -> Embedder | None:
    """Return the model for plans that were trained with it.

    None if precedents have it too.
    """
    if embedders.recognition.identity == embedders.precedents.identity:
        return None
    remote_embedder = RemoteEmbedder(helper, embedders.recognition)
    return TimeoutEmbedder(CachingEmbedder(remote_embedder), MODEL_VECTOR_TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class TrainedModels:
    """The models of the latest training, apart from memory."""

    recogniser: Recogniser
    recommender: Recommender


def open_models(
    settings: Settings, library: FileLibrary, clock: Clock, memory: PrecedentSearch
) -> TrainedModels:
    """Open the trained models to play cases again.

    Vectors are made in this process.
    """
    embedders = open_embedders(settings.embeddings)
    model_file = ModelFile(settings.data_dir / "memory")
    models = _LatestModels(model_file, embedders)
    return TrainedModels(
        recogniser=TrainedRecogniser(
            latest_model=models.recogniser,
            embedder=embedders.recognition,
            titles=dict(library.titles()),
        ),
        recommender=PrecedentRecommender(
            memory=memory,
            plan_model_of=models.plan,
            embedder=embedders.precedents,
            clock=clock,
            model_embedder=CachingEmbedder(embedders.recognition),
        ),
    )


def without_models(clock: Clock, memory: PrecedentSearch | None = None) -> TrainedModels:
    """Return models that have learned nothing: playbooks alone recommend."""
    embedder = HashedWordsEmbedder()
    return TrainedModels(
        recogniser=TrainedRecogniser(_no_recogniser, embedder, {}),
        recommender=PrecedentRecommender(
            memory=NullMemory() if memory is None else memory,
            plan_model_of=_no_plan,
            embedder=embedder,
            clock=clock,
        ),
    )


def without_memory(shelf: PrecedentStore, clock: Clock) -> Advisors:
    """Return advisors that know no past.

    Only playbooks recommend then, no kind is recognised, and questions are read by their words.
    """
    memory = NullMemory()
    embedder = HashedWordsEmbedder()
    return Advisors(
        shelf=shelf,
        memory=memory,
        recogniser=TrainedRecogniser(_no_recogniser, embedder, {}),
        recommender=PrecedentRecommender(
            memory=memory,
            plan_model_of=_no_plan,
            embedder=embedder,
            clock=clock,
        ),
        promises=_NoPromises(),
        question_classifier=TrainedQuestionClassifier(_no_questions, kinds=()),
    )


class _NoPromises:
    """No promises, so none that lapsed."""

    def lapses(self) -> list[PromiseRecord]:
        """Return nothing."""
        return []


def _no_recogniser() -> RecogniserModel | None:
    return None


def _no_questions() -> QuestionModel | None:
    return None


def _no_plan(kind: str) -> PlanModel | None:
    return None


def _open_narrator(settings: Settings, clock: Clock) -> Narrator | None:
    if not settings.chat_model:
        return None
    limits = ChatLimits(calls_per_day=settings.chat_per_day)
    return narrator.open_narrator(
        name=settings.chat_model,
        url=settings.chat_url,
        clock=clock,
        limits=limits,
    )


def _open_planner(settings: Settings, library: FileLibrary, clock: Clock) -> Planner | None:
    if not settings.chat_model or settings.chat_plans != "on":
        return None
    return planner.open_planner(
        name=settings.chat_model,
        url=settings.chat_url,
        catalogue=lambda: action_sheets(library),
        clock=clock,
        limits=ChatLimits(calls_per_day=settings.chat_per_day),
    )


def action_sheets(library: FileLibrary) -> dict[str, ActionSheet]:
    """List what a model may know of the actions that policy lists."""
    sheets = {}
    for system_name, system in library.systems.items():
        for action_name, spec in system.actions.items():
            name = f"{system_name}.{action_name}"
            if name in library.policy().actions:
                sheets[name] = ActionSheet(
                    title=spec.title,
                    parameters={key: kind.value for key, kind in spec.parameters.items()},
                    returns=spec.returns,
                    says_refusals=spec.says_refusals,
                )
    return sheets


def _open_model_reader(settings: Settings, clock: Clock) -> QuestionReader | None:
    if not settings.chat_model:
        return None
    limits = ChatLimits(timeout_seconds=READING_SECONDS, calls_per_day=settings.chat_per_day)
    return model_reader.open_model_reader(
        name=settings.chat_model,
        url=settings.chat_url,
        clock=clock,
        limits=limits,
    )
