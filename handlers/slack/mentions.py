"""Mention people and user groups in messages."""

import contextlib
from collections.abc import Mapping, Sequence

from bot.cases.approval import people_of
from bot.cases.errors import ChatFailed
from bot.clock import monotonic
from handlers.cards.text import Json, text_run
from handlers.slack.api import SlackApi

GROUP_IDS_SECONDS = 300.0


class Mentions:
    """Builds the elements of a message that notify somebody."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._group_ids: Mapping[str, str] = {}
        self._expires_at = 0.0

    def elements_for(self, names: Sequence[str]) -> list[Json]:
        """Build the mentions of people and groups."""
        elements = []
        for name in names:
            people = people_of(name)
            # A group of named people has no handle of its own.
            for one in [f"/{user_id}" for user_id in people] or [name]:
                element = self.element_for(one)
                if element:
                    elements.append(element)
        return elements

    def element_for(self, name: str) -> Json | None:
        """Build the mention of a principal or a group; None for nobody.

        A group that Slack does not know is written out, and nobody is notified.
        """
        if not name:
            return None
        if "/" in name:
            return {"type": "user", "user_id": name.rpartition("/")[2]}
        group_id = self._read_group_ids().get(name)
        if group_id is None:
            return text_run(f"@{name}")
        return {"type": "usergroup", "usergroup_id": group_id}

    def _read_group_ids(self) -> Mapping[str, str]:
        """Return Slack's ids of the groups, by handle.

        They are at most a few minutes old.
        """
        if monotonic() > self._expires_at:
            # A mention is no reason to hold a message up: without an answer the old ids are used.
            with contextlib.suppress(ChatFailed):
                groups = self._api.post_form("usergroups.list")["usergroups"]
                self._group_ids = {group["handle"]: group["id"] for group in groups}
            self._expires_at = monotonic() + GROUP_IDS_SECONDS
        return self._group_ids
