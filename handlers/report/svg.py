"""Charts as inline SVG, each with its axis and numbers.

Nothing is loaded from outside, and no script is needed. Colours are told apart by people who see
few of them, and on grey paper by their order.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 680
HEIGHT = 172
LEFT = 46
RIGHT = 8
TOP = 18
BOTTOM = 26
ROW = 23
#: Room for the labels of bars that lie.
LABELS = 262
MAX_LABELS = 13
MAX_LABEL = 46
TICKS = 4
#: Part of a step that a bar fills.
FILL = 0.72


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Numbers under one name, drawn in one colour."""

    name: str
    colour: str
    values: Sequence[float | None]
    is_dashed: bool = False


def stacked_columns(labels: Sequence[str], series: Sequence[Series], *, unit: str) -> str:
    """Draw columns, each with the series on top of each other."""
    tops = [sum(one.values[at] or 0 for one in series) for at in range(len(labels))]
    axis = Axis.over(tops, is_whole=True)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(labels))
    parts = [*axis.lines(unit)]
    for place, label in enumerate(labels):
        base = 0.0
        for one in series:
            value = one.values[place] or 0
            if not value:
                continue
            top, bottom = axis.y(base + value), axis.y(base)
            base += value
            parts.append(
                f'<rect x="{LEFT + step * (place + (1 - FILL) / 2):.1f}" y="{top:.1f}"'
                f' width="{step * FILL:.1f}" height="{bottom - top:.1f}" fill="{one.colour}">'
                f"<title>{escape(label)}: {value:g} {escape(one.name)}</title></rect>"
            )
    parts += _labels_below(labels, step)
    return _svg(parts, HEIGHT, _description(series, unit))


def lines(labels: Sequence[str], series: Sequence[Series], *, unit: str) -> str:
    """Draw a line for each series, with gaps for missing numbers."""
    values = [value for one in series for value in one.values if value is not None]
    axis = Axis.over(values)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(labels))
    parts = [*axis.lines(unit)]
    for one in series:
        points: list[tuple[float, float]] = []
        for place, value in enumerate(one.values):
            if value is None:
                parts.append(_path(points, one))
                points = []
                continue
            x, y = LEFT + step * (place + 0.5), axis.y(value)
            points.append((x, y))
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{one.colour}">'
                f"<title>{escape(labels[place])}: {escape(one.name)} {value:.1f}</title></circle>"
            )
        parts.append(_path(points, one))
    parts += _labels_below(labels, step)
    return _svg(parts, HEIGHT, _description(series, unit))


def lying_bars(labels: Sequence[str], series: Sequence[Series], *, ends: Sequence[str]) -> str:
    """Draw a bar in layers for each label.

    All have the full length, and a text of ``ends`` at their end.
    """
    room = WIDTH - LABELS - 64
    parts = []
    for row, label in enumerate(labels):
        y = row * ROW + 3
        total = sum(one.values[row] or 0 for one in series)
        parts.append(
            f'<text x="{LABELS - 8}" y="{y + 13}" text-anchor="end" class="label">'
            f"{escape(_shorten(label))}</text>"
        )
        x = float(LABELS)
        for one in series:
            value = one.values[row] or 0
            if not value or not total:
                continue
            width = room * value / total
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 6}"'
                f' fill="{one.colour}"><title>{escape(label)}: {value:g} {escape(one.name)}'
                "</title></rect>"
            )
            share = f"{100 * value / total:.0f} %"
            if width > 30:
                parts.append(
                    f'<text x="{x + width / 2:.1f}" y="{y + 13}" text-anchor="middle"'
                    f' class="inside">{share}</text>'
                )
            x += width
        parts.append(f'<text x="{WIDTH - 58}" y="{y + 13}" class="tick">{escape(ends[row])}</text>')
    return _svg(parts, len(labels) * ROW + 4, _description(series, "cases"))


