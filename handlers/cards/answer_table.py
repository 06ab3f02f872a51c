"""The figures of an answer as a table, a chart, or text."""

from collections.abc import Sequence

from bot.views.answers import Figure
from handlers.cards.charts import CHART_TYPE
from handlers.cards.text import EMPTY, Json, bullets, clean, preformatted_text, rich_text, text_run

TABLE_TYPE = "table"
MAX_ROWS = 40
MAX_LABEL = 60
MAX_VALUE = 60
# Slack's limits for a chart.
MAX_POINTS = 20
MAX_POINT_LABEL = 20
MAX_CHART_TITLE = 50
# Fewer points are no trend.
MIN_POINTS = 3
ALIGNMENT = ({"is_wrapped": True}, {"align": "right"})
LABEL_TITLE = "Which"
GROUP_TITLE = "Team"
COUNT_TITLE = "How many"
VALUE_TITLE = "How much"


def figure_table(figures: Sequence[Figure], titles: tuple[str, str]) -> list[Json]:
    """Build a table of two columns; one figure is a line."""
    if not figures:
        return []
    if len(figures) == 1:
        return [rich_text(bullets([_line(figures[0])]))]
    rows = [[_cell(title) for title in _titles(figures, titles)]]
    for figure in figures[:MAX_ROWS]:
        rows.append([_cell(clean(figure.label, MAX_LABEL)), _cell(clean(figure.value, MAX_VALUE))])
    table = {"type": TABLE_TYPE, "rows": rows, "column_settings": list(ALIGNMENT)}
    return [table, *_left_out(figures)]


def trend_chart(figures: Sequence[Figure], titles: tuple[str, str]) -> list[Json]:
    """Build a chart over time; none for too few points."""
    if len(figures) < MIN_POINTS:
        return []
    period, title = _titles(figures, titles)
    points = []
    for figure in figures[-MAX_POINTS:]:
        label = clean(figure.label, MAX_POINT_LABEL) or EMPTY
        points.append({"label": label, "value": round(figure.number, 2)})
    chart = {
        "type": "bar",
        "series": [{"name": clean(title, MAX_POINT_LABEL) or EMPTY, "data": points}],
        "axis_config": {"categories": [point["label"] for point in points]},
    }
    chart_title = clean(f"{title} by {period.lower()}", MAX_CHART_TITLE)
    return [{"type": CHART_TYPE, "title": chart_title, "chart": chart}]


def without_tables(blocks: Sequence[Json]) -> list[Json]:
    """Write tables in a fixed-width font, and leave charts out.

    Not every surface of Slack takes them. A chart has the numbers of the table beside it.
    """
    text_blocks = []
    for block in blocks:
        if block["type"] == TABLE_TYPE:
            text_blocks.append(rich_text(preformatted_text(_align(block["rows"]))))
        elif block["type"] != CHART_TYPE:
            text_blocks.append(block)
    return text_blocks


def _titles(figures: Sequence[Figure], titles: tuple[str, str]) -> tuple[str, str]:
    """Return the titles of the columns, also where the answer has none."""
    label, value = titles
    are_groups = all(figure.label.startswith("@") for figure in figures)
    are_counts = all(figure.value[:1].isdecimal() for figure in figures)
    default_label = GROUP_TITLE if are_groups else LABEL_TITLE
    default_value = COUNT_TITLE if are_counts else VALUE_TITLE
    return clean(label, MAX_LABEL) or default_label, clean(value, MAX_LABEL) or default_value


def _line(figure: Figure) -> list[Json]:
    label = text_run(f"{clean(figure.label, MAX_LABEL)}: ")
    return [label, text_run(clean(figure.value, MAX_VALUE), bold=True)]


def _left_out(figures: Sequence[Figure]) -> list[Json]:
    """Say how many rows have no place in the table."""
    more = len(figures) - MAX_ROWS
    if more <= 0:
        return []
    return [rich_text(bullets([[text_run(f"and {more:,} more rows")]]))]


def _cell(text: str) -> Json:
    # Slack accepts no empty cell.
    return {"type": "raw_text", "text": text or EMPTY}


def _align(rows: Sequence[Sequence[Json]]) -> str:
    """Align the labels on the left and the values on the right."""
    label_width = max(len(label["text"]) for label, _ in rows)
    value_width = max(len(value["text"]) for _, value in rows)
    lines = []
    for label, value in rows:
        lines.append(f"{label['text']:<{label_width}}  {value['text']:>{value_width}}")
    return "\n".join(lines)
