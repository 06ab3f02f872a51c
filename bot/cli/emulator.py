"""``countersign emulator``: a Slack workspace on this machine, for any app."""

import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cases.errors import Refusal
from bot.cli.terminal import out
from bot.demo.people import WORKSPACE
from bot.emulator.seed_file import SeedError, read_manifest, read_seed
from bot.emulator.server import build
from bot.emulator.serving import serve
from bot.sockets import LOOPBACK, listen_on

DEFAULT_PORT = 8765


def emulator(
    seed: Annotated[
        Path | None,
        typer.Option(help="A YAML file of people, groups and channels. Without it, a sample."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(help="The app's manifest: its scopes, events and commands are enforced."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the page and the API; 0 chooses one.")] = (
        DEFAULT_PORT
    ),
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    content, permissions = _read(seed, manifest)
    try:
        listener = listen_on(port)
    except OSError:
        raise Refusal(f"port {port} is taken; name another with --port, or 0 for any") from None
    port = listener.getsockname()[1]
    application = build(host=f"{LOOPBACK}:{port}", manifest=permissions, content=content)
    _greet(content, port)
    if open_page:
        webbrowser.open(f"http://{LOOPBACK}:{port}")
    try:
        serve(application, host=LOOPBACK, port=port, listener=listener)
    except KeyboardInterrupt:
        sys.exit(0)


def _read(seed: Path | None, manifest: Path | None) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Read the files, and return the content and the manifest.

    Raises:
        Refusal: one of them is missing or wrong.
    """
    try:
        content = read_seed(seed) if seed else WORKSPACE
        permissions = read_manifest(manifest) if manifest else None
    except SeedError as error:
        raise Refusal(str(error)) from None
    return content, permissions


def _greet(content: dict[str, Any], port: int) -> None:
    url = f"http://{LOOPBACK}:{port}"
    people = ", ".join(str(user.get("real_name", user["name"])) for user in content["users"])
    channels = ", ".join(f"#{channel['name']}" for channel in content["channels"])
    out.print(f"Slack for tests: {url}", markup=False, soft_wrap=True)
    out.print(f"  people    {people or 'nobody'}", markup=False, soft_wrap=True)
    out.print(f"  channels  {channels or 'none'}", markup=False, soft_wrap=True)
    out.print("Point an app at it with these settings:", markup=False)
    out.print(f"  SLACK_API_URL={url}/api/", markup=False, soft_wrap=True)
    out.print("  SLACK_BOT_TOKEN=xoxb-emulator", markup=False)
    out.print("  SLACK_APP_TOKEN=xapp-emulator", markup=False)
    out.print("Ctrl-C ends it, and all that was written with it.", markup=False)
