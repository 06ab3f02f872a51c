"""Faults on demand: failures of Web API calls and of envelopes.

Each call is decided on its own. The knobs are set over the control API by their names.
"""

import random
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from enum import Enum, auto
from typing import Any

from bot.rate_limit import RateLimit, TokenBuckets

ANSWER_TIMEOUT_SECONDS = 3.0
SWAP_TIMEOUT_SECONDS = 2.0
#: The largest whole number that JSON carries exactly.
MAX_KNOB = 2**53
# Reading somebody's name never fails: the faults are about what the app shows and finds again.
FALLIBLE_METHODS = ("chat.", "views.", "conversations.h")


class CallFault(Enum):
    """A way for one Web API call to go wrong."""

    NONE = auto()
    RATE_LIMITED = auto()
    FAIL_BEFORE = auto()
    # The call does its work first. The caller cannot tell, so these two are the worst.
    FAIL_AFTER = auto()
    DROP_AFTER = auto()

    @property
    def prevents_work(self) -> bool:
        """Tell whether the method is not carried out at all."""
        return self in {CallFault.RATE_LIMITED, CallFault.FAIL_BEFORE}


@dataclass(kw_only=True)
class CallKnobs:
    """Faults of Web API calls."""

    down: bool = False
    #: Seconds that a slow call takes.
    slow_for: float = 0.0
    #: Share of the calls that are slow.
    slow_share: float = 1.0
    #: Every n-th call fails; 0 for none.
    fail_every: int = 0
    #: Fail after the call has done its work.
    fail_applied: bool = False
    #: So many calls lose their answer after they have done their work.
    drop_next: int = 0
    #: The methods that ``drop_next`` is about, by how their names begin.
    drop_only: str = "chat."
    #: Share of the ``chat.`` calls that lose their answer.
    drop_share: float = 0.0
    edit_window_closed: bool = False
    #: Error codes by method.
    refuse: dict[str, str] = field(default_factory=dict)
    #: Seconds until a message that was posted is seen in the history of its channel.
    hidden_for: float = 0.0


@dataclass(kw_only=True)
class RateKnobs:
    """Limits of the number of calls."""

    #: Slack's own rates hold.
    tiers: bool = False
    #: Share of the calls that are told to wait.
    limit_share: float = 0.0
    #: Calls a second and method; 0 for no limit.
    per_second: float = 0.0
    #: Seconds in the header of that name.
    retry_after: int = 1


@dataclass(kw_only=True)
class EnvelopeKnobs:
    """Faults of Socket Mode, in envelopes still to be affected, and time-outs."""

    #: Seconds until an acknowledgement is too late, and a trigger. Slack's own are three.
    answer_within: float = ANSWER_TIMEOUT_SECONDS
    #: Seconds for which a swapped envelope waits for another one.
    swap_within: float = SWAP_TIMEOUT_SECONDS
    lose_acks: int = 0
    duplicate_next: int = 0
    #: The envelope is kept back and comes after the one behind it.
    swap_next: int = 0


class CallWindows:
    """A window of one second's worth of calls for each method.

    Once it is empty it closes for ``retry_after`` seconds.
    """

    def __init__(self) -> None:
        #: How often a window has closed.
        self.closings = 0
        self._buckets = TokenBuckets()
        self._closed_until: dict[str, float] = {}

    def admit(self, method: str, now: float, knobs: RateKnobs) -> bool:
        """Tell whether a call may pass, and take its token."""
        if now < self._closed_until.get(method, 0.0):
            return False
        limit = RateLimit(per_second=knobs.per_second, burst=knobs.per_second)
        is_admitted = not self._buckets.take(method, limit, now)
        if not is_admitted:
            self._closed_until[method] = now + knobs.retry_after
            self.closings += 1
        return is_admitted


