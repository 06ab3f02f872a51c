"""Slack's own rates: calls a minute by the tier of the method, and a message a second to one channel. Off until asked for."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
# From Slack's pages of the methods. What is not named here is of the third tier.
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
# "Special": hundreds a minute, which nobody here will reach.
UNLIMITED = frozenset(
    {"api.test", "auth.test", "blocks.validate", "chat.getPermalink", "assistant.threads.setStatus"}
)
POST = "chat.postMessage"
POSTS_A_SECOND, POSTS_AT_ONCE = 1.0, 10


@dataclass
class Rates:
    """A bucket for each method, and for posting one for each channel. ``now`` gives seconds."""

    now: Callable[[], float]
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_for(self, method: str, channel: str) -> int:
        """Whole seconds that Slack would ask this call to wait; 0 lets it through and counts it."""
        if method in UNLIMITED:
            return 0
        if method == POST:
            return self._take(f"{method} {channel}", POSTS_A_SECOND, POSTS_AT_ONCE)
        per_minute = PER_MINUTE[TIERS.get(method, 3)]
        return self._take(method, per_minute / 60, per_minute)

    def _take(self, bucket: str, per_second: float, most: float) -> int:
        now = self.now()
        left, then = self._buckets.get(bucket, (most, now))
        left = min(most, left + max(0.0, now - then) * per_second)
        if left < 1:
            self._buckets[bucket] = (left, now)
            return math.ceil((1 - left) / per_second)
        self._buckets[bucket] = (left - 1, now)
        return 0
