"""A small world for tests: the real desk over a real store, with fakes where the outside would be."""

import itertools
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bot.advisors import without_memory
from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.approval import ApprovalRequirement
from bot.cases.approval_playbook import approval_playbook, with_program_actions
from bot.cases.call_rules import CallRules
from bot.cases.canonical import canonical_hash
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.desk_kinds import (
    RULES_KIND,
    concerned_kind,
    is_stage_kind,
    is_standing_rule_kind,
    is_version_kind,
)
from bot.cases.hours import ALWAYS, Hours
from bot.cases.identity import Identities
from bot.cases.merit_rules import MeritRules
from bot.cases.playbook import ActionOffer, Detection, Lookup, Owners, Playbook, Stake
from bot.cases.playbook_version import decision_checksum
from bot.cases.policy import ActionLimit, PlaybookTerms, Policy, TierRule
from bot.cases.program import Program
from bot.cases.rule_record import KindRules, RuleRecord
from bot.cases.rules_playbook import rules_playbook
from bot.cases.service_level import ServiceLevel
from bot.cases.signal import UNRECOGNISED, Signal, SignalStatus
from bot.cases.source import RESERVED_NAMES
from bot.cases.stage_playbook import stage_playbook, with_desk_actions
from bot.cases.standing_rule_playbook import standing_rule_playbook
from bot.cases.version_playbook import version_playbook
from bot.connectors.dry_run import DryRun
from bot.desk.decision_path import Request
from bot.desk.options import DeskOptions
from bot.desk.worker import WorkerPool, WorkerTimings
from bot.ports.outbox import Topic
from bot.use_cases import build_desk
from bot.views.labels import Labels
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.fakes.connector import FakeConnector
from tests.fakes.directory import FakeDirectory, principal

HOUR = timedelta(hours=1)


def policy(**changes) -> Policy:
    tiers = {
        "low": TierRule((ApprovalRequirement("floor-managers", 1),), 24 * HOUR),
        "medium": TierRule((ApprovalRequirement("ops-leads", 1),), 24 * HOUR),
        "high": TierRule(
            (ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1)), 8 * HOUR
        ),
    }
    names = ("order_stock", "give_notice", "open_claim")
    actions = {f"house.{name}": ActionLimit() for name in names}
    return replace(
        Policy(
            currency="GBP",
            medium_above=Decimal(250),
            high_above=Decimal(2500),
            tiers=tiers,
            actions=actions,
        ),
        **changes,
    )


def playbook(**changes) -> Playbook:
    base = Playbook(
        kind="low_stock",
        title="Running low",
        channel="C0STOCK",
        what="{stock.product}: {stock.on_hand} left",
        detection=Detection(system="house", query="SELECT", every=HOUR),
        evidence=(
            Lookup(
                name="stock",
                system="house",
                query="look",
                parameters={"product_id": "signal.product_id"},
                show={"on_hand": "On hand"},
            ),
        ),
        stake=Stake("matters", "stock.at_risk", "GBP"),
        offers=(
            ActionOffer(
                action="house.order_stock",
                parameters={"product_id": "signal.product_id", "quantity": "stock.quantity"},
                reason="because",
                edit=("quantity",),
            ),
        ),
        terms=PlaybookTerms(),
        owners=Owners(
            business="floor-managers",
            operations="ops-leads",
            technical="ops-leads",
            governance="owners",
            next_owner="ops-leads",
        ),
        measure=ServiceLevel(
            decide_for=4 * HOUR, resolve_for=24 * HOUR, follow_up_for=timedelta(minutes=10)
        ),
        checksum="0" * 64,
    )
    return replace(base, **changes)


