"""A program before its HTTP endpoints, over the real desk."""

import pytest
from starlette.testclient import TestClient

from bot.audit.checkpoints import Checkpoints
from bot.audit.receipts import Receipts
from bot.desk.program_approvals import ApprovalRecords
from handlers.intake.app import IntakeApi, build_app
from handlers.intake.authentication import Sources
from handlers.programs import approvals
from handlers.programs.approval_operations import approval_operations
from handlers.programs.approvals import ApprovalsApi
from handlers.programs.authentication import Programs
from handlers.programs.signals import ProgramSignals
from handlers.programs.waiting import CaseWaits
from tests.desk.test_program_approvals import AGENT


class ProgramClient:
    """A program with a token, as an HTTP client."""

    def __init__(self, world, signer, program=AGENT, **token):
        world.library.programs[program.name] = program
        world.start("")
        self.world = world
        self.programs = Programs(world.desk.program_tokens)
        self.api = ApprovalsApi(
            programs=self.programs,
            approvals=world.desk.program_approvals,
            records=ApprovalRecords(signer),
            waits=CaseWaits(queries=world.store.queries, poll_seconds=0.01),
        )
        intake = IntakeApi(
            intake=world.desk.intake,
            sources=Sources({}, {}),
            find_problems=list,
            of_programs=ProgramSignals(self.programs, world.desk.intake),
        )
        app = build_app(intake, operations=approval_operations(self.api))
        self.http = TestClient(app, raise_server_exceptions=False)
        self.sign_in(program, **token)

    def sign_in(self, program, **token):
        secret = self.world.desk.program_tokens.make(program.name, operator="root", **token)
        self.http.headers["authorization"] = f"Bearer {secret}"

    def ask(self, **changes):
        body = {**ASKED, **changes}
        return self.http.post("/v1/approvals", json={k: v for k, v in body.items() if v is not ...})


ASKED = {
    "action": "refund",
    "arguments": {"booking": "B-17", "deposit": 40},
    "summary": "The guest cancelled in time",
    "idempotency_key": "key-1",
}


@pytest.fixture
def signer(tmp_path):
    return Receipts(Checkpoints(tmp_path / "notes", "countersign"))


@pytest.fixture
def client(small_world, signer, monkeypatch):
    # Nobody works here while a request waits for its plan.
    monkeypatch.setattr(approvals, "PLAN_SECONDS", 0.0)
    return ProgramClient(small_world, signer)
