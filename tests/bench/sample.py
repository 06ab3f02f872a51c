"""The sample company prepared for the bench: its past, a library without limits, and signals."""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from ruamel.yaml import YAML

from bot.cases.control_commands import ChangeStage
from bot.cases.control_decisions import decide_controls
from bot.cases.policy import Stage
from bot.clock import utc_now
from bot.demo import company, launcher
from bot.settings import PACKAGED_LIBRARY
from bot.store.database import Database
from bot.store.migrate import LATEST_MIGRATION
from bot.store.store import Store
from knowledge.library import copy_library

#: A past of an earlier release would be upgraded at each start, and the upgrade measured.
PREFIX = f"countersign-bench-{LATEST_MIGRATION}"
PAST = Path(tempfile.gettempdir()) / f"{PREFIX}-past"
PYTHON_PARTS = ("*.py", "__pycache__", "library", "memory", "learning", "language")
KIND = "low_stock"
ACTION = "house.order_stock"
CHANNEL = "C0STOCK"
#: A case changes the stock of its product, and so the plan of every other case about it.
PRODUCTS = 20_000
FIRST_PRODUCT = 100_000
STOCK = f"""
    WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {PRODUCTS})
    INSERT INTO products (id, name, unit, cost, price, margin, supplier_id)
      SELECT {FIRST_PRODUCT} + n, p.name, p.unit, p.cost, p.price, p.margin, p.supplier_id
      FROM numbers JOIN products p ON p.id = n % 160 + 1;
    INSERT INTO stock (product_id, on_hand, on_order, expected_use, next_peak_on)
      SELECT id, 4, 0, 10 + id % 6, date('now', '+20 days')
      FROM products WHERE id >= {FIRST_PRODUCT};
"""
NO_LIMIT = 1_000_000_000


def prepare_past() -> Path:
    """Return the company with its year of cases, its memory and its trained models.

    They are made once in half a day.
    """
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("playing the sample company's year", total=None)

        def show(count: int, total: int) -> None:
            progress.update(task, completed=count, total=total)

        return launcher.prepare_sample_data(PAST, show).folder


@contextlib.contextmanager
def fresh_company() -> Iterator[Path]:
    """Make the company without a past: nothing was decided, and nothing is learned."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        company.write_database(Path(folder) / "company.db", utc_now().replace(tzinfo=None))
        yield Path(folder)


def history_folder(count: int) -> Path:
    """Return the folder of a history with so many ended cases."""
    return Path(tempfile.gettempdir()) / f"{PREFIX}-history-{count}"


def write_library(folder: Path, *, channels: int = 1, runs_alone: bool = False) -> Path:
    """Write the packaged library without detectors, daily budgets and rates of sources.

    With more than one channel there are as many kinds, each in a channel of its own. With
    ``runs_alone`` policy lets the plans of the kind run without a person.
    """
    copy_library(PACKAGED_LIBRARY, folder)
    for path in (folder / "playbooks").glob("*.yml"):
        _change(path, _drop_detection)
    _change(folder / "policy.yml", _lift_budgets)
    _change(folder / "sources.yml", _lift_rates)
    if runs_alone:
        _change(folder / "policy.yml", _allow_alone)
    for number in range(2, channels + 1):
        _copy_playbook(folder / "playbooks", number)
    return folder


def add_products(folder: Path) -> None:
    """Give the company many products that run low before a peak, so that each case gets a plan."""
    with contextlib.closing(sqlite3.connect(folder / "company.db")) as database:
        database.executescript(STOCK)


def promote(database_url: str) -> None:
    """Record that the action runs alone, as if people had decided it."""
    command = ChangeStage(
        kind=KIND,
        action=ACTION,
        stage=Stage.AUTONOMOUS,
        initial=Stage.SUPERVISED,
        reason="it is measured",
        by_name="the bench",
        on_case="",
        key="",
    )
    with contextlib.closing(Database(database_url)) as database:
        controls = Store.over(database).desk_controls
        controls.save(decide_controls(controls.load(), command, utc_now()))


def kind_of(number: int) -> str:
    """Return the kind whose cases stand in this channel; the first is that of the sample."""
    return KIND if number == 1 else f"{KIND}_{number}"


def channel_of(number: int) -> str:
    """Return the id of this channel."""
    return CHANNEL if number == 1 else f"{CHANNEL}{number}"


def _change(path: Path, change: Callable[[Any], None]) -> None:
    yaml = YAML()
    yaml.preserve_quotes = True
    content = yaml.load(path.read_text("utf-8"))
    change(content)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def _drop_detection(playbook: Any) -> None:
    playbook.pop("signal", None)


def _lift_budgets(policy: Any) -> None:
    for limits in policy["actions"].values():
        for name in limits:
            if name.endswith("_per_day"):
                limits[name] = NO_LIMIT


def _allow_alone(policy: Any) -> None:
    policy["actions"][ACTION]["alone"] = True
    policy["autonomy"]["alone_per_day"] = NO_LIMIT
    # Every order of the bench is of low risk.
    policy["medium_above"] = policy["high_above"]


def _lift_rates(sources: Any) -> None:
    for source in sources["sources"].values():
        source["per_minute"] = NO_LIMIT


def _copy_playbook(folder: Path, number: int) -> None:
    target = folder / f"{kind_of(number)}.yml"
    shutil.copy(folder / f"{KIND}.yml", target)

    def rename(playbook: Any) -> None:
        playbook["kind"] = kind_of(number)
        playbook["channel"] = channel_of(number)

    _change(target, rename)
