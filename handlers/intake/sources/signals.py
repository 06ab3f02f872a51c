"""Our own JSON: one signal. Its schema is published at /v1/signals/schema."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import Source
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    Item,
    flatten_facts,
    parse_object,
    read_strict_text,
    read_time,
    resolve_kind,
)

MAX_KEY_LENGTH = 200
MAX_TITLE_LENGTH = 300


class SignalIn(BaseModel):
    """A signal: something a system noticed."""

    model_config = ConfigDict(extra="forbid", title="Countersign signal", strict=True)

    key: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_KEY_LENGTH,
            description="Unique per source and happening; sending it again changes nothing.",
        ),
    ]
    subject: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_KEY_LENGTH,
            description="What it is about, like invoice:4711. Same kind and subject: same case.",
        ),
    ]
    title: Annotated[
        str,
        Field(min_length=1, max_length=MAX_TITLE_LENGTH, description="One sentence for people."),
    ]
    kind: Annotated[
        str,
        Field(
            max_length=50,
            pattern="^[a-z0-9_]*$",
            description="Which playbook; empty when the sender does not know.",
        ),
    ] = ""
    status: Annotated[str, Field(pattern="^(firing|clear)$", description="clear: it is over.")] = (
        "firing"
    )
    occurred_at: Annotated[str, Field(description="RFC 3339; now, if left out.")] = ""
    facts: Annotated[
        dict[str, Any],
        Field(description="Whatever the playbook may look at; flattened to plain values."),
    ] = {}
    requester: Annotated[
        str | None,
        Field(
            max_length=80,
            description="Who raised it by hand, as team/user or as people.yml names them. They can never approve it;"
            " when nobody is known by that name, the governance owners must say yes too.",
        ),
    ] = None


def parse_signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    given = parse_object(body)
    if "key" not in given and headers.get("webhook-id"):
        given["key"] = headers["webhook-id"]
    try:
        said = SignalIn.model_validate(given)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Problem(422, f"{field}: {first['msg']}", field) from None
    return [
        Signal(
            source=source.name,
            key=read_strict_text(said.key, "key", MAX_KEY_LENGTH),
            kind=resolve_kind(said.kind, source),
            subject=read_strict_text(said.subject, "subject", MAX_KEY_LENGTH),
            title=read_strict_text(said.title, "title", MAX_TITLE_LENGTH),
            occurred_at=read_time(said.occurred_at, "occurred_at"),
            facts=flatten_facts([said.facts], strict=True),
            status=SignalStatus(said.status),
            requester=read_strict_text(said.requester, "requester", 80) if said.requester else None,
            domain=source.domain,
        )
    ]
