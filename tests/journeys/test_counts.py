"""What one case and one press take at most: statements, commits, claims, Slack calls, rows.

These numbers do not depend on the machine. ``python -m tests.bench counts`` prints what they are
made of.
"""

import pytest

from tests.bench.counts import run_counts

pytestmark = [pytest.mark.journey, pytest.mark.proof]

CASES = 6
PRESSES = 4
#: Upper bounds of averages: lower one when its number has fallen.
BOUNDS = {
    "idle case": {
        "statements": 26.0,
        "commits": 3.5,
        "claims": 0.5,
        "empty_claims": 0.5,
        "connector_statements": 4.0,
        "all_slack_calls": 2.0,
        "requests": 2.5,
        "outbox_rows": 2.5,
        "ledger_rows": 3.0,
    },
    # Evidence that gives way to cards has a message of its own.
    "case in a burst": {
        "statements": 26.0,
        "commits": 3.5,
        "claims": 1.0,
        "all_slack_calls": 2.0,
        "requests": 3.0,
        "outbox_rows": 3.0,
        "ledger_rows": 3.0,
    },
    # On a busy machine a plan may run for longer than the second that its card waits: then the
    # card is drawn once more.
    "press": {
        "statements": 90.0,
        "commits": 11.0,
        "claims": 6.0,
        "empty_claims": 5.0,
        "connector_statements": 8.0,
        "all_slack_calls": 3.0,
        "requests": 9.0,
        "outbox_rows": 6.0,
        "ledger_rows": 5.0,
    },
}


# One test: the bot is started and measured once.
def test_a_case_and_a_press_take_no_more_than(sample_data):
    report = run_counts(cases=CASES, presses=PRESSES, with_cpu=False, past=sample_data.folder)
    case, press = report.counts["idle case"], report.counts["press"]
    # A count of nothing would be below every bound.
    assert case.rows["cases"] == 1
    assert case.slack_calls["chat.postMessage"] >= 1
    assert press.rows["effects"] == 1
    assert press.rows["precedents"] == 1
    assert press.slack_calls["chat.update"] >= 1
    excesses = {
        f"{name} of one {unit}": number
        for unit, bounds in BOUNDS.items()
        for name, bound in bounds.items()
        if (number := getattr(report.counts[unit], name)) > bound
    }
    assert excesses == {}
