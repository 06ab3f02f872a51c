"""The plain values of any JSON, with the names around them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bot.cases.canonical import Scalar
from handlers.intake.sources.titles import name_set, words_of

MAX_FIELDS = 1_500
MAX_DEPTH = 7
MAX_LIST = 20

#: Objects of these names are about people and places around the event, and not what it is about.
OTHERS = name_set(
    """
    user users sender author authors creator owner owners assignee assignees reporter requester
    submitter person people actor account accounts organization organisation org workspace
    enterprise team teams company repository repo project projects installation integration app
    application webhook hook subscription_info client vendor tenant account_info profile
    updated_by created_by modified_by resolved_by triggered_by committer pusher base head parent
    milestone permissions requested_reviewers agent agents recipients followers collaborators
    contact_info merchant store shop site location geo address addresses billing shipping
    billing_address shipping_address billing_details shipping_details links _links urls avatar
    avatar_urls icon image images logo thumbnail attachments meta metadata _meta _metadata
    config configuration settings preferences options previous previous_attributes previous_data
    old old_values before changes changelog history custom_fields customfields headers request
    template templates schema schemas sdk contexts modules packages extensions extra
    properties_schema fields_schema pagination paging reactions license theme themes
    license_info plan price product issuetype issue_type status_category timetracking watches
    votes _embedded chat from to cc bcc replay_info origin_context environment env runner
    runners payment_method_details payment_method payment_method_options outcome source_card
    controller capabilities requirements future_requirements business_profile
    """
)


@dataclass(frozen=True, slots=True)
class Field:
    """A plain value, with the names of the objects that it is in."""

    #: In lower case with ``_`` between words.
    name: str
    value: Scalar
    #: The names around it, the outermost first; a place in a list is its number.
    path: tuple[str, ...]
    #: The object that it is in.
    owner: Mapping[str, Any]

    @property
    def depth(self) -> int:
        """Return how many objects it is in."""
        return len(self.path)

    @property
    def container(self) -> str:
        """Return the name of the object that it is in; empty for the outermost."""
        names = [name for name in self.path if not name.isdigit()]
        return names[-1] if names else ""

    @property
    def place(self) -> int:
        """Return its largest number in a list."""
        return max((int(name) for name in self.path if name.isdigit()), default=0)


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """Write a name in lower case with ``_`` between its words."""
    return words_of(name).lower().replace(" ", "_")


def fields_of(item: Any) -> tuple[Field, ...]:
    """List the plain values of JSON, the outermost first, to a bound."""
    root = item if isinstance(item, Mapping) else {"text": item}
    fields: list[Field] = []
    waiting: deque[tuple[Mapping[str, Any], tuple[str, ...]]] = deque([(root, ())])
    while waiting and len(fields) < MAX_FIELDS:
        owner, path = waiting.popleft()
        for key, value in owner.items():
            name = snake(str(key)[:100])
            inner_path = (*path, name)
            if isinstance(value, Mapping):
                if len(path) < MAX_DEPTH:
                    waiting.append((value, inner_path))
            elif isinstance(value, list):
                waiting.extend(_inner_objects(value, inner_path))
                fields += _plain_items(name, value, path=path, owner=owner)
            else:
                fields.append(Field(name, value, path, owner))
    return tuple(fields[:MAX_FIELDS])


def _inner_objects(
    values: list[Any], path: tuple[str, ...]
) -> list[tuple[Mapping[str, Any], tuple[str, ...]]]:
    if len(path) >= MAX_DEPTH:
        return []
    return [
        (value, (*path, str(number)))
        for number, value in enumerate(values[:MAX_LIST])
        if isinstance(value, Mapping)
    ]


def _plain_items(
    name: str, values: list[Any], *, path: tuple[str, ...], owner: Mapping[str, Any]
) -> list[Field]:
    if len(values) != 1 or isinstance(values[0], Mapping | list):
        return []
    return [Field(name, values[0], path, owner)]


def is_about_others(field: Field) -> bool:
    """Tell whether a value is about people or places around the event."""
    return not OTHERS.isdisjoint(field.path)
