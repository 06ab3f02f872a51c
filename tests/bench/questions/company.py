"""The sample company in the state that questions are asked about: its desk, its clock, its past."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from pathlib import Path

from bot import storage
from bot.advisors import Advisors, Knowledge, open_knowledge, without_memory
from bot.cases.approval import Person
from bot.cases.case import Case
from bot.cases.errors import NotEligible
from bot.demo import company as sample
from bot.demo import launcher
from bot.demo.company import SampleException
from bot.demo.history import HistoryPlayer, ManualClock, SampleDirectory
from bot.demo.people import TEAM, WORKSPACE
from bot.demo.training import train_on_precedents
from bot.desk.null_chat import NullChat
from bot.desk.options import DeskOptions
from bot.ports.outbox import Topic
from bot.ports.question_log import PostedQuestion
from bot.preflight import build_systems, open_library
from bot.settings import Settings
from bot.store.store import Store
from bot.use_cases import Desk, build_desk
from bot.views.answers import Answer
from knowledge.library import FileLibrary

#: Thursday, ten in the morning in London, and nine by UTC.
NOW = datetime(2026, 6, 18, 9, 0, tzinfo=UTC)
ZONE = "Europe/London"
#: From here on the scenes know the past, as a trained bot does.
TRAINED_FROM = NOW - timedelta(hours=30)
TICK = timedelta(hours=1)
FIRST_TICK = NOW - timedelta(days=36)
LEASE_SECONDS = 60
CLAIM_LIMIT = 50
FINISHED = "finished"

#: A scene says when it goes on.
Scene = Iterator[datetime]


class BenchDirectory(SampleDirectory):
    """The people of the sample, who can be looked up by name and moved between channels."""

    def __init__(self) -> None:
        #: Who has left which channel.
        self.departures: set[tuple[str, str]] = set()

    def person(self, principal: str, *, fresh: bool = False) -> Person:
        known = {f"{TEAM}/{user['id']}" for user in WORKSPACE["users"]}
        if principal not in known:
            raise NotEligible("nobody is known by that id")
        person = super().person(principal, fresh=fresh)
        return Person(person.id, person.name, guest=person.guest, zone=ZONE)

    def find_people(self, name: str) -> list[Person]:
        """Return the colleagues with this name, whole or in part."""
        name = name.casefold().strip().removeprefix("@")
        people = [self.person(f"{TEAM}/{user['id']}") for user in WORKSPACE["users"]]
        matches = []
        for person in people:
            full_name = person.name.casefold()
            if name in {full_name, *full_name.split()} and not person.guest:
                matches.append(person)
        return sorted(matches, key=lambda person: person.name)

    def members_of(self, channel: str) -> frozenset[str]:
        members = super().members_of(channel)
        return frozenset(one for one in members if (channel, one) not in self.departures)


class BenchChat(NullChat):
    """Keeps the answers instead of showing them."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.confirmations: list[object] = []

    def answer(
        self,
        question: object,
        answer: object,
        *,
        look_first: bool,
        stream_ts: str = "",
    ) -> None:
        assert isinstance(question, PostedQuestion)
        assert isinstance(answer, Answer)
        self.answers[question.id] = answer

    def confirm(self, order: object, confirmation: object) -> None:
        self.confirmations.append(confirmation)


class FixedClock:
    """The morning on which everything is asked."""

    def __call__(self) -> datetime:
        return NOW


@dataclass(kw_only=True)
class Company:
    """Everything that questions are put to."""

    folder: Path
    settings: Settings
    store: Store
    library: FileLibrary
    knowledge: Knowledge
    desk: Desk
    chat: BenchChat
    directory: BenchDirectory

    def close(self) -> None:
        self.knowledge.precedents.close()
        self.store.database.close()


def open_company(folder: Path, *, model: str = "", model_url: str = "") -> Company:
    """Open the company in this folder, made now if need be, with its models trained.

    With a chat model, by its LangChain name, questions are read by it first.
    """
    if not (folder / FINISHED).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _Past(folder).play()
        (folder / FINISHED).touch()
    settings = launcher.sample_settings(
        folder, "", COUNTERSIGN_CHAT_MODEL=model, COUNTERSIGN_CHAT_URL=model_url
    )
    store = storage.open_store(settings)
    library = open_library(settings)
    # As the demo does before it starts.
    launcher.store_precedents(store)
    launcher.index_precedents(settings, store, library)
    train_on_precedents(settings, library)
    clock = FixedClock()
    knowledge = open_knowledge(settings=settings, store=store, library=library, clock=clock)
    knowledge.precedents.open()
    chat = BenchChat()
    directory = BenchDirectory()
    desk = build_desk(
        store=store,
        library=library,
        systems=build_systems(settings, library, chat),
        chat=chat,
        directory=directory,
        clock=clock,
        advisors=knowledge.advisors,
        options=DeskOptions(storm_after=0, mode="live"),
    )
    return Company(
        folder=folder,
        settings=settings,
        store=store,
        library=library,
        knowledge=knowledge,
        desk=desk,
        chat=chat,
        directory=directory,
    )


