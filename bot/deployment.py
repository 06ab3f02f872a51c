"""A deployment of several workspaces: front door and bots."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa
from slack_bolt.oauth import OAuthFlow
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk.errors import SlackTokenRotationError
from slack_sdk.oauth.installation_store import Bot
from slack_sdk.oauth.token_rotation import TokenRotator
from slack_sdk.web import WebClient
from uvicorn.server import Server

from bot.clock import utc_now
from bot.settings import Settings
from bot.workspaces import WorkspaceProcesses, workspace_schema
from handlers.intake.server import ConnectionLimits, build_server
from handlers.slack.scopes import BOT_SCOPES
from handlers.slack.web_client import web_client
from handlers.workspaces.app import FORWARD_TIMEOUT_SECONDS, INSTALL_PATH, REDIRECT_PATH, FrontDoor
from handlers.workspaces.installations import Installations, WorkspaceId

log = logging.getLogger(__name__)
#: Slack's tokens last twelve hours where they end at all, and are renewed so long before.
RENEWAL_LEAD_MINUTES = 120
LOOK_INTERVAL_SECONDS = 60.0
RETRY_INTERVAL_SECONDS = 5.0
STOP_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class InstalledWorkspaces:
    """The workspaces that have installed the app, with their tokens and processes."""

    installations: Installations
    rotator: TokenRotator
    processes: WorkspaceProcesses
    #: PostgreSQL has a schema for each; SQLite a file, which needs no preparation.
    has_schemas: bool

    def bring_up(self) -> None:
        """Renew tokens, and run a process for each workspace."""
        tokens = {}
        for workspace, bot in self.installations.list_bots().items():
            if self.has_schemas:
                self._create_schema(workspace)
            tokens[str(workspace)] = self._renew(workspace, bot).bot_token
        self.processes.bring_to(tokens)

    def _renew(self, workspace: WorkspaceId, bot: Bot) -> Bot:
        """Return the bot with a token that has time left.

        Slack takes the one before back soon.
        """
        try:
            successor = self.rotator.perform_bot_token_rotation(
                bot=bot, minutes_before_expiration=RENEWAL_LEAD_MINUTES
            )
        except SlackTokenRotationError as failure:
            # The present one is good for two hours still, and is tried again before that.
            log.warning("the token of workspace %s could not be renewed: %s", workspace, failure)
            return bot
        if successor is None:
            return bot
        self.installations.save_bot(successor)
        return successor

    def _create_schema(self, workspace: WorkspaceId) -> None:
        schema = sa.schema.CreateSchema(workspace_schema(str(workspace)), if_not_exists=True)
        with self.installations.engine.begin() as connection:
            connection.execute(schema)


@dataclass(kw_only=True)
class Deployment:
    """The front door, and the workspaces behind it."""

    workspaces: InstalledWorkspaces
    server: Server
    #: Set when a workspace has installed the app, or has taken it out.
    changes: threading.Event
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False)

    def start(self) -> None:
        """Bring every workspace up, then open the front door."""
        self.workspaces.installations.prepare()
        self.workspaces.bring_up()
        self._run(self.server.run, "front-door")
        self._run(self._follow_changes, "workspaces")

    def stop(self) -> None:
        """Take nothing new, and let every workspace finish what it has begun."""
        self._stopping.set()
        self.changes.set()
        self.server.should_exit = True
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_SECONDS)
        self.workspaces.processes.stop()
        self.workspaces.installations.engine.dispose()

    def _run(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _follow_changes(self) -> None:
        """Bring the workspaces up on changes, and at intervals."""
        interval = LOOK_INTERVAL_SECONDS
        while True:
            self.changes.wait(interval)
            if self._stopping.is_set():
                return
            self.changes.clear()
            interval = LOOK_INTERVAL_SECONDS
            try:
                self.workspaces.bring_up()
            except sa.exc.DBAPIError:
                log.warning("the installations could not be read; trying again", exc_info=True)
                interval = RETRY_INTERVAL_SECONDS


def open_installations(settings: Settings) -> Installations:
    """Open the installations, in the database of the deployment."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Installations(
        client_id=settings.slack_client_id,
        engine=sa.create_engine(settings.database_url, hide_parameters=True, pool_pre_ping=True),
        keys=settings.installation_keys,
    )


def build_deployment(settings: Settings) -> Deployment:
    """Build the deployment, not yet started."""
    installations = open_installations(settings)
    client = web_client("", settings.slack_api_url)
    processes = WorkspaceProcesses(settings=settings)
    changes = threading.Event()
    workspaces = InstalledWorkspaces(
        installations=installations,
        rotator=TokenRotator(
            client_id=settings.slack_client_id,
            client_secret=settings.slack_client_secret,
            client=client,
        ),
        processes=processes,
        has_schemas=not settings.database_url.startswith("sqlite"),
    )
    door = FrontDoor(
        installations=installations,
        oauth=_build_oauth(settings, installations, client),
        signing_secrets=settings.slack_signing_secrets,
        clock=utc_now,
        base_host=urlsplit(settings.public_url).hostname or "",
        find_address=processes.find_address,
        on_change=changes.set,
        find_problems=processes.find_problems,
        client=httpx.AsyncClient(timeout=FORWARD_TIMEOUT_SECONDS, trust_env=False),
    )
    server = build_server(
        door.build(),
        host=settings.host,
        port=settings.port,
        limits=ConnectionLimits(per_address=settings.connections_per_address),
    )
    return Deployment(workspaces=workspaces, server=server, changes=changes)


def _build_oauth(settings: Settings, installations: Installations, client: WebClient) -> OAuthFlow:
    authorize_url = urlsplit(settings.slack_api_url)
    return OAuthFlow(
        client=client,
        logger=log,
        settings=OAuthSettings(
            client_id=settings.slack_client_id,
            client_secret=settings.slack_client_secret,
            scopes=BOT_SCOPES,
            redirect_uri=f"{settings.public_url}{REDIRECT_PATH}",
            install_path=INSTALL_PATH,
            redirect_uri_path=REDIRECT_PATH,
            authorization_url=f"{authorize_url.scheme}://{authorize_url.netloc}/oauth/v2/authorize",
            installation_store=installations,
            state_store=installations.states,
        ),
    )
