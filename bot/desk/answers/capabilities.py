"""The abilities and limits of the product, from its own files."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cases.approval import OWNER, people_of
from bot.cases.controls import STAGE_ORDER
from bot.cases.limits import describe_window
from bot.cases.plan import Money
from bot.cases.playbook import Playbook
from bot.cases.policy import OWN_ACTIONS, ActionLimit, Policy, Stage, TierRule, WindowLimit
from bot.cases.standing_rule import StandingRule, deciding_case
from bot.desk.action_stages import ActionStages, actions_of
from bot.desk.answers.case_file import Statement
from bot.desk.answers.names import NAMED_PEOPLE, scope_title
from bot.desk.answers.wording import count_word
from bot.desk.case_texts import STAGE_TEXTS, count_noun, describe_span, join_words, verb
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.ports.recommender import Recogniser
from bot.views.labels import start_upper
from bot.views.standing_rules import day_words, rule_sentence

NEVER_READ = "I cannot read e-mails or calls, and in Slack I read only what is said to me"
#: Longer lines are cut when they are shown.
MAX_LINE = 460
ALWAYS_ASKED = "Higher risk, and everything that a person edited, always waits for people."


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """Describe the product from its own files. Nothing is claimed beside them."""

    library: Library
    desk_controls: DeskControlsStore
    recogniser: Recogniser
    stages: ActionStages

    def describe_purpose(self) -> Statement:
        """Say what the product is for."""
        text = (
            "I bring exceptions in the business to the people who decide them, carry out exactly"
            " what was approved, and keep the proof."
        )
        titles = [title for _, title in self.library.titles()]
        facts = ["I answer questions about the cases that you may see."]
        facts += _in_lines(f"I know {_kinds(len(titles))} of exceptions", titles)
        return Statement(text=text, facts=tuple(facts))

    def describe_cannot(self) -> Statement:
        """List what the product does not do, and all that it does."""
        text = (
            "I cannot do anything that is not on this list, and I decide nothing that needs a"
            " person."
        )
        facts = [
            *_in_lines("All that I can carry out, once it is approved", self._action_titles()),
            f"{NEVER_READ}: I see only what my sources report ({self._source_names()}).",
            self._describe_recognition(),
            "I cannot say why something happens more often: causes are not recorded.",
            "I know nothing but these cases: no weather, no news, no other data.",
        ]
        return Statement(text=text, facts=(*facts, *self._describe_pauses()))

    def describe_kinds(self) -> Statement:
        """List the kinds by their stage."""
        playbooks = self._playbooks()
        facts = []
        stages = {book.kind: self._stages_of(book) for book in playbooks}
        for stage in STAGE_ORDER:
            titles = [book.title for book in playbooks if stage in stages[book.kind]]
            if titles:
                facts += _in_lines(start_upper(STAGE_TEXTS[stage]), titles)
        facts += [self._describe_recognition(), *self._describe_pauses()]
        text = f"I handle {_kinds(len(playbooks))} of exceptions:"
        return Statement(text=text, facts=tuple(facts))

    def describe_actions(self) -> Statement:
        """List the actions that may be carried out, with their limits."""
        policy = self.library.policy()
        facts = []
        for name, limit in policy.actions.items():
            if name.startswith(OWN_ACTIONS):
                continue
            title = self.library.labels().action(name)
            facts.append(f"{start_upper(title)}: {_describe_limit(limit, policy)}.")
        text = f"I can carry out {count_noun(len(facts), 'action')}, once it is allowed:"
        return Statement(text=text, facts=(*facts, *self._describe_pauses()))

    def describe_sources(self) -> Statement:
        """Say where exceptions come from, and what is never read."""
        text = f"{NEVER_READ}. I see only what is reported to me."
        titles: dict[str, list[str]] = {}
        for playbook in self._playbooks():
            titles.setdefault(self._origin(playbook), []).append(playbook.title)
        facts = []
        for origin, titles_of_origin in titles.items():
            facts += _in_lines(f"From {origin}", titles_of_origin)
        facts.append("You can raise anything else by hand, in Slack.")
        return Statement(text=text, facts=tuple(facts))

    def describe_autonomy(self) -> Statement:
        """Say which kinds may run without a person, and what never does."""
        playbooks = self._playbooks()
        alone = [book for book in playbooks if self._alone_actions(book)]
        facts = []
        for book in alone:
            facts.append(f"{book.title}: {join_words(self._alone_actions(book))}.")
        rules = self._rules()
        ruled_kinds = {rule.kind for rule in rules}
        facts += self._describe_rules(rules)
        others = [book for book in playbooks if book not in alone and book.kind not in ruled_kinds]
        asking = [book.title for book in others]
        facts += _in_lines("A person decides every time", asking)
        hours = self.library.policy().hours
        if hours and alone:
            facts.append(f"Alone only at these hours, by the clock of the channel: {hours}.")
        facts += self._describe_records()
        facts += [ALWAYS_ASKED, *self._describe_pauses()]
        if not alone and rules:
            text = "No kind as a whole, but some plans by standing rules:"
            return Statement(text=text, facts=tuple(facts))
        if not alone:
            return Statement(text="None: a person decides every case.", facts=tuple(facts))
        count = start_upper(_kinds(len(alone)))
        return Statement(text=f"{count} may run without a person:", facts=tuple(facts))

    def describe_limits(self) -> Statement:
        """Say how much may be moved without people, and with whom."""
        policy = self.library.policy()
        alone = [title for book in self._playbooks() for title in self._alone_actions(book)]
        rules = self._rules()
        alone += [self.library.labels().action(name) for rule in rules for name in rule.actions]
        low = Money(policy.medium_above, policy.currency)
        text = "Nothing: I spend no money unless a person has approved it."
        if alone:
            names = join_words([f"“{title}”" for title in dict.fromkeys(alone)])
            text = f"At most {low} in one plan, and only for {names}."
        facts = [*self._describe_tiers(policy), *self._describe_action_limits(policy)]
        facts += self._describe_rules(rules)
        facts.append("A kind may ask for further approvers, or for a shorter time.")
        return Statement(text=text, facts=(*facts, ALWAYS_ASKED))

    # --- parts -----------------------------------------------------------------------------------

    def _playbooks(self) -> list[Playbook]:
        return [self.library.playbook(kind) for kind, _ in self.library.titles()]

    def _action_titles(self) -> list[str]:
        labels = self.library.labels()
        # What the desk does to itself is nobody's business case.
        names = [name for name in self.library.policy().actions if not name.startswith(OWN_ACTIONS)]
        return [labels.action(name) for name in names]

    def _alone_actions(self, playbook: Playbook) -> list[str]:
        """Name the actions of a kind that may run alone."""
        controls = self.desk_controls.load()
        labels = self.library.labels()
        policy = self.library.policy()
        alone = [
            name
            for name in actions_of(playbook)
            if name in policy.actions
            and policy.actions[name].alone
            and not policy.is_never_alone(playbook.kind, [name])
            and controls.stage_of(playbook.kind, name, playbook.terms.stage) is Stage.AUTONOMOUS
        ]
        return [labels.action(name) for name in alone]

    def _rules(self) -> list[StandingRule]:
        """List the standing rules in force."""
        now = self.stages.clock()
        return [rule for rule in self.desk_controls.load().standing_rules if now < rule.until]

    def _describe_rules(self, rules: Sequence[StandingRule]) -> list[str]:
        """Say what runs by a standing rule, and who approved it."""
        labels = self.library.labels()
        return [
            f"By a standing rule until {day_words(rule.until)}:"
            f" {rule_sentence(rule, self.library.playbook(rule.kind), labels)}"
            f" (approved by {rule.by_name} in {deciding_case(rule.id)})."
            for rule in rules
        ]

    def _stages_of(self, playbook: Playbook) -> set[Stage]:
        """Return the stages in force among the actions of a kind."""
        controls, initial = self.desk_controls.load(), playbook.terms.stage
        names = actions_of(playbook)
        return {controls.stage_of(playbook.kind, name, initial) for name in names} or {initial}

    def _describe_records(self) -> list[str]:
        """Say what has been earned, and what is missing elsewhere."""
        facts = []
        actions = self.library.policy().actions
        for one in self.stages.list():
            name = f"“{start_upper(one.action_title)}” for “{one.kind_title}”"
            if one.stage is Stage.AUTONOMOUS and one.since:
                facts.append(f"{name}: since {one.since:%d %b %Y}, decided by {one.by_name}.")
            elif one.gate and one.action in actions and actions[one.action].alone:
                gate = one.gate
                missing = "; ".join(gate.reasons) or "nothing, and it is asked for"
                facts.append(
                    f"{name}: people agreed {gate.agreements:,} of {gate.decisions:,} times;"
                    f" missing: {missing}."
                )
        return facts

    def _source_names(self) -> str:
        return join_words(list(dict.fromkeys(self._origin(one) for one in self._playbooks())))

    def _origin(self, playbook: Playbook) -> str:
        """Say where the cases of a kind come from."""
        labels = self.library.labels()
        if playbook.detection:
            return f"the {labels.system(playbook.detection.system)}"
        if playbook.absence:
            origin = playbook.absence.origin
            return f"what {labels.system(origin)} does not report" if origin else "silence"
        return "what other systems send"

    def _describe_recognition(self) -> str:
        text = "What fits no kind goes to a person, who says what it is"
        if self.recogniser.is_trained():
            return f"{text}; I recognise kinds by what I have learned, and say when I am not sure."
        return f"{text}; recognising kinds from words is not trained yet, so I do not guess."

    def _describe_pauses(self) -> list[str]:
        labels = self.library.labels()
        sentences = []
        for pause in self.desk_controls.load().holds:
            title = scope_title(pause.scope, labels)
            sentences.append(f"Paused now: {title}, by {pause.by_name} ({pause.reason}).")
        return sentences

    def _describe_tiers(self, policy: Policy) -> list[str]:
        medium = Money(policy.medium_above, policy.currency)
        high = Money(policy.high_above, policy.currency)
        spans = {
            "low": f"Up to {medium}, and if it can be undone",
            "medium": f"Over {medium}, or if it cannot be undone",
            "high": f"Over {high}, or over {medium} if it cannot be undone",
        }
        facts = [f"{span}: {_describe_tier(policy.tiers[name])}." for name, span in spans.items()]
        if policy.step_up_above is not None:
            amount = Money(policy.step_up_above, policy.currency)
            facts.append(f"Over {amount} every approval is signed with a passkey.")
        return facts

    def _describe_action_limits(self, policy: Policy) -> list[str]:
        labels = self.library.labels()
        facts = []
        for name, limit in policy.actions.items():
            if limit.has_money_limit:
                title = start_upper(labels.action(name))
                facts.append(f"{title}: {_describe_limit(limit, policy)}.")
        return facts


def _kinds(count: int) -> str:
    return f"{count_word(count)} {verb(count, 'kind', 'kinds')}"


def _in_lines(head: str, titles: Sequence[str]) -> list[str]:
    """List titles after a head.

    The lines are as few as can be shown whole.
    """
    lines = []
    names: list[str] = []
    for title in titles:
        name = f"“{title}”"
        if names and len(head) + len(", ".join([*names, name])) > MAX_LINE:
            lines.append(f"{head}: {join_words(names)}.")
            head = "Also"
            names = []
        names.append(name)
    if names:
        lines.append(f"{head}: {join_words(names)}.")
    return lines


def _describe_window(limit: WindowLimit, policy: Policy) -> list[str]:
    """Write the limits of one window: "£500.00 in 7 days"."""
    period = describe_window(limit.window)
    amounts = (
        (limit.amount, ""),
        (limit.amount_per_target, " for the same thing"),
        (limit.amount_per_requester, " for one person"),
    )
    times = (
        (limit.times, ""),
        (limit.times_per_target, " for the same thing"),
        (limit.times_per_requester, " for one person"),
    )
    parts = [
        f"{Money(amount, policy.currency)} {period}{whom}"
        for amount, whom in amounts
        if amount is not None
    ]
    parts += [f"{_times(count)} {period}{whom}" for count, whom in times if count is not None]
    return parts


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count) or f"{count:,} times"


def _describe_tier(rule: TierRule) -> str:
    approvers = []
    for factor in rule.factors:
        group = f"@{factor.group}"
        if people_of(factor.group):
            group = NAMED_PEOPLE
        elif factor.group.startswith(OWNER):
            group = f"the {factor.group.removeprefix(OWNER)} owners of the kind"
        approvers.append(f"{count_word(factor.count)} of {group}")
    return f"{join_words(approvers)}, within {describe_span(rule.expires_for)}"


def _describe_limit(limit: ActionLimit, policy: Policy) -> str:
    """Write limits: "at most £5,000.00 at once, twice a day"."""
    parts = []
    if limit.per_plan is not None:
        parts.append(f"{Money(limit.per_plan, policy.currency)} at once")
    if limit.amount_per_day is not None:
        parts.append(f"{Money(limit.amount_per_day, policy.currency)} a day")
    if limit.times_per_day is not None:
        parts.append(f"{_times(limit.times_per_day)} a day")
    if limit.times_per_target_per_day is not None:
        parts.append(f"{_times(limit.times_per_target_per_day)} a day for the same thing")
    for over in limit.over:
        parts += _describe_window(over, policy)
    return f"at most {', '.join(parts)}" if parts else "without a limit of its own"
