"""Distil the narrowest standing rule from plans that people approved.

The rule covers approved plans, as many as it can, and none that people decided otherwise about. A
number is bounded by the smallest and the largest that were approved, a text by those that were.
Free remain dates, and what names another thing in each case.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.cases.canonical import Scalar
from bot.cases.standing_rule import (
    AMOUNT,
    FACTS,
    Bound,
    Figures,
    contains,
    figure_text,
    is_label,
    is_moment,
    number_of,
)

#: A longer list is no sort of case.
MAX_VALUES = 12
MAX_COUNTER_EXAMPLES = 3
#: A longer text of a fact tells a story, and no sort of case.
MAX_TEXT = 200
#: Every step that begins reads all bounds in force.
MAX_BOUNDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A plan that people decided about, as figures."""

    case_id: str
    revision: int
    figures: Figures
    #: Parameters that say what the action is done to.
    identities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillate:
    """Bounds that cover approved plans, and exclude all others."""

    bounds: tuple[Bound, ...]
    #: The approved plans within the bounds.
    yeses: tuple[Press, ...]
    #: Plans that people decided otherwise about, just outside.
    counter_examples: tuple[Press, ...]


def distil(yeses: Iterable[Press], noes: Iterable[Press], minimum: int) -> Distillate | None:
    """Find the bounds of at least ``minimum`` approved plans; None for none.

    The answer does not depend on the order of the plans.
    """
    all_yeses, all_noes = sorted(yeses, key=_order), sorted(noes, key=_order)
    candidates: Sequence[Press] = all_yeses
    while len(candidates) >= max(minimum, 1):
        subset = _with_few_values(candidates)
        if len(subset) < len(candidates):
            candidates = subset
            continue
        bounds = fit(candidates)
        inside = next((no for no in all_noes if contains(bounds, no.figures)), None)
        if len(bounds) > MAX_BOUNDS:
            return None
        if inside is None:
            pool = tuple(yes for yes in all_yeses if contains(bounds, yes.figures))
            return Distillate(bounds=bounds, yeses=pool, counter_examples=nearest(bounds, all_noes))
        candidates = _largest_without(candidates, inside, minimum)
    return None


def fit(yeses: Sequence[Press]) -> tuple[Bound, ...]:
    """Return the narrowest bounds that hold for all of these plans."""
    return tuple(bound for name in _names(yeses) if (bound := _bound(name, yeses)) is not None)


def free_names(yeses: Sequence[Press]) -> tuple[str, ...]:
    """List the parameters that the bounds of these plans leave open."""
    return tuple(
        name for name in _names(yeses) if not _is_fact(name) and _bound(name, yeses) is None
    )


def _bound(name: str, yeses: Sequence[Press]) -> Bound | None:
    values = [yes.figures.get(name) for yes in yeses]
    if _is_range(name, values):
        numbers = [number for value in values if (number := number_of(value)) is not None]
        return Bound(name=name, minimum=min(numbers), maximum=max(numbers))
    counts = Counter(figure_text(value) for value in values)
    if len(counts) > 1 and _is_free(name, values, counts=counts, yeses=yeses):
        return None
    if len(counts) == 1 and any(map(is_moment, values)):
        return None
    if _is_fact(name) and max(map(len, counts)) > MAX_TEXT:
        return None
    return Bound(name=name, values=tuple(sorted(counts)))


def _is_range(name: str, values: Sequence[Scalar]) -> bool:
    """Tell whether all values are numbers that say how much."""
    if is_label(name):
        return False
    if name != AMOUNT and any(isinstance(value, str) for value in values):
        return False
    return all(number_of(value) is not None for value in values)


def _is_free(
    name: str, values: Sequence[Scalar], *, counts: Counter[str], yeses: Sequence[Press]
) -> bool:
    """Tell whether a figure differs in each case, and bounds nothing."""
    if any(map(is_moment, values)):
        return True
    is_never_again = len(counts) == len(values)
    if _is_fact(name):
        return is_never_again or len(counts) > MAX_VALUES
    return is_never_again and all(name in yes.identities for yes in yeses)


def _with_few_values(yeses: Sequence[Press]) -> Sequence[Press]:
    """Leave out the rarest values of a parameter with too many."""
    for name in _names(yeses):
        bound = None if _is_fact(name) else _bound(name, yeses)
        if bound is not None and len(bound.values) > MAX_VALUES:
            counts = Counter(figure_text(yes.figures.get(name)) for yes in yeses)
            ranking = sorted(counts, key=lambda text: (-counts[text], text))
            common = set(ranking[:MAX_VALUES])
            return [yes for yes in yeses if figure_text(yes.figures.get(name)) in common]
    return yeses


def _largest_without(yeses: Sequence[Press], no: Press, minimum: int) -> Sequence[Press]:
    """Return as many plans as possible whose bounds leave this one out."""
    best: Sequence[Press] = ()
    for subset in _subsets_without(yeses, no):
        if len(subset) < max(minimum, len(best) + 1) or len(subset) == len(yeses):
            continue
        if not contains(fit(subset), no.figures):
            best = subset
    return best


def _subsets_without(yeses: Sequence[Press], no: Press) -> Iterator[Sequence[Press]]:
    """Yield the plans on either side of a plan, figure by figure."""
    for name in _names(yeses):
        value = no.figures.get(name)
        if _is_range(name, [yes.figures.get(name) for yes in yeses]):
            limit = number_of(value)
            numbers = [(yes, number_of(yes.figures.get(name))) for yes in yeses]
            if limit is not None:
                yield [yes for yes, number in numbers if number is not None and number < limit]
                yield [yes for yes, number in numbers if number is not None and number > limit]
        else:
            yield from _by_text(yeses, name, figure_text(value))


def _by_text(yeses: Sequence[Press], name: str, text: str) -> Iterator[Sequence[Press]]:
    """Yield the plans with any other text, and those with one other."""
    groups: dict[str, list[Press]] = {}
    for yes in yeses:
        groups.setdefault(figure_text(yes.figures.get(name)), []).append(yes)
    groups.pop(text, None)
    yield [yes for yes in yeses if figure_text(yes.figures.get(name)) != text]
    for other in sorted(groups):
        yield groups[other]


def nearest(bounds: tuple[Bound, ...], noes: Sequence[Press]) -> tuple[Press, ...]:
    """Return the plans outside that the fewest bounds keep out."""

    def distance(no: Press) -> int:
        return sum(not bound.holds(no.figures.get(bound.name)) for bound in bounds)

    return tuple(sorted(noes, key=lambda no: (distance(no), _order(no)))[:MAX_COUNTER_EXAMPLES])


def _names(presses: Sequence[Press]) -> list[str]:
    return sorted({name for press in presses for name in press.figures})


def _is_fact(name: str) -> bool:
    return name.startswith(f"{FACTS}.")


def _order(press: Press) -> tuple[str, int, str, list[str]]:
    """Tell any two plans apart, whatever their order."""
    figures = sorted(
        (name, figure_text(value), repr(value)) for name, value in press.figures.items()
    )
    return press.case_id, press.revision, repr(figures), sorted(press.identities)
