"""Standing rules, from the draft to the end.

A draft is a case like any other: it has a card, a record and a vote, and goes away by itself when
its evidence does. A rule that is not used, that people begin to disagree with, or whose time ends
is put before those who govern it, and ends unless they keep it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.cases.autonomy import standing_since
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.control_commands import (
    DoubtStandingRule,
    EndStandingRule,
    StandingRuleCommand,
)
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DeskControls
from bot.cases.desk_kinds import DESK_SOURCE, stage_kind, standing_rule_kind
from bot.cases.distillation import Press, distil, nearest
from bot.cases.errors import Conflict
from bot.cases.lifecycle import WAITING
from bot.cases.playbook import Playbook
from bot.cases.policy import Policy, Stage
from bot.cases.presses import DecidedPlan, decided_plans
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import ABSENCE
from bot.cases.standing_rule import Bound, StandingRule, deciding_case, rule_to_json, shape_of
from bot.cases.standing_rule_decisions import MAX_STANDING_RULES
from bot.cases.standing_rule_playbook import DRAFT_FACT
from bot.cases.standing_rule_terms import StandingRuleTerms
from bot.cases.verdict import STANDING_RULE
from bot.desk.action_stages import actions_of
from bot.desk.intake import Intake
from bot.desk.past_plans import BACKTEST_SPAN, LedgerRows, judge_past, surroundings_of
from bot.desk.playbook_versions import PlaybookVersions
from bot.desk.proposal import SHADOW_MODE
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore, ReceiptOutcome
from bot.ports.clock import Clock
from bot.ports.decision_records import DecisionRecords
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.policy_backtest import name_cases
from bot.views.standing_rules import (
    breach_words,
    free_words,
    rule_sentence,
    terms_words,
    use_words,
    within_words,
)

EVER = datetime(1970, 1, 1, tzinfo=UTC)
NONE = "none"
ADOPT, KEEP = "adopt", "keep"
Shape = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, kw_only=True)
class RulePresses:
    """Reads what people decided about the plans of a kind."""

    records: DecisionRecords
    cases: CaseStore

    def of_action(self, kind: str, action: str, *, since: datetime = EVER) -> list[DecidedPlan]:
        """List the decided plans of a kind with this action."""
        scores = self.records.scores(kind, action, since)
        # What ran alone and went well says nothing of people, and may be nearly all.
        telling_scores = [score for score in scores if score.bad_outcome or not score.is_alone]
        plans = []
        for case_id in dict.fromkeys(score.case_id for score in telling_scores):
            plans += decided_plans(self.cases.entries(case_id))
        return [one for one in plans if one.plan.playbook == kind and not one.plan.branches]

    def about(self, rule: StandingRule, *, since: datetime = EVER) -> list[DecidedPlan]:
        """List the decided plans of the shape of a rule."""
        shape = (rule.actions, rule.parameters)
        plans = self.of_action(rule.kind, rule.actions[0], since=since)
        return [one for one in plans if shape_of(one.plan) == shape]


@dataclass(frozen=True, kw_only=True)
class StandingRuleRecords:
    """Puts a rule into words, with its record."""

    presses: RulePresses
    desk_controls: DeskControlsStore
    cases: CaseStore
    ledger: LedgerRows
    library: Library
    versions: PlaybookVersions
    clock: Clock
    #: By the checksum of a draft: a back-test reads the whole ledger.
    _outcomes: dict[str, str] = field(default_factory=dict, init=False)

    def describe(self, rule: StandingRule) -> dict[str, Scalar]:
        """Return what the card of a draft shows."""
        yeses, counter_examples = self._examples(rule)
        playbook, labels = self.library.playbook(rule.kind), self.library.labels()
        obstacle = self.obstacle(rule)
        cases = name_cases(tuple(dict.fromkeys(yes.case_id for yes in yeses)))
        count = len(yeses)
        others = [
            f"{no.case_id} ({breach_words(rule, no.figures, playbook=playbook, labels=labels)})"
            for no in counter_examples
        ]
        left_out = f"; left out: {', '.join(others)}" if others else ""
        return {
            "rule": self.sentence(rule),
            "grounds": f"People approved {count:,} such plans as they were ({cases}){left_out}",
            "within": within_words(rule, playbook),
            "free": free_words(rule, labels),
            "counter_examples": ", ".join(others) or NONE,
            "outcome": self._outcome(rule),
            "terms": terms_words(rule),
            "is_open": not obstacle,
            "adopt_obstacle": f"it cannot be adopted any more: {obstacle}" if obstacle else NONE,
            "keep_obstacle": "it is not in force yet",
        }

    def describe_use(self, rule: StandingRule) -> dict[str, Scalar]:
        """Return what the card of a rule in force shows."""
        playbook, labels = self.library.playbook(rule.kind), self.library.labels()
        return {
            "rule": self.sentence(rule),
            "grounds": f"It ends: {rule.doubt}" if rule.doubt else "It is in force",
            "within": within_words(rule, playbook),
            "free": free_words(rule, labels),
            "counter_examples": NONE,
            "outcome": f"It was {use_words(self.cases.rule_use(rule))}.",
            "terms": terms_words(rule),
            "is_open": self.clock() < rule.until,
            "adopt_obstacle": "it was adopted already",
            "keep_obstacle": "its time is over",
        }

    def sentence(self, rule: StandingRule) -> str:
        """Say what runs by the rule."""
        return rule_sentence(rule, self.library.playbook(rule.kind), self.library.labels())

    def kind_title(self, rule: StandingRule) -> str:
        """Name the kind that the rule is about."""
        return self.library.playbook(rule.kind).title

    def obstacle(self, rule: StandingRule) -> str:
        """Say why a draft may not be adopted; empty where it may."""
        controls, now, policy = self.desk_controls.load(), self.clock(), self.library.policy()
        playbook = self.versions.of_kind(rule.kind, now).in_force
        if rule.playbook_digest != playbook.checksum:
            return "the playbook has changed since"
        if rule.owner != playbook.owners.governance:
            return "others govern the kind now"
        if now >= rule.until:
            return "its time is over"
        if len(controls.standing_rules) >= MAX_STANDING_RULES and not _is_in_force(rule, controls):
            return f"{MAX_STANDING_RULES} rules are in force, and no more may be"
        if not is_ruleable(playbook, rule.actions, policy=policy, controls=controls):
            return "policy or stage of its actions has changed"
        misses = [
            one.press.case_id
            for one in self.presses.about(rule)
            if one.is_no and rule.contains(one.press.figures)
        ]
        return f"people decided otherwise in {name_cases(tuple(misses))}" if misses else ""

    def evidence(self, rule: StandingRule) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """List the cases of approved plans within, and of others just outside."""
        yeses, noes = self._examples(rule)
        return tuple(one.case_id for one in yeses), tuple(one.case_id for one in noes)

    def _examples(self, rule: StandingRule) -> tuple[list[Press], tuple[Press, ...]]:
        plans = self.presses.about(rule)
        yeses = [one.press for one in plans if one.is_yes and rule.contains(one.press.figures)]
        return yeses, nearest(rule.bounds, [one.press for one in plans if one.is_no])

    def _outcome(self, rule: StandingRule) -> str:
        if rule.checksum not in self._outcomes:
            self._outcomes[rule.checksum] = self._judge_past(rule)
        return self._outcomes[rule.checksum]

    def _judge_past(self, rule: StandingRule) -> str:
        """Say which cases of late would have run by the rule."""
        policy, now = self.library.policy(), self.clock()
        surroundings = surroundings_of(self.library, self.desk_controls.load(), draft=rule)
        result = judge_past(
            self.ledger,
            today=policy,
            proposal=policy,
            surroundings=surroundings,
            since=now - BACKTEST_SPAN,
        )
        cases = [case for case in result.cases if case.kind == rule.kind]
        matches = [case for case in cases if case.after.rule == STANDING_RULE]
        wrong = tuple(case.case_id for case in matches if case.is_wrong)
        otherwise = name_cases(wrong) if wrong else "none of them"
        verb = "were" if len(wrong) > 1 else "was"
        days = BACKTEST_SPAN.days
        return (
            f"Over {days} days it would have taken {len(matches):,} of {len(cases):,} cases;"
            f" {otherwise} {verb} decided otherwise."
        )


def is_ruleable(
    playbook: Playbook, actions: tuple[str, ...], *, policy: Policy, controls: DeskControls
) -> bool:
    """Tell whether these actions may run by a rule at all."""
    if policy.is_never_alone(playbook.kind, actions):
        return False
    for action in actions:
        limit = policy.actions.get(action)
        stage = controls.stage_of(playbook.kind, action, playbook.terms.stage)
        if limit is None or not limit.alone or stage is not Stage.SUPERVISED:
            return False
    return True


def _is_in_force(rule: StandingRule, controls: DeskControls) -> bool:
    return any(one.checksum == rule.checksum for one in controls.standing_rules)


@dataclass(frozen=True, kw_only=True)
class StandingRules:
    """Asks which rules to adopt or keep, and ends the others."""

    desk_controls: DeskControlsStore
    presses: RulePresses
    cases: CaseStore
    queries: CaseQueries
    intake: Intake
    library: Library
    versions: PlaybookVersions
    clock: Clock
    mode: str = ""
    #: What the last drafts of a kind and action were made from, with them.
    _last_drafts: dict[tuple[str, str], tuple[Any, list[tuple[Shape, StandingRule]]]] = field(
        default_factory=dict, init=False
    )

    def review(self) -> int:
        """Look at all rules and records; return how many cases that opened."""
        if self.mode == SHADOW_MODE:
            return 0
        now = self.clock()
        opened_count = sum(
            self._review_rule(rule.id, now, rule.kind)
            for rule in self.desk_controls.load().standing_rules
        )
        controls = self.desk_controls.load()
        for kind, _ in self.library.titles():
            opened_count += self._propose(self.versions.of_kind(kind, now).in_force, controls, now)
        return opened_count

    @property
    def _terms(self) -> StandingRuleTerms:
        return self.library.policy().standing_rules

    # --- rules in force --------------------------------------------------------------------------

    def _review_rule(self, rule_id: str, now: datetime, kind: str) -> int:
        """End a rule, or ask whether to keep it."""
        # In this order: a case that is gone from here has had its effect on the rule.
        case = self._open_cases(kind, KEEP).get(rule_id)
        rule = self.desk_controls.load().standing_rule(rule_id)
        if rule is None:
            return 0
        reason = self._end_reason(rule, now)
        if not reason and rule.doubt and case is None:
            reason = f"nobody kept it: {rule.doubt}"
        if reason:
            self._save(EndStandingRule(rule_id=rule.id, reason=reason))
            self._clear([case] if case else [], now)
            return 0
        doubt = "" if rule.doubt else self._doubt(rule, now)
        return self._ask_to_keep(rule, case, doubt, now=now) if doubt else 0

    def _ask_to_keep(
        self, rule: StandingRule, case: Case | None, doubt: str, *, now: datetime
    ) -> int:
        """Put a rule before its owners, and let it end soon."""
        opened_count = 0
        if case is None:
            opened_count = self._open(self._keep_signal(rule, now, doubt), now)
        if case or opened_count:
            until = min(rule.until, now + self._terms.notice)
            self._save(DoubtStandingRule(rule_id=rule.id, reason=doubt, until=until))
        return opened_count

    def _end_reason(self, rule: StandingRule, now: datetime) -> str:
        policy = self.library.policy()
        playbook = self.versions.of_kind(rule.kind, now).in_force
        if now >= rule.until:
            return f"its time is over: {rule.doubt}" if rule.doubt else "its time is over"
        if rule.playbook_digest != playbook.checksum:
            return "the playbook has changed"
        if is_ruleable(playbook, rule.actions, policy=policy, controls=self.desk_controls.load()):
            return ""
        return "policy or the stage of its actions has changed"

    def _doubt(self, rule: StandingRule, now: datetime) -> str:
        """Say why a rule should end, unless somebody keeps it."""
        renewed_at = rule.renewed_at or rule.since
        misses = [
            one.press.case_id
            for one in self.presses.about(rule, since=renewed_at)
            if one.is_no and one.at > renewed_at and rule.contains(one.press.figures)
        ]
        if misses:
            return f"people decided otherwise in {name_cases(tuple(dict.fromkeys(misses)))}"
        used_at = self.cases.rule_use(rule).last_at or renewed_at
        if now - max(used_at, renewed_at) >= self._terms.disuse:
            return f"nothing ran by it for {self._terms.disuse.days} days"
        if rule.until - now <= self._terms.notice:
            return "its time is nearly over"
        return ""

    def _keep_signal(self, rule: StandingRule, now: datetime, doubt: str) -> Signal:
        playbook = self.library.playbook(rule.kind)
        until = now + self._terms.expires
        return Signal(
            source=DESK_SOURCE,
            key="",
            kind=standing_rule_kind(rule.kind),
            subject=f"{KEEP} {rule.id}",
            title=(
                f"The standing rule of {deciding_case(rule.id)} for “{playbook.title}” ends:"
                f" {doubt}. Keep it?"
            ),
            occurred_at=None,
            facts={
                "of_kind": rule.kind,
                "purpose": KEEP,
                "rule": rule.id,
                "until": until.isoformat(),
            },
        )

    # --- drafts ----------------------------------------------------------------------------------

    def _propose(self, playbook: Playbook, controls: DeskControls, now: datetime) -> int:
        """Propose what can be distilled of a kind, and clear other drafts."""
        open_cases = self._open_cases(playbook.kind, ADOPT)
        drafts = {_subject(shape): draft for shape, draft in self._drafts(playbook, controls, now)}
        stale_cases = [case for subject, case in open_cases.items() if subject not in drafts]
        self._clear(stale_cases, now)
        opened_count = 0
        for subject, draft in drafts.items():
            signal = self._draft_signal(playbook, subject, draft)
            if draft is not None and self._may_ask(signal, now):
                opened_count += self._open(signal, now)
        return opened_count

    def _drafts(
        self, playbook: Playbook, controls: DeskControls, now: datetime
    ) -> Iterator[tuple[Shape, StandingRule]]:
        """Yield the drafts of a kind, one for each sort of plan."""
        policy = self.library.policy()
        promotions = self.queries.open_from(DESK_SOURCE, stage_kind(playbook.kind))
        # Who is asked about the whole action is not asked about a part of it.
        promoted_actions = {case.signal.facts.get("of_action") for case in promotions}
        for action in actions_of(playbook):
            is_open = is_ruleable(playbook, (action,), policy=policy, controls=controls)
            if is_open and action not in promoted_actions:
                yield from self._drafts_of(playbook, action, controls=controls, now=now)

    def _drafts_of(
        self, playbook: Playbook, action: str, *, controls: DeskControls, now: datetime
    ) -> list[tuple[Shape, StandingRule]]:
        """Distil the plans that begin with an action, unless nothing is new."""
        policy = self.library.policy()
        since = now - policy.autonomy.window
        scores = self.presses.records.scores(playbook.kind, action, since)
        agreements = sum(score.is_comparable and score.agrees for score in scores)
        if agreements < self._terms.yeses:
            return []
        # Reading all decided cases costs much more than their scores.
        basis = (tuple(scores), controls.version, playbook.checksum, policy.checksum, now.date())
        last_basis, drafts = self._last_drafts.get((playbook.kind, action), (None, []))
        if basis != last_basis:
            drafts = self._distil_all(playbook, action, controls=controls, now=now)
            self._last_drafts[playbook.kind, action] = (basis, drafts)
        return drafts

    def _distil_all(
        self, playbook: Playbook, action: str, *, controls: DeskControls, now: datetime
    ) -> list[tuple[Shape, StandingRule]]:
        policy = self.library.policy()
        drafts = []
        for shape, plans in _by_shape(self.presses.of_action(playbook.kind, action)).items():
            if shape[0][0] != action:
                continue
            if not is_ruleable(playbook, shape[0], policy=policy, controls=controls):
                continue
            draft = self._distil(playbook, shape, plans, controls=controls, now=now)
            if draft is not None:
                drafts.append((shape, draft))
        return drafts

    def _distil(
        self,
        playbook: Playbook,
        shape: Shape,
        plans: list[DecidedPlan],
        *,
        controls: DeskControls,
        now: datetime,
    ) -> StandingRule | None:
        since = self._counts_since(playbook.kind, shape[0], controls=controls, now=now)
        rules = [
            rule
            for rule in controls.standing_rules
            if rule.kind == playbook.kind and (rule.actions, rule.parameters) == shape
        ]
        yeses = [
            one.press
            for one in plans
            if one.is_yes
            and one.at >= since
            and one.plan.playbook_digest == playbook.checksum
            and not any(rule.contains(one.press.figures) for rule in rules)
        ]
        noes = [one.press for one in plans if one.is_no]
        distillate = distil(yeses, noes, self._terms.yeses)
        return self._draft(playbook, shape, distillate.bounds, now=now) if distillate else None

    def _counts_since(
        self, kind: str, actions: tuple[str, ...], *, controls: DeskControls, now: datetime
    ) -> datetime:
        """Return from when on decisions count: after a demotion, only later ones."""
        times = [standing_since(controls.recorded_stage(kind, action)) for action in actions]
        begins_at = now - self.library.policy().autonomy.window
        return max([begins_at, *(at for at in times if at is not None)])

    def _draft(
        self, playbook: Playbook, shape: Shape, bounds: tuple[Bound, ...], *, now: datetime
    ) -> StandingRule:
        terms = self._terms
        return StandingRule(
            kind=playbook.kind,
            actions=shape[0],
            parameters=shape[1],
            bounds=bounds,
            times_per_day=terms.times_per_day,
            owner=playbook.owners.governance,
            playbook_digest=playbook.checksum,
            until=now + terms.expires,
            since=now,
        )

    def _draft_signal(self, playbook: Playbook, subject: str, draft: StandingRule) -> Signal:
        labels = self.library.labels()
        titles = " and then ".join(f"“{labels.action(name)}”" for name in draft.actions)
        return Signal(
            source=DESK_SOURCE,
            key="",
            kind=standing_rule_kind(playbook.kind),
            subject=subject,
            title=f"Let {titles} run within bounds, without being asked?",
            occurred_at=None,
            facts={
                "of_kind": playbook.kind,
                "purpose": ADOPT,
                "rule": draft.checksum,
                DRAFT_FACT: rule_to_json(draft),
            },
        )

    # --- parts -----------------------------------------------------------------------------------

    def _open_cases(self, kind: str, purpose: str) -> dict[str, Case]:
        """Find the open cases about a kind's rules, by their subjects."""
        cases = self.queries.open_from(DESK_SOURCE, standing_rule_kind(kind))
        name = "rule" if purpose == KEEP else ""
        return {
            str(case.signal.facts[name]) if name else case.signal.subject: case
            for case in cases
            if case.signal.facts.get("purpose") == purpose
        }

    def _may_ask(self, signal: Signal, now: datetime) -> bool:
        """Tell whether nobody was asked the same a short while ago."""
        last_at = self.queries.last_signal_at(signal.fingerprint, except_from=ABSENCE)
        return last_at is None or now - last_at >= self._terms.ask_again

    def _open(self, signal: Signal, now: datetime) -> int:
        signal = replace(signal, key=f"{signal.subject}@{int(now.timestamp())}")
        return int(self.intake.receive(signal, b"").outcome is ReceiptOutcome.OPENED)

    def _clear(self, cases: list[Case], now: datetime) -> None:
        for case in cases:
            if case.state in WAITING:
                self.intake.receive(_clear_signal(case, now), b"")

    def _save(self, command: StandingRuleCommand) -> None:
        decision = decide_controls(self.desk_controls.load(), command, self.clock())
        if not decision.entries:
            return
        try:
            self.desk_controls.save(decision)
        except Conflict:
            # The controls have just changed; the next review looks again.
            return


def _subject(shape: Shape) -> str:
    return f"{ADOPT} {' '.join(shape[0])}"


def _by_shape(plans: list[DecidedPlan]) -> dict[Shape, list[DecidedPlan]]:
    shapes: dict[Shape, list[DecidedPlan]] = {}
    for one in plans:
        shapes.setdefault(shape_of(one.plan), []).append(one)
    return shapes


def _clear_signal(case: Case, now: datetime) -> Signal:
    """Build the signal that clears this version of a case."""
    return replace(
        case.signal,
        key=f"{case.signal.key}#clear{case.version}",
        occurred_at=now,
        status=SignalStatus.CLEAR,
    )
