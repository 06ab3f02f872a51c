"""``countersign workspaces``."""

import logging

from cryptography.fernet import Fernet
from rich.table import Table
from slack_sdk.oauth.installation_store import Bot

from bot import deployment
from bot.cli.logs import configure_logging
from bot.cli.shutdown import StopSignal
from bot.cli.terminal import AsJson, out, print_json
from bot.settings import Settings, load_deployment
from bot.workspaces import workspace_library, workspace_url, workspaces_with_data
from handlers.workspaces.app import INSTALL_PATH

log = logging.getLogger("countersign")
COLUMNS = ("workspace", "name", "installed", "library", "address")


def run() -> None:
    settings = load_deployment()
    configure_logging(settings.log_level, settings.log_format)
    service = deployment.build_deployment(settings)
    stop = StopSignal()
    service.start()
    log.info("open: workspaces install at %s%s", settings.public_url, INSTALL_PATH)
    stop.wait()
    log.info("closing: every workspace finishes what is in hand")
    service.stop()


def list_workspaces(as_json: AsJson = False) -> None:
    settings = load_deployment()
    rows = _describe_workspaces(settings)
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print(f"No workspace has installed the app. Open {settings.public_url}{INSTALL_PATH}.")
        return
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*(str(row[column]) for column in COLUMNS))
    out.print(table)


def make_key() -> None:
    print(Fernet.generate_key().decode())


def _describe_workspaces(settings: Settings) -> list[dict[str, str]]:
    installations = deployment.open_installations(settings)
    try:
        installations.prepare()
        bots = {str(workspace): bot for workspace, bot in installations.list_bots().items()}
    finally:
        installations.engine.dispose()
    names = sorted({*bots, *workspaces_with_data(settings)})
    return [_describe_workspace(settings, name, bots.get(name)) for name in names]


def _describe_workspace(settings: Settings, workspace: str, bot: Bot | None) -> dict[str, str]:
    library = workspace_library(settings, workspace)
    row = {
        "workspace": workspace,
        "name": "",
        "installed": "no",
        "library": str(library),
        "address": workspace_url(settings, workspace),
    }
    if bot is not None:
        row |= {"name": bot.team_name or bot.enterprise_name or "", "installed": "yes"}
    if not library.is_dir():
        row["library"] = f"missing: {library}"
    return row
