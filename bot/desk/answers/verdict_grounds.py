"""The recorded grounds of a verdict, in words."""

from collections.abc import Sequence

from bot.cases import entries
from bot.cases.entries import Entry
from bot.cases.plan import Money
from bot.cases.verdict import LimitUse, Ruling, Verdict, VerdictInputs
from bot.desk.answers.case_file import CaseFile
from bot.desk.case_texts import join_words

#: How a limit reads after "3 of 100"; sums of money are told by their rule.
_UNITS = {
    "limit.per_plan": "at once",
    "limit.amount_per_day": "a day",
    "limit.times_per_day": "times a day",
    "limit.per_target": "times a day for the same thing",
    "limit.amount": "in its window",
    "limit.times": "times in its window",
    "limit.amount_per_target": "in its window for the same thing",
    "limit.times_per_target": "times in its window for the same thing",
    "limit.amount_per_requester": "in its window for one person",
    "limit.times_per_requester": "times in its window for one person",
}


def ruling_text(file: CaseFile, verdict: Verdict) -> str:
    """Say what policy ruled on the case, and why.

    Empty where nothing more than the reason itself was recorded.
    """
    reason = file.words(verdict.reason)
    policy = _policy_of(file, verdict)
    match verdict.ruling:
        case Ruling.AUTO_APPROVE:
            return f"{file.id} was done without asking: {reason}{policy}."
        case Ruling.REFUSE:
            return f"I refused the plan of {file.id}: {reason}{policy}."
        case Ruling.ASK:
            grounds = _grounds_of_asking(verdict.inputs) if verdict.inputs else []
            if not grounds:
                return ""
            return f"I asked about {file.id} because {file.words(join_words(grounds))}{policy}."


def verdict_facts(file: CaseFile, verdict: Verdict) -> list[str]:
    """Say which rules and limits the verdict rests on."""
    facts = []
    inputs = verdict.inputs
    if inputs is not None:
        if inputs.rules:
            facts.append(f"In policy: {join_words([_place(rule) for rule in inputs.rules])}.")
        if verdict.ruling is Ruling.AUTO_APPROVE and inputs.limits:
            uses = [_use_text(use, file.library.policy().currency) for use in inputs.limits]
            facts.append(f"Of the limits it used {join_words(list(dict.fromkeys(uses)))}.")
    if verdict.policy_digest != file.library.policy().checksum:
        facts.append("The policy has been changed since.")
    return facts


def _policy_of(file: CaseFile, verdict: Verdict) -> str:
    """Name the policy by the day on which it judged the plan."""
    entry = find_judging(file.entries, verdict)
    if entry is None:
        return ""
    day = file.asker.hours.local(entry.at)
    return f" (policy of {file.words(f'{day:%Y-%m-%d}')})"


def find_judging(history: Sequence[Entry], verdict: Verdict) -> Entry | None:
    """Return the entry that recorded this verdict."""
    judging = None
    for entry in history:
        match entry.body:
            case (
                entries.Recommended(verdict=other)
                | entries.Referred(verdict=other)
                | entries.Authorised(verdict=other)
                | entries.Edited(verdict=other)
            ):
                if other == verdict:
                    judging = entry
            case _:
                continue
    return judging


def _grounds_of_asking(inputs: VerdictInputs) -> list[str]:
    grounds = [_because(rule) for rule in inputs.rules]
    if inputs.objection and inputs.objection not in grounds:
        grounds.append(inputs.objection)
    over = _over_threshold(inputs)
    return [*([over] if over else []), *grounds]


def _over_threshold(inputs: VerdictInputs) -> str:
    """Write "£310.00 is over £250.00", by itself or with what went before."""
    if inputs.threshold is None or inputs.amount is None:
        return ""
    if inputs.amount.amount > inputs.threshold.amount:
        return f"{inputs.amount} is over {inputs.threshold}"
    if inputs.recent is None:
        return ""
    return (
        f"{inputs.amount} comes to {inputs.recent} with what went to the same place or person"
        f" before, and that is over {inputs.threshold}"
    )


def _place(rule: str) -> str:
    """Return the place of a rule: "rule 2 of policy.yml (line 9)"."""
    return rule.partition(": ")[0]


def _because(rule: str) -> str:
    return rule.partition(": ")[2]


def _use_text(use: LimitUse, currency: str) -> str:
    unit = _UNITS.get(use.rule, "")
    if "amount" in use.rule or use.rule == "limit.per_plan":
        total, maximum = Money(use.total, currency), Money(use.maximum, currency)
        return f"{total} of {maximum} {unit}".rstrip()
    return f"{use.total:,.0f} of {use.maximum:,.0f} {unit}".rstrip()
