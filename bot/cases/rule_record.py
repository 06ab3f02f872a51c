"""The record of the rules in force, as in the ledger.

It is small where it can be: policy as its text, approver groups as they are, and of connectors and
people a checksum alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.cases.approval import ApprovalRequirement
from bot.cases.canonical import canonical_hash, to_plain
from bot.cases.policy import PlaybookTerms, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRules:
    """The approvers, owners and first stage of a kind."""

    approvers: tuple[ApprovalRequirement, ...] = ()
    expires_for: timedelta | None = None
    stage: Stage = Stage.SUPERVISED
    #: The groups by role.
    owners: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, terms: PlaybookTerms, owners: Mapping[str, str]) -> "KindRules":
        """Keep of a playbook what decides who approves."""
        return cls(
            approvers=terms.factors,
            expires_for=terms.expires_for,
            stage=terms.stage,
            owners=dict(owners),
        )

    @property
    def terms(self) -> PlaybookTerms:
        """Return them as policy reads them."""
        return PlaybookTerms(
            factors=self.approvers,
            expires_for=self.expires_for,
            stage=self.stage,
            owners=self.owners,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRecord:
    """Policy, approver groups, connectors and people at one time."""

    #: The file ``policy.yml``; the checksum leaves its comments out.
    policy_text: str
    policy_checksum: str
    kinds: Mapping[str, KindRules]
    #: The checksum of each action's definition, by its name.
    actions: Mapping[str, str]
    #: The checksum of who has which accounts. Accounts themselves are no part of the ledger.
    people_checksum: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of all that it says."""
        plain = to_plain(self)
        del plain["policy_text"]
        return canonical_hash(plain)

    @property
    def governors(self) -> tuple[str, ...]:
        """List the governance groups of all kinds."""
        groups = {kind.owners.get("governance", "") for kind in self.kinds.values()}
        return tuple(sorted(groups - {""}))

    def changed_actions(self, later: "RuleRecord") -> frozenset[str]:
        """List the actions that a later record adds or defines otherwise."""
        return frozenset(
            name for name, checksum in later.actions.items() if self.actions.get(name) != checksum
        )
