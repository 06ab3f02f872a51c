"""The figures of a run as a table for people."""

from rich.console import Console
from rich.table import Table

from tests.bench.aims import describe_aim
from tests.bench.figures import ABSOLUTE, BOLT, FLOOR, FLOOR_IDLE, PRODUCT, SKETCH, Figure, Figures

SUBJECTS = (FLOOR, SKETCH, BOLT, FLOOR_IDLE, PRODUCT)
#: The first column is as wide as its longest name, wherever the table is shown.
MIN_WIDTH = 140


def open_console() -> Console:
    """Return a console that is wide enough for the table, also where it is no terminal."""
    console = Console(highlight=False)
    return Console(highlight=False, width=max(MIN_WIDTH, console.width))


def print_figures(figures: Figures, out: Console) -> None:
    """Print medians, ratios and aims."""
    subjects = [
        subject
        for subject in SUBJECTS
        if any(figure.median(subject) is not None for figure in figures)
    ]
    table = Table("", "unit", *subjects, "ratio", "aim")
    table.columns[0].no_wrap = True
    for column in table.columns[2:-1]:
        column.justify = "right"
    for figure in figures:
        cells = [_number(figure.median(subject)) for subject in subjects]
        aim = describe_aim(figure.name, figure.as_json())
        table.add_row(figure.name, figure.unit, *cells, _ratio(figure), aim)
    out.print(table)
    for remark in figures.remarks:
        out.print(remark, markup=False)


def _ratio(figure: Figure) -> str:
    if figure.base == ABSOLUTE or figure.ratio is None:
        return ""
    return f"{figure.ratio:.1f} ×"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
