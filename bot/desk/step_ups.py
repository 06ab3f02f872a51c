"""Step-up approvals: begun in Slack, signed on a page."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.caller import Caller
from bot.cases.case import Case
from bot.cases.commands import Approve, BeginApproval, BeginUndo, Command, Undo
from bot.cases.errors import NoSuchCase, Refusal, TooLate
from bot.cases.passkey import (
    LINK_IS_OVER,
    Assertion,
    Purpose,
    StepUp,
    find_live_link,
    link_hash,
)
from bot.cases.seen import DecisionKind, Seen
from bot.desk.decision_path import DecisionPath, Request

TOKEN_BYTES = 32
DECISION_FOR = {Purpose.APPROVE: DecisionKind.APPROVE, Purpose.UNDO: DecisionKind.UNDO}

#: Verifies the answer of the device to this question. Raises ``NotEligible`` for a forged one.
Prove = Callable[[Case, StepUp], Assertion]


@dataclass(frozen=True)
class StepUps:
    """Begins and finishes step-up approvals."""

    path: DecisionPath
    #: The mode that the program runs in.
    mode: str

    def begin_approval(self, request: Request, note: str) -> str:
        """Begin the approval of a plan.

        It returns the secret of the link to the page.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        command = partial(
            BeginApproval,
            note=note,
            ticket=link_hash(token),
            passkeys=self.path.desk_controls.load().passkeys,
        )
        self.path.decide(DecisionKind.APPROVE, request, command)
        return token

    def begin_undo(self, request: Request, note: str) -> str:
        """Begin the approval of an undo.

        It returns the secret of the link to the page.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        command = partial(
            BeginUndo,
            note=note,
            ticket=link_hash(token),
            mode=self.mode,
            passkeys=self.path.desk_controls.load().passkeys,
        )
        self.path.decide(DecisionKind.UNDO, request, command)
        return token

    def find(self, case_id: str, token: str) -> tuple[Case, StepUp]:
        """Find the approval that waits behind this link.

        Raises:
            TooLate: there is none, or the link has expired. A missing case reads the same.
        """
        try:
            case = self.path.cases.case(case_id)
        except NoSuchCase:
            raise TooLate(LINK_IS_OVER) from None
        step_up = find_live_link(case.proposal.step_ups, link_hash(token), self.path.clock())
        if step_up is None or step_up.revision != case.proposal.revision:
            raise TooLate(LINK_IS_OVER)
        return case, step_up

    def finish(self, case_id: str, token: str, prove: Prove, *, surface: Surface) -> Case:
        """Count the approval that the person's device has signed.

        Raises:
            Refusal: an expected no; a forged answer is recorded too.
        """
        case, step_up = self.find(case_id, token)
        decision = DECISION_FOR[step_up.purpose]
        # The link was begun for the plan of this revision: a new plan would have ended it.
        request = Request(
            case_id=CaseId(case_id),
            by=UserId(step_up.person),
            seen=Seen.of(case),
            surface=surface,
        )
        try:
            assertion = prove(case, step_up)
        except Refusal as refusal:
            self.path.refuse(request, decision, refusal)
            raise

        def command(case: Case, caller: Caller) -> Command:
            passkeys = self.path.desk_controls.load().passkeys
            if step_up.purpose is Purpose.UNDO:
                return Undo(
                    caller,
                    request.seen,
                    step_up.note,
                    mode=self.mode,
                    assertion=assertion,
                    passkeys=passkeys,
                )
            return Approve(
                caller,
                request.seen,
                step_up.note,
                assertion=assertion,
                passkeys=passkeys,
            )

        return self.path.decide_on_case(decision, request, command)
