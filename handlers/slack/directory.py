"""People, groups and channel members, as Slack knows them now."""

import logging
import re
from collections.abc import Callable, Sequence
from functools import partial

from slack_sdk import WebClient

from bot.cases.approval import Groups, Person, is_colleague, people_of
from bot.cases.errors import ChatFailed, ChatUnknown, NotEligible, RateLimited
from bot.cases.group_lists import Gap, Gaps, GroupLists, is_email, join_members
from bot.ports.pinned_names import PinKind, PinnedNames, PinsInMemory
from handlers.cards.text import JsonMapping
from handlers.slack.workspace_records import UserGroups, WorkspaceRecords

log = logging.getLogger(__name__)
MAX_AWAY_TEXT = 80
SLACKBOT = "USLACKBOT"
AWAY = re.compile(
    r"\b(vacation|holiday|away|out of (the )?office|ooo|leave|sick|off)\b", re.IGNORECASE
)
AWAY_EMOJI = frozenset(
    {":palm_tree:", ":face_with_thermometer:", ":airplane:", ":beach_with_umbrella:"}
)


def no_lists() -> Sequence[GroupLists]:
    """List nobody, where no policy is at hand."""
    return ()


class SlackDirectory:
    """Facts are at most a minute old; ``fresh`` asks Slack again.

    What Slack refuses to tell counts as "nobody". While Slack is away or asks to wait, nothing is
    known: that raises ``ChatUnknown`` or ``RateLimited``, and is not "nobody".
    """

    def __init__(
        self,
        client: WebClient,
        team_id: Callable[[], str],
        *,
        pins: PinnedNames | None = None,
        group_lists: Callable[[], Sequence[GroupLists]] = no_lists,
    ) -> None:
        self._records = WorkspaceRecords(client)
        self._team_id = team_id
        self._pins = PinsInMemory() if pins is None else pins
        #: Returns the listed groups of each of the rules that hold.
        self.group_lists = group_lists

    def person(self, principal: str, *, fresh: bool = False) -> Person:
        """Look a person up.

        Raises:
            NotEligible: there is no such person, or Slack does not tell.
        """
        team, _, user_id = principal.partition("/")
        if not team or not user_id or "/" in user_id:
            raise NotEligible("Slack sent no valid user; try again")
        try:
            user = self._records.user(user_id, fresh=fresh)
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
        for user in self._records.users():
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
        lists = self.group_lists()
        user_groups = UserGroups()
        if any(_needs_user_groups(handle, lists) for handle in handles):
            user_groups = self._records.user_groups(fresh=fresh)
        groups = {}
        for handle in handles:
            groups[handle] = self._people_named(handle) or self._members(handle, lists, user_groups)
        return groups

    def group_gaps(self, handles: Sequence[str]) -> Gaps:
        """Return why groups have nobody; those with members are left out."""
        groups = self.groups(handles)
        lists = self.group_lists()
        return {handle: self._gap(handle, lists) for handle in handles if not groups.get(handle)}

    def _gap(self, handle: str, lists: Sequence[GroupLists]) -> Gap:
        list_of_files = lists[-1].get(handle) if lists else None
        if list_of_files is None:
            return self._records.user_groups(fresh=False).gap(handle)
        if not list_of_files:
            return Gap.EMPTY_LIST
        if self._members(handle, lists[-1:], UserGroups()):
            return Gap.NOT_IN_FORCE
        return Gap.NOBODY_ACTIVE

    def members_of(self, channel: str) -> frozenset[str]:
        """Return who is in a channel; nobody when it cannot be read."""
        try:
            users = self._records.channel_members(channel)
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            log.warning(
                "the members of %s cannot be read (%s): nobody is in it", channel, failure.error
            )
            return frozenset()
        return self._principals(users)

    def _is_external(self, user: JsonMapping, team: str) -> bool:
        if user.get("is_stranger"):
            return True
        return team != self._team_id() or user.get("team_id", team) != team

    def _people_named(self, handle: str) -> frozenset[str]:
        # Their own team is ours; whether each of them may decide is not asked here.
        return self._principals(people_of(handle))

    def _members(
        self, handle: str, lists: Sequence[GroupLists], user_groups: UserGroups
    ) -> frozenset[str]:
        if "/" in handle:
            return frozenset()
        listed_people = [
            self._listed_members(one[handle]) if handle in one else None for one in lists or ({},)
        ]
        return join_members(listed_people, self._members_in_slack(handle, user_groups))

    def _members_in_slack(self, handle: str, user_groups: UserGroups) -> frozenset[str] | None:
        """Return the members of a user group; None if there is none."""
        matches = user_groups.find(handle)
        if len(matches) == 1:
            return self._principals(matches[0].get("users") or ())
        if user_groups.are_known and not matches:
            return None
        return frozenset()

    def _listed_members(self, people: Sequence[str]) -> frozenset[str]:
        """Return the listed people who are found, and active."""
        user_ids = [self.find_id(person) if is_email(person) else person for person in people]
        return self._principals([user for user in user_ids if user and self._is_active(user)])

    def find_id(self, email: str) -> str:
        """Return the id of the person who first had this address."""
        people = self._pinned_people()
        user_id = people.get(email, "")
        if user_id:
            return user_id
        user_id = self._records.id_of_address(email)
        if user_id:
            user_id = self._pins.pin(PinKind.PERSON, email, user_id)
            people[email] = user_id
        return user_id

    def _pinned_people(self) -> dict[str, str]:
        """Return who first had each address.

        Another process may have let go of an address that the files left out for a while.
        """
        return self._records.recent("pins", partial(self._pins.load, PinKind.PERSON), fresh=False)

    def pin_people(self) -> int:
        """Look up everybody whom policy lists by e-mail.

        Forget who is listed no more. Return how many are found.
        """
        emails = {
            person
            for lists in self.group_lists()
            for people in lists.values()
            for person in people
            if is_email(person)
        }
        if self._pins.keep_only(PinKind.PERSON, emails):
            self._records.forget("pins")
        return sum(bool(self.find_id(email)) for email in sorted(emails))

    def _is_active(self, user_id: str) -> bool:
        try:
            return not self._records.user(user_id, fresh=False).get("deleted", False)
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed:
            return False

    def _principals(self, users: Sequence[str]) -> frozenset[str]:
        return frozenset(f"{self._team_id()}/{user}" for user in users)


def _needs_user_groups(handle: str, lists: Sequence[GroupLists]) -> bool:
    """Tell whether Slack must be asked who is in this group."""
    if people_of(handle):
        return False
    return not lists or any(handle not in one for one in lists)


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
