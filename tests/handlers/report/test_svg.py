"""Charts: drawings that can be parsed, over round axes, safe whatever the labels say."""

import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.report.svg import (
    BLUE,
    GREEN,
    HEIGHT,
    Axis,
    Series,
    legend,
    lines,
    lying_bars,
    nice_ceiling,
    pairs,
    stacked_columns,
)

HOSTILE = "<script>\"&'</script>"


def parts(svg: str, tag: str) -> list:
    return ET.fromstring(svg).findall(f".//{tag}")


def two(first, second) -> list[Series]:
    return [
        Series(name="people", colour=BLUE, values=first),
        Series(name=HOSTILE, colour=GREEN, values=second),
    ]


def test_columns_stand_on_each_other():
    svg = stacked_columns(["1 Nov", HOSTILE], two([3, 0], [1, 2]), unit="cases")
    bars = [(float(bar.get("y")), float(bar.get("height"))) for bar in parts(svg, "rect")]
    assert len(bars) == 3
    # The second of the first column ends where the first begins.
    assert bars[1][0] + bars[1][1] == pytest.approx(bars[0][0], abs=0.2)
    assert bars[0][1] == pytest.approx(3 * bars[1][1], rel=0.05)
    assert [tick.text for tick in parts(svg, "text")][:5] == ["0", "1", "2", "3", "4"]


def test_a_line_has_a_gap_where_there_is_no_number():
    svg = lines(list("abcde"), two([1, 2, None, 3, 4], [None] * 5), unit="hours")
    assert len(parts(svg, "polyline")) == 2
    assert len(parts(svg, "circle")) == 4


def test_lying_bars_fill_the_width_and_say_their_shares():
    svg = lying_bars(["One", "None", "x" * 99], two([3, 0, 1], [1, 0, 0]), ends=["4", "0", "1"])
    widths = [float(bar.get("width")) for bar in parts(svg, "rect")]
    assert widths[0] + widths[1] == pytest.approx(widths[2], abs=0.2)
    assert {"75 %", "25 %", "100 %"} <= {text.text for text in parts(svg, "text")}


def test_pairs_show_before_and_after():
    svg = pairs(["A"], [4.0], [1.0])
    before, after = (float(circle.get("cx")) for circle in parts(svg, "circle"))
    assert before > after


def test_a_legend_leaves_out_what_never_happens():
    assert legend(two([1], [0])).count('class="key"') == 1
    assert "<script>" not in legend(two([1], [1]))


@given(st.floats(1e-6, 1e9))
def test_an_axis_ends_at_a_round_number_that_is_not_far(value):
    end = nice_ceiling(value)
    assert value <= end * (1 + 1e-6)
    assert end <= 1.7 * value or end <= 1e-6
    mantissa = end / 10 ** math.floor(math.log10(end) + 1e-9)
    assert round(mantissa, 6) * 5 == pytest.approx(round(round(mantissa, 6) * 5))


@given(st.lists(st.integers(0, 10**6), max_size=9))
def test_an_axis_of_counts_has_whole_ticks_and_holds_all(values):
    axis = Axis.over(values, is_whole=True)
    assert axis.end % 4 == 0
    assert all(0 <= axis.y(value) <= HEIGHT for value in values)
