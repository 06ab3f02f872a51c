"""The measure section of a playbook: what it may say, and each mistake with its complaint."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError

from bot.cases.service_level import Baseline, Denominator, ServiceLevel, Targets

LEVEL = TypeAdapter(tuple[ServiceLevel], config=ConfigDict(extra="forbid"))
FILE = {"decide_for": "4h", "resolve_for": "24h", "follow_up_for": "10m"}
QUERY = "SELECT COUNT(*) FROM bookings WHERE day >= :since AND day < :until"


def read(**fields) -> ServiceLevel:
    (level,) = LEVEL.validate_python(({**FILE, **fields},))
    return level


def test_a_file_need_not_say_more_than_the_times():
    level = read()
    assert level.decide_for == timedelta(hours=4)
    assert level.denominator == Denominator()
    assert (level.cost_per_minute, level.minutes_by_hand, level.live_since) == (None, None, None)
    assert level.minutes_per_decision == 2
    assert (level.baseline, level.targets) == (Baseline(), Targets())


def test_a_plain_text_is_a_name_without_a_rate():
    assert read(denominator="bookings").denominator == Denominator("bookings", "", "")


def test_everything_is_read_field_by_field():
    level = read(
        denominator={"name": "bookings", "system": "house", "query": QUERY},
        cost_per_minute=0.45,
        minutes_by_hand=12,
        minutes_per_decision=1.5,
        live_since="2026-03-01",
        baseline={"source": "counted in March", "rework": 0.1, "time_to_decision": "26h"},
        targets={"exception_rate": 0.02, "done_alone": 1},
    )
    assert level.denominator == Denominator("bookings", "house", QUERY)
    assert (level.cost_per_minute, level.minutes_by_hand) == (Decimal("0.45"), Decimal(12))
    assert level.live_since == date(2026, 3, 1)
    assert level.baseline.time_to_decision == timedelta(hours=26)
    assert level.baseline.has_figures
    assert level.targets == Targets(exception_rate=0.02, done_alone=1.0)


MISTAKES = [
    ("denominator", {"name": "bookings", "query": QUERY}, "a query needs its system"),
    ("denominator", {"name": "bookings", "system": "house"}, "a query needs its system"),
    ("denominator", {"system": "house", "query": QUERY}, "name what the query counts"),
    (
        "denominator",
        {"name": "bookings", "system": "house", "query": "DELETE FROM b -- :since :until"},
        "the query must be a SELECT",
    ),
    (
        "denominator",
        {"name": "bookings", "system": "house", "query": "SELECT COUNT(*) FROM b"},
        "must name :since and :until",
    ),
    ("denominator", {"names": "bookings"}, "unexpected"),
    ("denominator", 7, "mapping|dictionary|dataclass"),
    ("cost_per_minute", -1, "greater than or equal to 0"),
    ("minutes_by_hand", -1, "greater than or equal to 0"),
    ("live_since", "soon", "date"),
    ("baseline", {"weeks": 0}, "greater than or equal to 1"),
    ("baseline", {"rework": 0.1}, "say in source who measured"),
    ("baseline", {"weeks": 4, "rework": 0.1, "source": "x"}, "either weeks or figures"),
    ("baseline", {"rework": 1.1, "source": "x"}, "less than or equal to 1"),
    ("targets", {"exception_rate": 2}, "less than or equal to 1"),
    ("targets", {"speed": 1}, "unexpected"),
]


@pytest.mark.parametrize(("name", "value", "complaint"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_refused(name, value, complaint):
    with pytest.raises(ValidationError, match=f"(?i){complaint}"):
        read(**{name: value})