def pairs(labels: Sequence[str], before: Sequence[float], after: Sequence[float]) -> str:
    """Draw hours before and after as two dots for each label."""
    axis_end = nice_ceiling(max([*before, *after, 0.1]))
    room = WIDTH - LABELS - 24
    height = len(labels) * ROW + 24
    parts = []
    for tick in range(TICKS + 1):
        value = axis_end * tick / TICKS
        x = LABELS + room * tick / TICKS
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 20}" class="grid"/>'
            f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle" class="tick">'
            f"{value:g} h</text>"
        )
    for row, label in enumerate(labels):
        y = row * ROW + ROW / 2
        x1, x2 = (LABELS + room * value / axis_end for value in (before[row], after[row]))
        parts.append(
            f'<text x="{LABELS - 8}" y="{y + 4}" text-anchor="end" class="label">'
            f"{escape(_shorten(label))}</text>"
            f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y}" y2="{y}" stroke="#8a94a6"'
            ' stroke-width="2"/>'
            f'<circle cx="{x1:.1f}" cy="{y}" r="5" fill="#fff" stroke="#8a94a6" stroke-width="2">'
            f"<title>before: {before[row]:.1f} hours</title></circle>"
            f'<circle cx="{x2:.1f}" cy="{y}" r="5" fill="{BLUE}">'
            f"<title>after: {after[row]:.1f} hours</title></circle>"
        )
    return _svg(parts, height, "Hours before and after")


def legend(series: Iterable[Series]) -> str:
    """Name the series beside their colours.

    Those without any number are left out.
    """
    items = (
        f'<span class="key"><i style="background:{one.colour}"></i>{escape(one.name)}</span>'
        for one in series
        if any(one.values)
    )
    return f'<p class="legend">{"".join(items)}</p>'


# After Okabe and Ito, darkened for white paper.
BLUE, SKY, GREEN, ORANGE = "#1f5f99", "#5fb0d8", "#2e9e77", "#d98b06"
RED, PURPLE, GREY = "#b5482f", "#8d6cab", "#9aa3b2"


@dataclass(frozen=True, slots=True)
class Axis:
    """The upright axis of a chart, from nothing to a round number."""

    end: float

    @classmethod
    def over(cls, values: Iterable[float], *, is_whole: bool = False) -> "Axis":
        """Reach over all values.

        ``is_whole``: they are whole numbers, and so are its ticks.
        """
        end = max(values, default=0.0)
        return cls(nice_ceiling(end / TICKS) * TICKS if is_whole else nice_ceiling(end))

    def y(self, value: float) -> float:
        """Return the height at which a value is drawn."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.end

    def lines(self, unit: str) -> Iterator[str]:
        """Yield the lines of the grid with their numbers."""
        for tick in range(TICKS + 1):
            value = self.end * tick / TICKS
            y = self.y(value)
            yield (
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
                f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end" class="tick">'
                f"{value:g}</text>"
            )
        yield f'<text x="0" y="{TOP - 9}" class="tick">{escape(unit)}</text>'


def nice_ceiling(value: float) -> float:
    """Return the next round number; at least one for whole numbers."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for factor in (1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0):
        if value <= factor * power * (1 + 1e-9):
            return factor * power
    return 10 * power


def _path(points: Sequence[tuple[float, float]], series: Series) -> str:
    if len(points) < 2:
        return ""
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="5 4"' if series.is_dashed else ""
    return (
        f'<polyline points="{text}" fill="none" stroke="{series.colour}" stroke-width="2"{dashes}/>'
    )


def _labels_below(labels: Sequence[str], step: float) -> Iterator[str]:
    """Yield the labels of an axis, as many as can be read."""
    every = math.ceil(len(labels) / MAX_LABELS)
    for place, label in enumerate(labels):
        # The last is always there: it is the present.
        if (len(labels) - 1 - place) % every == 0:
            yield (
                f'<text x="{LEFT + step * (place + 0.5):.1f}" y="{HEIGHT - 8}"'
                f' text-anchor="middle" class="tick">{escape(label)}</text>'
            )


def _shorten(label: str) -> str:
    return label if len(label) <= MAX_LABEL else f"{label[: MAX_LABEL - 1].rstrip()}…"


def _description(series: Iterable[Series], unit: str) -> str:
    """Describe a chart to whoever cannot see it."""
    return f"{', '.join(one.name for one in series)}; {unit}"


def _svg(parts: Iterable[str], height: float, description: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(description)}">'
        f"{''.join(parts)}</svg>"
    )
