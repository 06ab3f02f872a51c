"""Rows of files: good ones, and bad ones with their line."""

import pytest

from knowledge.memory.row_file import MAX_ROW_CHARACTERS, BadRow, read_rows


@pytest.fixture
def rows_of(tmp_path):
    """Read the rows of a file with this name and content."""

    def read(name, content):
        path = tmp_path / name
        path.write_text(content)
        return list(read_rows(path))

    return read


def test_a_csv_file_has_its_columns_in_the_first_line(rows_of):
    rows = rows_of("past.csv", 'text,by\n"two\nlines",Ana\nlow,\n')
    assert rows == [(3, {"text": "two\nlines", "by": "Ana"}), (4, {"text": "low", "by": ""})]


def test_a_row_with_more_cells_than_the_header_is_a_bad_row(rows_of):
    rows = rows_of("past.csv", "text,by\nlow,Ana,now,again\nhigh,Ben\n")
    assert rows == [
        (2, BadRow(2, "has 2 more cells than the header of past.csv")),
        (3, {"text": "high", "by": "Ben"}),
    ]


def test_a_json_line_is_an_object_or_a_bad_row(rows_of):
    rows = rows_of("past.jsonl", '{"text": "low"}\nnonsense\n\n[1]\n')
    assert rows == [
        (1, {"text": "low"}),
        (2, BadRow(2, "is not JSON")),
        (4, BadRow(4, "is not a JSON object")),
    ]


def test_a_line_that_is_too_long_is_skipped_to_its_end(rows_of):
    long_line = '"' + "x" * MAX_ROW_CHARACTERS + '"'
    rows = rows_of("past.jsonl", f'{long_line}\n{{"text": "low"}}\n')
    assert rows == [
        (1, BadRow(1, "longer than 1,000,000 characters")),
        (2, {"text": "low"}),
    ]
