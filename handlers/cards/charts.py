"""Two small charts for the digest and App Home, and the same numbers as text."""

from collections.abc import Sequence

from bot.cases.digest import Day
from handlers.cards.text import Json, paragraph, preformatted_text, rich_text, text_run

CHART_TYPE = "data_visualization"


def charts(days: Sequence[Day]) -> list[Json]:
    """Build charts of volume and time to decision; none when nothing happened."""
    if not any(day.opened or day.ended for day in days):
        return []
    blocks = [_volume_chart(days)]
    decided_days = [day for day in days if day.decided is not None]
    if len(decided_days) > 1:
        blocks.append(_decision_time_chart(decided_days))
    return blocks


def without_charts(blocks: Sequence[Json]) -> list[Json]:
    """Replace every chart with a text table, for surfaces that accept no charts."""
    return [_text_table(block) if block["type"] == CHART_TYPE else block for block in blocks]


def _volume_chart(days: Sequence[Day]) -> Json:
    labels = [_label(day) for day in days]
    opened = _series("opened", labels, [day.opened for day in days])
    ended = _series("ended", labels, [day.ended for day in days])
    return _chart(
        title="Opened and ended, 14 days",
        chart_type="bar",
        series=[opened, ended],
        categories=labels,
        unit="cases",
    )


def _decision_time_chart(days: Sequence[Day]) -> Json:
    labels = [_label(day) for day in days]
    hours = [round(day.decided or 0, 1) for day in days]
    return _chart(
        title="Hours to the first decision",
        chart_type="line",
        series=[_series("median", labels, hours)],
        categories=labels,
        unit="hours",
    )


def _text_table(block: Json) -> Json:
    """Write a chart's numbers as a table with one column a series."""
    series = block["chart"]["series"]
    categories = block["chart"]["axis_config"]["categories"]
    names = [one["name"] for one in series]
    rows = [["", *names]]
    for index, category in enumerate(categories):
        values = [f"{one['data'][index]['value']:g}" for one in series]
        rows.append([category, *values])
    width = max(len(name) for name in [*names, *categories]) + 2
    lines = ["".join(cell.rjust(width) for cell in row) for row in rows]
    title = paragraph(text_run(block["title"], bold=True))
    return rich_text(title, preformatted_text("\n".join(lines)))


def _label(day: Day) -> str:
    return f"{day.on:%d %b}"


def _series(name: str, labels: Sequence[str], values: Sequence[float]) -> Json:
    points = zip(labels, values, strict=True)
    return {"name": name, "data": [{"label": label, "value": value} for label, value in points]}


def _chart(
    *, title: str, chart_type: str, series: Sequence[Json], categories: Sequence[str], unit: str
) -> Json:
    axis = {"categories": list(categories), "y_label": unit}
    chart = {"type": chart_type, "series": list(series), "axis_config": axis}
    return {"type": CHART_TYPE, "title": title, "chart": chart}