@dataclass(kw_only=True)
class Faults:
    """All knobs, with counts of the calls and of the refusals."""

    call: CallKnobs = field(default_factory=CallKnobs)
    rate: RateKnobs = field(default_factory=RateKnobs)
    envelope: EnvelopeKnobs = field(default_factory=EnvelopeKnobs)
    #: Makes the dice fall the same way again.
    seed: int = 0
    #: Calls by method.
    calls: Counter[str] = field(default_factory=Counter)
    #: Calls that were told to wait, by method.
    rejections: Counter[str] = field(default_factory=Counter)
    # Left out of comparisons: token buckets have no equality.
    windows: CallWindows = field(default_factory=CallWindows, compare=False)
    _fallible_calls: int = 0
    _dice: random.Random = field(default_factory=lambda: _make_dice(0))

    def decide(self, method: str) -> CallFault:
        """Count a call and decide how it goes wrong."""
        self.calls[method] += 1
        if not method.startswith(FALLIBLE_METHODS):
            return CallFault.NONE
        if self.call.down:
            return CallFault.FAIL_BEFORE
        if self._is_over_rate(method):
            self.rejections[method] += 1
            return CallFault.RATE_LIMITED
        return self._decide_by_knobs(method)

    def _decide_by_knobs(self, method: str) -> CallFault:
        knobs = self.call
        if knobs.drop_next > 0 and method.startswith(knobs.drop_only):
            knobs.drop_next -= 1
            return CallFault.DROP_AFTER
        # The order of the throws is part of what a seed repeats.
        if self._falls_on(self.rate.limit_share):
            self.rejections[method] += 1
            return CallFault.RATE_LIMITED
        if method.startswith("chat.") and self._falls_on(knobs.drop_share):
            return CallFault.DROP_AFTER
        self._fallible_calls += 1
        if not knobs.fail_every or self._fallible_calls % knobs.fail_every:
            return CallFault.NONE
        return CallFault.FAIL_AFTER if knobs.fail_applied else CallFault.FAIL_BEFORE

    def delay(self) -> float:
        """Return the seconds that this call takes."""
        is_slow = self.call.slow_for and self._falls_on(self.call.slow_share)
        return self.call.slow_for if is_slow else 0.0

    def _falls_on(self, share: float) -> bool:
        return share > 0 and self._dice.random() < share

    def error_of(self, method: str) -> str:
        """Return the error code that a method answers with, if any."""
        if method == "chat.update" and self.call.edit_window_closed:
            return "edit_window_closed"
        return self.call.refuse.get(method, "")

    def _is_over_rate(self, method: str) -> bool:
        if not self.rate.per_second:
            return False
        return not self.windows.admit(method, time.monotonic(), self.rate)

    def set(self, /, **values: Any) -> None:
        """Set some of the knobs.

        Raises:
            KeyError: one is unknown; none is set then.
            ValueError: one has a value of the wrong kind; none is set then.
        """
        for name, value in values.items():
            _check_knob(name, getattr(self._owner_of(name), name), value)
        for name, value in values.items():
            owner = self._owner_of(name)
            # A number stays what it was: a whole one may be written where any will do.
            kind = type(getattr(owner, name))
            setattr(owner, name, kind(value) if kind is float else value)
        if "seed" in values:
            self._dice = _make_dice(self.seed)

    def _owner_of(self, name: str) -> object:
        if name == "seed":
            return self
        for part in (self.call, self.rate, self.envelope):
            if name in {knob.name for knob in fields(part)}:
                return part
        raise KeyError(name)

    def clear(self) -> None:
        """Turn every fault off. The counts of calls stay."""
        fresh = Faults(calls=self.calls)
        vars(self).update(vars(fresh))


def _check_knob(name: str, current: Any, value: Any) -> None:
    """Check that a value is of the knob's kind."""
    match current:
        case bool():
            is_right, kind = isinstance(value, bool), "true or false"
        case int():
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            is_right, kind = is_whole and abs(value) <= MAX_KNOB, "a whole number"
        case float():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            is_right, kind = is_number and 0 <= value <= MAX_KNOB, "a number that is not negative"
        case str():
            is_right, kind = isinstance(value, str), "text"
        case _:
            texts = value.values() if isinstance(value, dict) else [None]
            is_right = all(isinstance(text, str) for text in texts)
            kind = "error codes by method"
    if not is_right:
        raise ValueError(f"{name} must be {kind}")


def _make_dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 (faults, not secrets)
