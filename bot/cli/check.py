"""``countersign check``."""

from typing import Annotated

import typer

from bot.cases.errors import SettingsIncomplete
from bot.cases.finding import Severity
from bot.cli.findings import (
    UNCHECKED,
    find_all_problems,
    find_slack_problems,
    group_by_cause,
    print_findings,
)
from bot.cli.rules_status import note_about_rules
from bot.cli.terminal import AsJson, err
from bot.ports.pinned_names import PinsInMemory
from bot.settings import NO_BOT_TOKEN, PACKAGED_LIBRARY, Settings, load_offline

NO_SLACK = (
    "Slack: not set up yet. `countersign run` needs SLACK_BOT_TOKEN (xoxb-…), and SLACK_APP_TOKEN"
    " (xapp-…) or SLACK_SIGNING_SECRET; `countersign demo` needs none of them."
)

SAMPLE = (
    "Note: this is the library of the sample company. COUNTERSIGN_LIBRARY_DIR in the environment or"
    " in a .env of this folder names your own; `countersign init` writes one."
)


def check(
    slack: Annotated[
        bool,
        typer.Option("--slack", help="Ask Slack too: tokens, permissions, channels, groups."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    try:
        settings = load_offline()
    except SettingsIncomplete as refusal:
        err.print(str(refusal), style="red", markup=False)
        raise typer.Exit(UNCHECKED) from None
    if not settings.library_dir.is_dir():
        err.print(
            f"There is no folder {settings.library_dir}: set COUNTERSIGN_LIBRARY_DIR to the folder"
            " of your library, or make one with `countersign init`.",
            style="red",
            markup=False,
        )
        raise typer.Exit(UNCHECKED)
    if settings.library_dir == PACKAGED_LIBRARY:
        err.print(SAMPLE, markup=False, soft_wrap=True)
    findings, library = find_all_problems(settings)
    if library is None:
        err.print("The systems are asked once these files can be read.", markup=False)
    else:
        if slack:
            findings += find_slack_problems(settings, library, PinsInMemory())
        note = note_about_rules(settings)
        if note:
            # Files are checked before they are in force: no mistake, and no other status.
            err.print(f"Note: {note}", markup=False, soft_wrap=True)
    hints = group_by_cause(one for one in findings if one.severity is Severity.HINT)
    otherwise = "Everything is in place."
    if hints:
        otherwise = f"Everything that is needed is in place; hints: {len(hints)}."
    status = print_findings(findings, otherwise=otherwise, as_json=as_json)
    if not slack and _is_without_slack(settings):
        # No mistake: the files can be checked before there is an app.
        err.print(NO_SLACK, markup=False, soft_wrap=True)
    raise typer.Exit(status)


def _is_without_slack(settings: Settings) -> bool:
    """Tell whether neither a token nor an app to install is set."""
    return settings.slack_bot_token == NO_BOT_TOKEN and not settings.slack_client_id
