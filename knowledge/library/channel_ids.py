"""Channels that playbooks name, and the ids in place of their names.

A name stands under ``channel``, or as ``'#name'`` where a message says to whom it goes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.cases.constraints import is_channel_name
from bot.cases.playbook import ActionOffer, Playbook
from bot.connectors.message import MessageAction
from bot.connectors.specs import SystemSpec
from knowledge.library.systems import find_action

Systems = Mapping[str, SystemSpec]
Ids = Mapping[str, str]

#: The parameter of a message that says to whom it goes.
RECIPIENT = "to"
_NAME = re.compile(r"'#([a-z0-9][a-z0-9_-]{0,79})'")


def list_channel_names(playbook: Playbook, systems: Systems) -> Iterator[str]:
    """Yield each channel that a playbook names by name."""
    if is_channel_name(playbook.channel):
        yield playbook.channel
    for first in playbook.offers:
        for offer in first.chain():
            if _is_message(offer, systems):
                yield from _NAME.findall(offer.parameters[RECIPIENT])


def with_channel_ids(playbook: Playbook, ids: Ids, systems: Systems) -> Playbook:
    """Return a playbook with ids in place of names.

    An approval is of the channel that had the name, and of no other one.
    """
    return replace(
        playbook,
        channel=ids.get(playbook.channel, playbook.channel),
        offers=_with_ids(playbook.offers, ids, systems),
    )


def _with_ids(
    offers: tuple[ActionOffer, ...], ids: Ids, systems: Systems
) -> tuple[ActionOffer, ...]:
    return tuple(_offer_with_ids(offer, ids, systems) for offer in offers)


def _offer_with_ids(offer: ActionOffer, ids: Ids, systems: Systems) -> ActionOffer:
    parameters = offer.parameters
    if _is_message(offer, systems):
        recipient = _NAME.sub(lambda match: _literal(match, ids), parameters[RECIPIENT])
        parameters = {**parameters, RECIPIENT: recipient}
    otherwise = offer.otherwise
    if isinstance(otherwise, tuple):
        otherwise = _with_ids(otherwise, ids, systems)
    return replace(
        offer,
        parameters=parameters,
        otherwise=otherwise,
        if_refused=_with_ids(offer.if_refused, ids, systems),
        then=_with_ids(offer.then, ids, systems),
    )


def _literal(match: re.Match[str], ids: Ids) -> str:
    channel = ids.get(match[1])
    return f"'{channel}'" if channel else match[0]


def _is_message(offer: ActionOffer, systems: Systems) -> bool:
    spec = find_action(systems, offer.action)
    return isinstance(spec, MessageAction) and RECIPIENT in offer.parameters
