"""Modals, App Homes and the triggers that open them."""

from dataclasses import dataclass, field
from typing import Any

from bot.emulator.clock import Changes, IdSource, WorkspaceClock
from bot.emulator.faults import ANSWER_TIMEOUT_SECONDS
from bot.emulator.wire import ApiError, Json

MAX_STACK_HEIGHT = 3


@dataclass
class OpenView:
    """A modal in somebody's window."""

    id: str
    user: str
    body: Json
    #: Changes with every update; an update that names another one is refused.
    hash: str

    def has_id(self, view_id: Any) -> bool:
        """Tell whether this is the view's id or external id."""
        external_id = self.body.get("external_id")
        return view_id == self.id or bool(external_id and external_id == view_id)


@dataclass
class Trigger:
    """The right to open one view, sent along with an interaction."""

    user: str
    made_at: float
    is_used: bool = False


@dataclass(kw_only=True)
class Views:
    """Every person's modals and home."""

    clock: WorkspaceClock
    ids: IdSource
    changes: Changes
    #: Modals by user id, the topmost last.
    stacks: dict[str, list[OpenView]] = field(default_factory=dict)
    #: Bodies of the App Home by user id.
    homes: dict[str, Json] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    #: How long a trigger is valid.
    trigger_seconds: float = ANSWER_TIMEOUT_SECONDS

    def new_trigger(self, user: str) -> str:
        """Return the id of a trigger for this person."""
        trigger_id = self.ids.new("trigger.")
        self.triggers[trigger_id] = Trigger(user, self.clock.now())
        return trigger_id

    def use_trigger(self, trigger_id: Any) -> str:
        """Use up a trigger and return its user id.

        It is valid once, and only for some seconds.
        """
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if trigger.is_used:
            raise ApiError("exchanged_trigger_id")
        if self.clock.now() - trigger.made_at > self.trigger_seconds:
            raise ApiError("expired_trigger_id")
        trigger.is_used = True
        return trigger.user

    def open(self, user: str, body: Json) -> OpenView:
        """Show a modal in place of all that this person has open."""
        view = self._new_view(user, body)
        self.stacks[user] = [view]
        self.changes.notify()
        return view

    def push(self, user: str, body: Json) -> OpenView:
        """Show a modal on top of what this person has open."""
        stack = self.stack(user)
        if len(stack) >= MAX_STACK_HEIGHT:
            raise ApiError("push_limit_reached")
        view = self._new_view(user, body)
        self.stacks[user] = [*stack, view]
        self.changes.notify()
        return view

    def _new_view(self, user: str, body: Json) -> OpenView:
        return OpenView(
            id=self.ids.new("V"),
            user=user,
            body=body,
            hash=self.ids.new("h"),
        )

    def stack(self, user: str) -> list[OpenView]:
        """Return a person's modals, the topmost last."""
        return self.stacks.get(user, [])

    def find(self, view_id: Any) -> OpenView:
        """Return the view with this id or external id."""
        for stack in self.stacks.values():
            for view in stack:
                if view.has_id(view_id):
                    return view
        raise ApiError("not_found")

    def update(self, view: OpenView, body: Json, *, expected_hash: Any = None) -> OpenView:
        """Replace what a view shows, unless it has changed since ``expected_hash``."""
        if expected_hash and expected_hash != view.hash:
            raise ApiError("hash_conflict")
        view.body = body
        view.hash = self.ids.new("h")
        self.changes.notify()
        return view

    def close(self, view: OpenView) -> None:
        """Close one modal; those below and above it stay."""
        stack = self.stack(view.user)
        self.stacks[view.user] = [other for other in stack if other.id != view.id]
        self.changes.notify()

    def close_all(self, user: str) -> None:
        """Close every modal of a person."""
        self.stacks[user] = []
        self.changes.notify()
