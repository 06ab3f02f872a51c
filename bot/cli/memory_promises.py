"""The promises of each kind in ``countersign memory status``.

What was certified on past cases, what people answered since, week by week, and what has lapsed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.cases.canonical import to_plain
from bot.cases.precedent import Precedent
from bot.cases.promise import PromiseRecord, PromiseWeek
from bot.views.promises import MAX_WEEKS, share_words, week_words
from knowledge.learning.calibration import PrecisionGuarantee
from knowledge.learning.live_record import LiveRecord, answer_of, live_record
from knowledge.learning.plan_model import PlanModel
from knowledge.learning.promise_words import PROMISED_PERCENTS, percent_of

COLUMNS = ("promise", "now", "past cases", "at least", "since training", "latest weeks")
#: The latest precedents of a kind, in which its weeks are looked for.
MAX_PROMISED_PRECEDENTS = 200
NONE = "–"


class PromiseState(StrEnum):
    """The states of a promise."""

    GIVEN = "given"
    LAPSED = "lapsed"
    #: Past cases do not bear it out.
    NOT_GIVEN = "not given"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseBand:
    """One promise of a kind: its certification, and how it was kept."""

    kind: str
    percent: int
    #: None where past cases do not bear it out.
    guarantee: PrecisionGuarantee | None
    #: The answers since the last training; None without any.
    since_training: PromiseRecord | None
    #: The answers lately, before the training too.
    weeks: tuple[PromiseWeek, ...]

    @property
    def lapsed_at(self) -> datetime | None:
        """Return when the answers since the training spoke against it."""
        return self.since_training.lapsed_at if self.since_training else None

    @property
    def state(self) -> PromiseState:
        """Tell whether cards give it."""
        if self.lapsed_at:
            return PromiseState.LAPSED
        return PromiseState.GIVEN if self.guarantee else PromiseState.NOT_GIVEN


def promise_bands(
    kind: str,
    plan: PlanModel | None,
    *,
    record: LiveRecord | None,
    latest: Sequence[Precedent],
) -> list[PromiseBand]:
    """Return every promise that there can be, the highest first.

    It is empty for a kind whose plans are not learned yet. ``record`` is that since the training,
    and ``latest`` are the latest precedents, the oldest of them first.
    """
    if plan is None:
        return []
    guarantees = {percent_of(guarantee): guarantee for guarantee in plan.guarantees}
    since_training = {one.percent: one for one in record.promises} if record else {}
    lately = {one.percent: one for one in _lately(kind, latest)}
    return [
        PromiseBand(
            kind=kind,
            percent=percent,
            guarantee=guarantees.get(percent),
            since_training=since_training.get(percent),
            weeks=lately[percent].weeks if percent in lately else (),
        )
        for percent in PROMISED_PERCENTS
    ]


def has_promise(bands: Iterable[PromiseBand]) -> bool:
    """Tell whether a kind has a promise, or had one lately."""
    return any(band.guarantee or band.weeks for band in bands)


def _lately(kind: str, latest: Iterable[Precedent]) -> tuple[PromiseRecord, ...]:
    answers = {}
    for seq, precedent in enumerate(latest):
        answer = answer_of(precedent, seq)
        if answer:
            answers[precedent.card_id] = answer
    return live_record(kind, answers.values()).promises


def band_plain(band: PromiseBand) -> dict[str, Any]:
    """Return a promise for ``--json``."""
    guarantee, record = band.guarantee, band.since_training
    past = None
    if guarantee:
        past = {
            "cases": guarantee.total,
            "right": guarantee.correct,
            "at_least": round(guarantee.lower_bound, 4),
        }
    right, total = (record.right, record.total) if record else (0, 0)
    return {
        "percent": band.percent,
        "state": band.state.value,
        "past": past,
        "given": total,
        "kept": right,
        "lapsed": band.state is PromiseState.LAPSED,
        "lapsed_at": band.lapsed_at and band.lapsed_at.isoformat(),
        "weeks": [to_plain(week) for week in band.weeks],
        "words": _words(band),
    }


def promise_table(bands: Sequence[PromiseBand]) -> Table:
    """Return the promises of one kind for people."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.title, table.title_justify = f"\n{bands[0].kind}", "left"
    for column in COLUMNS:
        # Narrow terminals break the headings, and no figure.
        table.add_column(column, min_width=max(map(len, column.split())))
    for band in bands:
        table.add_row(*(Text(cell, no_wrap=True) for cell in _cells(band)))
    return table


def hanging_line(line: str) -> Padding:
    """Return a line that goes on below its own beginning."""
    return Padding(Text(line), (0, 0, 0, 2))


def promise_lines(bands: Sequence[PromiseBand], answers_until_training: int) -> list[str]:
    """Say what the columns mean, and what brings back a lapse."""
    if not bands:
        return ["promises: none yet; a kind needs some decided cases before any can be given"]
    lines = [
        "past cases: suggestions as sure as these that were right, of cases they had not seen",
        "at least: so many of 100 are right, all but certainly; it must reach the promise",
        "since training, latest weeks: right ones of the answered cards with this promise",
    ]
    lapses = [band for band in bands if band.state is PromiseState.LAPSED]
    lines += [_lapse_line(band) for band in lapses]
    if lapses:
        when = f"by itself after {answers_until_training} more decided cases"
        if answers_until_training <= 0:
            when = "by itself when the desk is idle"
        lines.append(
            "a lapsed promise comes back with the next training, if it holds with these answers:"
            f" {when}, or with `countersign memory train`"
        )
    return lines


def _cells(band: PromiseBand) -> tuple[str, ...]:
    guarantee, record = band.guarantee, band.since_training
    past = at_least = NONE
    if guarantee:
        past = f"{guarantee.correct} of {guarantee.total}"
        at_least = f"{100 * guarantee.lower_bound:.1f}"
    answers = f"{record.right} of {record.total}" if record else NONE
    weeks = "\n".join(_week(week) for week in band.weeks[-MAX_WEEKS:]) or NONE
    return f"{band.percent} of 100", _standing(band), past, at_least, answers, weeks


def _standing(band: PromiseBand) -> str:
    if band.lapsed_at:
        return f"lapsed {band.lapsed_at:%-d %b}"
    return band.state.value


def _week(week: PromiseWeek) -> str:
    return f"{week.monday:%-d %b}: {week.right} of {week.total}"


def _lapse_line(band: PromiseBand) -> str:
    record = band.since_training
    counts = f"{record.right} of {record.total}" if record else NONE
    return (
        f"{band.kind}: “{band.percent} of 100” lapsed on {band.lapsed_at:%-d %b %H:%M} UTC, as only"
        f" {counts} were right; until it is back, a person is asked each time"
    )


def _words(band: PromiseBand) -> str:
    """Say in one sentence how it stands."""
    promise = f"{share_words(band.percent)}, {_standing(band)}"
    if not band.since_training:
        return promise
    record = band.since_training
    return f"{promise}: {record.right} of {record.total} were right ({week_words(record)})"
