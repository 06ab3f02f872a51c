"""Promises of precision in words, and those that lapsed."""

from dataclasses import dataclass

from bot.cases.promise import PromiseRecord
from bot.views.labels import start_upper

#: The latest weeks are named one by one.
MAX_WEEKS = 4


@dataclass(frozen=True, slots=True)
class LapsedPromise:
    """A promise that lapsed, with the reason in words."""

    title: str
    sentence: str


def share_words(percent: int) -> str:
    """Say what is promised without the words of statistics."""
    return f"at least {percent} of 100"


def answered_words(promise: PromiseRecord) -> str:
    """Say how many of the answered ones were right."""
    verb = "was" if promise.right == 1 else "were"
    return f"of {promise.total} that people answered only {promise.right} {verb}"


def lapsed_promise(promise: PromiseRecord, title: str) -> LapsedPromise:
    """Say which promise lapsed, why, and what follows."""
    return LapsedPromise(
        title,
        f"{share_words(promise.percent)} suggestions were promised to be right."
        f" {start_upper(answered_words(promise))} ({week_words(promise)})."
        " Nothing is promised now, and a person is asked each time, until the next training has"
        " learned from it.",
    )


def week_words(promise: PromiseRecord) -> str:
    """List how the promise was kept in its latest weeks."""
    weeks = [
        f"{week.right} of {week.total} in the week of {week.monday:%-d %b}"
        for week in promise.weeks[-MAX_WEEKS:]
    ]
    return "; ".join(weeks)
