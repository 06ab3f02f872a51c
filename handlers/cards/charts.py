"""Two small charts, and the same numbers as text."""

from collections.abc import Sequence
from itertools import chain

from bot.views.trend import TrendDay
from handlers.cards.text import Json, paragraph, preformatted_text, rich_text, text_run

CHART_TYPE = "data_visualization"
# Fewer points are no trend.
MIN_TREND_DAYS = 3


def charts(days: Sequence[TrendDay]) -> list[Json]:
    """Build charts of volume and time to decision; none when nothing happened."""
    if not any(day.openings or day.endings for day in days):
        return []
    blocks = [_volume_chart(days)]
    decided_days = [day for day in days if day.hours_to_decision is not None]
    if decided_days:
        blocks.append(_decision_time_chart(decided_days))
    return blocks


def is_telling(days: Sequence[TrendDay]) -> bool:
    """Tell whether there are enough days with cases to show a trend."""
    busy_days = [day for day in days if day.openings or day.endings]
    return len(busy_days) >= MIN_TREND_DAYS


def without_charts(blocks: Sequence[Json]) -> list[Json]:
    """Replace every chart with a table of text."""
    # Not every surface of Slack accepts a chart.
    text_blocks = []
    for block in blocks:
        is_chart = block["type"] == CHART_TYPE
        text_blocks.append(_text_table(block) if is_chart else block)
    return text_blocks


def _volume_chart(days: Sequence[TrendDay]) -> Json:
    labels = [_label(day) for day in days]
    arrivals = _series("opened", labels, [day.openings for day in days])
    endings = _series("ended", labels, [day.endings for day in days])
    return _chart(
        title="Opened and ended, 14 days",
        chart_type="bar",
        series=[arrivals, endings],
        categories=labels,
        unit="cases",
    )


def _decision_time_chart(days: Sequence[TrendDay]) -> Json:
    labels = [_label(day) for day in days]
    hours = [round(day.hours_to_decision or 0, 1) for day in days]
    medians = _series("median", labels, hours)
    return _chart(
        title="Hours to the first decision",
        # On the first day there is one point, which is no line.
        chart_type="line" if len(days) > 1 else "bar",
        series=[medians],
        categories=labels,
        unit="hours",
    )


def _text_table(block: Json) -> Json:
    """Write a chart's numbers as a table with one column a series."""
    chart = block["chart"]
    columns = [_text_column(series) for series in chart["series"]]
    categories = ["", *chart["axis_config"]["categories"]]
    rows = list(zip(categories, *columns, strict=True))
    title = paragraph(text_run(block["title"], bold=True))
    return rich_text(title, preformatted_text(_align(rows)))


def _text_column(series: Json) -> list[str]:
    """Write the name of a series and its values."""
    column = [series["name"]]
    for point in series["data"]:
        column.append(f"{point['value']:g}")
    return column


def _align(rows: Sequence[Sequence[str]]) -> str:
    """Align the cells of a table in columns of one width."""
    widest_cell = max(chain.from_iterable(rows), key=len)
    width = len(widest_cell) + 2
    lines = []
    for row in rows:
        lines.append("".join(cell.rjust(width) for cell in row))
    return "\n".join(lines)


def _label(day: TrendDay) -> str:
    return f"{day.on:%d %b}"


def _series(name: str, labels: Sequence[str], values: Sequence[float]) -> Json:
    points = []
    for label, value in zip(
        labels,
        values,
        strict=True,
    ):
        points.append({"label": label, "value": value})
    return {
        "name": name,
        "data": points,
    }


def _chart(
    *,
    title: str,
    chart_type: str,
    series: Sequence[Json],
    categories: Sequence[str],
    unit: str,
) -> Json:
    chart = {
        "type": chart_type,
        "series": list(series),
        "axis_config": {
            "categories": list(categories),
            "y_label": unit,
        },
    }
    return {
        "type": CHART_TYPE,
        "title": title,
        "chart": chart,
    }
