"""A person who asks, with all that decides whether they may."""

from dataclasses import dataclass, field

from bot.cases.actor import Actor, Surface
from bot.cases.approval import Groups, Person
from bot.cases.identity import UNLINKED, Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A person and their memberships, read fresh."""

    person: Person
    surface: Surface
    #: The members of the groups that matter here.
    groups: Groups = field(default_factory=dict)
    #: The people who have delegated to this one.
    behalf_of: tuple[Person, ...] = ()
    #: The groups that own the playbook of the case; their members are in ``groups``.
    playbook_owners: tuple[str, ...] = ()
    #: Which accounts are one person.
    identities: Identities = UNLINKED
    #: Everybody who may decide some case.
    deciders: frozenset[str] = frozenset()
    #: Everybody who answers for the desk as a whole.
    governors: frozenset[str] = frozenset()

    @classmethod
    def by_account(cls, account: str, surface: Surface) -> "Caller":
        """Name a caller of whom nothing has been read.

        They may do nothing.
        """
        return cls(person=Person(account, account), surface=surface)

    @classmethod
    def operator(cls, name: str) -> "Caller":
        """Name somebody with a shell on the bot's machine.

        They are trusted there.
        """
        person = Person(str(Actor.from_operator(name)), name)
        return cls(person=person, surface=Surface.COMMAND_LINE)

    @property
    def actor(self) -> Actor:
        """Return the identity that the ledger records."""
        return Actor.parse(self.person.id)
