"""``people.yml``: the accounts that belong to one person."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from bot.cases.constraints import Text
from bot.cases.errors import PlaybookInvalid
from bot.cases.identity import UNLINKED, Identities, is_slack_account
from knowledge.library.yaml_files import read

# Whatever a system calls a person: an address, a number. A "*" stands for other requesters.
Account = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^\s*\x00-\x1f\x7f]([^*\x00-\x1f\x7f]{0,78}[^\s*\x00-\x1f\x7f])?$"
    ),
]


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """One person with all accounts, at least one of them in Slack."""

    #: The name by which other files call this person.
    name: Text
    #: Slack accounts as team/user, and what systems call this person.
    accounts: Annotated[tuple[Account, ...], Field(min_length=1, max_length=20)]

    def __post_init__(self) -> None:
        if not any(map(is_slack_account, self.accounts)):
            example = "T012AB3CD/U012AB3CD"
            raise ValueError(f"one of the accounts must be in Slack, as team/user, like {example}")


@dataclass(frozen=True, slots=True)
class PeopleFile:
    #: The people.
    people: Annotated[tuple[PersonEntry, ...], Field(max_length=2_000)] = ()


def read_people(path: Path) -> Identities:
    """Read the accounts of each person.

    Without the file each account in Slack is a person of its own.
    """
    if not path.exists():
        return UNLINKED
    document, _ = read(path, PeopleFile)
    _check_accounts(path, document.people)
    return Identities.of(person.accounts for person in document.people)


def read_names(path: Path) -> dict[str, str]:
    """Return an account in Slack of each person, by name."""
    if not path.exists():
        return {}
    document, _ = read(path, PeopleFile)
    return {
        person.name: next(filter(is_slack_account, person.accounts)) for person in document.people
    }


def _check_accounts(path: Path, people: tuple[PersonEntry, ...]) -> None:
    owners: dict[str, str] = {}
    for person in people:
        for account in {account.casefold() for account in person.accounts}:
            if account in owners:
                both = f"{owners[account]} and to {person.name}"
                raise PlaybookInvalid(
                    f"{path.name}: {account} belongs to {both}; an account is one person's"
                )
            owners[account] = person.name
