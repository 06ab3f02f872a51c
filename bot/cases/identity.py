"""The accounts of people.

Ids of Slack name a person; other accounts only where they are declared. Any other account matches
nobody: it is never taken for a name that looks alike.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from bot.cases.approval import Approval
from bot.cases.canonical import canonical_hash

# A workspace or an organisation, and a member of it, by Slack's immutable ids.
_PRINCIPAL = re.compile(r"[ET][A-Z0-9]{1,20}/[UW][A-Z0-9]{1,20}")


def is_slack_account(account: str) -> bool:
    """Tell whether this is a principal by Slack's own ids, like T012AB3CD/U012AB3CD."""
    return _PRINCIPAL.fullmatch(account) is not None


@dataclass(frozen=True, slots=True)
class Identities:
    """The declared accounts of people."""

    #: All accounts of a person, under each of them as `_fold` writes it.
    links: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, people: Iterable[Iterable[str]]) -> "Identities":
        """Link the accounts of each person.

        Raises:
            ValueError: an account belongs to two people, or a person has no account in Slack.
        """
        links: dict[str, frozenset[str]] = {}
        for accounts in map(frozenset, people):
            if not any(map(is_slack_account, accounts)):
                raise ValueError(f"none of {', '.join(sorted(accounts))} is an account in Slack")
            for key in map(_fold, accounts):
                if links.get(key, accounts) != accounts:
                    raise ValueError(f"{key} belongs to two people")
                links[key] = accounts
        return cls(links)

    @property
    def people(self) -> list[list[str]]:
        """List the accounts of each person, in order."""
        return sorted(sorted(accounts) for accounts in set(self.links.values()))

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of who has which accounts."""
        return canonical_hash(self.people)

    def join(self, other: "Identities") -> "Identities":
        """Link what either of the two links.

        Whoever was one person by any of them can then never act as two.
        """
        groups: list[set[str]] = []
        for accounts in (*self.people, *other.people):
            keys = set(map(_fold, accounts))
            group = set(accounts)
            apart = []
            for earlier in groups:
                if keys & set(map(_fold, earlier)):
                    group |= earlier
                    keys |= set(map(_fold, earlier))
                else:
                    apart.append(earlier)
            groups = [*apart, group]
        return Identities.of(groups)

    def person_of(self, account: str) -> str | None:
        """Return the account in Slack that names a person, or None."""
        accounts = self.links.get(_fold(account))
        if accounts is not None:
            return min(filter(is_slack_account, accounts))
        return account if is_slack_account(account) else None

    def is_same_person(self, account: str, other: str) -> bool:
        """Tell whether two accounts are known to be one person's."""
        if account == other:
            return True
        person = self.person_of(account)
        return person is not None and person == self.person_of(other)

    def linked_accounts(self, accounts: Iterable[str]) -> frozenset[str]:
        """Return these accounts, and all that are linked to one of them."""
        every = set(accounts)
        for account in tuple(every):
            every |= self.links.get(_fold(account), frozenset())
        return frozenset(every)

    def unknown_accounts(self, accounts: Iterable[str]) -> tuple[str, ...]:
        """Return those of these accounts that match nobody."""
        return tuple(account for account in accounts if self.person_of(account) is None)

    def distinct_votes(self, votes: Iterable[Approval]) -> tuple[Approval, ...]:
        """Keep the first vote by each person and for each person."""
        distinct: list[Approval] = []
        voters: set[str] = set()
        for vote in votes:
            parties = vote.parties
            pairs = product(parties, voters)
            if not any(self.is_same_person(account, voter) for account, voter in pairs):
                distinct.append(vote)
                voters |= parties
        return tuple(distinct)


def _fold(account: str) -> str:
    """Return the form in which accounts are compared."""
    # People write addresses in any case.
    return account.strip().casefold()


# Every account in Slack is a person of its own.
UNLINKED = Identities()
