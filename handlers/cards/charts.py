"""The two small charts of digest and App Home, and the same numbers as text where a chart is not taken."""

from collections.abc import Sequence

from bot.views.trend import TrendDay
from handlers.cards.text import Json, paragraph, preformatted, rich, say


def charts(days: Sequence[TrendDay]) -> list[Json]:
    """What came and what went; how long people took to decide. Nothing at all when nothing happened."""
    if not any(day.opened or day.ended for day in days):
        return []
    names = [f"{day.on:%d %b}" for day in days]
    flow = [
        _series("opened", names, [day.opened for day in days]),
        _series("ended", names, [day.ended for day in days]),
    ]
    blocks = [_chart("Opened and ended, 14 days", "bar", flow, names, "cases")]
    decided = [day for day in days if day.decided is not None]
    if len(decided) > 1:
        when = [f"{day.on:%d %b}" for day in decided]
        waits = _series("median", when, [round(day.decided or 0, 1) for day in decided])
        blocks.append(_chart("Hours to the first decision", "line", [waits], when, "hours"))
    return blocks


def without_charts(blocks: Sequence[Json]) -> list[Json]:
    """The same blocks with every chart as a small table of text."""
    return [_as_text(block) if block["type"] == "data_visualization" else block for block in blocks]


def _as_text(block: Json) -> Json:
    chart = block["chart"]
    names = [series["name"] for series in chart["series"]]
    width = max(len(name) for name in [*names, *chart["axis_config"]["categories"]]) + 2
    lines = ["".join(word.rjust(width) for word in ["", *names])]
    for index, category in enumerate(chart["axis_config"]["categories"]):
        values = [f"{series['data'][index]['value']:g}" for series in chart["series"]]
        lines.append("".join(word.rjust(width) for word in [category, *values]))
    return rich(paragraph(say(block["title"], bold=True)), preformatted("\n".join(lines)))


def _series(name: str, labels: Sequence[str], values: Sequence[float]) -> Json:
    return {
        "name": name,
        "data": [
            {"label": label, "value": value} for label, value in zip(labels, values, strict=True)
        ],
    }


def _chart(
    title: str, kind: str, series: Sequence[Json], categories: Sequence[str], unit: str
) -> Json:
    axis = {"categories": list(categories), "y_label": unit}
    chart = {"type": kind, "series": list(series), "axis_config": axis}
    return {"type": "data_visualization", "title": title, "chart": chart}
