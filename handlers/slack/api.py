"""Calls of Slack's Web API, and what their errors mean."""

import http.client
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from bot.cases.errors import ChatFailed, ChatUnknown, LockedOut, RateLimited, Unreachable
from handlers.cards.text import JsonMapping
from handlers.slack.rate_limiter import RateLimiter

# Slack's words for "something went wrong on our side": the call may have had its effect.
UNCERTAIN_ERRORS = frozenset(
    {"fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
# A person must renew the token; messages that wait for that are not given up.
TOKEN_ERRORS = frozenset(
    {"token_revoked", "token_expired", "account_inactive", "invalid_auth", "not_authed"}
)
# Slack's own word for an error; anything else in its place came from a proxy or a login page.
ERROR_WORD = re.compile(r"[a-z0-9_]+")
PRIVATE_METHOD = "chat.postEphemeral"
UNREACHABLE_WAIT_SECONDS = 2.0
DEFAULT_RETRY_AFTER_SECONDS = 1


class SlackApi:
    """One workspace, spoken to with one token."""

    def __init__(self, client: WebClient, limiter: RateLimiter) -> None:
        self.client = client
        self.limiter = limiter
        self._identity: JsonMapping = {}
        self._identity_lock = threading.Lock()

    def post_to(
        self,
        method: str,
        channel: str,
        *,
        bucket: str = "",
        **arguments: Any,
    ) -> JsonMapping:
        """Call a method on a channel, within the rate limits.

        ``bucket``: the rate limit that the call counts on, when it is not the channel's.
        """
        # A private answer belongs to a press that is over: nobody would send it later.
        crowded_channel = "" if method == PRIVATE_METHOD else channel
        with self.limiter.slot(method, bucket or channel, crowded_channel):
            return self.post(method, channel=channel, **arguments)

    def post(self, method: str, **arguments: Any) -> JsonMapping:
        """Call a method with a JSON body, outside our rate limits."""
        with slack_errors():
            return response_data(self.client.api_call(method, json=arguments))

    def post_form(self, method: str, **arguments: Any) -> JsonMapping:
        """Call a method that takes no JSON, with a form as body."""
        with slack_errors():
            return response_data(self.client.api_call(method, params=arguments))

    def identity(self) -> JsonMapping:
        """Return Slack's answer to ``auth.test``; it is asked for once."""
        with self._identity_lock:
            if not self._identity:
                self._identity = self.post_form("auth.test")
        return self._identity

    def permalink(self, channel: str, ts: str) -> str:
        """Return the address of a message; "" when it is unknown."""
        if not ts:
            return ""
        try:
            workspace_url = str(self.identity()["url"])
        except ChatFailed:
            return ""
        # As Slack makes them; chat.getPermalink would cost a call for each.
        return f"{workspace_url.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"

    def channel_id(self, recipient: str) -> str:
        """Return the id of a channel, or of a person's direct messages."""
        if not recipient.startswith(("U", "W")):
            return recipient
        with slack_errors():
            response = self.client.conversations_open(users=recipient)
        return str(response_data(response)["channel"]["id"])


@contextmanager
def slack_errors() -> Iterator[None]:
    """Turn what the SDK raises into ``ChatFailed`` or one of its kinds.

    Raises:
        ChatFailed: Slack refused, and nothing happened.
        ChatUnknown: the call may have had its effect.
        RateLimited: Slack asked to wait.
        LockedOut: Slack does not accept the token.
        Unreachable: nothing was sent.
    """
    try:
        yield
    except SlackApiError as error:
        raise _error_of(error) from None
    except (ConnectionRefusedError, SlackRequestError):
        raise Unreachable(UNREACHABLE_WAIT_SECONDS) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(getattr(error, "reason", None), ConnectionRefusedError):
            raise Unreachable(UNREACHABLE_WAIT_SECONDS) from None
        raise ChatUnknown(type(error).__name__) from None


def _error_of(refusal: SlackApiError) -> ChatFailed:
    response = refusal.response
    status = response.status_code
    if status == 429:
        return RateLimited(_retry_after(response.headers))
    error = f"http_{status}"
    is_from_slack = False
    if isinstance(response.data, Mapping) and "error" in response.data:
        error = str(response.data["error"])
        is_from_slack = bool(ERROR_WORD.fullmatch(error))
    if status >= 500 or not is_from_slack or error in UNCERTAIN_ERRORS:
        return ChatUnknown(error)
    if error in TOKEN_ERRORS:
        return LockedOut(error)
    return ChatFailed(error)


def _retry_after(headers: Mapping[str, str]) -> float:
    header = headers.get("Retry-After") or headers.get("retry-after")
    return float(header or DEFAULT_RETRY_AFTER_SECONDS)


def response_data(response: Any) -> JsonMapping:
    """Return the body of an answer, which is always a JSON object."""
    data: JsonMapping = response.data
    return data
