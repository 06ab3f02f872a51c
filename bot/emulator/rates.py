"""Slack's own rates by method and by channel. Off until turned on.

Calls a minute go by the tier of the method, posts by the second and channel.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.rate_limit import RateLimit, TokenBuckets

CALLS_PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
TIER_LIMITS = {
    tier: RateLimit(per_second=calls / 60, burst=calls) for tier, calls in CALLS_PER_MINUTE.items()
}
DEFAULT_TIER = 3
# From Slack's pages of the methods. A method that is not here is of the third tier.
TIERS: Mapping[str, int] = {
    "apps.connections.open": 1,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "users.list": 2,
    "conversations.list": 2,
    "chat.startStream": 2,
    "chat.stopStream": 2,
    "pins.add": 2,
    "pins.list": 2,
    "pins.remove": 2,
    "users.info": 4,
    "conversations.members": 4,
    "chat.appendStream": 4,
    "chat.postEphemeral": 4,
    "views.open": 4,
    "views.push": 4,
    "views.update": 4,
    "views.publish": 4,
    "files.getUploadURLExternal": 4,
    "files.completeUploadExternal": 4,
    "files.info": 4,
}
# Slack's "special" tier: hundreds a minute, which nobody here will reach.
UNLIMITED = frozenset(
    {
        "api.test",
        "auth.test",
        "blocks.validate",
        "chat.getPermalink",
        "assistant.threads.setStatus",
    }
)
POST_METHOD = "chat.postMessage"
POST_LIMIT = RateLimit(per_second=1.0, burst=10)


@dataclass
class Rates:
    """Buckets for each method, and for posts to each channel."""

    #: Returns seconds.
    now: Callable[[], float]
    _buckets: TokenBuckets = field(default_factory=TokenBuckets)

    def wait_for(self, method: str, channel: str) -> int:
        """Count a call and return the whole seconds it must wait.

        0 lets it pass.
        """
        if method in UNLIMITED:
            return 0
        if method == POST_METHOD:
            return self._take(f"{method} {channel}", POST_LIMIT)
        return self._take(method, TIER_LIMITS[TIERS.get(method, DEFAULT_TIER)])

    def _take(self, name: str, limit: RateLimit) -> int:
        return math.ceil(self._buckets.take(name, limit, self.now()))
