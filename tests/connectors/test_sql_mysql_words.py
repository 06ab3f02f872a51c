"""The words of a statement, as MySQL reads it."""

import pytest

from bot.connectors.sql_mysql_words import read_words


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("SELECT 1", "select"),
        ("  \n-- the bills\nSELECT 1", "select"),
        ("/* DROP */ # DROP\n(SELECT 1)", "select"),
        ("--1", "1"),
        ("", ""),
    ],
)
def test_comments_come_before_the_first_word(sql, first):
    assert read_words(sql).first == first


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'into'",
        "SELECT 'it''s into' AS a",
        r"SELECT 'a \' into' AS a",
        'SELECT "into \\" into"',
        "SELECT `into` FROM t",
        "SELECT 1 -- into",
        "SELECT 1 # into",
        "SELECT 1 /* into */",
        "SELECT intomed FROM t",
    ],
)
def test_a_word_in_a_text_a_name_or_a_comment_is_none(sql):
    assert "into" not in read_words(sql).all


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT 'a' /* b */ INTO @x",
        # Two minus signs without a space are no comment.
        "SELECT 1--1 INTO @x",
        "SELECT '\\\\' INTO @x",
    ],
)
def test_a_word_of_the_statement_is_seen(sql):
    assert "into" in read_words(sql).all


@pytest.mark.parametrize(
    ("sql", "is_hidden"),
    [
        ("SELECT 1 /*! INTO @x */", True),
        ("SELECT 1 /*M!100000 INTO @x */", True),
        ("SELECT '/*! x */'", False),
        ("SELECT /*+ MAX_EXECUTION_TIME(5) */ 1", False),
    ],
)
def test_a_comment_that_is_carried_out_is_told_from_others(sql, is_hidden):
    assert read_words(sql).is_hidden is is_hidden


def test_names_are_quoted_or_not():
    names = read_words("UPDATE `Order ``Heads` h, shop.bills SET h.a = 'x'").names
    assert {"Order `Heads", "shop", "bills"} <= names
    assert "x" not in names
