"""The standing rules as a part of the desk's own system.

A rule comes into force by an action like any other: dry run, approval, effect under the key of its
step, verification, and a way back.
"""

from datetime import datetime
from typing import Protocol

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.control_commands import (
    AdoptStandingRule,
    EndStandingRule,
    ProlongStandingRule,
    StandingRuleCommand,
)
from bot.cases.desk_kinds import DESK_SOURCE, standing_rule_kind
from bot.cases.entries import RuleAdopted, RuleEnded, RuleProlonged
from bot.cases.errors import ConnectorFailed, WorldMoved
from bot.cases.plan import Action
from bot.cases.standing_rule import StandingRule, rule_from_json
from bot.cases.standing_rule_playbook import DRAFT_FACT, STANDING_RULE_QUERY
from bot.connectors.desk import (
    ADOPT_STANDING_RULE_SPEC,
    KEEP_STANDING_RULE_SPEC,
)
from bot.connectors.desk_part import DeskPart
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore

ADOPT = "adopt"
RuleBody = RuleAdopted | RuleProlonged | RuleEnded


class RuleWords(Protocol):
    """Put a standing rule into words, with its record."""

    def describe(self, rule: StandingRule) -> dict[str, Scalar]:
        """Return what the card of a draft shows."""

    def describe_use(self, rule: StandingRule) -> dict[str, Scalar]:
        """Return what the card of a rule in force shows."""

    def sentence(self, rule: StandingRule) -> str:
        """Say what runs by the rule."""

    def kind_title(self, rule: StandingRule) -> str:
        """Name the kind that the rule is about."""

    def obstacle(self, rule: StandingRule) -> str:
        """Say why a draft may not be adopted; empty where it may."""

    def evidence(self, rule: StandingRule) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """List the cases of approved plans within, and of others just outside."""


class StandingRulesConnector(DeskPart[RuleBody]):
    """Adopts standing rules, keeps them for longer, and takes that back."""

    specs = (ADOPT_STANDING_RULE_SPEC, KEEP_STANDING_RULE_SPEC)
    bodies = RuleBody

    def __init__(
        self,
        *,
        desk_controls: DeskControlsStore,
        cases: CaseStore,
        queries: CaseQueries,
        clock: Clock,
        descriptions: RuleWords,
    ) -> None:
        """Read and write by the store's ports; no network is between."""
        super().__init__(desk_controls=desk_controls, cases=cases, queries=queries, clock=clock)
        self._descriptions = descriptions

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        """Return a draft or a rule in words, with its record."""
        if query != STANDING_RULE_QUERY:
            raise ConnectorFailed(f"the desk has no look-up {query[:50]!r}")
        kind, name = str(parameters["kind"]), str(parameters["rule"])
        if parameters["purpose"] == ADOPT:
            return [self._descriptions.describe(self._draft(kind, name))]
        rule = self._desk_controls.load().standing_rule(name)
        if rule is None:
            raise ConnectorFailed("the rule has ended")
        return [self._descriptions.describe_use(rule)]

    def execute(self, action: Action, key: str) -> str:
        """Write the rule, or its later end, into the ledger."""
        if self._entry_of(key) is not None:
            return "recorded before"
        kind, name = str(action.parameters["kind"]), str(action.parameters["rule"])
        case = self._case_of(standing_rule_kind(kind), key)
        by_name = ", ".join(vote.name for vote in case.proposal.approvals)
        if "until" in action.parameters:
            until = datetime.fromisoformat(str(action.parameters["until"]))
            self._must_be_in_force(name)
            command: StandingRuleCommand = ProlongStandingRule(
                rule_id=name, until=until, by_name=by_name, on_case=str(case.id), key=key
            )
        else:
            draft = self._draft(kind, name)
            self._must_be_open(draft)
            yeses, counter_examples = self._descriptions.evidence(draft)
            command = AdoptStandingRule(
                rule=draft,
                by_name=by_name,
                on_case=str(case.id),
                key=key,
                yeses=yeses,
                counter_examples=counter_examples,
            )
        self._decide(command)
        if isinstance(command, AdoptStandingRule):
            self._must_stay_open(command.rule, action, key)
        return "recorded"

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        """End the rule, or let it end when it would have."""
        entry = self._entry_of(key)
        if entry is None or self._entry_of(undo_key) is not None:
            return "nothing to take back"
        if isinstance(entry, RuleAdopted):
            self._decide(
                EndStandingRule(
                    rule_id=entry.rule.id,
                    reason=f"taken back in {entry.on_case}",
                    by_name=entry.by_name,
                    on_case=entry.on_case,
                    key=undo_key,
                )
            )
        elif isinstance(entry, RuleProlonged):
            self._decide(
                ProlongStandingRule(
                    rule_id=entry.rule,
                    until=entry.before,
                    by_name=entry.by_name,
                    on_case=entry.on_case,
                    key=undo_key,
                )
            )
        return "recorded"

    # --- parts -----------------------------------------------------------------------------------

    def _must_be_open(self, draft: StandingRule) -> None:
        obstacle = self._descriptions.obstacle(draft)
        if obstacle:
            raise WorldMoved(f"it cannot be adopted any more: {obstacle}")

    def _must_stay_open(self, draft: StandingRule, action: Action, key: str) -> None:
        """End at once what turned out wrong while it was being adopted."""
        try:
            self._must_be_open(draft)
        except WorldMoved:
            self.undo(action, key, f"{key}:late")
            raise

    def _must_be_in_force(self, rule_id: str) -> None:
        rule = self._desk_controls.load().standing_rule(rule_id)
        if rule is None or self._clock() >= rule.until:
            raise WorldMoved("the rule has ended")

    def _draft(self, kind: str, checksum: str) -> StandingRule:
        """Find the draft of this checksum in its case."""
        for case in self._queries.open_from(DESK_SOURCE, standing_rule_kind(kind)):
            text = case.signal.facts.get(DRAFT_FACT)
            rule = rule_from_json(text) if isinstance(text, str) else None
            if rule is not None and rule.checksum == checksum and rule.kind == kind:
                return rule
        raise ConnectorFailed("no case of the desk has this draft")

    def _snapshot(self, parameters: ScalarMapping) -> dict[str, Scalar]:
        kind, name = str(parameters["kind"]), str(parameters["rule"])
        if "until" in parameters:
            rule = self._desk_controls.load().standing_rule(name)
            if rule is None:
                raise ConnectorFailed("the rule has ended")
            until = datetime.fromisoformat(str(parameters["until"]))
            return {
                "kind_title": self._descriptions.kind_title(rule),
                "sentence": self._descriptions.sentence(rule),
                "until_text": f"{until:%-d %b %Y}",
            }
        draft = self._draft(kind, name)
        return {
            "kind_title": self._descriptions.kind_title(draft),
            "sentence": self._descriptions.sentence(draft),
            "until_text": f"{draft.until:%-d %b %Y}",
            "is_open": not self._descriptions.obstacle(draft),
        }
