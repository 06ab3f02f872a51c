"""The request of a program, as its signal's facts have it.

Everything in it is the program's own word: it is shown in quotation marks, and trusted by nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.cases.canonical import (
    Scalar,
    ScalarMapping,
    canonical_bytes,
    canonical_hash,
    from_json,
    storable,
    to_plain,
)
from bot.cases.case import Case
from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence
from bot.cases.plan import Action, Idempotency, Money, amount_of
from bot.cases.playbook import ActionOffer
from bot.cases.program import (
    Program,
    ProgramAction,
    is_approval_kind,
    is_own_action,
    program_of_source,
)
from bot.cases.signal import Signal

#: The fact with the whole request, as JSON.
REQUEST = "request"
CONNECTOR = "program"
MAX_VALUE = 200
NO_UNDO = timedelta(0)
_QUOTES = dict.fromkeys(map(ord, '“”„‟"«»'), "'")
_YES_OR_NO = {"true": True, "yes": True, "false": False, "no": False}
#: Before the names of what the program gives as evidence.
GIVEN = "given"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenEvidence:
    """One thing that the program shows for its request."""

    title: str
    text: str = ""
    url: str = ""
    facts: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRequest:
    """The action that a program wants approved, in its own words."""

    #: "system.action" of systems.yml, or the name of an action of its own.
    action: str
    arguments: Mapping[str, Scalar]
    summary: str
    amount: Money | None = None
    #: False: it says that the action cannot be undone.
    reversible: bool = True
    evidence: tuple[GivenEvidence, ...] = ()
    #: Groups that must approve too.
    approvers: tuple[str, ...] = ()
    #: The account of the person for whom it asks, beside those for whom it always acts.
    on_behalf_of: str = ""
    #: When the request is over, or how long it waits; None for the time that policy gives.
    expires_at: datetime | None = None
    expires_for: timedelta | None = None
    #: The most that it may move by its token.
    limit: Decimal | None = None

    @property
    def is_own(self) -> bool:
        """Tell whether the program carries it out itself."""
        return "." not in self.action

    @property
    def subject(self) -> str:
        """Name the action with its arguments: the same twice is one matter."""
        content = [self.action, dict(self.arguments)]
        return f"{self.action}:{canonical_hash(to_plain(content, list[Any]))[:32]}"

    @property
    def terms(self) -> tuple[object, ...]:
        """Return what an approval rests on beside action and arguments."""
        return self.amount, self.reversible, self.approvers, self.on_behalf_of, self.limit

    def facts(self) -> dict[str, Scalar]:
        """Write it as the facts of a signal."""
        facts: dict[str, Scalar] = {REQUEST: canonical_bytes(to_plain(self)).decode()}
        facts["action"] = self.action
        if self.amount is not None:
            facts["amount"] = str(self.amount.amount)
            facts["currency"] = self.amount.currency
        return facts


def request_of(signal: Signal) -> ProgramRequest | None:
    """Read the request of a signal; None where there is none."""
    if not _is_request(signal):
        return None
    content = signal.facts.get(REQUEST)
    if not isinstance(content, str):
        return None
    return from_json(ProgramRequest, content)


def is_request(case: Case) -> bool:
    """Tell whether a case is the request of a program."""
    return _is_request(case.signal) and REQUEST in case.signal.facts


def _is_request(signal: Signal) -> bool:
    """Tell whether a program asks for an approval.

    No other source has its name, and no other signal this kind.
    """
    return is_approval_kind(signal.kind) and bool(program_of_source(signal.source))


# --- the plan ---------------------------------------------------------------------------------


def own_action(
    case: Case, program: Program, request: ProgramRequest, *, arguments: ScalarMapping
) -> Action:
    """Make the action that a program carries out itself, with these arguments.

    Raises:
        ConnectorFailed: it may not ask for it, or the amount that it moves is not known.
    """
    terms = program.actions.get(request.action)
    if terms is None:
        raise ConnectorFailed(f"{program.title} may not ask for this any more")
    arguments = {
        name: _like(request.arguments.get(name), value) for name, value in arguments.items()
    }
    title = terms.title or request.action
    words = ", ".join(
        f"{_words(name)} {quotation(_value(value))}" for name, value in arguments.items()
    )
    return Action(
        name=program.plan_action(request.action),
        version=1,
        system=program.system,
        connector=CONNECTOR,
        target=f"request:{case.id}",
        parameters={name: storable(value) for name, value in arguments.items()},
        summary=f"{title}: {words}" if words else title,
        preview=f"{program.title} does this itself, and reports what came of it",
        reversible=terms.reversible and request.reversible,
        # It is handed back once, and nobody but the program carries it out.
        idempotency=Idempotency.NATIVE_KEY,
        precondition={},
        amount=_amount(terms, request, arguments),
    )


def _like(original: Scalar, value: Scalar) -> Scalar:
    """Read an edited text as what the program gave.

    Raises:
        ConnectorFailed: it is nothing of that sort.
    """
    if value == original or not isinstance(value, str) or isinstance(original, str):
        return value
    text = value.strip()
    if text == str(original):
        return original
    try:
        match original:
            case bool():
                return _YES_OR_NO[text.casefold()]
            case int() | float():
                number = Decimal(text)
                return int(number) if number == number.to_integral_value() else float(number)
            case _:
                return value
    except (ArithmeticError, KeyError, ValueError):
        raise ConnectorFailed(f"{text[:40]!r} is not like {original}") from None


def _amount(
    terms: ProgramAction, request: ProgramRequest, arguments: ScalarMapping
) -> Money | None:
    """Return what it moves, by its argument or the request."""
    if not terms.amount:
        return request.amount
    amount = amount_of(arguments.get(terms.amount))
    if amount is None:
        raise ConnectorFailed(f"the amount is not known ({_words(terms.amount)})")
    if request.amount is None:
        raise ConnectorFailed("the currency of the amount is not known")
    return Money(amount, request.amount.currency)


def request_offer(case: Case, action: Action) -> ActionOffer:
    """Make the offer that lets people edit every argument."""
    names = tuple(action.parameters)
    return ActionOffer(
        action=action.name,
        parameters=dict.fromkeys(names, REQUEST),
        reason="A program asks for it",
        edit=names,
    )


def with_reversibility(action: Action, request: ProgramRequest) -> Action:
    """Return the action as irreversible where the request says so."""
    return action if request.reversible else replace(action, reversible=False, undo_for=NO_UNDO)


def cap_expiry(case: Case, at: datetime) -> datetime:
    """Return when a plan expires: never after the request itself."""
    request = request_of(case.signal)
    if request is None:
        return at
    if request.expires_for is not None:
        at = min(at, case.timers.opened_at + request.expires_for)
    return at if request.expires_at is None else min(at, request.expires_at)


# --- what people read -------------------------------------------------------------------------


def request_evidence(
    case: Case, request: ProgramRequest, program: Program, *, now: datetime
) -> tuple[Evidence, ...]:
    """List what the program gives as evidence, each as its own word."""
    rows: list[tuple[str, Scalar]] = []
    for item in request.evidence:
        text = " ".join(filter(None, [item.text, item.url and f"({item.url})"]))
        if text or not item.facts:
            rows.append((item.title, text or "named without a text"))
        rows += [(f"{item.title}, {_words(name)}", value) for name, value in item.facts.items()]
    if not rows:
        rows.append(("Evidence", "none given"))
    if request.amount is not None and not is_own_action(program.plan_action(request.action)):
        rows.append(("Amount, as it says", str(request.amount)))
    return tuple(
        Evidence(
            name=f"{GIVEN}.fact_{number}",
            label=label,
            value=storable(value),
            source=case.signal.source,
            read_at=now,
        )
        for number, (label, value) in enumerate(rows, start=1)
    )


def request_words(request: ProgramRequest, program: Program) -> str:
    """Say who carries the action out, and for whom it is asked."""
    by = f"{program.title} asks"
    if request.on_behalf_of:
        by += f" on behalf of {_person(request.on_behalf_of)}"
    if request.is_own:
        return f"{by}, and does this itself once it is approved"
    return f"{by}; Countersign does it once it is approved"


def quotation(text: str) -> str:
    """Quote a program's text, which cannot end the quotation itself."""
    return f"“{text.translate(_QUOTES)}”"


def _person(name: str) -> str:
    """Name a person as the program does, and hide accounts."""
    is_account = "/" in name or "@" in name
    return "a colleague" if is_account else quotation(name)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Scalar) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
