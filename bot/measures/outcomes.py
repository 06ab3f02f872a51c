"""Ended cases by outcome, counted alike from ledger and tallies."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from bot.cases.lifecycle import State
from bot.cases.results import AgreementType, EndedCases
from bot.measures.values import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Ended cases, counted by how they ended."""

    #: Carried out or handled by hand.
    resolutions: int = 0
    #: Of the resolved, those that policy let run without a person.
    alone: int = 0
    #: A person decided that the plan is not carried out.
    rejections: int = 0
    #: Nobody decided in time.
    expiries: int = 0
    #: The source gave the all-clear before anybody decided.
    clearings: int = 0
    #: Whoever raised it took it back.
    withdrawals: int = 0
    #: Decisions on a recommendation: accepted as it was, after an edit, or not.
    as_recommended: int = 0
    after_edit: int = 0
    otherwise: int = 0
    #: Ended cases that were opened again at some time.
    reopenings: int = 0
    #: Ended cases of which a step was taken back.
    undoings: int = 0

    @property
    def endings(self) -> int:
        """Count all ended cases."""
        return (
            self.resolutions + self.rejections + self.expiries + self.clearings + self.withdrawals
        )

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
        resolutions=count(group.state is State.RESOLVED),
        alone=count(is_alone),
        rejections=count(group.state is State.REJECTED),
        expiries=count(group.state is State.EXPIRED),
        clearings=count(group.state is State.CLEARED),
        withdrawals=count(group.state is State.WITHDRAWN),
        as_recommended=count(group.agreement is AgreementType.AS_RECOMMENDED),
        after_edit=count(group.agreement is AgreementType.AFTER_EDIT),
        otherwise=count(group.agreement is AgreementType.OTHERWISE),
        reopenings=group.reopened_count,
        undoings=group.undone_count,
    )


def share_alone(outcomes: Outcomes) -> Share:
    """Count the cases resolved without a person, of all ended."""
    return Share(outcomes.alone, outcomes.endings)


def share_accepted(outcomes: Outcomes) -> Share:
    """Count the recommendations accepted without an edit, of those that people decided."""
    decided_count = outcomes.as_recommended + outcomes.after_edit + outcomes.otherwise
    return Share(outcomes.as_recommended, decided_count)
