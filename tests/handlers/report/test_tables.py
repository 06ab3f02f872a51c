"""CSV and JSON: every number, with its unit."""

import csv
import io
import json

from bot.measures.catalogue import MEASURES
from handlers.report.tables import as_csv, as_plain, figure_rows
from tests.handlers.report.examples import PERIOD, report


def rows(result) -> list[dict]:
    return list(csv.DictReader(io.StringIO(as_csv(result))))


def test_csv_has_every_measure_of_every_group_with_its_unit():
    found = rows(report())
    assert {row["measure"] for row in found} == {measure.name for measure in MEASURES}
    assert {(row["group"], row["name"]) for row in found} == {
        ("all", ""),
        ("kind", "low_stock"),
        ("team", "floor-managers"),
        ("assistant", "assistant"),
    }
    assert all(row["unit"] for row in found)
    (rate,) = (r for r in found if r["group"] == "kind" and r["measure"] == "exception_rate")
    assert (rate["value"], rate["unit"], rate["of"]) == ("0.05", "share of 1", "480")
    statistics = [r["statistic"] for r in found if r["measure"] == "time_to_decision"][:4]
    assert statistics == ["p50 working hours", "p90 working hours", "p50 clock", "p90 clock"]
    (cost,) = (r for r in found if r["group"] == "all" and r["measure"] == "cost_per_case")
    assert cost["unit"] == "GBP"


def test_a_title_is_no_formula_in_a_spreadsheet():
    (first, *_) = [row for row in rows(report(title="=HYPERLINK(1)")) if row["group"] == "kind"]
    assert first["title"] == "'=HYPERLINK(1)"


def test_json_says_how_each_number_was_made():
    plain = json.loads(json.dumps(as_plain(report(checkpoint="number 3"))))
    assert plain["period"] == {
        "since": PERIOD.since.isoformat(),
        "until": PERIOD.until.isoformat(),
    }
    assert plain["ledger"] == {"entries": 1234, "checkpoint": "number 3"}
    assert set(plain["measures"]) == set(plain["all"]["values"])
    (kind,) = plain["kinds"]
    assert kind["values"]["exception_rate"] == {
        "unit": "share of 1",
        "value": 0.05,
        "part": 24,
        "whole": 480,
    }
    assert kind["owners"]["governance"] == "owners"
    assert kind["assumptions"]["minutes_by_hand"] == 10
    assert kind["targets"]["accepted_unedited"] == 0.9
    assert kind["comparison"]["basis"] == "as stated: asked in March"
    assert kind["comparison"]["before"]["rework"]["value"] == 0.5
    assert len(plain["over_time"]) == 5
    assert plain["notes"]


def test_no_person_is_in_any_table():
    result = report()
    assert sum(result.total.totals.decisions.values()) > 0
    text = as_csv(result) + json.dumps(as_plain(result))
    for person in result.total.totals.decisions:
        assert person not in text
    assert next(figure_rows(result)).group == "all"
