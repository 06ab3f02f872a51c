"""Enrolment of passkeys: invite, add and remove."""

import secrets
from dataclasses import dataclass
from functools import cached_property

from bot.cases.actor import Surface
from bot.cases.caller import Caller
from bot.cases.control_commands import (
    AddPasskey,
    ControlCommand,
    InvitePasskey,
    RemovePasskey,
)
from bot.cases.errors import TooLate
from bot.cases.passkey import INVITATION_IS_OVER, Invitation, Passkey, find_live_link, link_hash
from bot.desk.control_path import ControlPath
from bot.ports.case_queries import CaseQueries
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory

TOKEN_BYTES = 32


@dataclass(frozen=True)
class PasskeyEnrolment:
    """Manages the passkeys of approvers."""

    desk_controls: DeskControlsStore
    queries: CaseQueries
    directory: Directory
    clock: Clock

    @cached_property
    def path(self) -> ControlPath:
        """Take the one path of all controls."""
        return ControlPath(self.desk_controls, self.queries, self.clock)

    def invite(self, to: str, *, operator: str) -> str:
        """Let a person add a passkey, by a link that works once.

        It returns the secret of the link.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        person = self.directory.person(to, fresh=True)

        def command() -> ControlCommand:
            return InvitePasskey(Caller.operator(operator), person, link_hash(token))

        self.path.decide(command)
        return token

    def find_invitation(self, token: str) -> Invitation:
        """Find the invitation behind this link.

        Raises:
            TooLate: there is none, or the link has expired.
        """
        invitations = self.desk_controls.load().invitations
        invitation = find_live_link(invitations, link_hash(token), self.clock())
        if invitation is None:
            raise TooLate(INVITATION_IS_OVER)
        return invitation

    def add(self, invitation: Invitation, passkey: Passkey, *, surface: Surface) -> None:
        """Add the passkey that an invited person has registered."""
        person = self.directory.person(invitation.person, fresh=True)
        caller = Caller(person=person, surface=surface)

        def command() -> ControlCommand:
            return AddPasskey(caller, passkey, invitation.ticket)

        self.path.decide(command)

    def remove(self, credential: str, *, operator: str) -> None:
        """Revoke a passkey. Pending approvals it signed become invalid.

        Accepts a unique prefix of its id.
        """

        def command() -> ControlCommand:
            return RemovePasskey(Caller.operator(operator), credential)

        self.path.decide(command)
