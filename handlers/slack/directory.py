"""Who people are, asked of Slack: ids only, never names or e-mail addresses. What Slack refuses to say counts as nobody."""

import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slack_sdk import WebClient

from bot.cases.approval import Groups, Person, people_of
from bot.cases.errors import ChatFailed, ChatUnknown, NotEligible, RateLimited
from bot.clock import monotonic
from handlers.slack.chat import SlackChat

log = logging.getLogger(__name__)
REMEMBERED_SECONDS = 60.0
MOST_PAGES = 50
AWAY = re.compile(
    r"\b(vacation|holiday|away|out of (the )?office|ooo|leave|sick|off)\b", re.IGNORECASE
)
AWAY_EMOJI = frozenset(
    {":palm_tree:", ":face_with_thermometer:", ":airplane:", ":beach_with_umbrella:"}
)


class SlackDirectory:
    """Facts are at most a minute old, and not remembered at all when ``fresh`` is asked for.

    While Slack is away or asks to wait, nothing is known: that is raised (``RateLimited``, ``ChatUnknown``), and is not "nobody".
    """

    def __init__(self, client: WebClient, team_id: Callable[[], str]) -> None:
        self._client = client
        self._team_id = team_id
        self._remembered: dict[str, tuple[float, Any]] = {}
        self._guard = threading.Lock()

    def person(self, principal: str, *, fresh: bool = False) -> Person:
        team, _, user_id = principal.partition("/")
        if not team or not user_id or "/" in user_id:
            raise NotEligible("it is not clear who you are")
        try:
            user = self._recall(
                f"user {user_id}", fresh, lambda: self._ask("users.info", user=user_id)["user"]
            )
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            raise NotEligible(f"Slack does not say who you are ({failure.error})") from None
        return Person(
            id=principal,
            name=str(user.get("real_name") or user.get("name") or user_id),
            active=not user.get("deleted", False),
            guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            external=bool(user.get("is_stranger"))
            or team != self._team_id()
            or user.get("team_id", team) != team,
            away=_away(user.get("profile") or {}),
            bot=bool(user.get("is_bot") or user.get("is_workflow_bot")) or user_id == "USLACKBOT",
        )

    def groups(self, handles: Sequence[str], *, fresh: bool = False) -> Groups:
        known = self._everything(fresh) if any(not people_of(handle) for handle in handles) else []
        return {handle: self._named(handle) or self._members(handle, known) for handle in handles}

    def _named(self, handle: str) -> frozenset[str]:
        """Those of our own team who are named one by one; whether each of them may is another question."""
        return frozenset(f"{self._team_id()}/{user}" for user in people_of(handle))

    def members_of(self, channel: str) -> frozenset[str]:
        """Who is in this channel now; people of other workspaces under their own team. Nobody, when it cannot be read."""
        try:
            found: list[str] = self._recall(
                f"channel {channel}", False, lambda: self._everyone(channel)
            )
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            log.warning(
                "the members of %s cannot be read (%s): nobody is in it", channel, failure.error
            )
            return frozenset()
        return frozenset(f"{self._team_id()}/{user}" for user in found)

    def _everyone(self, channel: str) -> list[str]:
        people: list[str] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer = self._ask("conversations.members", channel=channel, limit=1000, **more)
            people += answer["members"]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                break
        return people

    def _members(self, handle: str, known: Sequence[Mapping[str, Any]]) -> frozenset[str]:
        if "/" in handle:
            return frozenset()
        found = [
            group
            for group in known
            if group.get("handle") == handle and not group.get("date_delete")
        ]
        if len(found) != 1:
            return frozenset()
        return frozenset(f"{self._team_id()}/{user}" for user in found[0].get("users") or ())

    def _everything(self, fresh: bool) -> Sequence[Mapping[str, Any]]:
        """Every group with its members, in one call: a decision must not use up what Slack allows in a minute."""
        try:
            groups: Sequence[Mapping[str, Any]] = self._recall(
                "groups",
                fresh,
                lambda: self._ask("usergroups.list", include_users="true")["usergroups"],
            )
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            log.warning("groups cannot be read (%s): nobody is in any", failure.error)
            return []
        return groups

    def _recall(self, what: str, fresh: bool, ask: Callable[[], Any]) -> Any:
        now = monotonic()
        with self._guard:
            then, known = self._remembered.get(what, (float("-inf"), None))
        if not fresh and now - then < REMEMBERED_SECONDS:
            return known
        known = ask()
        with self._guard:
            self._remembered[what] = (now, known)
        return known

    def _ask(self, method: str, **arguments: Any) -> Any:
        return SlackChat.ask(lambda: self._client.api_call(method, params=arguments))


def _away(profile: Mapping[str, Any]) -> str:
    """What their status says, if it says that they are not at work. A hint for a suggestion, never a fact to decide by."""
    text, emoji = str(profile.get("status_text") or ""), str(profile.get("status_emoji") or "")
    if emoji in AWAY_EMOJI or AWAY.search(text):
        return text[:80] or "away"
    return ""
