"""Notices: direct messages about decisions on the whole desk."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.cases.delegation import Delegation
from bot.cases.entries import (
    Delegated,
    DelegationEnded,
    Entry,
    PasskeyAdded,
    PasskeyInvited,
    PasskeyRemoved,
)

NOT_YOU = "If you did not expect this, tell whoever runs Countersign at once."


#: A moment within a notice, which the reader sees in their own time zone.
MOMENT = re.compile(r"@\{([0-9]{1,10})\}")


def moment(at: datetime) -> str:
    """Write a moment as ``MOMENT`` reads it."""
    return f"@{{{int(at.timestamp())}}}"


@dataclass(frozen=True, slots=True)
class Notice:
    """A direct message in plain words."""

    #: The account of the person.
    to: str
    text: str
    #: The version of the entry: nobody is told twice.
    version: int
    #: The delegation that the notice is about. Its cases follow with their buttons.
    delegation: Delegation | None = None


def notices_after(entries: Iterable[Entry]) -> tuple[Notice, ...]:
    """List the people whom these entries concern, with what to tell them."""
    notices = []
    for entry in entries:
        person, text = _notice(entry)
        # Whoever did it knows; but a passkey is told of, since somebody else may have had the link.
        is_own = person == str(entry.actor) and not isinstance(entry.body, PasskeyAdded)
        if person and not is_own:
            delegation = entry.body.delegation if isinstance(entry.body, Delegated) else None
            notices.append(
                Notice(
                    to=person,
                    text=text,
                    version=entry.version,
                    delegation=delegation,
                )
            )
    return tuple(notices)


def _notice(entry: Entry) -> tuple[str, str]:
    match entry.body:
        case Delegated(delegation=delegation):
            scope = delegation.kind.replace("_", " ") or "everything"
            return delegation.taker, (
                f"{delegation.giver_name} lets you decide for them on {scope} from"
                f" {moment(delegation.begins_at)} to {moment(delegation.ends_at)}."
                " What waits for a decision is on your Home tab."
            )
        case DelegationEnded(taker=taker, by_name=name):
            return taker, f"{name} ended the delegation to you. You decide for yourself only."
        case PasskeyInvited(to=person, until=until):
            return person, (
                "You may add a passkey, with which you sign large approvals, until"
                f" {moment(until)}. Ask whoever runs Countersign for the link. {NOT_YOU}"
            )
        case PasskeyAdded(passkey=passkey):
            return passkey.person, f"A passkey was added to your account. {NOT_YOU}"
        case PasskeyRemoved(owner=person):
            return person, f"Your passkey was removed; it signs nothing any more. {NOT_YOU}"
        case _:
            return "", ""
