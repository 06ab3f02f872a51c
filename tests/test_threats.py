"""The table of threats and the tests tell of each other: no row without a test, no mark without a row."""

from tests.threats import cell, marked, rows


def test_every_threat_of_the_document_has_a_test_and_every_mark_a_row():
    assert sorted(marked()) == sorted(rows())


def test_the_document_names_the_tests_of_each_row():
    """``python -m tests.threats --write`` brings the last column up to date."""
    tests = marked()
    assert rows() == {number: cell(tests.get(number, [])) for number in rows()}


def test_the_table_has_all_its_rows():
    wanted = {"A": 6, "B": 12, "C": 9, "D": 9, "E": 6}
    assert sorted(rows()) == sorted(
        f"{letter}{number + 1}" for letter, count in wanted.items() for number in range(count)
    )
