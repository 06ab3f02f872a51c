"""The way through a plan that is a tree.

Which step comes next follows from what the steps before it came to. What the tree does not foresee
is never guessed: it is asked about before anything more is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Protocol, assert_never

from bot.cases.canonical import MAX_INTEGER, Scalar, ScalarMapping
from bot.cases.entries import StepState
from bot.cases.expressions import search
from bot.cases.plan import MAX_AMOUNT, STEPS, Branch, Cause, FactType, Plan, StepInput

MAX_FACT_TEXT = 500


class StepRecord(Protocol):
    """The progress of a step, where the way depends on it."""

    @property
    def state(self) -> StepState:
        """Return how far it is."""

    @property
    def facts(self) -> ScalarMapping:
        """Return what it told."""


class TreeMove(StrEnum):
    """The next thing to do, as the tree says."""

    BEGIN = "begin"
    #: Nothing is left to do.
    END = "end"
    #: The tree does not foresee this.
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Way:
    """The next step of a tree, with its reason."""

    turn: TreeMove
    step: int = 0
    reason: str = ""


class Unforeseen(Exception):
    """The tree has no answer to what was observed."""


def find_way(plan: Plan, records: Sequence[StepRecord]) -> Way:
    """Find the next step of a tree after those that are recorded.

    No recorded step may be in doubt.
    """
    for step in range(len(records), len(plan.actions)):
        try:
            if not _applies(plan, records, step):
                continue
            resolve_inputs(plan, records, step)
        except Unforeseen as gap:
            # What a dry run would be told cannot be known, so it ends here.
            if plan.is_dry_run:
                continue
            return Way(TreeMove.ASK, step, str(gap))
        return Way(TreeMove.BEGIN, step)
    return Way(TreeMove.END)


def _applies(plan: Plan, records: Sequence[StepRecord], step: int) -> bool:
    """Tell whether a step is on the path that was taken.

    Raises:
        Unforeseen: its condition cannot be judged, or nothing is planned for where it fails.
    """
    branch = plan.branches[step]
    if not _is_reached(plan, records, branch):
        return False
    if _holds(plan, records, branch):
        return True
    if branch.may_be_skipped or _has_fallback(plan, step):
        return False
    raise Unforeseen(f"{describe_facts(plan, records, branch)}, and nothing is planned for that")


def _is_reached(plan: Plan, records: Sequence[StepRecord], branch: Branch) -> bool:
    if branch.after is None:
        return True
    match branch.cause:
        case Cause.LANDED:
            return state_of(records, branch.after) is StepState.LANDED
        case Cause.REFUSED:
            return state_of(records, branch.after) is StepState.REFUSED
        case Cause.OTHERWISE:
            other = plan.branches[branch.after]
            return _is_reached(plan, records, other) and not _holds(plan, records, other)
        case _:
            assert_never(branch.cause)


def state_of(records: Sequence[StepRecord], step: int) -> StepState | None:
    """Return the state of a step; None before it begins."""
    return records[step].state if step < len(records) else None


def _holds(plan: Plan, records: Sequence[StepRecord], branch: Branch) -> bool:
    """Judge the condition of a step.

    Raises:
        Unforeseen: a fact is missing or of another type, or the condition is neither true nor
            false.
    """
    if not branch.when:
        return True
    for name in branch.needs:
        _must_have(plan, records, name)
    result = search(branch.when, known_facts(plan, records))
    if not isinstance(result, bool):
        raise Unforeseen(f"nobody can say whether {branch.means or 'the condition'} holds")
    return result


def _must_have(plan: Plan, records: Sequence[StepRecord], name: str) -> Scalar:
    """Return a fact of an earlier step.

    Raises:
        Unforeseen: it was not told, or is of another type.
    """
    step_name, _, fact = name.partition(".")
    step = step_of(plan, step_name)
    value = None
    if step is not None and step < len(records):
        value = records[step].facts.get(fact)
    if step is None or value is None or not is_of_type(value, plan.actions[step].returns.get(fact)):
        raise Unforeseen(f"{_words(fact)} was not told")
    return value


def step_of(plan: Plan, name: str) -> int | None:
    """Return the number of the step with this name."""
    for index, branch in enumerate(plan.branches):
        if branch.name == name:
            return index
    return None


def _has_fallback(plan: Plan, step: int) -> bool:
    return any(branch.after == step and branch.cause is Cause.OTHERWISE for branch in plan.branches)


def has_refusal_branch(plan: Plan, step: int) -> bool:
    """Tell whether the plan goes on when this step is refused."""
    return any(branch.after == step and branch.cause is Cause.REFUSED for branch in plan.branches)


# --- facts ------------------------------------------------------------------------------------


def known_facts(plan: Plan, records: Sequence[StepRecord]) -> dict[str, Any]:
    """Nest the evidence of the plan, and what its steps told."""
    facts: dict[str, Any] = {}
    for path, value in plan.facts.items():
        item, _, column = path.partition(".")
        facts.setdefault(item, {})[column] = value
    steps: dict[str, ScalarMapping] = {}
    for branch, record in zip(plan.branches, records, strict=False):
        steps[branch.name] = dict(record.facts)
    return {**facts, STEPS: steps}


def describe_facts(plan: Plan, records: Sequence[StepRecord], branch: Branch) -> str:
    """Say what the facts are that a condition names: "answer is later"."""
    sentences = []
    for name in branch.needs:
        value = _must_have(plan, records, name)
        sentences.append(f"{_words(name.partition('.')[2])} is {readable_fact(value)}")
    return " and ".join(sentences) or "the condition does not hold"


def _words(fact: str) -> str:
    return fact.replace("_", " ")


def readable_fact(value: Scalar) -> str:
    """Write a fact as text.

    Cards write its days as people say them.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def is_of_type(value: Scalar, kind: FactType | None) -> bool:
    """Tell whether a value is of the type that was declared."""
    return kind is not None and convert_fact(value, kind) == value


