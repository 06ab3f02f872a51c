"""Check an installation: tokens, permissions, channels, groups and people in Slack.

Each finding says what to click. Nothing is posted, pinned or changed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from slack_sdk import WebClient

from bot.cases.constraints import is_channel_name
from bot.cases.errors import ChatFailed, ChatUnknown, LockedOut, RateLimited, Unreachable
from bot.cases.finding import Finding, Severity
from bot.cases.group_lists import Gap, describe_gap, is_email
from bot.desk.groups_in_use import GroupNames, groups_in_use
from bot.ports.pinned_names import PinKind, PinnedNames, PinsInMemory
from handlers.cards.text import JsonMapping
from handlers.slack.api import response_data, slack_errors
from handlers.slack.channel_names import find_channel_ids
from handlers.slack.directory import SlackDirectory
from handlers.slack.scopes import BOT_SCOPES, LATER_SCOPES

POLICY_FILE = "policy.yml"
SCOPES_HEADER = "x-oauth-scopes"
APP_SETTINGS = "at api.slack.com/apps, choose the app"
REINSTALL = (
    f"{APP_SETTINGS}, paste what `countersign manifest` prints under “App Manifest”, save, and"
    " press “Reinstall to Workspace” under “Install App”"
)
NEW_BOT_TOKEN = (
    f"{APP_SETTINGS}, open “OAuth & Permissions”, copy the “Bot User OAuth Token” (xoxb-…), and set"
    " SLACK_BOT_TOKEN to it"
)
NEW_APP_TOKEN = (
    f"{APP_SETTINGS}, open “Basic Information”, press “Generate Token and Scopes” under “App-Level"
    " Tokens”, add connections:write, and set SLACK_APP_TOKEN to the new token (xapp-…)"
)
#: What Slack says of a token of the wrong sort, or of one that is no more.
TOKEN_WORDS = {
    "invalid_auth": "Slack does not know it",
    "not_authed": "Slack does not know it",
    "not_allowed_token_type": "it is of another kind",
    "account_inactive": "the app was removed from the workspace",
    "token_revoked": "it was revoked",
    "token_expired": "it has expired",
    "missing_scope": "it lacks a permission",
}
TOKEN_KINDS = {
    "xoxb-": "a bot token",
    "xapp-": "an app-level token",
    "xoxp-": "a person's token",
    "xoxe": "a token that configures apps",
}
#: The kind of token that each setting takes.
RIGHT_KINDS = {
    "SLACK_BOT_TOKEN": "a bot token (xoxb-…)",
    "SLACK_APP_TOKEN": "an app-level token (xapp-…)",
}
#: Returns the line of a value in policy.yml by the keys that lead to it; 0 where it is not known.
LineOf = Callable[[Sequence[str | int]], int]


class SlackNames(GroupNames, Protocol):
    """The names of Slack in a library."""

    def channels(self) -> list[str]:
        """List every channel that cards go to."""

    def whole_desk_digests(self) -> list[str]:
        """List the channels that get one digest of all cases."""


def _unknown_line(place: Sequence[str | int]) -> int:
    return 0


def find_slack_problems(
    client: WebClient,
    library: SlackNames,
    *,
    app_client: WebClient | None = None,
    pins: PinnedNames | None = None,
    line_of: LineOf = _unknown_line,
) -> list[Finding]:
    """Return what is wrong in Slack, one finding for each cause.

    ``app_client`` has the app-level token; None where Slack sends over HTTP.

    Raises:
        ChatUnknown: Slack cannot be reached, so nothing is known.
        RateLimited: Slack asks to wait.
    """
    findings = [*_check_bot_token(client)]
    if app_client is not None:
        findings += _check_app_token(app_client)
    if any(finding.severity is Severity.ERROR for finding in findings):
        # With a wrong token, or without permissions, all else looks missing too.
        return findings
    check = InstallationCheck(
        client=client,
        library=library,
        pins=PinsInMemory() if pins is None else pins,
        line_of=line_of,
    )
    return [*findings, *check.find_channel_problems(), *check.find_group_problems()]


def _call(client: WebClient, method: str, **arguments: str) -> JsonMapping:
    with slack_errors():
        return response_data(client.api_call(method, params=arguments))


def _check_bot_token(client: WebClient) -> Iterator[Finding]:
    token = client.token or ""
    if not token.startswith("xoxb-"):
        yield _wrong_kind("SLACK_BOT_TOKEN", token, remedy=NEW_BOT_TOKEN)
        return
    try:
        with slack_errors():
            headers = client.api_call("auth.test").headers
    except ChatFailed as failure:
        yield Finding(
            sentence=f"SLACK_BOT_TOKEN is not accepted: {_token_reason(failure)}.",
            suggestion=_sentence(NEW_BOT_TOKEN),
        )
        return
    yield from _check_scopes(headers)


def _check_scopes(headers: Mapping[str, str | list[str]]) -> Iterator[Finding]:
    """Compare what was granted with what manifest.yml asks for."""
    values = [value for name, value in headers.items() if name.lower() == SCOPES_HEADER]
    if not values:
        # A proxy may leave the header out; what is missing is then seen when it is needed.
        return
    value = values[0] if isinstance(values[0], str) else ",".join(values[0])
    granted_scopes = {scope.strip() for scope in value.split(",")}
    missing = [scope for scope in BOT_SCOPES if scope not in granted_scopes]
    needed_scopes = [scope for scope in missing if scope not in LATER_SCOPES]
    if needed_scopes:
        count, names = _count(needed_scopes, "permission"), ", ".join(needed_scopes)
        yield Finding(
            sentence=f"The app was not given {count}: {names}.",
            suggestion=_sentence(REINSTALL),
        )
    later = [scope for scope in missing if scope in LATER_SCOPES]
    if later:
        yield Finding(
            sentence=(
                f"The app was installed before it asked for {', '.join(later)}, without which"
                " policy.yml cannot name people by e-mail."
            ),
            suggestion=_sentence(REINSTALL),
            severity=Severity.HINT,
        )


def _check_app_token(client: WebClient) -> Iterator[Finding]:
    token = client.token or ""
    if not token.startswith("xapp-"):
        yield _wrong_kind("SLACK_APP_TOKEN", token, remedy=NEW_APP_TOKEN)
        return
    try:
        _call(client, "apps.connections.open")
    except ChatFailed as failure:
        if isinstance(failure, RateLimited) and not isinstance(failure, LockedOut | Unreachable):
            # It may be asked once a minute; whom Slack makes wait, it knows.
            return
        yield Finding(
            sentence=f"SLACK_APP_TOKEN opens no connection: {_token_reason(failure)}.",
            suggestion=_sentence(
                f"{NEW_APP_TOKEN}; see that “Enable Socket Mode” is on under “Socket Mode”"
            ),
        )


def _token_reason(failure: ChatFailed) -> str:
    """Say why Slack refuses a token.

    Raises:
        ChatUnknown: Slack said nothing about it.
        RateLimited: the same; a token that Slack does not accept is none of these.
    """
    is_about_token = isinstance(failure, LockedOut)
    if not is_about_token and isinstance(failure, RateLimited | ChatUnknown):
        raise failure
    return TOKEN_WORDS.get(failure.error, f"Slack says {failure.error}")


def _wrong_kind(name: str, token: str, *, remedy: str) -> Finding:
    right_kind = RIGHT_KINDS[name]
    kind = next(
        (words for prefix, words in TOKEN_KINDS.items() if token.startswith(prefix)),
        "no token of Slack",
    )
    return Finding(
        sentence=f"{name} is {kind}, and not {right_kind}.",
        suggestion=_sentence(remedy),
    )


@dataclass(frozen=True, kw_only=True)
class InstallationCheck:
    """Compare the names in a library with the workspace."""

    client: WebClient
    library: SlackNames
    pins: PinnedNames
    line_of: LineOf
    _pinned_people: dict[str, str] = field(default_factory=dict, init=False)

    def find_channel_problems(self) -> Iterator[Finding]:
        """Yield channels that are missing, archived, or without the app."""
        channels = {*self.library.channels(), *self.library.whole_desk_digests()}
        names = {channel for channel in channels if is_channel_name(channel)}
        ids = {name: channel for name, channel in self._channel_ids(names).items() if channel}
        for name in sorted(names - ids.keys()):
            yield Finding(
                sentence=f"There is no channel #{name} that the app can see.",
                suggestion=(
                    f"In Slack, create #{name}, or open it and send `/invite @Countersign` if it is"
                    " private; or correct the name in the playbooks."
                ),
            )
        for channel in sorted({*(channels - names), *ids.values()}):
            # A name that was pinned may stand for the same channel as its name of today.
            file_names = sorted(name for name, id in ids.items() if id == channel)
            finding = self._check_channel(channel, file_names)
            if finding:
                yield finding

    def _channel_ids(self, names: Collection[str]) -> Mapping[str, str]:
        """Return the pinned ids of these channels, else those of now."""
        pinned_ids = self.pins.load(PinKind.CHANNEL) if names else {}
        missing = {name for name in names if name not in pinned_ids}
        ids = find_channel_ids(self.client, missing) if missing else {}
        return {name: pinned_ids.get(name) or ids.get(name, "") for name in names}

    def _check_channel(self, channel: str, file_names: Sequence[str]) -> Finding | None:
        """Check a channel by its id; files have these names for it."""
        try:
            info = _call(self.client, "conversations.info", channel=channel)["channel"]
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            return _channel_refusal(channel, failure.error)
        name = f"#{info.get('name') or channel}"
        if info.get("is_archived"):
            return Finding(
                sentence=f"The channel {name} is archived, and no card can be posted in it.",
                suggestion=(
                    f"In Slack, open {name}, choose “Unarchive channel” in its settings, or name"
                    " another channel in the playbooks."
                ),
            )
        if not info.get("is_member"):
            return Finding(
                sentence=f"The app is not in the channel {name}, so it cannot post there.",
                suggestion=f"In Slack, open {name} and send `/invite @Countersign`.",
            )
        old_names = [f"#{old}" for old in file_names if name != f"#{old}"]
        if old_names:
            return Finding(
                sentence=(
                    f"The channel that the files call {' and '.join(old_names)} is now {name} in"
                    " Slack."
                ),
                suggestion=f"Cards go there still. To mean another channel, name {name} instead.",
                severity=Severity.HINT,
            )
        return None

    def find_group_problems(self) -> Iterator[Finding]:
        """Yield groups without anybody, and people who cannot approve."""
        lists = self.library.policy().groups
        groups = groups_in_use(self.library)
        directory = SlackDirectory(
            self.client,
            lambda: str(_call(self.client, "auth.test")["team_id"]),
            group_lists=lambda: (lists,),
        )
        gaps = directory.group_gaps([group for group in groups if not lists.get(group)])
        yield from _gap_findings(gaps, self.line_of)
        for group, people in lists.items():
            yield from self._check_people(group, people)
            if group not in groups:
                yield Finding(
                    sentence=f"policy.yml lists people for {group}, which nothing else names.",
                    suggestion=f"Compare {group} with the groups of tiers and playbooks.",
                    severity=Severity.HINT,
                    file=POLICY_FILE,
                    line=self.line_of(("groups", group)),
                )

    def _check_people(self, group: str, people: Sequence[str]) -> Iterator[Finding]:
        """Yield the listed people who cannot approve, and groups without others."""
        reasons = {person: self._person_problem(person) for person in people}
        for place, (person, reason) in enumerate(reasons.items()):
            if reason:
                yield Finding(
                    sentence=f"{person}, listed for the group {group}, {reason[0]}.",
                    suggestion=reason[1],
                    file=POLICY_FILE,
                    line=self.line_of(("groups", group, place)),
                )
            elif is_email(person):
                yield from self._check_pin(group, person)
        if people and all(reasons.values()):
            yield Finding(
                sentence=f"Nobody can approve as {group}: nobody listed for it can.",
                suggestion="List at least one active colleague under groups: in policy.yml.",
                file=POLICY_FILE,
                line=self.line_of(("groups", group)),
            )

    def _person_problem(self, person: str) -> tuple[str, str] | None:
        """Say why a listed person cannot approve, and what to do."""
        try:
            user = self._find_person(person)
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed as failure:
            return _person_refusal(failure.error)
        if user.get("deleted"):
            return "has a deactivated account", "Take them out of the list."
        if user.get("is_bot") or user.get("is_workflow_bot"):
            return "is an app, and apps never approve", "List a person instead."
        if user.get("is_restricted") or user.get("is_ultra_restricted"):
            return "is a guest, and guests cannot approve", "List a full member instead."
        if user.get("is_stranger"):
            return "is of another organisation", "List a colleague instead."
        return None

    def _find_person(self, person: str) -> JsonMapping:
        if is_email(person) and person not in self._pins():
            answer = _call(self.client, "users.lookupByEmail", email=person)
        else:
            user_id = self._pins().get(person, person)
            answer = _call(self.client, "users.info", user=user_id)
        user: JsonMapping = answer["user"]
        return user

    def _pins(self) -> dict[str, str]:
        if not self._pinned_people:
            self._pinned_people.update(self.pins.load(PinKind.PERSON))
        return self._pinned_people

    def _check_pin(self, group: str, email: str) -> Iterator[Finding]:
        """Yield an address that has gone to somebody else since."""
        pinned_id = self._pins().get(email)
        if pinned_id is None:
            return
        try:
            user_id = _call(self.client, "users.lookupByEmail", email=email)["user"]["id"]
        except (RateLimited, ChatUnknown):
            raise
        except ChatFailed:
            # Whoever was pinned may have another address by now, and stays who they are.
            return
        if user_id != pinned_id:
            yield Finding(
                sentence=(
                    f"{email}, listed for the group {group}, belongs to somebody else since it was"
                    f" looked up; the account that had it first ({pinned_id}) still counts."
                ),
                suggestion="Put the Slack id of the person who is meant in its place.",
                severity=Severity.HINT,
                file=POLICY_FILE,
                line=self.line_of(("groups", group)),
            )


def _gap_findings(gaps: Mapping[str, Gap], line_of: LineOf) -> Iterator[Finding]:
    """Yield a finding for each cause that concerns all groups, or group."""
    groups_by_gap: dict[Gap, list[str]] = {}
    for group, gap in gaps.items():
        groups_by_gap.setdefault(gap, []).append(group)
    for gap, groups in groups_by_gap.items():
        match gap:
            case Gap.NO_PLAN:
                yield Finding(
                    sentence=(
                        "The plan of this workspace has no user groups, so nobody can approve as"
                        f" {_listing(groups)}."
                    ),
                    suggestion=_example(groups[0]),
                    file=POLICY_FILE,
                )
            case Gap.NO_SCOPE:
                names = _listing(groups)
                yield Finding(
                    sentence=f"The app may not read user groups, so nobody is in {names}.",
                    suggestion=_sentence(REINSTALL),
                )
            case _:
                for group in groups:
                    suggestion = _example(group) if gap is Gap.UNKNOWN else ""
                    line = line_of(("groups", group)) if gap is Gap.EMPTY_LIST else 0
                    yield Finding(
                        sentence=f"Nobody can approve as {group}: {describe_gap(group, gap)}.",
                        suggestion=suggestion,
                        file=POLICY_FILE,
                        line=line,
                    )


def _example(group: str) -> str:
    return (
        "Name the people in policy.yml, by Slack id or e-mail:"
        f" `groups: {{{group}: [name@example.com]}}`."
    )


def _channel_refusal(channel: str, error: str) -> Finding:
    if error == "channel_not_found":
        return Finding(
            sentence=(
                f"The channel {channel} does not exist in this workspace, or is private and the app"
                " is not in it."
            ),
            suggestion=(
                "In Slack, open the channel, send `/invite @Countersign`, and compare the id with"
                " the last line of “View channel details”."
            ),
        )
    return Finding(
        sentence=f"The channel {channel} cannot be read: Slack says {error}.",
        suggestion=_sentence(REINSTALL) if error == "missing_scope" else "",
    )


def _person_refusal(error: str) -> tuple[str, str]:
    match error:
        case "missing_scope":
            return (
                "cannot be looked up, because the app lacks the permission users:read.email",
                _sentence(REINSTALL),
            )
        case "user_not_found" | "users_not_found" | "user_not_visible":
            return (
                "is not in this workspace, or is deactivated",
                "Correct it: the id stands in their profile under “⋮”, “Copy member ID”.",
            )
        case _:
            return f"cannot be looked up: Slack says {error}", ""


def _listing(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _count(items: Sequence[str], noun: str) -> str:
    return f"one {noun}" if len(items) == 1 else f"{len(items)} {noun}s"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
