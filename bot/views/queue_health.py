"""The health of a queue in words: kind, and about no person."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.cases.approver_health import QueueHealth

#: What everybody is told beforehand, where practice cases are on.
PRACTICE_NOTICE = (
    "Now and then a card is a practice case: a past case that was rightly refused. Nothing of it "
    "is carried out, and its card says so afterwards. Only groups are counted, never a person."
)
#: Where a figure is left out.
HIDDEN = "–"
MINUTE = 60.0
HOUR = 60 * MINUTE
#: From so many of a unit on the next larger one is used.
MANY_SECONDS = 2 * MINUTE
MANY_MINUTES = 2 * HOUR
#: What usually helps more than a reminder.
REMEDIES = (
    "Raise the limit in the policy, so that the small ones run alone and a sample is looked at",
    "Split the queue, so that each card reaches somebody who knows the matter",
    "Ask for one approval fewer where two people look at the same card",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyQueue:
    """A queue with more cards than its people can read."""

    title: str
    sentence: str
    #: Aggregates, one text each.
    figures: tuple[str, ...]
    remedies: tuple[str, ...] = REMEDIES


def busy_queue(queue: QueueHealth, days: int) -> BusyQueue:
    """Describe a queue that is approved faster than it can be read."""
    return BusyQueue(
        title=f"@{queue.group} may have more cards than it can read",
        sentence=busy_sentence(queue),
        figures=tuple(_figures(queue, days)),
    )


def busy_sentence(queue: QueueHealth) -> str:
    """Say kindly that a queue is approved unread."""
    return (
        f"{percent(queue.fast_share)} of the approvals of @{queue.group} came faster than a card "
        "can be read, and none was refused. That says more about the number of cards than about "
        "anybody who decides them."
    )


def _figures(queue: QueueHealth, days: int) -> Iterator[str]:
    yield f"{queue.decisions:,} decisions by {queue.people:,} people in {days} days"
    yield f"half of them within {duration(queue.time_to_decide)}"
    if queue.unopened_share is not None:
        yield f"{percent(queue.unopened_share)} before anybody had opened Details"
    if queue.practice_count:
        yield practice_text(queue)


def practice_text(queue: QueueHealth) -> str:
    """Say how many practice cases a queue noticed.

    A dash for none, or where it is left out.
    """
    if not queue.practice_count or queue.noticed_count is None:
        return HIDDEN
    noun = "practice case" if queue.practice_count == 1 else "practice cases"
    return f"{queue.noticed_count:,} of {queue.practice_count:,} {noun} noticed"


def percent(share: float | None) -> str:
    """Write a share; a dash for one that is left out."""
    return HIDDEN if share is None else f"{100 * share:.0f} %"


def duration(seconds: float) -> str:
    """Write the time that a decision took."""
    if seconds < MANY_SECONDS:
        return f"{seconds:.0f} s"
    if seconds < MANY_MINUTES:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.0f} h"