def convert_fact(value: object, kind: FactType) -> Scalar:
    """Convert a value to the canonical form of a type, or None."""
    if value is None:
        return None
    if kind is FactType.BOOLEAN or isinstance(value, bool):
        return value if isinstance(value, bool) and kind is FactType.BOOLEAN else None
    try:
        return _convert(value, kind)
    except (ValueError, InvalidOperation):
        return None


def _convert(value: object, kind: FactType) -> Scalar:
    text = str(value)
    match kind:
        case FactType.TEXT:
            return text if isinstance(value, str) and _is_plain_text(text) else None
        case FactType.DATE:
            return date.fromisoformat(text).isoformat() if isinstance(value, str) else None
        case FactType.INTEGER:
            number = Decimal(text)
            is_whole = number.is_finite() and number == number.to_integral_value()
            return int(number) if is_whole and abs(number) <= MAX_INTEGER else None
        case FactType.DECIMAL:
            number = Decimal(text)
            return text if number.is_finite() and abs(number) <= MAX_AMOUNT else None
        case FactType.BOOLEAN:
            return None
        case _:
            assert_never(kind)


def _is_plain_text(text: str) -> bool:
    return bool(text) and len(text) <= MAX_FACT_TEXT and text.isprintable()


def convert_facts(values: Mapping[str, object], types: Mapping[str, FactType]) -> ScalarMapping:
    """Keep the declared facts that are of their type."""
    facts: dict[str, Scalar] = {}
    for name, kind in types.items():
        value = convert_fact(values.get(name), kind)
        if value is not None:
            facts[name] = value
    return facts


# --- inputs -----------------------------------------------------------------------------------


def resolve_inputs(plan: Plan, records: Sequence[StepRecord], step: int) -> dict[str, Scalar]:
    """Find the parameters of a step that earlier ones told.

    Raises:
        Unforeseen: one was not told, is of another type, or is out of its bounds.
    """
    if not plan.branches:
        return {}
    values: dict[str, Scalar] = {}
    for parameter, limit in plan.branches[step].inputs.items():
        value = _must_have(plan, records, limit.fact)
        if not is_within(limit, value):
            what = _words(limit.fact.partition(".")[2])
            raise Unforeseen(f"{what} is {readable_fact(value)}, which must be {bounds(limit)}")
        values[parameter] = value
    return values


def is_within(limit: StepInput, value: Scalar) -> bool:
    """Tell whether a value is of its type and within its bounds."""
    if not is_of_type(value, limit.type):
        return False
    if limit.type is FactType.TEXT:
        return value in limit.one_of
    minimum, value, maximum = (
        _comparable(one, limit.type) for one in (limit.minimum, value, limit.maximum)
    )
    return minimum is not None and maximum is not None and bool(minimum <= value <= maximum)


def _comparable(value: Scalar, kind: FactType) -> Any:
    if value is None:
        return None
    return str(value) if kind is FactType.DATE else Decimal(str(value))


def bounds(limit: StepInput) -> str:
    """Write the bounds of an input: "from 1 to 5"."""
    if limit.type is FactType.TEXT:
        return f"one of {', '.join(limit.one_of)}"
    return f"from {readable_fact(limit.minimum)} to {readable_fact(limit.maximum)}"
