"""Records of people, user groups and channels, read from Slack each minute."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from slack_sdk import WebClient

from bot.cases.errors import ChatFailed, ChatUnknown, RateLimited
from bot.cases.group_lists import Gap
from bot.clock import monotonic
from handlers.cards.text import JsonMapping
from handlers.slack.api import response_data, slack_errors

log = logging.getLogger(__name__)
CACHE_SECONDS = 60.0
PAGE_SIZE = 1000
MAX_PAGES = 50
Value = TypeVar("Value")
#: What Slack refuses with, as reasons why a group has nobody.
REFUSAL_GAPS = {
    "plan_upgrade_required": Gap.NO_PLAN,
    "missing_scope": Gap.NO_SCOPE,
}


@dataclass(frozen=True, slots=True)
class UserGroups:
    """The user groups of the workspace, or why they cannot be read."""

    groups: Sequence[JsonMapping] = ()
    refusal: str = ""

    @property
    def are_known(self) -> bool:
        """Tell whether a group that is not among them does not exist."""
        return not self.refusal or REFUSAL_GAPS.get(self.refusal) is Gap.NO_PLAN

    def find(self, handle: str) -> list[JsonMapping]:
        """Return the groups with this handle that are in use."""
        return [
            group
            for group in self.groups
            if group.get("handle") == handle and not group.get("date_delete")
        ]

    def gap(self, handle: str) -> Gap:
        """Say why this group, which has nobody, has nobody."""
        if self.refusal:
            return REFUSAL_GAPS.get(self.refusal, Gap.UNREADABLE)
        return Gap.EMPTY if self.find(handle) else Gap.UNKNOWN


class WorkspaceRecords:
    """Read records of the workspace; those of the last minute are kept.

    While Slack is away or asks to wait, every method raises ``ChatUnknown`` or ``RateLimited``.
    """

    def __init__(self, client: WebClient) -> None:
        """Ask this client."""
        self.client = client
        # The time and the value of each look-up, by a name for it.
        self._cache: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def forget(self, *names: str) -> None:
        """Read these again when they are asked for; without a name, everything."""
        with self._lock:
            for name in names or tuple(self._cache):
                self._cache.pop(name, None)

    def users(self) -> Sequence[JsonMapping]:
        """Return everybody; nobody when they cannot be read."""
        try:
            fetch = partial(self._fetch_pages, "users.list", "members")
            return self.recent("users", fetch, fresh=False)
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            log.warning("people cannot be listed (%s): nobody has any name", failure.error)
            return []

    def user(self, user_id: str, *, fresh: bool) -> JsonMapping:
        """Return one person; ``fresh`` asks Slack again.

        Raises:
            ChatFailed: there is no such person, or Slack does not tell.
        """
        fetch = partial(self._fetch_user, user_id)
        return self.recent(f"user {user_id}", fetch, fresh=fresh)

    def _fetch_user(self, user_id: str) -> JsonMapping:
        user: JsonMapping = self._call("users.info", user=user_id)["user"]
        return user

    def id_of_address(self, email: str) -> str:
        """Return who has this address now; empty for nobody."""
        return self.recent(f"email {email}", partial(self._look_up, email), fresh=False)

    def _look_up(self, email: str) -> str:
        try:
            user: JsonMapping = self._call("users.lookupByEmail", email=email)["user"]
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            # An address is personal, and stays out of the log.
            log.warning("a person whom policy.yml lists is not found (%s)", failure.error)
            return ""
        return str(user["id"])

    def user_groups(self, *, fresh: bool) -> UserGroups:
        """Return every group, or why none can be read."""
        return self.recent("groups", self._fetch_groups, fresh=fresh)

    def _fetch_groups(self) -> UserGroups:
        # All in one call: a decision must not use up what Slack allows in a minute.
        try:
            answer = self._call("usergroups.list", include_users="true")
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            log.warning("groups cannot be read (%s): nobody is in any", failure.error)
            return UserGroups(refusal=failure.error)
        return UserGroups(answer["usergroups"])

    def channel_members(self, channel: str) -> Sequence[str]:
        """Return who is in a channel.

        Raises:
            ChatFailed: it cannot be read.
        """
        fetch = partial(self._fetch_members, channel)
        return self.recent(f"channel {channel}", fetch, fresh=False)

    def _fetch_members(self, channel: str) -> Sequence[str]:
        return self._fetch_pages("conversations.members", "members", channel=channel)

    def _fetch_pages(self, method: str, field: str, **arguments: Any) -> list[Any]:
        """Return the items of all pages."""
        items: list[Any] = []
        cursor: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            page = self._call(
                method,
                limit=PAGE_SIZE,
                **arguments,
                **cursor,
            )
            items += page[field]
            next_cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not next_cursor:
                break
            cursor = {"cursor": next_cursor}
        return items

    def recent(
        self,
        name: str,
        fetch: Callable[[], Value],
        *,
        fresh: bool,
    ) -> Value:
        """Return what was fetched in the last minute, or fetch it."""
        now = monotonic()
        with self._lock:
            fetched_at, value = self._cache.get(name, (float("-inf"), None))
        if fresh or now - fetched_at >= CACHE_SECONDS:
            value = fetch()
            with self._lock:
                self._cache[name] = (now, value)
        result: Value = value
        return result

    def _call(self, method: str, **arguments: Any) -> JsonMapping:
        with slack_errors():
            return response_data(self.client.api_call(method, params=arguments))
