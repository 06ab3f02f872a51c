"""Signals of programs, of the kinds that programs.yml allows."""

from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bot.cases.errors import KeyReused
from bot.cases.program import ProgramCaller
from bot.cases.program_token import PREFIX
from bot.cases.signal import Signal
from bot.cases.source import Format, Source
from bot.desk.intake import Intake
from bot.ports.case_store import Receipt
from handlers.intake.authentication import bearer_token
from handlers.intake.problem import Problem
from handlers.intake.reading import read_body
from handlers.intake.responses import batch_response
from handlers.intake.sources import signals
from handlers.programs.authentication import Programs


@dataclass(frozen=True)
class ProgramSignals:
    """Receives the signals of programs, in our own format."""

    programs: Programs
    intake: Intake

    def is_for(self, request: Request) -> bool:
        """Tell whether a request carries a program's token, valid or not."""
        token = bearer_token(request.headers)
        return token is not None and token.startswith(PREFIX)

    async def receive(self, request: Request) -> Response:
        """Authenticate the program, and record its signal."""
        caller = await self.programs.authenticate(request.headers)
        self.programs.consume_quota(caller)
        body = await read_body(request)
        (item,) = signals.parse_signals(body, request.headers, _source(caller))
        if isinstance(item, Problem):
            raise item
        # Whoever it acts for may not approve what comes of it.
        signal = replace(item, principals=caller.program.acts_for)
        return batch_response([await run_in_threadpool(self._record, signal, body)])

    def _record(self, signal: Signal, body: bytes) -> Receipt | Problem:
        try:
            return self.intake.receive(signal, body)
        except KeyReused as error:
            return Problem(409, f"{error}; both are kept, nothing was merged", "key")


def _source(caller: ProgramCaller) -> Source:
    program = caller.program
    if not program.kinds:
        raise Problem(403, f"programs.yml lets {program.name} raise no kind of case")
    return Source(name=program.source, format=Format.SIGNAL, kinds=program.kinds)
