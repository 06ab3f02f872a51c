"""Reports to draw."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bot.cases.hours import ALWAYS
from bot.cases.service_level import Baseline, Denominator, Targets
from bot.cases.signal import UNRECOGNISED
from bot.measures.case_measures import fold_case
from bot.measures.report import KindTerms, LedgerState, OperationReport, ReportFold
from bot.measures.totals import ReportPeriod
from tests.cases.making import NOW
from tests.measures import lives
from tests.world import playbook

DAY = timedelta(days=1)
PERIOD = ReportPeriod(NOW - 29 * DAY, NOW + DAY)
LEVEL = replace(
    playbook().measure,
    minutes_by_hand=Decimal(10),
    cost_per_minute=Decimal("0.5"),
    denominator=Denominator("bookings", "house", "SELECT :since, :until"),
    baseline=Baseline(source="asked in March", rework=0.5, time_to_resolution=timedelta(hours=30)),
    targets=Targets(accepted_unedited=0.9, exception_rate=0.5),
)


def terms(**changes) -> KindTerms:
    return replace(KindTerms.of(playbook()), level=LEVEL, **changes)


def report(*, copies: int = 2, title: str = "Running low", checkpoint: str = "") -> OperationReport:
    """A report over every sort of life, each so many times."""
    fold = ReportFold(
        period=PERIOD,
        terms={"low_stock": terms(title=title), UNRECOGNISED: terms(kind=UNRECOGNISED)},
        first_openings={"low_stock": NOW - DAY},
        hours=lambda channel: ALWAYS,
    )
    for life in lives.every_life().values():
        for _ in range(copies):
            fold.add(fold_case(life.entries))
    return fold.report(
        denominators={("low_stock", PERIOD): 480},
        ledger=LedgerState(entries=1234, checkpoint=checkpoint),
        notes=("Leads: quotes could not be counted: the system is away.",),
    )
