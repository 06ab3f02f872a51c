"""Requests of any form: read through a mapping, or guessed.

Nothing is refused for its content once its sender is known: what a mapping does not fit opens a
case that is not recognised, with all that came as its facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from bot.cases.canonical import Scalar, content_hash
from bot.cases.redaction import REMOVED, redact, redact_text, redact_value
from bot.cases.request_expressions import (
    expression_roots,
    find_text,
    render_request,
    search_request,
)
from bot.cases.signal import GUESSED, READ_BY, UNRECOGNISED, Signal, SignalStatus
from bot.cases.source import AmountMapping, SignalMapping, Source
from bot.cases.text import bounded_key, shorten, storable
from handlers.intake.content import RequestContent
from handlers.intake.facts import flatten_facts
from handlers.intake.money import as_fact, read_amount, read_currency
from handlers.intake.proof import Proof
from handlers.intake.reading import (
    MAX_KEY_LENGTH,
    MAX_TITLE_LENGTH,
    Ignored,
    Item,
    parse_kind,
)
from handlers.intake.sources.auto import RequestGuess, find_items, guess, unfold, with_context
from handlers.intake.sources.events import event_name
from handlers.intake.sources.titles import is_title
from handlers.intake.times import read_foreign_time

MAX_ITEMS = 500
CHECKSUM_LENGTH = 16
NO_MAPPING = SignalMapping()
NOT_TAKEN = "it is not one of those that this source takes"
LEFT_OUT = "this source leaves such requests out"
#: The facts that the playbook of what is not recognised takes for the money at stake.
STAKES = frozenset({"amount", "currency", "value", "total"})


def parse_signals(
    content: RequestContent, source: Source, proof: Proof, *, received_on: date | None = None
) -> list[Item]:
    """Parse the objects of a request; none is refused for its content.

    ``received_on`` tells apart equal reports of several days that say no time.
    """
    mapping = source.mapping or NO_MAPPING
    request = _Request(
        source=source, mapping=mapping, proof=proof, content=content, received_on=received_on
    )
    return [_Reading(request, part).item() for part in request.parts()]


@dataclass(frozen=True, kw_only=True)
class _Request:
    """A request, and how to read it."""

    source: Source
    mapping: SignalMapping
    proof: Proof
    content: RequestContent
    received_on: date | None

    def parts(self) -> list[Any]:
        """Select the objects of the request, else the whole body."""
        body = self.content.body
        if self.mapping.each:
            parts = search_request(self.mapping.each, self.names(body))
        elif self.is_guessed:
            parts = find_items(body)
        else:
            return [body]
        if not isinstance(parts, list) or not 1 <= len(parts) <= MAX_ITEMS:
            return [body]
        return parts

    @property
    def is_guessed(self) -> bool:
        """Tell whether there is no mapping."""
        return self.mapping is NO_MAPPING

    def names(self, item: Any) -> dict[str, Any]:
        """Return what expressions begin with."""
        return {
            "body": self.content.body,
            "headers": self.content.headers,
            "query": self.content.query,
            "item": item,
        }

    @cached_property
    def clean_names(self) -> Mapping[str, Any]:
        """Return the same without the secrets in it."""
        clean_names: Mapping[str, Any] = redact(self.names(None))
        return clean_names


@dataclass(frozen=True)
class _Reading:
    """One object of a request, read."""

    request: _Request
    part: Any

    def item(self) -> Item:
        """Return the signal, or why it is none."""
        reason = self._reason_to_ignore()
        if reason:
            return Ignored(reason=reason, event=event_name(self.request.content, self.part))
        return self._signal()

    @cached_property
    def clean_names(self) -> Mapping[str, Any]:
        """Return what expressions begin with, without secrets."""
        clean_names = self.request.clean_names
        is_whole = self.part is self.request.content.body
        return {**clean_names, "item": clean_names["body"] if is_whole else redact(self.part)}

    @cached_property
    def content(self) -> Any:
        """Return the object with objects in place of texts that hold one."""
        part = self.part
        if self.request.is_guessed:
            part = with_context(part, self.request.content.body)
        return redact(unfold(part))

    @cached_property
    def estimate(self) -> RequestGuess:
        """Guess what the object says."""
        return guess(self.content, self.clean_names["headers"])

    @property
    def mapping(self) -> SignalMapping:
        """Return how the object is read."""
        return self.request.mapping

    @property
    def proof(self) -> Proof:
        """Return what the sender vouches for."""
        return self.request.proof

    def _reason_to_ignore(self) -> str:
        mapping = self.mapping
        if mapping.only and not _is_true(search_request(mapping.only, self.clean_names)):
            return NOT_TAKEN
        if mapping.ignore and _is_true(search_request(mapping.ignore, self.clean_names)):
            return LEFT_OUT
        return ""

    @cached_property
    def title(self) -> str:
        """Return the title of the mapping; empty where it is unreadable."""
        title = (render_request(self.mapping.title, self.clean_names) or "").strip()
        return title if is_title(title) and title != REMOVED else ""

    @cached_property
    def subject(self) -> str:
        """Return the subject of the mapping; empty where it has none."""
        return render_request(self.mapping.subject, self.clean_names) or ""

    @property
    def is_mapped(self) -> bool:
        """Tell whether the mapping gives a title or a subject."""
        return not self.request.is_guessed and bool(self.title or self.subject)

    def _signal(self) -> Signal:
        source = self.request.source
        title = self.title or self.estimate.title
        subject = self.subject or self.estimate.subject
        return Signal(
            source=source.name,
            key=self._key(),
            kind=self._kind(),
            subject=bounded_key(storable(redact_text(subject)), MAX_KEY_LENGTH),
            title=shorten(storable(redact_text(title)), MAX_TITLE_LENGTH),
            occurred_at=self._time(),
            facts=self._facts(),
            status=self._status(),
            domain=source.domain,
        )

    def _key(self) -> str:
        """Return what only a repetition has in common with the original.

        The same body is the same signal, and another body of the same event counts once more.
        """
        if not self.proof.covers_body and self.proof.message_id:
            # The rest is not signed: whoever saw one message could send it with another body.
            return self._bound(self.proof.message_id)
        value = self._key_value()
        if not self.proof.covers_body and value:
            return self._bound(value)
        checksum = content_hash(self.part)
        day = self._day()
        if value is None:
            return f"{checksum}{day}"
        suffix = f"@{checksum[:CHECKSUM_LENGTH]}{day}"
        return self._bound(value, MAX_KEY_LENGTH - len(suffix)) + suffix

    def _day(self) -> str:
        """Return the day, for reports that may come again word for word.

        Not where only the body is signed: whoever saw it could send it again another day.
        """
        received_on = self.request.received_on
        if received_on is None or not self.proof.covers_all_headers:
            return ""
        has_time = self._time() is not None or self.estimate.occurred_at is not None
        return "" if has_time else f"@{received_on.isoformat()}"

    def _key_value(self) -> str | None:
        """Find the first key that the sender vouches for."""
        names = self.request.names(self.part)
        for expression in self.mapping.key:
            if not self._is_vouched_for(expression):
                continue
            value = find_text(expression, names)
            if value is not None:
                return value
        return None

    def _is_vouched_for(self, expression: str) -> bool:
        for root, *names in expression_roots(expression):
            if root == "query" and not self.proof.covers_query:
                return False
            if root == "headers" and not (names and self.proof.covers_header(names[0])):
                return False
        return True

    def _bound(self, key: str, limit: int = MAX_KEY_LENGTH) -> str:
        return bounded_key(storable(key), limit)

    def _kind(self) -> str:
        """Choose the kind among those that the source may send."""
        source = self.request.source
        kind = ""
        if self.mapping.kind:
            kind = parse_kind(search_request(self.mapping.kind, self.clean_names))
        if self.is_mapped or self.request.is_guessed:
            kind = kind or source.kind
        is_allowed = not source.allowed_kinds or kind in source.allowed_kinds
        return kind if kind and is_allowed else UNRECOGNISED

    def _time(self) -> datetime | None:
        at = read_foreign_time(search_request(self.mapping.occurred_at, self.clean_names))
        if at is None and not self.is_mapped:
            return self.estimate.occurred_at
        return at

    def _status(self) -> SignalStatus:
        if self.is_mapped:
            is_over = search_request(self.mapping.clear, self.clean_names) is True
        else:
            is_over = self.estimate.is_over
        return SignalStatus.CLEAR if is_over else SignalStatus.FIRING

    def _facts(self) -> dict[str, Scalar]:
        parts: list[Mapping[str, Any]] = []
        if self.mapping.amount:
            parts.append(_amount_facts(self.mapping.amount, self.clean_names))
        values = {
            name: search_request(expression, self.clean_names)
            for name, expression in self.mapping.facts.items()
        }
        parts.append({name: value for name, value in values.items() if value is not None})
        if not self.is_mapped:
            parts.append({READ_BY: GUESSED, **self.estimate.facts()})
            parts.append(_without_stakes(self.content))
        facts = flatten_facts(parts, strict=False)
        return {name: redact_value(name, value) for name, value in facts.items()}


def _amount_facts(mapping: AmountMapping, clean_names: Mapping[str, Any]) -> dict[str, Any]:
    """Return amount and currency, as far as the unit is known."""
    value = search_request(mapping.value, clean_names)
    currency = read_currency(search_request(mapping.currency, clean_names))
    amount = read_amount(value, currency=currency, unit=mapping.unit, exponents=mapping.exponents)
    facts: dict[str, Any] = {}
    if amount is not None:
        facts["amount"] = as_fact(amount)
    elif value is not None:
        facts["amount_in_minor_units"] = value
    if currency is not None:
        facts["currency"] = currency
    return facts


def _without_stakes(item: Any) -> Mapping[str, Any]:
    """Return an object without facts that look like money at stake.

    Nobody has said in which unit and currency they are.
    """
    if isinstance(item, list):
        return {"item": item}
    if not isinstance(item, Mapping):
        return {"text": item}
    return {f"{name}_as_sent" if name in STAKES else name: item[name] for name in item}


def _is_true(value: Any) -> bool:
    """Tell whether JMESPath takes a value for true."""
    return value is not None and value is not False and value not in ("", [], {})
