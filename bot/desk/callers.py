"""Callers: the people who ask, read from the directory."""

from dataclasses import dataclass

from bot.cases.actor import Surface
from bot.cases.approval import Person
from bot.cases.caller import Caller
from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.cases.delegation import stands_in_for
from bot.cases.errors import NotEligible
from bot.cases.policy import RiskTier
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library


@dataclass(frozen=True)
class Callers:
    """Reads callers for cases and for the desk as a whole."""

    desk_controls: DeskControlsStore
    library: Library
    directory: Directory
    clock: Clock

    def for_case(
        self,
        case: Case,
        by: str,
        surface: Surface,
        *,
        fresh: bool = False,
        controls: DeskControls | None = None,
    ) -> Caller:
        """Read a person with the groups and delegations of the case.

        For a high-risk plan nothing is taken from the cache. ``controls``: those of the desk, if
        they were read just now.

        Raises:
            NotEligible: the directory knows no such person.
            ChatFailed: the directory cannot be read.
        """
        verdict = case.undo_verdict
        fresh = fresh or (verdict is not None and verdict.tier is RiskTier.HIGH)
        owners = self.library.playbook(case.kind).owners.handles
        handles = sorted({*case.approver_groups, *owners, case.owner})
        controls = controls or self.desk_controls.load()
        givers = self._givers(case, by, controls, fresh=fresh)
        return Caller(
            person=self.directory.person(by, fresh=fresh),
            surface=surface,
            groups=self.directory.groups(handles, fresh=fresh),
            behalf_of=givers,
            playbook_owners=owners,
            identities=self.library.identities(),
        )

    def _givers(
        self, case: Case, by: str, controls: DeskControls, *, fresh: bool
    ) -> tuple[Person, ...]:
        """Read everybody who has delegated to this person."""
        givers = []
        for delegation in stands_in_for(controls.delegations, by, kind=case.kind, now=self.clock()):
            try:
                givers.append(self.directory.person(delegation.giver, fresh=fresh))
            except NotEligible:
                # Nobody stands in for a person who is gone.
                continue
        return tuple(givers)

    def for_desk(self, by: str, surface: Surface) -> Caller:
        """Read a person, and everybody who decides or governs.

        Nothing is taken from the cache.
        """
        governors = self._members(self.library.governors())
        deciders = self._members(self.library.deciders())
        return Caller(
            person=self.directory.person(by, fresh=True),
            surface=surface,
            deciders=deciders,
            governors=governors,
            identities=self.library.identities(),
        )

    def _members(self, handles: list[str]) -> frozenset[str]:
        groups = self.directory.groups(handles, fresh=True)
        return frozenset().union(*groups.values())
