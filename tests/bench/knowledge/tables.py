"""Tables for people of the figures that a run has reported, in Markdown."""

from tests.bench.knowledge.figures import CalibrationTenth, Estimate

HEAD = (
    "| what | figure | value | 95 % interval | cases |",
    "| --- | --- | --: | --: | --: |",
)


def make_table(rows):
    """Return one table of rows as ``report`` remembers them."""
    lines = list(HEAD)
    for row in rows:
        what = row["what"]
        for name, value in row.items():
            if name != "what":
                lines += [f"| {what} | {' | '.join(cells)} |" for cells in make_cells(name, value)]
    return "\n".join(lines)


def make_cells(name, value):
    """Yield name, value, interval and number of cases of a figure and of its parts."""
    figure = name.replace("_", " ")
    match value:
        case dict() if all(map(is_plain, value.values())):
            text = ", ".join(f"{part_name} {part}" for part_name, part in value.items())
            yield figure, text, "", ""
        case dict():
            for part_name, part in value.items():
                yield from make_cells(f"{figure} {part_name}", part)
        case [CalibrationTenth(), *_]:
            for tenth in value:
                place = f"from {tenth.from_confidence:.1f}, {tenth.mean_confidence:.3f} on average"
                yield from make_cells(place, tenth.right)
        case Estimate():
            interval = f"{format_number(value, value.low)}–{format_number(value, value.high)}"
            yield figure, format_number(value, value.value), interval, f"{value.cases:,}"
        case float():
            yield figure, f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}", "", ""
        case None:
            yield figure, "–", "", ""
        case _:
            yield figure, str(value), "", ""


def is_plain(value):
    return value is not None and not isinstance(value, dict | list | Estimate)


def format_number(estimate, number):
    return f"{100 * number:.1f} %" if estimate.is_share else f"{number:.3f}"
