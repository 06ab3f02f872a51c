"""Trees grown from the offers of playbooks, over known facts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.errors import ConnectorFailed
from bot.cases.expressions import Facts, find_scalar
from bot.cases.plan import STEPS, Branch, Cause, FactType, StepInput
from bot.cases.playbook import ActionOffer, AnswerBounds

# The names before and after the dot in an expression: "shipment.value", "steps.hold.held_until".
_PATH = re.compile(r"\b([A-Za-z_]\w*)\.([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeShape:
    """The branches of a tree; empty for a list."""

    branches: tuple[Branch, ...] = ()
    #: The evidence that its conditions name, by path.
    facts: ScalarMapping = field(default_factory=dict)


LIST = TreeShape()


def grow(offer: ActionOffer, facts: Facts) -> TreeShape:
    """Place each action of an offer in its tree.

    The branches are in the order of ``offer.chain``.

    Raises:
        ConnectorFailed: a bound of a parameter cannot be found.
    """
    if not offer.is_tree:
        return LIST
    branches: list[Branch] = []
    _grow(offer, facts, branches, after=None, cause=Cause.LANDED)
    evidence: dict[str, Scalar] = {}
    for branch in branches:
        for path in evidence_paths(branch.when):
            evidence[path] = find_scalar(path, facts)
    return TreeShape(branches=tuple(branches), facts=evidence)


def _grow(
    offer: ActionOffer,
    facts: Facts,
    branches: list[Branch],
    *,
    after: int | None,
    cause: Cause,
) -> None:
    step = len(branches)
    is_first = after is None
    # Whether the first fits has been judged already.
    when = "" if is_first else offer.when
    branches.append(
        Branch(
            name=offer.step_name,
            after=after,
            cause=cause,
            when=when,
            means=offer.means,
            may_be_skipped=offer.fallback == (),
            needs=step_facts(when),
            inputs=_inputs(offer, facts),
        )
    )
    for then in offer.then:
        _grow(then, facts, branches, after=step, cause=Cause.LANDED)
    for instead in offer.if_refused:
        _grow(instead, facts, branches, after=step, cause=Cause.REFUSED)
    for instead in offer.fallback or ():
        _grow(instead, facts, branches, after=step, cause=Cause.OTHERWISE)


def _inputs(offer: ActionOffer, facts: Facts) -> dict[str, StepInput]:
    inputs = {}
    for name, limit in offer.answer_bounds.items():
        inputs[name] = StepInput(
            fact=step_facts(offer.parameters[name])[0],
            type=limit.type,
            minimum=_bound(name, limit.minimum, kind=limit.type, facts=facts),
            maximum=_bound(name, limit.maximum, kind=limit.type, facts=facts),
            one_of=limit.one_of,
            words=limit.words,
        )
    return inputs


def _bound(name: str, bound: int | str | None, *, kind: FactType, facts: Facts) -> Scalar:
    """Return a bound as a value, so that the plan names it."""
    if kind is FactType.TEXT:
        return None
    value = find_scalar(bound, facts) if isinstance(bound, str) else bound
    if value is None:
        raise ConnectorFailed(f"the bounds of {name.replace('_', ' ')} are not known")
    return value


def likely_values(offer: ActionOffer, facts: Facts) -> ScalarMapping:
    """Return a permitted value for each parameter that a step tells.

    The action is prepared by them.
    """
    values: dict[str, Scalar] = {}
    for name, limit in _inputs(offer, facts).items():
        values[name] = limit.one_of[0] if limit.type is FactType.TEXT else limit.maximum
    return values


# --- expressions ------------------------------------------------------------------------------


def step_facts(expression: str) -> tuple[str, ...]:
    """List the facts of steps that an expression names, as "step.fact"."""
    names = [f"{step}.{fact}" for item, step, fact in _paths(expression) if item == STEPS and fact]
    return tuple(dict.fromkeys(names))


def evidence_paths(expression: str) -> tuple[str, ...]:
    """List the evidence that an expression names, as "item.column"."""
    names = [f"{item}.{column}" for item, column, _ in _paths(expression) if item != STEPS]
    return tuple(dict.fromkeys(names))


def _paths(expression: str) -> Iterator[tuple[str, str, str]]:
    for match in _PATH.finditer(_QUOTED.sub("", expression)):
        yield match[1], match[2], match[3] or ""


# --- checks -----------------------------------------------------------------------------------


def tree_mistakes(
    offer: ActionOffer, returns_of: Mapping[str, Mapping[str, FactType]]
) -> list[str]:
    """List what is wrong with the tree of an offer.

    ``returns_of`` has the facts that each action returns, by its name.
    """
    steps = list(offer.chain())
    if not offer.is_tree:
        return []
    complaints = _name_mistakes(steps)
    if offer.fallback is not None:
        complaints.append(f"{offer.action}: otherwise is a sentence for the first action")
    complaints += _step_mistakes(offer, {}, returns_of)
    return complaints


def _name_mistakes(steps: Sequence[ActionOffer]) -> list[str]:
    names = [step.step_name for step in steps]
    return [
        f"two steps are called {name}; give one of them another name"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]


def _step_mistakes(
    step: ActionOffer,
    earlier: Mapping[str, Mapping[str, FactType]],
    returns_of: Mapping[str, Mapping[str, FactType]],
) -> list[str]:
    """Check a step against those before it on its path."""
    complaints = []
    if earlier:
        complaints += _words_mistakes(step)
        complaints += _unknown_facts(step, step.when, earlier)
    for name, limit in step.answer_bounds.items():
        complaints += _input_mistakes(step, name, limit=limit, earlier=earlier)
    own = {step.step_name: returns_of.get(step.action, {})}
    for then in step.then:
        complaints += _step_mistakes(then, {**earlier, **own}, returns_of)
    for instead in step.if_refused:
        # What was refused has told nothing.
        complaints += _step_mistakes(instead, {**earlier, step.step_name: {}}, returns_of)
    for instead in step.fallback or ():
        complaints += _step_mistakes(instead, earlier, returns_of)
    return complaints


def _words_mistakes(step: ActionOffer) -> list[str]:
    if step.when and not step.means:
        return [f"{step.action}: a condition needs its words (means)"]
    if isinstance(step.otherwise, str) and step.otherwise:
        return [f"{step.action}: otherwise of a step is a list of steps"]
    return []


def _unknown_facts(
    step: ActionOffer, expression: str, earlier: Mapping[str, Mapping[str, FactType]]
) -> list[str]:
    complaints = []
    for fact in step_facts(expression):
        name, _, column = fact.partition(".")
        if column not in earlier.get(name, {}):
            complaints.append(f"{step.action}: no step before it tells {STEPS}.{fact}")
    return complaints


def _input_mistakes(
    step: ActionOffer,
    name: str,
    *,
    limit: AnswerBounds,
    earlier: Mapping[str, Mapping[str, FactType]],
) -> list[str]:
    expression = step.parameters.get(name, "")
    facts = step_facts(expression)
    if len(facts) != 1 or expression.strip() != f"{STEPS}.{facts[0]}":
        return [f"{step.action}: {name} must be one fact of a step, like steps.hold.held_until"]
    complaints = _unknown_facts(step, expression, earlier)
    step_name, _, column = facts[0].partition(".")
    kind = earlier.get(step_name, {}).get(column)
    if kind is not None and kind is not limit.type:
        complaints.append(f"{step.action}: {name} is {limit.type}, and the step tells {kind}")
    return complaints
