"""Actions of the last windows, counted while time goes on.

A back-test holds each plan against what came before it. Every action enters a window once and
leaves it once, so the cost does not grow with the square of the history.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from bot.cases.plan import Plan
from bot.cases.usage import NOTHING, Usage, UsedActions

#: How often, and how much.
Count = tuple[int, Decimal]
_NONE: Count = (0, NOTHING)
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAction:
    """One action that was carried out."""

    at: datetime
    name: str
    target: str
    requester: str
    currency: str
    amount: Decimal


class _Window:
    """Sums of the actions of one window that ends now."""

    def __init__(self, span: timedelta) -> None:
        self.span = span
        self._actions: deque[PastAction] = deque()
        self._all: dict[tuple[str, str], Count] = {}
        self._by_target: dict[tuple[str, str, str], Count] = {}
        self._by_requester: dict[tuple[str, str, str], Count] = {}
        self._by_both: dict[tuple[str, str, str, str], Count] = {}

    def add(self, action: PastAction) -> None:
        self._actions.append(action)
        self._change(action, 1)

    def forget_before(self, now: datetime) -> None:
        while self._actions and self._actions[0].at <= now - self.span:
            self._change(self._actions.popleft(), -1)

    def _change(self, action: PastAction, sign: int) -> None:
        change = (sign, sign * action.amount)
        key = (action.name, action.currency)
        _add(self._all, key, change)
        _add(self._by_target, (*key, action.target), change)
        _add(self._by_requester, (*key, action.requester), change)
        _add(self._by_both, (*key, action.target, action.requester), change)

    def groups(self, plan: Plan) -> dict[tuple[str, str, str, str], Count]:
        """Split the sums by action, currency, and the plan's target and requester."""
        names = {action.name for action in plan.actions}
        targets = {action.target for action in plan.actions}
        requester = plan.requester or ""
        groups: dict[tuple[str, str, str, str], Count] = {}
        for name, currency in [key for key in self._all if key[0] in names]:
            key = (name, currency)
            rest = self._all[key]
            own = self._by_requester.get((*key, requester), _NONE) if requester else _NONE
            for target in targets:
                both = self._by_both.get((*key, target, requester), _NONE) if requester else _NONE
                of_target = self._by_target.get((*key, target), _NONE)
                groups[*key, target, requester] = both
                groups[*key, target, ""] = _minus(of_target, both)
                rest, own = _minus(rest, of_target), _minus(own, both)
            if requester:
                groups[*key, "", requester] = own
            groups[*key, "", ""] = _minus(rest, own)
        return groups


class RecentActions:
    """The actions of each window, as a back-test goes on."""

    def __init__(self, windows: Sequence[timedelta]) -> None:
        self._windows = [_Window(span) for span in sorted(windows)]

    def add(self, actions: Iterable[PastAction]) -> None:
        """Add actions, none of them before those that were added earlier."""
        for action in actions:
            for window in self._windows:
                window.add(action)

    def usage(self, plan: Plan, now: datetime) -> Usage:
        """Return what the store would have said when this plan was judged."""
        rows = []
        narrower: dict[tuple[str, str, str, str], Count] = {}
        for window in self._windows:
            window.forget_before(now)
            groups = window.groups(plan)
            for key, count in groups.items():
                times, amount = _minus(count, narrower.get(key, _NONE))
                if times > 0:
                    name, currency, target, requester = key
                    row = UsedActions(
                        action=name,
                        times=times,
                        amount=amount,
                        currency=currency,
                        target=target,
                        requester=requester,
                        window=window.span,
                    )
                    rows.append(row)
            narrower = groups
        return Usage(tuple(rows))


def _add(counts: dict[Key, Count], key: Key, change: Count) -> None:
    times, amount = counts.get(key, _NONE)
    total = (times + change[0], amount + change[1])
    if total[0]:
        counts[key] = total
    else:
        counts.pop(key, None)


def _minus(one: Count, other: Count) -> Count:
    return one[0] - other[0], one[1] - other[1]
