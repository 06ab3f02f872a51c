"""The plain values of any JSON, with the names around them."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
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
    controller capabilities requirements future_requirements business_profile service customer
    commit commits board model list line_items lines answer answers
    """
)


_OTHER_ENDS = ("_by", "_user", "_users", "_author", "_owner", "_to", "_team", "_account", "_urls")


@dataclass(frozen=True, slots=True)
class Field:
    """A plain value with the names of the objects around it."""

    #: In lower case with ``_`` between words.
    name: str
    value: Scalar
    #: The names around it, the outermost first; a place in a list is its number.
    path: tuple[str, ...]
    #: The objects that it is in, the outermost first.
    owners: tuple[Mapping[str, Any], ...]

    @property
    def owner(self) -> Mapping[str, Any]:
        """Return the object that it is in."""
        return self.owners[-1]

    @property
    def depth(self) -> int:
        """Return how many objects it is in."""
        return len(self.path)

    @property
    def container(self) -> str:
        """Return the name of the object that it is in."""
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
    waiting = deque([_Object((), (root,))])
    while waiting and len(fields) < MAX_FIELDS:
        inside = waiting.popleft()
        for key, value in inside.owners[-1].items():
            name = snake(str(key)[:100])
            if isinstance(value, Mapping):
                waiting.extend(inside.inner([value], name))
            elif isinstance(value, list):
                waiting.extend(inside.inner(value, name, is_list=True))
                if len(value) == 1 and not isinstance(value[0], Mapping | list):
                    fields.append(inside.field(name, value[0]))
            else:
                fields.append(inside.field(name, value))
    return tuple(fields[:MAX_FIELDS])


@dataclass(frozen=True, slots=True)
class _Object:
    """An object that is still to be walked."""

    path: tuple[str, ...]
    owners: tuple[Mapping[str, Any], ...]

    def field(self, name: str, value: Scalar) -> Field:
        """Return a value of the object with the names around it."""
        return Field(name=name, value=value, path=self.path, owners=self.owners)

    def inner(
        self, values: Sequence[Any], name: str, *, is_list: bool = False
    ) -> Iterator["_Object"]:
        """Yield the objects among these values."""
        if len(self.path) >= MAX_DEPTH:
            return
        for number, value in enumerate(values[:MAX_LIST]):
            if isinstance(value, Mapping):
                place = (str(number),) if is_list else ()
                yield _Object((*self.path, name, *place), (*self.owners, value))


def is_about_others(field: Field) -> bool:
    """Tell whether a value is about people or places around the event."""
    return any(map(is_other, field.path))


@lru_cache(maxsize=4096)
def is_other(name: str) -> bool:
    """Tell whether such an object is about people or places around."""
    return name in OTHERS or name.endswith(_OTHER_ENDS)
