"""How cases ended, counted; the same from ledger entries as from tallies of the store."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from bot.cases.lifecycle import State
from bot.cases.results import AgreementType, EndedCases
from bot.measures.values import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Ended cases, counted by how they ended."""

    #: Carried out or handled by hand.
    resolved: int = 0
    #: Of the resolved, those that policy let run without a person.
    alone: int = 0
    #: A person decided that the plan is not carried out.
    rejected: int = 0
    #: Nobody decided in time.
    expired: int = 0
    #: The source gave the all-clear before anybody decided.
    cleared: int = 0
    #: Whoever raised it took it back.
    withdrawn: int = 0
    #: Decisions on a recommendation: accepted as it was, after an edit, or not.
    as_recommended: int = 0
    after_edit: int = 0
    otherwise: int = 0
    #: Ended cases that were opened again at some time.
    reopened: int = 0
    #: Ended cases of which a step was taken back.
    undone: int = 0

    @property
    def ended(self) -> int:
        """Count all ended cases."""
        return self.resolved + self.rejected + self.expired + self.cleared + self.withdrawn

    def __add__(self, other: "Outcomes") -> "Outcomes":
        sums = [a + b for a, b in zip(astuple(self), astuple(other), strict=True)]
        return Outcomes(**dict(zip(self.__slots__, sums, strict=True)))


def count_outcomes(groups: Iterable[EndedCases]) -> Outcomes:
    """Count groups of ended cases, as the store tallies them."""
    total = Outcomes()
    for group in groups:
        total += outcome_of(group)
    return total


def outcome_of(group: EndedCases) -> Outcomes:
    """Count the cases of one group; all of them ended alike."""
    cases = group.cases
    is_alone = group.is_automatic and group.state is State.RESOLVED

    def count(is_counted: bool) -> int:
        return cases if is_counted else 0

    return Outcomes(
        resolved=count(group.state is State.RESOLVED),
        alone=count(is_alone),
        rejected=count(group.state is State.REJECTED),
        expired=count(group.state is State.EXPIRED),
        cleared=count(group.state is State.CLEARED),
        withdrawn=count(group.state is State.WITHDRAWN),
        as_recommended=count(group.agreement is AgreementType.AS_RECOMMENDED),
        after_edit=count(group.agreement is AgreementType.AFTER_EDIT),
        otherwise=count(group.agreement is AgreementType.OTHERWISE),
        reopened=group.reopened_count,
        undone=group.undone_count,
    )


def share_alone(outcomes: Outcomes) -> Share:
    """Count the cases that policy resolved without a person, of all that ended."""
    return Share(outcomes.alone, outcomes.ended)


def share_accepted(outcomes: Outcomes) -> Share:
    """Count the recommendations accepted without an edit, of those that people decided."""
    decided_count = outcomes.as_recommended + outcomes.after_edit + outcomes.otherwise
    return Share(outcomes.as_recommended, decided_count)
