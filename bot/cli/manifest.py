"""``countersign manifest``, which the Slack CLI calls as a hook."""

from typing import Annotated

import typer

from bot.cases.errors import Refusal
from bot.cli.terminal import print_json
from handlers.slack.manifest import http_manifest, read_manifest


def manifest(
    http: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help=(
                "The https address at which Slack reaches the bot, like https://bot.example.com; "
                "without it the app uses Socket Mode."
            ),
        ),
    ] = "",
    several: Annotated[
        bool,
        typer.Option(
            "--workspaces",
            help="Several workspaces install the app, for `countersign workspaces run`.",
        ),
    ] = False,
) -> None:
    if several and not http:
        raise Refusal("an app for several workspaces is reached over HTTP: name --http URL too")
    if not http:
        print_json(read_manifest())
        return
    # Imported here: the Slack CLI asks for the manifest at every command.
    from handlers.workspaces.app import REDIRECT_PATH

    print_json(http_manifest(http, redirect_path=REDIRECT_PATH if several else ""))