@dataclass
class _Past:
    """Plays the past year and the scenes into an empty folder."""

    folder: Path
    settings: Settings = field(init=False)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.settings = launcher.sample_settings(self.folder, "")
        self.store = storage.open_store(self.settings)

    def play(self) -> None:
        # Here, because scenes are written in terms of this module.
        from tests.bench.questions.scenes import Stage, all_scenes

        database = self.folder / "company.db"
        local_now = NOW.replace(tzinfo=None)
        exceptions = sample.write_database(database, local_now)
        clock = ManualClock(datetime(2000, 1, 1, tzinfo=UTC))
        stage = Stage(
            database=database,
            clock=clock,
            desk=self._desk(clock, without_memory(self.store.precedents, clock)),
        )
        past = [exception for exception in exceptions if exception.at < local_now]
        player = HistoryPlayer(
            desk=stage.desk,
            clock=clock,
            settle=lambda exception: sample.settle_exception(database, exception),
        )
        scenes = [_history(player, exception) for exception in past]
        scenes += all_scenes(stage)
        scenes.append(_ticks(stage))
        scenes.append(self._training(stage))
        play_scenes(stage, scenes)
        self.store.outbox.discard([Topic.CARD, Topic.NOTE, Topic.CALL, Topic.INQUIRY])
        self.store.database.close()

    def _desk(self, clock: ManualClock, advisors: Advisors) -> Desk:
        library = open_library(self.settings)
        return build_desk(
            store=self.store,
            library=library,
            systems=build_systems(self.settings, library, NullChat()),
            chat=NullChat(),
            directory=BenchDirectory(),
            clock=clock,
            advisors=advisors,
            options=DeskOptions(storm_after=0),
        )

    def _training(self, stage: "StageLike") -> Scene:
        """Train, and go on with a desk that remembers."""
        yield TRAINED_FROM
        library = stage.desk.library
        launcher.store_precedents(self.store)
        launcher.index_precedents(self.settings, self.store, library)
        train_on_precedents(self.settings, library)
        knowledge = open_knowledge(
            settings=self.settings, store=self.store, library=library, clock=stage.clock
        )
        knowledge.precedents.open()
        stage.desk = self._desk(stage.clock, knowledge.advisors)
        yield NOW
        knowledge.precedents.close()


class StageLike:
    """What the player needs of a stage."""

    desk: Desk
    clock: ManualClock

    def work(self) -> None:
        raise NotImplementedError


def play_scenes(stage: StageLike, scenes: Sequence[Scene]) -> None:
    """Let every scene go on at its time, until now."""
    queue = []
    for place, scene in enumerate(scenes):
        begins_at = next(scene)
        queue.append((begins_at, place, scene))
    heapify(queue)
    while queue and queue[0][0] <= NOW:
        at, place, scene = heappop(queue)
        stage.clock.at = max(stage.clock.at, at.astimezone(UTC))
        continues_at = next(scene, None)
        stage.work()
        if continues_at:
            heappush(queue, (continues_at, place, scene))
    for _, _, scene in queue:
        scene.close()


def _history(player: HistoryPlayer, exception: SampleException) -> Scene:
    yield exception.at.replace(tzinfo=UTC)
    player._play_exception(exception)


def _ticks(stage: StageLike) -> Scene:
    """Let time itself act on what is due."""
    at = FIRST_TICK
    while at <= NOW:
        yield at
        stage.desk.upkeep.deadlines.process_due()
        at += TICK


def drain(desk: Desk, now: datetime) -> None:
    """Empty the outbox of what is due, as the workers would, without drawing cards."""
    handlers = {
        Topic.TRIAGE: desk.triage.run,
        Topic.EXECUTE: desk.execution.executor.run,
        Topic.FOLLOW_UP: desk.execution.follow_up.run,
    }
    while rows := desk.store.outbox.claim(
        list(handlers), limit=CLAIM_LIMIT, now=now, lease_seconds=LEASE_SECONDS
    ):
        for row in rows:
            handlers[row.topic](row)


def case_of(desk: Desk, case_id: str) -> Case:
    return desk.store.cases.case(case_id)


__all__ = ["NOW", "TEAM", "ZONE", "BenchChat", "BenchDirectory", "Company", "open_company"]
