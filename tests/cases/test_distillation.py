"""What a rule distilled from presses covers, and what it never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.distillation import MAX_BOUNDS, MAX_VALUES, Press, distil, fit, free_names
from bot.cases.standing_rule import contains, figure_text, number_of

VENUES = ("Soho", "Camden", "Brixton")


def press(number: int, **figures) -> Press:
    names = {name.replace("__", "."): value for name, value in figures.items()}
    return Press(
        case_id=f"EX-{number}",
        revision=1,
        figures={
            f"0.{name}" if "." not in name and name != "amount" else name: value
            for name, value in names.items()
        },
        identities=frozenset({"0.booking_id"}),
    )


def orders(count: int, **figures) -> list[Press]:
    return [press(number, quantity=6 + number, **figures) for number in range(count)]


def bound_of(distillate, name):
    return next((bound for bound in distillate.bounds if bound.name == name), None)


def test_bounds_are_what_was_approved():
    yeses = [
        press(n, quantity=6 + n, amount=str(20 * n), facts__stock__venue="Soho") for n in range(5)
    ]
    distillate = distil(yeses, [], 5)
    assert [bound.name for bound in distillate.bounds] == [
        "0.quantity",
        "amount",
        "facts.stock.venue",
    ]
    quantity, amount, venue = distillate.bounds
    assert (quantity.minimum, quantity.maximum) == (6, 10)
    assert (amount.minimum, amount.maximum) == (0, 80)
    assert venue.values == ("Soho",)
    assert not contains(distillate.bounds, {**yeses[0].figures, "facts.stock.venue": "Camden"})
    assert not contains(distillate.bounds, {**yeses[0].figures, "0.quantity": 11})
    assert not contains(distillate.bounds, {"0.quantity": 7})


def test_too_few_yeses_draft_nothing():
    assert distil(orders(4), [], 5) is None
    assert distil([], [], 1) is None


def test_a_no_splits_the_yeses_by_what_tells_it_apart():
    yeses = [press(n, quantity=12, facts__stock__venue=VENUES[n % 2]) for n in range(12)]
    no = press(99, quantity=12, facts__stock__venue="Camden")
    distillate = distil(yeses, [no], 5)
    assert bound_of(distillate, "facts.stock.venue").values == ("Soho",)
    assert len(distillate.yeses) == 6
    assert distillate.counter_examples == (no,)
    assert distil(yeses, [no], 7) is None


def test_a_no_among_numbers_shrinks_the_range():
    distillate = distil(orders(10), [press(99, quantity=13)], 5)
    assert (bound_of(distillate, "0.quantity").maximum, len(distillate.yeses)) == (12, 7)


def test_what_nothing_tells_apart_drafts_nothing():
    assert distil(orders(5, venue="Soho"), orders(5, venue="Soho"), 3) is None


def test_what_names_another_thing_in_each_case_stays_free():
    yeses = [press(n, booking_id=n, staff_id=n % 3) for n in range(6)]
    distillate = distil(yeses, [], 5)
    # A number that names somebody is no range: staff 1 and 3 say nothing of staff 2.
    assert bound_of(distillate, "0.staff_id").values == ("0", "1", "2")
    assert bound_of(distillate, "0.booking_id") is None
    assert free_names(yeses) == ("0.booking_id",)


def test_what_is_dealt_with_again_is_bounded():
    yeses = [press(n, booking_id=n % 4) for n in range(6)]
    assert bound_of(distil(yeses, [], 5), "0.booking_id").values == ("0", "1", "2", "3")


def test_a_parameter_that_names_nothing_is_never_free():
    yeses = [press(n, staff_id=n) for n in range(6)]
    assert len(bound_of(distil(yeses, [], 5), "0.staff_id").values) == 6


def test_a_parameter_with_too_many_values_keeps_the_common_ones():
    yeses = [press(n, staff_id=n % 20) for n in range(30)]
    values = bound_of(distil(yeses, [], 5), "0.staff_id").values
    assert len(values) == MAX_VALUES
    assert {str(n) for n in range(10)} < set(values)


def test_dates_bound_nothing():
    yeses = [press(n, due_on="2026-11-26", quantity=1) for n in range(5)]
    assert bound_of(distil(yeses, [], 5), "0.due_on") is None


def test_the_nearest_counter_examples_come_first():
    far = press(1, quantity=500, venue="Camden")
    near = press(2, quantity=500, venue="Soho")
    assert distil(orders(5, venue="Soho"), [far, near], 5).counter_examples == (near, far)


SCALARS = st.one_of(
    st.sampled_from(VENUES), st.integers(0, 9), st.booleans(), st.none(), st.floats(0, 9, width=16)
)
FIGURES = st.dictionaries(
    st.sampled_from(
        ["0.quantity", "0.venue", "0.staff_id", "amount", "facts.stock.x", "facts.y.z"]
    ),
    SCALARS,
    min_size=1,
)
PRESSES = st.lists(
    st.builds(
        Press,
        case_id=st.integers(1, 40).map(lambda number: f"EX-{number}"),
        revision=st.integers(1, 2),
        figures=FIGURES,
        identities=st.sampled_from([frozenset(), frozenset({"0.venue"})]),
    ),
    max_size=14,
)


@given(PRESSES, PRESSES, st.integers(1, 5))
def test_it_covers_its_yeses_and_never_contains_a_no(yeses, noes, minimum):
    distillate = distil(yeses, noes, minimum)
    if distillate is None:
        return
    assert len(distillate.yeses) >= minimum
    assert all(contains(distillate.bounds, yes.figures) for yes in distillate.yeses)
    assert not any(contains(distillate.bounds, no.figures) for no in noes)


@given(PRESSES, PRESSES, st.integers(1, 5))
def test_it_is_never_wider_than_what_was_approved(yeses, noes, minimum):
    distillate = distil(yeses, noes, minimum)
    for bound in distillate.bounds if distillate else ():
        values = [yes.figures.get(bound.name) for yes in distillate.yeses]
        if bound.values:
            assert set(bound.values) == set(map(figure_text, values))
        else:
            numbers = list(map(number_of, values))
            assert (bound.minimum, bound.maximum) == (min(numbers), max(numbers))


@given(PRESSES, PRESSES, st.integers(1, 5), st.randoms())
def test_the_order_of_the_presses_does_not_matter(yeses, noes, minimum, random):
    expected = distil(yeses, noes, minimum)
    random.shuffle(yeses)
    random.shuffle(noes)
    assert distil(yeses, noes, minimum) == expected


@given(PRESSES)
def test_bounds_hold_for_every_plan_that_they_were_made_of(yeses):
    assert all(contains(fit(yeses), yes.figures) for yes in yeses)


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (None, ""), (12.0, "12"), (12.5, "12.5"), ("Soho", "Soho")]
)
def test_equal_values_are_written_alike(value, text):
    assert figure_text(value) == text


def test_a_story_bounds_nothing_and_too_many_bounds_are_no_rule():
    story = "x" * 201
    yeses = [press(n, quantity=1, facts__stock__note=story) for n in range(5)]
    assert [bound.name for bound in distil(yeses, [], 5).bounds] == ["0.quantity"]
    figures = {f"facts__stock__column_{number}": 1 for number in range(MAX_BOUNDS + 1)}
    assert distil([press(n, **figures) for n in range(5)], [], 5) is None
