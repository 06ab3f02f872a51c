"""The facts of a signal, flattened from nested JSON."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.cases import canonical
from bot.cases.canonical import Scalar
from bot.cases.text import SHORTENED, shorten, storable
from handlers.intake.problem import Problem
from handlers.intake.reading import require_storable

MAX_FACTS = 64
MAX_FACT_LENGTH = 2_000
MAX_FACT_DEPTH = 8
MAX_FACT_NAME_LENGTH = 100
NOT_FINITE = "is not a finite number"
TOO_LARGE = "is too large to store exactly as a number; send it as text"


def flatten_facts(
    parts: Iterable[Mapping[str, Any]], field: str = "facts", *, strict: bool
) -> dict[str, Scalar]:
    """Flatten objects to facts: ``{"a": {"b": 1}}`` becomes ``a_b``.

    Of two facts with the same name, the second gets a number. With ``strict``, what exceeds a
    limit is refused; otherwise it is shortened, and a fact says how many were left out.

    Raises:
        Problem: 422, naming ``field``.
    """
    return FactFlattening(field, strict).flatten(parts)


@dataclass(frozen=True)
class FactFlattening:
    """The flattening of the facts of one signal."""

    #: The path of the facts in the request, for error messages.
    field: str
    strict: bool

    def flatten(self, parts: Iterable[Mapping[str, Any]]) -> dict[str, Scalar]:
        """Flatten the parts to at most ``MAX_FACTS`` facts."""
        facts: dict[str, Scalar] = {}
        left_out = 0
        for part in parts:
            for path, value in self.leaves(part):
                if len(facts) >= MAX_FACTS:
                    left_out += 1
                    continue
                name = self._storable_name(path)
                facts[_unused_name(name, facts)] = self._scalar(value, f"{self.field}.{name}")
        if left_out:
            self._note_left_out(facts, left_out)
        return facts

    def leaves(self, value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
        """Walk to every plain value.

        Names are bounded on the way: a long one above many values would cost as much for each.
        """
        if depth > MAX_FACT_DEPTH:
            if self.strict:
                message = f"{self.field} is nested more than {MAX_FACT_DEPTH} deep"
                raise Problem(422, message, self.field)
            yield name, SHORTENED
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                yield from self.leaves(inner, _join(name, str(key)), depth + 1)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from self.leaves(inner, _join(name, str(index)), depth + 1)
        else:
            yield name, value

    def _note_left_out(self, facts: dict[str, Scalar], left_out: int) -> None:
        if self.strict:
            message = f"there are {MAX_FACTS + left_out:,} facts; at most {MAX_FACTS} are allowed"
            raise Problem(422, message, self.field)
        # The last fact makes room for the number, and is then left out too.
        facts.popitem()
        facts[_unused_name("facts_left_out", facts)] = left_out + 1

    def _storable_name(self, name: str) -> str:
        if self.strict:
            return require_storable(name, self.field)
        return storable(name)

    def _scalar(self, value: Any, field: str) -> Scalar:
        # Before the numbers: a truth value is an integer in Python.
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value, field)
        return self._text(str(value), field)

    def _number(self, value: float, field: str) -> Scalar:
        if canonical.storable(value) is value:
            return value
        if not self.strict:
            return shorten(str(value), MAX_FACT_LENGTH)
        is_finite = isinstance(value, int) or math.isfinite(value)
        raise Problem(422, f"{field} {TOO_LARGE if is_finite else NOT_FINITE}", field)

    def _text(self, value: str, field: str) -> str:
        if not self.strict:
            return shorten(storable(value), MAX_FACT_LENGTH)
        if len(value) > MAX_FACT_LENGTH:
            message = (
                f"{field} has {len(value):,} characters; at most {MAX_FACT_LENGTH:,} are allowed"
            )
            raise Problem(422, message, field)
        return require_storable(value, field)


def _join(name: str, part: str) -> str:
    # Cut before it is joined: a key may be as long as a body.
    own_part = part[:MAX_FACT_NAME_LENGTH]
    if not name:
        return own_part
    return f"{name}_{own_part}"[:MAX_FACT_NAME_LENGTH]


def _unused_name(name: str, facts: Mapping[str, Scalar]) -> str:
    """Append a number to the name where another fact has it."""
    candidate = name
    number = 1
    while candidate in facts:
        number += 1
        suffix = f"_{number}"
        candidate = name[: MAX_FACT_NAME_LENGTH - len(suffix)] + suffix
    return candidate
