"""``python -m bot.emulator --port 8765``: the emulator on its own."""

import argparse
import os
import socket
import sys
import threading
from pathlib import Path

from bot.emulator.oauth import Client
from bot.emulator.request_url import AppAddress
from bot.emulator.seed_file import SeedError, read_manifest, read_seed
from bot.emulator.server import DistributedApp, build
from bot.emulator.serving import serve
from bot.emulator.wire import Json

DEFAULT_PORT = 8765


def main() -> None:
    """Serve until interrupted."""
    options = _parse_options()
    if options.attached:
        threading.Thread(target=_end_with_input, name="parent", daemon=True).start()
    try:
        manifest = read_manifest(options.manifest) if options.manifest else None
        seed = read_seed(options.seed) if options.seed else None
    except SeedError as error:
        sys.exit(str(error))
    _serve(options, manifest, seed)


def _serve(options: argparse.Namespace, manifest: Json | None, seed: Json | None) -> None:
    port = options.port
    listener = None
    if options.fd:
        listener = socket.socket(fileno=options.fd)
        port = listener.getsockname()[1]
    application = build(
        host=f"{options.host}:{port}",
        manifest=manifest,
        app=_parse_app(options),
        content=seed,
    )
    try:
        serve(application, host=options.host, port=port, listener=listener)
    except KeyboardInterrupt:
        sys.exit(0)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bot.emulator",
        description="A small Slack on localhost.",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="loopback unless you know better: anyone who reaches it can act as anyone",
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument(
        "--manifest",
        type=Path,
        help="the app's manifest.yml: its scopes, events and commands are enforced",
    )
    parser.add_argument(
        "--seed",
        type=Path,
        help="a YAML file of people, groups and channels that are there at the start",
    )
    parser.add_argument(
        "--fd",
        type=int,
        help="a socket that is bound already, from the process that starts this one",
    )
    parser.add_argument(
        "--attached",
        action="store_true",
        help="end when standard input does, and so with its starter",
    )
    _add_app_options(parser)
    return parser.parse_args()


def _add_app_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of an app that several teams install by themselves."""
    parser.add_argument(
        "--request-url",
        help="the app's address for events; instead of Socket Mode, and teams install the app",
    )
    parser.add_argument("--signing-secret", default="", help="signs what is sent there")
    parser.add_argument("--client-id", default="", help="the app's id for OAuth")
    parser.add_argument("--client-secret", default="", help="its secret")
    parser.add_argument(
        "--token-seconds",
        type=float,
        default=0.0,
        help="seconds until a token must be refreshed; 0 for tokens without an end",
    )
    parser.add_argument(
        "--team",
        action="append",
        default=[],
        metavar="ID=NAME",
        help="a team beside the first; its control API stands under /ID",
    )


def _parse_app(options: argparse.Namespace) -> DistributedApp | None:
    if not options.request_url:
        return None
    teams = [(team.partition("=")[0], team.partition("=")[2]) for team in options.team]
    return DistributedApp(
        address=AppAddress(options.request_url, options.signing_secret),
        client=Client(
            id=options.client_id,
            secret=options.client_secret,
            token_seconds=options.token_seconds,
        ),
        teams=teams,
    )


def _end_with_input() -> None:
    """End this process when its standard input is closed."""
    # The bare descriptor: a thread inside a buffered reader keeps an interpreter from ending
    # by itself.
    while os.read(0, 1_024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
