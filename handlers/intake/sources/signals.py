"""Our own JSON format, one signal a request."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import Source
from handlers.intake.facts import flatten_facts
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    MAX_KEY_LENGTH,
    MAX_TITLE_LENGTH,
    Item,
    parse_object,
    read_strict_text,
    read_time,
    resolve_kind,
)

MAX_REQUESTER_LENGTH = 80
MAX_KIND_LENGTH = 50


class SignalIn(BaseModel):
    """A signal: something a system noticed."""

    model_config = ConfigDict(extra="forbid", title="Countersign signal", strict=True)

    key: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_KEY_LENGTH,
            description="Unique for the source and the event; sending it again changes nothing.",
        ),
    ]
    subject: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_KEY_LENGTH,
            description="The object, like invoice:4711. The same kind and subject give one case.",
        ),
    ]
    title: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_TITLE_LENGTH,
            description="One sentence that people read.",
        ),
    ]
    kind: Annotated[
        str,
        Field(
            max_length=MAX_KIND_LENGTH,
            pattern="^[a-z0-9_]*$",
            description="The kind, which selects the playbook; empty if unknown.",
        ),
    ] = ""
    status: Annotated[
        str,
        Field(
            pattern="^(firing|clear)$", description="firing: the problem exists. clear: it is over."
        ),
    ] = "firing"
    occurred_at: Annotated[
        str,
        Field(description="Time in RFC 3339 format; default: now."),
    ] = ""
    facts: Annotated[
        dict[str, Any],
        Field(description="Values that the playbook can use. Nested values are flattened."),
    ] = {}
    requester: Annotated[
        str | None,
        Field(
            max_length=MAX_REQUESTER_LENGTH,
            description=(
                "The person who raised it, as team/user or by a name in people.yml. They can never"
                " approve it. If the person is unknown, a governance owner must approve too."
            ),
        ),
    ] = None


def parse_signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    """Parse the one signal of a body.

    Raises:
        Problem: 400 or 422, naming the first field that is wrong.
    """
    content = parse_object(body)
    if "key" not in content and headers.get("webhook-id"):
        content["key"] = headers["webhook-id"]
    try:
        signal_in = SignalIn.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Problem(422, f"{field}: {first['msg']}", field) from None
    return [_signal(signal_in, source)]


def _signal(signal_in: SignalIn, source: Source) -> Signal:
    requester = None
    if signal_in.requester:
        requester = read_strict_text(signal_in.requester, "requester", MAX_REQUESTER_LENGTH)
    return Signal(
        source=source.name,
        key=read_strict_text(signal_in.key, "key", MAX_KEY_LENGTH),
        kind=resolve_kind(signal_in.kind, source),
        subject=read_strict_text(signal_in.subject, "subject", MAX_KEY_LENGTH),
        title=read_strict_text(signal_in.title, "title", MAX_TITLE_LENGTH),
        occurred_at=read_time(signal_in.occurred_at, "occurred_at"),
        facts=flatten_facts([signal_in.facts], strict=True),
        status=SignalStatus(signal_in.status),
        requester=requester,
        domain=source.domain,
    )
