"""Edits of a plan: bounds of fields, and evidence against values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.errors import BadRequest
from bot.cases.expressions import Facts, evaluate, find_scalar, render
from bot.cases.plan import Action, Money
from bot.cases.playbook import PLAN, ActionOffer, EditLimit

NO_LIMIT = EditLimit()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditField:
    """One parameter that a person may edit."""

    name: str
    value: Scalar
    #: The smallest and the largest value; None for no bound.
    minimum: Scalar = None
    maximum: Scalar = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditForm:
    """The editable fields of a plan, and the limit of the whole."""

    fields: tuple[EditField, ...]
    #: What policy allows one plan to move; None for no limit.
    max_amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPreview:
    """The case before and after an edit that is not saved yet."""

    before: Case
    after: Case
    #: What the evidence says against the new values, as sentences.
    contradictions: tuple[str, ...] = ()


def editable_fields(offer: ActionOffer, action: Action, facts: Facts) -> tuple[EditField, ...]:
    """List the fields of an action that the playbook lets people edit."""
    fields = []
    for name in offer.edit:
        if name not in action.parameters:
            continue
        limit = offer.limits.get(name, NO_LIMIT)
        field = EditField(
            name=name,
            value=action.parameters[name],
            minimum=_bound(limit.minimum, facts),
            maximum=_bound(limit.maximum, facts),
        )
        fields.append(field)
    return tuple(fields)


def must_be_within_bounds(fields: Iterable[EditField]) -> None:
    """Refuse a value outside the bounds of its field.

    Raises:
        BadRequest: with the name of the field.
    """
    for field in fields:
        is_low = field.minimum is not None and _is_less(field.value, field.minimum)
        is_high = field.maximum is not None and _is_less(field.maximum, field.value)
        if is_low or is_high:
            raise BadRequest(f"it must be {describe_bounds(field)}", field=field.name)


def describe_bounds(field: EditField) -> str:
    """Write a field's bounds, like "from 1 to 600".

    Empty for a field without bounds.
    """
    if field.minimum is not None and field.maximum is not None:
        return f"from {_readable(field.minimum)} to {_readable(field.maximum)}"
    if field.minimum is not None:
        words = "on or after" if _is_day(field.minimum) else "at least"
        return f"{words} {_readable(field.minimum)}"
    if field.maximum is not None:
        words = "on or before" if _is_day(field.maximum) else "at most"
        return f"{words} {_readable(field.maximum)}"
    return ""


def find_contradictions(offer: ActionOffer, action: Action, facts: Facts) -> tuple[str, ...]:
    """List what the evidence says against the parameters of an action."""
    facts = {**facts, PLAN: dict(action.parameters)}
    return tuple(
        render(warning.text, facts) for warning in offer.warnings if evaluate(warning.when, facts)
    )


def _bound(bound: int | str | None, facts: Facts) -> Scalar:
    """Return a numeric bound, or the value of the fact it names."""
    return find_scalar(bound, facts) if isinstance(bound, str) else bound


def _is_less(value: Scalar, other: Scalar) -> bool:
    """Compare two numbers, or two days as ISO 8601 writes them."""
    try:
        return Decimal(str(value)) < Decimal(str(other))
    except InvalidOperation:
        return str(value) < str(other)


def _is_day(value: Scalar) -> bool:
    return _readable(value) != str(value)


def _readable(value: Scalar) -> str:
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return f"{day:%a} {day.day} {day:%b %Y}"
