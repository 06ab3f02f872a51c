"""Faults on demand: what goes wrong with Web API calls, decided call by call, with a count of what was refused."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal


@dataclass
class Faults:
    """``applied`` faults happen after the call did its work: the worst kind, for the caller cannot tell.

    ``tiers``: Slack's own rates hold. ``refuse``: the error that a method answers. ``swap_next``: so many times an envelope is kept
    back and comes after the one behind it. ``drop_share``, ``limit_share``: the share of calls whose answer never comes, or that are
    told to wait; ``drop_only`` says which method ``drop_next`` is about; ``slow_share`` of the calls take ``slow_for`` seconds; ``seed`` makes the dice fall the same way again.
    ``hidden_for``: seconds until a message that was posted is seen in the history of its channel.
    """

    down: bool = False
    slow_for: float = 0.0
    fail_every: int = 0
    fail_applied: bool = False
    drop_next: int = 0
    drop_only: str = "chat."
    lose_acks: int = 0
    duplicate_next: int = 0
    edit_window_closed: bool = False
    refuse: dict[str, str] = field(default_factory=dict)
    swap_next: int = 0
    tiers: bool = False
    drop_share: float = 0.0
    limit_share: float = 0.0
    slow_share: float = 1.0
    hidden_for: float = 0.0
    seed: int = 0
    per_second: float = 0.0
    retry_after: int = 1
    calls: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    windows: int = 0
    _seen: int = 0
    _dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 (faults, not secrets)
    _tokens: dict[str, float] = field(default_factory=dict)
    _filled_at: dict[str, float] = field(default_factory=dict)
    _closed_until: dict[str, float] = field(default_factory=dict)

    def verdict(
        self, method: str
    ) -> Literal["ok", "limited", "fail_before", "fail_after", "drop_after"]:
        """What happens to this call."""
        self.calls[method] += 1
        if not method.startswith(("chat.", "views.", "conversations.h")):
            return "ok"
        if self.down:
            return "fail_before"
        if self.per_second and self._limited(method):
            self.rejected[method] += 1
            return "limited"
        if self.drop_next > 0 and method.startswith(self.drop_only):
            self.drop_next -= 1
            return "drop_after"
        if self._falls_on(self.limit_share):
            self.rejected[method] += 1
            return "limited"
        if method.startswith("chat.") and self._falls_on(self.drop_share):
            return "drop_after"
        self._seen += 1
        if self.fail_every and self._seen % self.fail_every == 0:
            return "fail_after" if self.fail_applied else "fail_before"
        return "ok"

    def slowness(self) -> float:
        """Seconds that this call takes."""
        return self.slow_for if self.slow_for and self._falls_on(self.slow_share) else 0.0

    def _falls_on(self, share: float) -> bool:
        return share > 0 and self._dice.random() < share

    def error_of(self, method: str) -> str:
        """What this method answers instead of doing its work; empty when it does it."""
        if method == "chat.update" and self.edit_window_closed:
            return "edit_window_closed"
        return self.refuse.get(method, "")

    def _limited(self, method: str) -> bool:
        """A token bucket of one second's worth, then a closed window of ``retry_after`` seconds."""
        now = time.monotonic()
        if now < self._closed_until.get(method, 0.0):
            return True
        filled = (
            self._tokens.get(method, self.per_second)
            + (now - self._filled_at.get(method, now)) * self.per_second
        )
        self._filled_at[method] = now
        self._tokens[method] = min(self.per_second, filled) - 1
        if self._tokens[method] >= 0:
            return False
        self._tokens[method] = 0
        self._closed_until[method] = now + self.retry_after
        self.windows += 1
        return True

    def set(self, **wanted: object) -> None:
        """Set some of the knobs; an unknown one is an error of the test that asked."""
        for name, value in wanted.items():
            if name.startswith("_") or not hasattr(self, name):
                raise KeyError(name)
            setattr(self, name, value)
        if "seed" in wanted:
            self._dice = random.Random(self.seed)  # noqa: S311 (faults, not secrets)

    def clear(self) -> None:
        calls = self.calls
        self.__init__()  # type: ignore[misc]
        self.calls = calls
