"""Events posted to the callbacks of programs, signed by Standard Webhooks.

The address is somebody else's choice. It is resolved and checked as that of any outside system, no
redirect is followed, nothing of the answer but its status is read, and one post ends in time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from bot.cases.errors import ConnectorFailed
from bot.cases.program import Callback, Program
from bot.clock import boottime, time_limit
from bot.lazy_module import LazyModule
from bot.ports.event_sender import Reception
from bot.views.program_event import CONTENT_TYPE

if TYPE_CHECKING:
    import httpx

    from bot.connectors import http_transport
else:
    # Few bots have a program that wants to be told.
    httpx = LazyModule("httpx")
    http_transport = LazyModule("bot.connectors.http_transport")

TIMEOUT_SECONDS = 10.0
USER_AGENT = "Countersign"


class CallbackSender:
    """Posts events, each within its time."""

    def __init__(
        self,
        secrets: Callable[[str], str],
        networks: "Sequence[http_transport.Network]" = (),
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Reach ``networks`` of our own too; ``secrets`` returns a secret by name."""
        self._secrets = secrets
        self._networks = tuple(networks)
        self._timeout_seconds = timeout_seconds

    @cached_property
    def _client(self) -> "httpx.Client":
        rules = http_transport.AddressRules(networks=self._networks)
        return httpx.Client(
            follow_redirects=False,
            trust_env=False,
            timeout=self._timeout_seconds,
            transport=http_transport.GuardedTransport(rules),
        )

    def send(self, callback: Callback, *, event_id: str, body: str, now: datetime) -> Reception:
        """Post an event.

        Raises:
            ConnectorFailed: nobody accepted it.
        """
        headers = {
            "content-type": f"{CONTENT_TYPE}; charset=utf-8",
            "user-agent": USER_AGENT,
            **self._signature(callback, event_id=event_id, body=body, now=now),
        }
        status = self._post(callback.url, body.encode(), headers)
        if status == HTTPStatus.GONE:
            return Reception.GONE
        if not 200 <= status < 300:
            raise ConnectorFailed(f"answered {status}", retryable=True)
        return Reception.ACCEPTED

    def _signature(
        self, callback: Callback, *, event_id: str, body: str, now: datetime
    ) -> dict[str, str]:
        """Sign an event with each secret: during a rotation with two."""
        now = now.astimezone(UTC)
        secrets = list(filter(None, map(self._secrets, callback.secret_env)))
        if not secrets:
            raise ConnectorFailed(f"{callback.secret_env[0]} is not set", retryable=True)
        try:
            signatures = [Webhook(secret).sign(event_id, now, body) for secret in secrets]
        except (ValueError, EmptyWebhookSecretError):
            names = " and ".join(callback.secret_env)
            raise ConnectorFailed(
                f"{names} must be a secret of Standard Webhooks: whsec_ and base64", retryable=True
            ) from None
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Post a body and return the status of the answer."""
        with time_limit(boottime() + self._timeout_seconds):
            try:
                request = self._client.build_request("POST", url, content=body, headers=headers)
                # The body of the answer says nothing to us, and may be without end.
                with closing(self._client.send(request, stream=True)) as answer:
                    return answer.status_code
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                # A message of httpx may hold the whole address, and so a secret in it.
                raise ConnectorFailed(_describe(error), retryable=True) from None


def _describe(error: Exception) -> str:
    """Say why there was no answer."""
    if isinstance(error.__cause__, http_transport.AddressRefused):
        return (
            "its address is not a public one; COUNTERSIGN_CALLBACK_NETWORKS names the networks "
            "of your own that may be reached"
        )
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    return f"no answer: {type(error).__name__}"


def callback_problems(
    programs: Mapping[str, Program], secrets: Callable[[str], str]
) -> Iterator[str]:
    """Yield a sentence for each callback that nothing can be posted to."""
    for name, program in programs.items():
        if program.callback is None:
            continue
        names = " and ".join(program.callback.secret_env)
        values = list(filter(None, map(secrets, program.callback.secret_env)))
        if not values:
            yield f"{names} is not set: set it, or {name} is told of nothing"
        elif not all(map(_is_secret, values)):
            yield f"{names} must be whsec_ and base64, or {name} is told of nothing"


def _is_secret(value: str) -> bool:
    try:
        Webhook(value)
    except (ValueError, EmptyWebhookSecretError):
        return False
    return True