class FakeLibrary:
    def __init__(self) -> None:
        self.book = playbook()
        self.rules = policy()
        self.calendars: dict[str, Hours] = {}
        self.calls = CallRules()
        self.people = Identities()
        self.earlier_people: Identities | None = None
        self.lead_channels: list[str] = []
        self.merit_rules = MeritRules()
        self.saved_playbooks: dict[str, Playbook] = {}
        self.saved_policies: dict[str, Policy] = {}
        self.programs: dict[str, Program] = {}
        self.people_by_name: dict[str, str] = {}
        self.definitions = {"house.order_stock": "1" * 64}

    def identities(self) -> Identities:
        return self.people.join(self.earlier_people) if self.earlier_people else self.people

    def declared_identities(self) -> Identities:
        return self.people

    def join_identities(self, earlier: Identities | None) -> None:
        self.earlier_people = earlier

    def edit(self, book: Playbook) -> Playbook:
        """Save a playbook as a team does: from now on it is one of the files."""
        text = f"file {len(self.saved_playbooks) + 1}"
        checksum = canonical_hash(text)
        self.book = replace(book, version=decision_checksum(book), text=text, checksum=checksum)
        self.saved_playbooks[text] = self.book
        return self.book

    def account_of(self, name: str) -> str:
        return self.people_by_name.get(name, name)

    def playbook(self, kind: str) -> Playbook:
        for program in self.programs.values():
            if kind == program.approval_kind:
                return approval_playbook(program, self.playbook(UNRECOGNISED))
        if kind == RULES_KIND:
            return rules_playbook(self.playbook(UNRECOGNISED), self.governors())
        if is_version_kind(kind):
            return version_playbook(self.playbook(concerned_kind(kind)))
        if is_stage_kind(kind):
            return stage_playbook(self.playbook(concerned_kind(kind)))
        if is_standing_rule_kind(kind):
            return standing_rule_playbook(self.playbook(concerned_kind(kind)))
        if kind == UNRECOGNISED:
            return replace(
                self.book,
                kind=kind,
                offers=(),
                evidence=(),
                stake=Stake("unknown", "signal.amount", "GBP"),
                channel="C0OPS",
            )
        return replace(self.book, kind=kind)

    def playbook_from(self, kind: str, text: str) -> Playbook:
        return replace(self.saved_playbooks[text], kind=kind)

    def titles(self) -> list[tuple[str, str]]:
        return [("low_stock", "Running low")]

    def labels(self) -> Labels:
        return Labels(kinds=dict(self.titles()))

    def policy(self) -> Policy:
        return with_program_actions(with_desk_actions(self.rules), self.programs.values())

    def rule_record(self) -> RuleRecord:
        self.saved_policies[self.rules.checksum] = self.rules
        terms = KindRules.of(self.book.terms, self.book.owners.by_role())
        return RuleRecord(
            policy_text=self.rules.checksum,
            policy_checksum=self.rules.checksum,
            kinds={kind: terms for kind, _ in self.titles()},
            actions=dict(self.definitions),
            people_checksum=self.people.checksum,
        )

    def policy_from(self, text: str) -> Policy:
        return with_desk_actions(self.saved_policies[text])

    def hours(self, channel: str) -> Hours:
        return self.calendars.get(channel, ALWAYS)

    def call_rules(self, channel: str, kind: str) -> CallRules:
        return self.calls

    def deciders(self) -> list[str]:
        return ["floor-managers", "ops-leads", "finance", "owners"]

    def governors(self) -> list[str]:
        return [self.book.owners.governance]

    def channels(self) -> list[str]:
        return ["C0STOCK", "C0OPS"]

    def speakers(self) -> list[str]:
        programs = [program.source for program in self.programs.values()]
        return ["api", "house", "tills", *RESERVED_NAMES, *programs]

    def whole_desk_digests(self) -> list[str]:
        return self.lead_channels


