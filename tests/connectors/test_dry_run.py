"""The dry run in front of a real database."""

from bot.connectors.dry_run import DryRun
from bot.ports.connector import EffectStatus
from tests.connectors.stock import ORDER, on_order


def test_the_dry_run_changes_nothing_and_says_everything(house):
    action = house.prepare("order", ORDER)
    assert (action.summary, action.preview, action.target, str(action.amount)) == (
        "Order 24 × Merlot",
        "0 + 24",
        "product:1",
        "£60.00",
    )
    assert action.precondition == {"name": "Merlot", "on_order": 0, "cost": 60}
    assert DryRun(house).execute(action, "k").startswith("dry run, nothing changed")
    assert on_order(house) == 0


def test_a_dry_run_goes_on_as_if_it_had_landed_and_asks_the_real_system(house):
    dry_run = DryRun(house)
    action = dry_run.prepare("order", ORDER)
    assert dry_run.verify(action, "k") is EffectStatus.LANDED
    assert dry_run.undo(action, "k", "undo:k") == "dry run, nothing to undo"
    assert dry_run.precondition(action) == action.precondition
    assert dry_run.look_up("SELECT name FROM stock ORDER BY 1", {}, 1) == [{"name": "Barolo"}]
    assert dry_run.timeout == house.timeout
    assert house.verify(action, "k") is EffectStatus.ABSENT
