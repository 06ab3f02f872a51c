"""The figures of a run as a table for people."""

from rich.console import Console
from rich.table import Table

from tests.bench.aims import describe_aim
from tests.bench.figures import ABSOLUTE, BOLT, FLOOR, PRODUCT, SKETCH, Figure, Figures

SUBJECTS = (FLOOR, SKETCH, BOLT, PRODUCT)


def print_figures(figures: Figures, out: Console) -> None:
    """Print medians and ratios."""
    table = Table("", "unit", "floor", "sketch", "Bolt", "product", "ratio", "aim")
    for column in table.columns[2:]:
        column.justify = "right"
    for figure in figures:
        cells = [_number(figure.median(subject)) for subject in SUBJECTS]
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
