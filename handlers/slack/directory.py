"""People, groups and channel members, as Slack knows them now."""

import logging
import re
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from slack_sdk import WebClient

from bot.cases.approval import Groups, Person, is_colleague, people_of
from bot.cases.errors import ChatFailed, ChatUnknown, NotEligible, RateLimited
from bot.clock import monotonic
from handlers.cards.text import JsonMapping
from handlers.slack.api import response_data, slack_errors

log = logging.getLogger(__name__)
CACHE_SECONDS = 60.0
PAGE_SIZE = 1000
MAX_PAGES = 50
MAX_AWAY_TEXT = 80
SLACKBOT = "USLACKBOT"
AWAY = re.compile(
    r"\b(vacation|holiday|away|out of (the )?office|ooo|leave|sick|off)\b", re.IGNORECASE
)
AWAY_EMOJI = frozenset(
    {":palm_tree:", ":face_with_thermometer:", ":airplane:", ":beach_with_umbrella:"}
)
Value = TypeVar("Value")


class SlackDirectory:
    """Facts are at most a minute old; ``fresh`` asks Slack again.

    What Slack refuses to tell counts as "nobody". While Slack is away or asks to wait, nothing is
    known: that raises ``ChatUnknown`` or ``RateLimited``, and is not "nobody".
    """

    def __init__(self, client: WebClient, team_id: Callable[[], str]) -> None:
        self._client = client
        self._team_id = team_id
        # The time and the value of each look-up, by a name for it.
        self._cache: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def person(self, principal: str, *, fresh: bool = False) -> Person:
        """Look a person up.

        Raises:
            NotEligible: there is no such person, or Slack does not tell.
        """
        team, _, user_id = principal.partition("/")
        if not team or not user_id or "/" in user_id:
            raise NotEligible("Slack sent no valid user; try again")
        try:
            user = self._user(user_id, fresh=fresh)
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            raise NotEligible(
                f"Slack cannot confirm who you are ({failure.error}); try again later"
            ) from None
        return self._person(principal, user)

    def find_people(self, name: str) -> list[Person]:
        """Return the colleagues with this name, whole or in part."""
        name = name.casefold().strip()
        matches = []
        for user in self._users():
            person = self._person(f"{self._team_id()}/{user['id']}", user)
            if is_colleague(person) and name in _names_of(user):
                matches.append(person)
        return sorted(matches, key=lambda person: person.name)

    def _person(self, principal: str, user: JsonMapping) -> Person:
        team, _, user_id = principal.partition("/")
        return Person(
            id=principal,
            name=str(user.get("real_name") or user.get("name") or user_id),
            active=not user.get("deleted", False),
            guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            external=self._is_external(user, team),
            away=_away_text(user.get("profile") or {}),
            bot=_is_bot(user, user_id),
            zone=str(user.get("tz") or ""),
        )

    def groups(self, handles: Sequence[str], *, fresh: bool = False) -> Groups:
        """Return the members of each group; a handle ``people:U1+U2`` names them itself."""
        user_groups: Sequence[JsonMapping] = ()
        if not all(people_of(handle) for handle in handles):
            user_groups = self._user_groups(fresh=fresh)
        groups = {}
        for handle in handles:
            groups[handle] = self._people_named(handle) or self._members(handle, user_groups)
        return groups

    def members_of(self, channel: str) -> frozenset[str]:
        """Return who is in a channel; nobody when it cannot be read."""
        try:
            users = self._channel_members(channel)
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            log.warning(
                "the members of %s cannot be read (%s): nobody is in it", channel, failure.error
            )
            return frozenset()
        return self._principals(users)

    def _users(self) -> Sequence[JsonMapping]:
        """Return everybody; nobody when they cannot be read."""
        try:
            fetch = partial(self._fetch_pages, "users.list", "members")
            return self._fetch_cached("users", fetch, fresh=False)
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            log.warning("people cannot be listed (%s): nobody has any name", failure.error)
            return []

    def _user(self, user_id: str, *, fresh: bool) -> JsonMapping:
        fetch = partial(self._fetch_user, user_id)
        return self._fetch_cached(f"user {user_id}", fetch, fresh=fresh)

    def _fetch_user(self, user_id: str) -> JsonMapping:
        user: JsonMapping = self._call("users.info", user=user_id)["user"]
        return user

    def _is_external(self, user: JsonMapping, team: str) -> bool:
        if user.get("is_stranger"):
            return True
        return team != self._team_id() or user.get("team_id", team) != team

    def _people_named(self, handle: str) -> frozenset[str]:
        # Their own team is ours; whether each of them may decide is not asked here.
        return self._principals(people_of(handle))

    def _members(self, handle: str, user_groups: Sequence[JsonMapping]) -> frozenset[str]:
        if "/" in handle:
            return frozenset()
        matches = []
        for group in user_groups:
            if group.get("handle") == handle and not group.get("date_delete"):
                matches.append(group)
        if len(matches) != 1:
            return frozenset()
        return self._principals(matches[0].get("users") or ())

    def _user_groups(self, *, fresh: bool) -> Sequence[JsonMapping]:
        """Return every group; none when they cannot be read."""
        try:
            return self._fetch_cached("groups", self._fetch_groups, fresh=fresh)
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            log.warning("groups cannot be read (%s): nobody is in any", failure.error)
            return []

    def _fetch_groups(self) -> Sequence[JsonMapping]:
        # All in one call: a decision must not use up what Slack allows in a minute.
        answer = self._call("usergroups.list", include_users="true")
        groups: Sequence[JsonMapping] = answer["usergroups"]
        return groups

    def _channel_members(self, channel: str) -> Sequence[str]:
        fetch = partial(self._fetch_channel_members, channel)
        return self._fetch_cached(f"channel {channel}", fetch, fresh=False)

    def _fetch_channel_members(self, channel: str) -> Sequence[str]:
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

    def _principals(self, users: Sequence[str]) -> frozenset[str]:
        return frozenset(f"{self._team_id()}/{user}" for user in users)

    def _fetch_cached(
        self,
        name: str,
        fetch: Callable[[], Value],
        *,
        fresh: bool,
    ) -> Value:
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
            return response_data(self._client.api_call(method, params=arguments))


def _is_bot(user: JsonMapping, user_id: str) -> bool:
    return bool(user.get("is_bot") or user.get("is_workflow_bot")) or user_id == SLACKBOT


def _names_of(user: JsonMapping) -> set[str]:
    """Return all names of a person, whole and word by word."""
    profile = user.get("profile") or {}
    names = set()
    for name in (user.get("name"), user.get("real_name"), profile.get("display_name")):
        whole_name = str(name or "").casefold()
        names.update({whole_name, *whole_name.split()})
    return names - {""}


def _away_text(profile: JsonMapping) -> str:
    """Return a status that says that somebody is away.

    It is a hint, never a fact to decide by.
    """
    text = str(profile.get("status_text") or "")
    emoji = str(profile.get("status_emoji") or "")
    if emoji in AWAY_EMOJI or AWAY.search(text):
        return text[:MAX_AWAY_TEXT] or "away"
    return ""