class World:
    """Everything a test may press, break or look at."""

    def __init__(
        self,
        store,
        mind=None,
        mode: str = "",
        *,
        clock=None,
        outside=None,
        chat=None,
        settle_for=30.0,
        storm_after=30,
    ) -> None:
        """``mind`` takes shelf and clock, and gives what the desk asks before it recommends; nothing, if left out.

        ``outside`` is another world whose clock, Slack, people and systems this one goes on with.
        """
        self.store = store
        self.clock = clock or (outside.clock if outside else FakeClock())
        self.shelf = store.precedents
        self.mind = (mind or without_memory)(self.shelf, self.clock)
        self.chat = chat or (outside.chat if outside else FakeChat())
        self.people = outside.people if outside else FakeDirectory()
        self.house = outside.house if outside else FakeConnector()
        self.waits = {"settle_for": settle_for, "storm_after": storm_after}
        self.house.rows = [
            {
                "product": "Merlot",
                "on_hand": 4,
                "quantity": 24,
                "at_risk": 312.5,
                "subject": "product:1",
            }
        ]
        self.library = FakeLibrary()
        self._keys = itertools.count(1)
        self.start(mode)

    def start(self, mode: str) -> None:
        """Build the desk over the store in this mode, as a restart of the program does."""
        house = DryRun(self.house) if mode == "dry-run" else self.house
        self.desk = build_desk(
            store=self.store,
            library=self.library,
            systems={"house": house},
            chat=self.chat,
            directory=self.people,
            clock=self.clock,
            advisors=self.mind,
            options=DeskOptions(mode=mode, **self.waits),
        )
        self.people.group_lists = self.desk.decisions.proposals.rules.group_lists
        work = {
            Topic.TRIAGE: self.desk.triage.run,
            Topic.EXECUTE: self.desk.execution.executor.run,
            Topic.FOLLOW_UP: self.desk.execution.follow_up.run,
            Topic.OBSERVE: self.desk.execution.observation.run,
            Topic.CARD: self.desk.screens.cards.refresh,
            Topic.NOTE: self.desk.screens.notes.run,
            Topic.CALL: self.desk.screens.calls.run,
            Topic.INQUIRY: self.desk.screens.inquiry_messages.run,
            Topic.COMPARE: self.desk.upkeep.version_comparisons.run,
            Topic.REMEMBER: self.desk.upkeep.precedents.run,
            Topic.ANSWER: self.desk.conversation.questions.run,
            Topic.ORDER: self.desk.conversation.thread_orders.run,
            Topic.DIGEST: self.desk.screens.digests.run,
            Topic.HOME: self.desk.screens.app_home.run,
            Topic.STORM: self.desk.screens.storms.run,
            Topic.SWEEP: self.desk.upkeep.message_cleanup.run,
            Topic.RECOGNITION: self.desk.upkeep.recognition.run,
            Topic.EVENT: self.desk.events.run,
        }
        if self.desk.narration:
            work[Topic.NARRATE] = self.desk.narration.run
        self.lane = WorkerPool(
            "test",
            self.store.outbox,
            work,
            self.clock,
            threads=1,
            timings=WorkerTimings(lease_for=30, settle_for=30),
        )

    def signal(self, subject: str = "product:1", **changes) -> Signal:
        base = Signal(
            source="api",
            key=f"key-{next(self._keys)}",
            kind="low_stock",
            subject=subject,
            title="Merlot is running low",
            occurred_at=self.clock(),
            facts={"product_id": 1},
        )
        return replace(base, **changes)

    def receive(self, signal: Signal | None = None):
        return self.desk.intake.receive(signal or self.signal(), b"{}")

    def clear(self, signal: Signal):
        return self.receive(replace(signal, key=f"{signal.key}-clear", status=SignalStatus.CLEAR))

    def work(self, *, rounds: int = 100) -> None:
        """Empty what is due, one row at a time, as a worker would."""
        for _ in range(rounds):
            claimed = self.store.outbox.claim(list(Topic), 1, self.clock(), 30)
            if not claimed:
                return
            self.lane.handle(claimed[0])

    def proposed(self) -> Case:
        """A case that waits for a decision."""
        receipt = self.receive()
        self.work()
        return self.store.cases.case(receipt.case_id)

    def approve(self, case: Case, name: str = "ana", **more) -> Case:
        return self.desk.decisions.approve(
            request(case.id, principal(name), more.pop("seen", None) or self.seen(case)), **more
        )

    def seen(self, case: Case | str) -> CardSnapshot:
        """What a card that is drawn now shows of this case."""
        return CardSnapshot.of(self.store.cases.case(case if isinstance(case, str) else case.id))

    def slack_services(self, chat):
        """All of the desk that people reach through Slack."""
        from handlers.slack.services import QuestionServices, SlackServices

        desk = self.desk
        return SlackServices(
            chat=chat,
            decisions=desk.decisions,
            controls=desk.controls,
            conversation=desk.conversation,
            app_home=desk.screens.app_home,
            digests=desk.screens.digests,
            case_lists=desk.screens.case_lists,
            group_decisions=desk.group_decisions,
            raising=desk.raising,
            card_store=desk.store.cards,
            questions=QuestionServices(
                log=desk.store.question_log, reviews=desk.screens.question_reviews
            ),
            library=self.library,
            clock=self.clock,
            confirmation_link=lambda case_id, token: f"http://localhost/confirm/{case_id}/{token}",
            message_cleanup=desk.upkeep.message_cleanup,
        )

    def case(self, case: Case) -> Case:
        return self.store.cases.case(case.id)

    def entry_names(self, case: Case) -> list[str]:
        return [entry.body.name for entry in self.store.cases.entries(case.id)]


def request(case_id: str, by: str, seen: CardSnapshot, surface: Surface = Surface.SLACK) -> Request:
    """What a person asks for in Slack, who saw this."""
    return Request(case_id=CaseId(case_id), by=UserId(by), snapshot=seen, surface=surface)
