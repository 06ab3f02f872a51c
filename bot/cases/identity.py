"""Say whose an account is. Slack's own ids name a person; other accounts only where declared.

An account that is neither matches nobody: it is never taken for a name that looks alike.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.cases.approval import Approval

# A workspace or an organisation, and a member of it, by Slack's immutable ids.
_PRINCIPAL = re.compile(r"[ET][A-Z0-9]{1,20}/[UW][A-Z0-9]{1,20}")


def is_slack_account(account: str) -> bool:
    """Tell whether this is a principal by Slack's own ids, and no other text with a stroke."""
    return _PRINCIPAL.fullmatch(account) is not None


@dataclass(frozen=True, slots=True)
class Identities:
    """Know which accounts are one person's. ``linked``: each declared one, and all it goes with."""

    linked: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, people: Iterable[Iterable[str]]) -> "Identities":
        """Link the accounts of each person.

        Raises:
            ValueError: an account belongs to two people, or a person has no account in Slack.
        """
        linked: dict[str, frozenset[str]] = {}
        for accounts in map(frozenset, people):
            if not any(map(is_slack_account, accounts)):
                raise ValueError(f"none of {', '.join(sorted(accounts))} is an account in Slack")
            for key in map(_folded, accounts):
                if linked.get(key, accounts) != accounts:
                    raise ValueError(f"{key} belongs to two people")
                linked[key] = accounts
        return cls(linked)

    def person_of(self, account: str) -> str | None:
        """Name the person whose account this is, alike for all of theirs; None for nobody."""
        accounts = self.linked.get(_folded(account))
        if accounts is not None:
            return min(filter(is_slack_account, accounts))
        return account if is_slack_account(account) else None

    def is_same_person(self, account: str, other: str) -> bool:
        """Tell whether two accounts are known to be one person's."""
        person = self.person_of(account)
        return account == other or (person is not None and person == self.person_of(other))

    def linked_accounts(self, people: Iterable[str]) -> frozenset[str]:
        """Give these accounts, and all that are linked to one of them."""
        named = frozenset(people)
        return named.union(*(self.linked.get(_folded(account), frozenset()) for account in named))

    def unknown_accounts(self, accounts: Iterable[str]) -> tuple[str, ...]:
        """Give those of these accounts that match nobody."""
        return tuple(account for account in accounts if self.person_of(account) is None)

    def distinct_votes(self, votes: Iterable[Approval]) -> tuple[Approval, ...]:
        """Keep the first yes of each person, and the first that is given for each person."""
        kept: list[Approval] = []
        for vote in votes:
            if not self.has_voted(vote, kept):
                kept.append(vote)
        return tuple(kept)

    def has_voted(self, vote: Approval, votes: Iterable[Approval]) -> bool:
        """Tell whether one of these is by the same person or for the same, either way round."""
        heard = tuple(votes)
        return any(self.is_among_voters(person, heard) for person in (vote.person, vote.principal))

    def is_among_voters(self, account: str, votes: Iterable[Approval]) -> bool:
        """Tell whether this person said one of these, or one of these was said for them."""
        heard = {name for vote in votes for name in (vote.person, vote.principal)}
        return any(self.is_same_person(account, other) for other in heard)


def _folded(account: str) -> str:
    """Bring an account into the form in which it is compared: addresses are written in any case."""
    return account.strip().casefold()


# Every account in Slack is a person of its own.
UNLINKED = Identities()
