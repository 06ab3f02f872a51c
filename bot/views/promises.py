"""Promises of precision that are not kept at present."""

from dataclasses import dataclass

from bot.cases.promise import PromiseRecord

#: The latest weeks are named one by one.
MAX_WEEKS = 4


@dataclass(frozen=True, slots=True)
class LapsedPromise:
    """A promise that lapsed, with the reason in words."""

    title: str
    sentence: str


def lapsed_promise(promise: PromiseRecord, title: str) -> LapsedPromise:
    """Say which promise lapsed, why, and what follows."""
    return LapsedPromise(
        title,
        f"{promise.percent} % right is not kept: of {promise.total} that were promised"
        f" {promise.right} were right ({week_words(promise)}). It is not promised any more, and"
        " a person is asked each time, until a training has learned from the misses.",
    )


def week_words(promise: PromiseRecord) -> str:
    """List how the promise was kept in its latest weeks."""
    weeks = [
        f"{week.right} of {week.total} in the week of {week.monday:%-d %b}"
        for week in promise.weeks[-MAX_WEEKS:]
    ]
    return "; ".join(weeks)
