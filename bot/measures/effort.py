"""Work, cost and savings, as the assumptions of a playbook make them."""

from dataclasses import dataclass, replace
from decimal import Decimal

from bot.measures.totals import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Unmeasured figures of a playbook; the report shows each of them."""

    #: Minutes that a person takes for a case without the bot; None where the playbook is silent.
    minutes_by_hand: Decimal | None
    #: Minutes for one decision on a card, hand-over, edit or answer.
    minutes_per_decision: Decimal
    #: What a minute of a person's work costs; None where the playbook is silent.
    cost_per_minute: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Minutes and money of cases whose playbooks state assumptions."""

    #: Ended cases of kinds that state how long the work takes by hand.
    cases: int = 0
    minutes_spent: float = 0.0
    minutes_saved: float = 0.0
    #: Ended cases of kinds that state what a minute costs as well.
    cases_with_cost: int = 0
    cost: float = 0.0
    money_saved: float = 0.0
    #: Empty without any cost.
    currencies: frozenset[str] = frozenset()

    @property
    def currency(self) -> str:
        """Return the only currency; empty where there is none or several."""
        return next(iter(self.currencies)) if len(self.currencies) == 1 else ""

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(
            cases=self.cases + other.cases,
            minutes_spent=self.minutes_spent + other.minutes_spent,
            minutes_saved=self.minutes_saved + other.minutes_saved,
            cases_with_cost=self.cases_with_cost + other.cases_with_cost,
            cost=self.cost + other.cost,
            money_saved=self.money_saved + other.money_saved,
            currencies=self.currencies | other.currencies,
        )


def effort_of(totals: Totals, assumptions: Assumptions) -> Effort:
    """Compute what cases of one kind took and saved.

    Only a plan that did the work, of a case without rework, saves the work by hand. Every decision
    that people took about any case is subtracted, also where nothing was saved.
    """
    if assumptions.minutes_by_hand is None:
        return Effort()
    by_hand = float(assumptions.minutes_by_hand)
    minutes_on_cards = totals.acts * float(assumptions.minutes_per_decision)
    minutes_spent = minutes_on_cards + totals.by_hand * by_hand
    minutes_saved = totals.clean_plans * by_hand - minutes_on_cards
    effort = Effort(
        cases=totals.outcomes.endings, minutes_spent=minutes_spent, minutes_saved=minutes_saved
    )
    if assumptions.cost_per_minute is None:
        return effort
    rate = float(assumptions.cost_per_minute)
    return replace(
        effort,
        cases_with_cost=effort.cases,
        cost=minutes_spent * rate,
        money_saved=minutes_saved * rate,
        currencies=frozenset({assumptions.currency}),
    )
