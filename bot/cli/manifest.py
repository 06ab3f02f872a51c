"""``countersign manifest``, which the Slack CLI calls as a hook."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cases.errors import Refusal
from bot.cli.terminal import print_json
from bot.lazy_module import LazyModule
from handlers.slack.manifest import http_manifest, read_manifest

if TYPE_CHECKING:
    from handlers.workspaces import app as front_door
else:
    # The Slack CLI asks for the manifest at every command.
    front_door = LazyModule("handlers.workspaces.app")


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
    redirect_path = ""
    if several:
        redirect_path = front_door.REDIRECT_PATH
    print_json(http_manifest(http, redirect_path=redirect_path))
