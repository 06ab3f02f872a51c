"""The HTTP server: the intake, the passkey pages, Slack over HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slack_bolt import App
from uvicorn.server import Server

from bot.cases.controls import EVERYTHING
from bot.cases.errors import ChatFailed
from bot.cases.source import Source
from bot.desk.case_progress import CaseProgress
from bot.desk.case_reading import CaseReading
from bot.desk.decisions import Decisions
from bot.desk.intake import Intake
from bot.desk.passkeys import PasskeyEnrolment
from bot.desk.program_approvals import ApprovalRecords, ProgramApprovals
from bot.desk.program_tokens import ProgramTokens
from bot.ports.case_queries import CaseQueries
from bot.ports.clock import Clock
from bot.ports.receipts import ReceiptSigner
from bot.settings import Settings
from bot.store.store import Store
from handlers.intake.app import IntakeApi
from handlers.intake.app import build_app as build_intake
from handlers.intake.authentication import Credentials, Sources
from handlers.intake.request_log import RequestLog
from handlers.intake.server import ConnectionLimits, build_server
from handlers.passkeys import app as passkeys
from handlers.passkeys.ceremony import Ceremony
from handlers.programs.approval_operations import approval_operations
from handlers.programs.approvals import ApprovalsApi
from handlers.programs.authentication import Programs
from handlers.programs.cases import CaseApi
from handlers.programs.operation import Operation
from handlers.programs.signals import ProgramSignals
from handlers.programs.waiting import CaseWaits
from handlers.slack import http_receiver
from handlers.slack.chat import SlackChat
from handlers.slack.socket_mode import SocketModeConnection


@dataclass(frozen=True, kw_only=True)
class HealthChecks:
    """Find out whether the bot can receive, and whether it may act."""

    store: Store
    chat: SlackChat
    #: None when Slack sends over HTTP.
    socket: SocketModeConnection | None
    #: Lists the worker processes that are missing, as sentences.
    find_missing_workers: Callable[[], list[str]] = list
    #: Lists the parts that do not work while others do, as sentences.
    list_gaps: Callable[[], list[str]] = list

    def find_problems(self) -> list[str]:
        """Return a sentence for each reason not to be ready."""
        problems = []
        try:
            self.store.ledger.head()
        except Exception as failure:
            # A health check reports whatever it meets.
            problems.append(f"database: {type(failure).__name__}")
        try:
            self.chat.ping()
        except ChatFailed as failure:
            problems.append(f"Slack: {failure.error}")
        if self.socket and not self.socket.is_connected():
            problems.append(
                "Slack: no connection, so no press and no question arrives; "
                "it is tried again by itself"
            )
        return problems + self.find_missing_workers()

    def find_warnings(self) -> list[str]:
        """Return what does not work while the rest does.

        That is no reason not to be ready. Nobody is named: whoever reaches the port reads it.
        """
        try:
            count = len(self.store.outbox.parked_messages())
        except Exception:
            # ``find_problems`` tells of a database that is away.
            return []
        warnings = self.list_gaps()
        if count:
            noun = "piece of work is" if count == 1 else "pieces of work are"
            warnings.append(f"{count:,} {noun} parked; `countersign doctor` says which, and why")
        return warnings

    def find_pauses(self) -> list[str]:
        """Return a sentence for each pause of everything."""
        pauses = self.store.desk_controls.load().holds
        return [pause.description for pause in pauses if pause.scope == EVERYTHING]


@dataclass(frozen=True, kw_only=True)
class HttpServices:
    """All of the desk that programs and passkeys reach over HTTP."""

    intake: Intake
    progress: CaseProgress
    decisions: Decisions
    enrolment: PasskeyEnrolment
    program_tokens: ProgramTokens
    reading: CaseReading
    program_approvals: ProgramApprovals
    queries: CaseQueries
    #: Signs the decisions on what programs ask for.
    signer: ReceiptSigner


def build_http_server(
    *,
    settings: Settings,
    services: HttpServices,
    sources: Mapping[str, Source],
    slack_app: App,
    health: HealthChecks,
    clock: Clock,
) -> Server:
    """Build the server with all routes, not yet listening."""
    programs = Programs(services.program_tokens)
    intake_api = IntakeApi(
        of_programs=ProgramSignals(programs, services.intake),
        intake=services.intake,
        sources=Sources(
            sources,
            _credentials(sources, settings),
            trusted_proxies=settings.trusted_proxies,
            clock=clock,
        ),
        public_url=settings.public_url,
        find_problems=health.find_problems,
        list_pauses=health.find_pauses,
        find_warnings=health.find_warnings,
    )
    case_api = CaseApi(
        reading=services.reading,
        progress=services.progress,
        programs=programs,
        read_tokens=settings.api_tokens,
    )
    routes = passkeys.routes(
        decisions=services.decisions,
        enrolment=services.enrolment,
        ceremony=Ceremony(settings.public_url),
        clock=clock,
    )
    # With Socket Mode nothing needs to reach us, so nothing is answered either.
    if health.socket is None:
        slack_route = http_receiver.route(
            app=slack_app,
            secrets=settings.slack_signing_secrets,
            clock=clock,
            priority=services.decisions.priority,
        )
        routes = [slack_route, *routes]
    app = build_intake(
        intake_api,
        operations=[*case_api.operations(), *_approval_operations(services, programs)],
        extra_routes=routes,
        url=settings.public_url,
    )
    return build_server(
        # Around everything, so that the answer to a failure of ours has an id, too.
        RequestLog(app),
        host=settings.host,
        port=settings.port,
        limits=ConnectionLimits(per_address=settings.connections_per_address),
    )


def _approval_operations(services: HttpServices, programs: Programs) -> list[Operation]:
    api = ApprovalsApi(
        programs=programs,
        approvals=services.program_approvals,
        records=ApprovalRecords(services.signer),
        waits=CaseWaits(queries=services.queries),
    )
    return approval_operations(api)


def _credentials(sources: Mapping[str, Source], settings: Settings) -> dict[str, Credentials]:
    """Return the secrets of each source that are valid now."""
    credentials = {}
    for name, source in sources.items():
        tokens = map(settings.secret, source.token_env)
        webhook_secrets = map(settings.secret, source.webhook_secret_env)
        secrets = map(settings.secret, source.verify.secret_env if source.verify else ())
        credentials[name] = Credentials(
            tokens=tuple(filter(None, tokens)),
            webhook_secrets=tuple(filter(None, webhook_secrets)),
            secrets=tuple(filter(None, secrets)),
        )
    return credentials
