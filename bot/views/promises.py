"""Promises of precision in words, and those that lapsed."""

from dataclasses import dataclass

from bot.cases.promise import PromiseRecord

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


def lapsed_promise(promise: PromiseRecord, title: str) -> LapsedPromise:
    """Say which promise lapsed, why, and what follows."""
    return LapsedPromise(
        title,
        f"{share_words(promise.percent)} suggestions were promised to be right. Of"
        f" {promise.total} that people answered {promise.right} were ({week_words(promise)})."
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
