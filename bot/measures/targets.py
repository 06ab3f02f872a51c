"""The targets of a kind, and whether its cases reached them."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.measures.report import KindSection
from bot.measures.values import Share, Times

#: Of fewer cases a share says little about a target.
MIN_CASES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResult:
    """A target beside what was reached."""

    #: The name of the measure.
    measure: str
    #: A ratio, or seconds.
    target: float
    value: float
    is_met: bool
    #: Of how many cases the value is taken.
    cases: int

    @property
    def says_something(self) -> bool:
        """Tell whether there were enough cases to speak of it."""
        return self.cases >= MIN_CASES


def target_results(section: KindSection) -> Iterator[TargetResult]:
    """Yield each target of a kind beside what was reached.

    The times that the playbook promises are targets as well: half of the cases shall keep them.
    """
    level = section.terms.level
    times = (
        ("time_to_decision", level.decide_for),
        ("time_to_resolution", level.resolve_for),
    )
    for name, promise in times:
        value = section.values[name]
        if isinstance(value, Times) and value.working_p50 is not None:
            seconds = promise.total_seconds()
            yield TargetResult(
                measure=name,
                target=seconds,
                value=value.working_p50,
                is_met=value.working_p50 <= seconds,
                cases=value.count,
            )
    targets = level.targets
    shares = (
        ("exception_rate", targets.exception_rate, False),
        ("accepted_unedited", targets.accepted_unedited, True),
        ("without_rework", targets.without_rework, True),
        ("done_alone", targets.done_alone, True),
    )
    for name, target, is_minimum in shares:
        value = section.values[name]
        if target is None or not isinstance(value, Share) or value.ratio is None:
            continue
        is_met = value.ratio >= target if is_minimum else value.ratio <= target
        yield TargetResult(
            measure=name, target=target, value=value.ratio, is_met=is_met, cases=value.whole
        )
