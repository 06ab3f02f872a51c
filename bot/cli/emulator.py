"""``countersign emulator``: a Slack workspace on this machine, for any app."""

import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from bot.cases.errors import Refusal
from bot.cli.terminal import out
from bot.demo.people import WORKSPACE
from bot.emulator.oauth import Client
from bot.emulator.request_url import AppAddress
from bot.emulator.seed_file import SeedError, read_manifest, read_seed
from bot.emulator.server import DistributedApp, build
from bot.emulator.serving import serve
from bot.sockets import LOOPBACK, listen_on

DEFAULT_PORT = 8765
DEFAULT_SECRET = "emulator"  # noqa: S105  protects nothing: anyone on this machine may act


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
    request_url: Annotated[
        str,
        typer.Option(help="The app's address for requests over HTTP. Without it, Socket Mode."),
    ] = "",
    signing_secret: Annotated[
        str, typer.Option(help="What requests over HTTP are signed with.")
    ] = DEFAULT_SECRET,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    content, permissions = _read(seed, manifest)
    app = _app_at(request_url, signing_secret)
    try:
        listener = listen_on(port)
    except OSError:
        raise Refusal(f"port {port} is taken; name another with --port, or 0 for any") from None
    port = listener.getsockname()[1]
    application = build(
        host=f"{LOOPBACK}:{port}",
        manifest=permissions,
        app=app,
        content=content,
    )
    _greet(content, port, app)
    if open_page:
        webbrowser.open(f"http://{LOOPBACK}:{port}")
    try:
        serve(application, host=LOOPBACK, port=port, listener=listener)
    except KeyboardInterrupt:
        sys.exit(0)


def _app_at(request_url: str, signing_secret: str) -> DistributedApp | None:
    """Return the app that is reached over HTTP; None for Socket Mode.

    Raises:
        Refusal: the address is none.
    """
    if not request_url:
        return None
    if urlsplit(request_url).scheme not in {"http", "https"}:
        raise Refusal(
            "--request-url must be the address of your app, such as"
            " http://127.0.0.1:3000/slack/events"
        )
    return DistributedApp(
        address=AppAddress(request_url, signing_secret),
        client=Client(id=DEFAULT_SECRET, secret=DEFAULT_SECRET),
    )


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


def _greet(content: dict[str, Any], port: int, app: DistributedApp | None) -> None:
    url = f"http://{LOOPBACK}:{port}"
    people = ", ".join(str(user.get("real_name", user["name"])) for user in content["users"])
    channels = ", ".join(f"#{channel['name']}" for channel in content["channels"])
    out.print(f"Slack for tests: {url}", markup=False, soft_wrap=True)
    out.print(f"  people    {people or 'nobody'}", markup=False, soft_wrap=True)
    out.print(f"  channels  {channels or 'none'}", markup=False, soft_wrap=True)
    out.print("Point an app at it with these settings:", markup=False)
    out.print(f"  SLACK_API_URL={url}/api/", markup=False, soft_wrap=True)
    out.print("  SLACK_BOT_TOKEN=xoxb-emulator", markup=False)
    if app is None:
        out.print("  SLACK_APP_TOKEN=xapp-emulator", markup=False)
    else:
        out.print(f"  SLACK_SIGNING_SECRET={app.address.signing_secret}", markup=False)
    out.print("Bolt takes the address as WebClient(base_url=…), in JavaScript as", markup=False)
    out.print("clientOptions: { slackApiUrl: … }.", markup=False)
    out.print("Ctrl-C ends it, and all that was written with it.", markup=False)
