"""Rows and documents of files as signals."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.cases.errors import BadRequest, PlaybookInvalid
from bot.cases.request_expressions import check_expression, check_template
from bot.cases.signal import GUESSED, READ_BY
from bot.cases.source import AmountMapping, SignalMapping, Source
from bot.cases.verification import Scheme
from handlers.intake.content import RequestContent
from handlers.intake.facts import MAX_FACTS
from handlers.intake.problem import Problem
from handlers.intake.proof import full_proof
from handlers.intake.reading import Item
from handlers.intake.sources.mapped import parse_signals

FIELDS = ("key", "subject", "title", "occurred_at", "clear", "kind", "amount", "currency")
MISFIT = "the mapping finds neither a subject nor a title in it"
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
#: An expression rather than the name of a column.
_EXPRESSION = re.compile(r"(item|body|headers|query)\b|[a-z_]+\(|'")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
MAX_NAME_LENGTH = 48


def column_mapping(assignments: Sequence[str], columns: Sequence[str]) -> SignalMapping:
    """Make a mapping of assignments like ``title=Invoice {number} is late``.

    The right side is a column, a text with columns in braces (subject and title), or a JMESPath
    expression over ``item``. All ``columns`` become facts.

    Raises:
        BadRequest: an assignment names no field, or no column of the file.
    """
    values = dict(_parse_assignment(assignment) for assignment in assignments)
    for field in ("subject", "title"):
        if field not in values:
            raise BadRequest(f"say --map {field}=…: a column, or a text like {EXAMPLES[field]}")
    amount = None
    if "amount" in values:
        if "currency" not in values:
            raise BadRequest("say --map currency=… too: a column, or a text in quotes like 'EUR'")
        amount = AmountMapping(
            value=_expression(values["amount"], columns),
            currency=_expression(values["currency"], columns),
        )
    return SignalMapping(
        key=(_expression(values["key"], columns),) if "key" in values else (),
        subject=_template(values["subject"], columns),
        title=_template(values["title"], columns),
        occurred_at=_optional(values.get("occurred_at"), columns),
        clear=_optional(values.get("clear"), columns),
        kind=_optional(values.get("kind"), columns),
        amount=amount,
        facts=_facts(columns),
    )


EXAMPLES = {"subject": "'invoice:{number}'", "title": "'Invoice {number} is late'"}


def read_row(row: Mapping[str, Any], source: Source) -> list[Item]:
    """Read a row or document as the source's requests are read.

    What the mapping does not fit is a problem here: whoever sends a file can correct it.
    """
    items = parse_signals(RequestContent(body=row), source, full_proof(Scheme.LOOPBACK))
    return [_refuse_misfit(item, source) for item in items]


def parse_document(text: str, name: str) -> Any:
    """Parse a file that is one JSON document.

    Raises:
        BadRequest: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{name} is not JSON: {error}"[:200]) from None


def _refuse_misfit(item: Item, source: Source) -> Item:
    if isinstance(item, Problem) or source.mapping is None:
        return item
    facts = getattr(item, "facts", {})
    return Problem(422, MISFIT) if facts.get(READ_BY) == GUESSED else item


def _parse_assignment(assignment: str) -> tuple[str, str]:
    field, mark, value = assignment.partition("=")
    if not mark or field not in FIELDS or not value.strip():
        raise BadRequest(
            f"--map {assignment!r}: say FIELD=COLUMN; the fields are {', '.join(FIELDS)}"
        )
    return field, value.strip()


def _optional(value: str | None, columns: Sequence[str]) -> str:
    return _expression(value, columns) if value else ""


def _expression(value: str, columns: Sequence[str]) -> str:
    """Return the expression of a column, or the expression that was written."""
    if value in columns:
        return f"item.{json.dumps(value)}"
    if not _EXPRESSION.match(value):
        raise BadRequest(f"the file has no column {value!r}; it has {', '.join(columns[:20])}")
    return _check_text(value, is_template=False)


def _template(value: str, columns: Sequence[str]) -> str:
    """Return a template whose placeholders are columns or expressions."""
    if "{" not in value:
        return f"{{{_expression(value, columns)}}}"

    def fill(match: re.Match[str]) -> str:
        return f"{{{_expression(match[1], columns)}}}"

    return _check_text(_PLACEHOLDER.sub(fill, value), is_template=True)


def _check_text(value: str, *, is_template: bool) -> str:
    check = check_template if is_template else check_expression
    try:
        return check(value)
    except (PlaybookInvalid, ValueError) as error:
        raise BadRequest(f"--map {value!r}: {error}") from None


def _facts(columns: Sequence[str]) -> dict[str, str]:
    """Name a fact for each column."""
    facts: dict[str, str] = {}
    for column in columns[:MAX_FACTS]:
        name = _NOT_IN_A_NAME.sub("_", column.lower()).strip("_")[:MAX_NAME_LENGTH]
        if not name or not name[0].isalpha():
            name = f"column_{name}".rstrip("_")
        facts.setdefault(name, f"item.{json.dumps(column)}")
    return facts
