"""The switches of the whole desk: pause and resume, who stands in for whom, what was let through in an emergency.

One path for all of them: read the standing, read who asks afresh, rule, write once.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.cases.approval import Person
from bot.cases.controls import (
    AddPasskey,
    Asked,
    Delegate,
    DeskControls,
    EndDelegation,
    InvitePasskey,
    Move,
    Pause,
    RemovePasskey,
    Resume,
    ReviewEmergency,
    TripCircuitBreaker,
    decide_controls,
)
from bot.cases.errors import BadRequest, TooLate
from bot.cases.passkey import INVITATION_IS_OVER, Invitation, Passkey, find_live_link, link_hash
from bot.desk.decisions import retry_on_conflict
from bot.desk.effects import card_message
from bot.ports import Clock, Directory, Library, Store, Topic

# So many failures of one action in a row, and it is not begun again before a person has looked.
MAX_FAILURES_IN_A_ROW = 3


@dataclass(frozen=True)
class Controls:
    store: Store
    library: Library
    directory: Directory
    clock: Clock

    def pause(self, scope: str, *, by: str, reason: str, surface: str = "slack") -> DeskControls:
        """The kill switch. ``scope``: empty for everything, or "kind:…", "action:…", "system:…"."""
        self._must_mean_something(scope)
        return self._rule(
            lambda standing: Pause(self.asked(by, surface), scope, reason), redraw=scope
        )

    def resume(self, scope: str, *, by: str, surface: str = "slack") -> DeskControls:
        """Let it go on; what waited is tried at once."""
        after = self._rule(lambda standing: Resume(self.asked(by, surface), scope), redraw=scope)
        self.store.run_now(Topic.EXECUTE, self.clock())
        return after

    def delegate(
        self,
        *,
        by: str,
        to: str,
        kind: str,
        begins_at: datetime,
        ends_at: datetime,
        surface: str = "slack",
    ) -> DeskControls:
        """Somebody may decide where ``by`` may, for one kind or all, for a time."""
        if kind and self.library.playbook(kind).kind != kind:
            raise BadRequest(f"there is no playbook for {kind[:50]!r}", field="kind")
        taker = self.directory.person(to, fresh=True)
        return self._rule(
            lambda standing: Delegate(self.asked(by, surface), taker, kind, begins_at, ends_at)
        )

    def end_delegation(
        self, *, by: str, giver: str, taker: str, kind: str, surface: str = "slack"
    ) -> DeskControls:
        return self._rule(
            lambda standing: EndDelegation(self.asked(by, surface), giver, taker, kind)
        )

    def review(self, case_id: str, *, by: str, note: str, surface: str = "slack") -> DeskControls:
        """Somebody else has looked at what was let through in an emergency."""
        return self._rule(lambda standing: ReviewEmergency(self.asked(by, surface), case_id, note))

    # --- passkeys ------------------------------------------------------------------------------------------------------

    def invite(self, to: str, *, operator: str) -> str:
        """Let somebody add a passkey. What comes back is the secret part of a link that works once."""
        token, person = secrets.token_urlsafe(32), self.directory.person(to, fresh=True)
        self._rule(lambda standing: InvitePasskey(_operator(operator), person, link_hash(token)))
        return token

    def invitation(self, token: str) -> Invitation:
        """What this link invites to.

        Raises:
            TooLate: nothing, or not any more.
        """
        found = find_live_link(self.store.controls().invitations, link_hash(token), self.clock())
        if found is None:
            raise TooLate(INVITATION_IS_OVER)
        return found

    def add_passkey(self, invited: Invitation, passkey: Passkey, *, surface: str) -> None:
        """The device of the one who was invited has answered."""
        person = self.directory.person(invited.person, fresh=True)
        asked = Asked(person, frozenset(), frozenset(), surface)
        self._rule(lambda standing: AddPasskey(asked, passkey, invited.ticket))

    def remove_passkey(self, credential: str, *, operator: str) -> None:
        """Lost or stolen: yeses that it signed and that have not been carried out count no longer. A unique beginning will do."""
        self._rule(lambda standing: RemovePasskey(_operator(operator), credential))

    def watch(self, action: str) -> None:
        """The circuit breaker: an action that fails again and again is paused until a person has looked."""
        last = self.store.outcomes(action, MAX_FAILURES_IN_A_ROW)
        if len(last) == MAX_FAILURES_IN_A_ROW and set(last) == {"FAILED"}:
            reason = f"it has failed {MAX_FAILURES_IN_A_ROW} times in a row; look at the system, then resume"
            self._rule(
                lambda standing: TripCircuitBreaker(action, reason), redraw=f"action:{action}"
            )

    def asked(self, by: str, surface: str) -> Asked:
        """Who asks, with the groups that count for the desk as a whole, read fresh."""
        governors = self._members(self.library.governors())
        deciders = self._members(self.library.deciders())
        person = self.directory.person(by, fresh=True)
        return Asked(person, deciders, governors, surface, self.library.identities())

    def scope_of(self, words: str) -> str:
        """What a person means by "/exceptions pause …": nothing for everything, a kind, an action or a system."""
        said = words.strip().lower().replace("-", "_").replace(" ", "_")
        if said in {"", "all", "everything"}:
            return ""
        if self.library.playbook(said).kind == said:
            return f"kind:{said}"
        if said in self.library.policy().actions:
            return f"action:{said}"
        systems = {action.partition(".")[0] for action in self.library.policy().actions}
        if said in systems:
            return f"system:{said}"
        kinds = ", ".join(kind.replace("_", " ") for kind, _ in self.library.titles())
        raise BadRequest(
            f"there is no kind, action or system called {words.strip()[:50]!r}; kinds are: {kinds}"
        )

    def _must_mean_something(self, scope: str) -> None:
        if scope:
            self.scope_of(scope.partition(":")[2])

    def _members(self, handles: list[str]) -> frozenset[str]:
        groups = self.directory.groups(handles, fresh=True)
        return frozenset().union(*groups.values()) if groups else frozenset()

    def _rule(
        self, move: Callable[[DeskControls], Move], *, redraw: str | None = None
    ) -> DeskControls:
        def attempt() -> DeskControls:
            standing, now = self.store.controls(), self.clock()
            rulings = decide_controls(standing, move(standing), now)
            if not rulings:
                return standing
            cards = (
                []
                if redraw is None
                else [card_message(case_id, now) for case_id in self.store.affected(redraw)]
            )
            return self.store.save_controls(standing, rulings, cards)

        return retry_on_conflict(attempt)


def _operator(name: str) -> Asked:
    """Somebody with a shell on the bot's machine: trusted there, and a name in the record."""
    return Asked(Person(f"operator:{name}", name), frozenset(), frozenset(), "command line")
