"""The version of a playbook: all that it decides, and no text.

What opens a case, who owns and approves it and when it is due belong to the file: the first is
no judgement of a case, and the rest changes under four eyes.
"""

from dataclasses import replace
from typing import Any

from bot.cases.canonical import canonical_hash, to_plain
from bot.cases.playbook import ActionOffer, Lookup, Playbook, Stake

#: They change what people read, and not what is done.
_OFFER_WORDS = ("reason", "means", "observation")
_LOOKUP_WORDS = ("show", "fresh_for")
#: What an amount without a currency was in, in earlier releases: their checksums stay.
FORMER_CURRENCY = "GBP"


def decision_checksum(playbook: Playbook) -> str:
    """Return the SHA-256 of what a playbook decides."""
    return canonical_hash(_decisions(playbook))


def changed_parts(before: Playbook, after: Playbook) -> list[str]:
    """Name the parts in which two versions of a playbook differ."""
    old, new = _decisions(before), _decisions(after)
    return [name for name in old if old[name] != new[name]]


def with_version(files: Playbook, version: Playbook) -> Playbook:
    """Return the playbook of the files, deciding as another version does.

    The sentences come along, because they name what that version looks up.
    """
    return replace(
        files,
        what=version.what,
        brief=version.brief,
        evidence=version.evidence,
        stake=version.stake,
        beneficiary=version.beneficiary,
        offers=version.offers,
        checksum=version.checksum,
        version=version.version,
        text=version.text,
    )


def _decisions(playbook: Playbook) -> dict[str, Any]:
    """Return what a playbook decides, by the names of people."""
    return {
        "look-ups": [_lookup(lookup) for lookup in playbook.evidence],
        "what is at stake": _stake_terms(playbook.stake),
        "who gains": playbook.beneficiary,
        "actions": [_offer(offer) for offer in playbook.offers],
    }


def _stake_terms(stake: Stake) -> list[str]:
    # The currency of policy is decided with policy, and is no part of a version.
    terms = [stake.amount, stake.currency or FORMER_CURRENCY]
    return [*terms, stake.currency_from] if stake.currency_from else terms


def _lookup(lookup: Lookup) -> dict[str, Any]:
    return _without(to_plain(lookup), _LOOKUP_WORDS)


def _offer(offer: ActionOffer) -> dict[str, Any]:
    plain = _without(to_plain(offer), _OFFER_WORDS)
    # A text says why it does not fit; a list is what is done instead.
    plain.pop("otherwise", None)
    if offer.fallback is not None:
        plain["otherwise"] = [_offer(step) for step in offer.fallback]
    for name, steps in (("then", offer.then), ("if_refused", offer.if_refused)):
        if steps:
            plain[name] = [_offer(step) for step in steps]
    for warning in plain.get("warnings", ()):
        del warning["text"]
    for bounds in plain.get("answer_bounds", {}).values():
        del bounds["words"]
    return plain


def _without(plain: dict[str, Any], words: tuple[str, ...]) -> dict[str, Any]:
    # What says nothing is left out, so that a field of a later release changes no version.
    return {name: value for name, value in plain.items() if value and name not in words}
