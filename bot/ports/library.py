"""Playbooks, policy, channels and identities, as people wrote them."""

from collections.abc import Mapping
from typing import Protocol

from bot.cases.call_rules import CallRules
from bot.cases.hours import Hours
from bot.cases.identity import Identities
from bot.cases.playbook import Playbook
from bot.cases.policy import Policy
from bot.cases.program import Program
from bot.cases.rule_record import RuleRecord
from bot.views.labels import Labels


class Library(Protocol):
    """Read what people wrote about how cases are handled."""

    @property
    def programs(self) -> Mapping[str, Program]:
        """Return the programs that may ask for approvals, by name."""

    def account_of(self, name: str) -> str:
        """Return the account of a person by their name in people.yml.

        Anything else is an account itself.
        """

    def playbook(self, kind: str) -> Playbook:
        """Return the playbook of a kind, or the one for unrecognised cases."""

    def policy(self) -> Policy:
        """Return the limits and who must approve."""

    def rule_record(self) -> RuleRecord:
        """Return policy, approver groups, connectors and people as one record."""

    def policy_from(self, text: str) -> Policy:
        """Read a policy that the ledger has kept, as ``policy`` returns it.

        Raises:
            PlaybookInvalid: this release cannot read it.
        """

    def playbook_from(self, kind: str, text: str) -> Playbook:
        """Read a playbook that the ledger has kept, as ``playbook`` returns it.

        Raises:
            PlaybookInvalid: this release cannot read it, or it does not fit the systems of now.
        """

    def titles(self) -> list[tuple[str, str]]:
        """List every kind that can be named, with its title, by title."""

    def labels(self) -> Labels:
        """Return what people read in place of the names in the files."""

    def hours(self, channel: str) -> Hours:
        """Return when the people of this channel are at work."""

    def call_rules(self, channel: str, kind: str) -> CallRules:
        """Return the rules of calls about this kind in this channel."""

    def deciders(self) -> list[str]:
        """List every group that decides, owns or is escalated to."""

    def channels(self) -> list[str]:
        """List every channel that cards go to."""

    def speakers(self) -> list[str]:
        """List every name under which signals come in: sources, systems and domains."""

    def whole_desk_digests(self) -> list[str]:
        """List the channels that get one digest of all cases, for leads."""

    def governors(self) -> list[str]:
        """List every group that governs a kind."""

    def identities(self) -> Identities:
        """Return which accounts belong to one person."""

    def declared_identities(self) -> Identities:
        """Return what the file alone says of the accounts."""

    def join_identities(self, earlier: Identities | None) -> None:
        """Count as one person, too, whoever is one by these.

        None for the file alone.
        """
