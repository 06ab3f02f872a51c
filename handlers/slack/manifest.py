"""The Slack app's manifest, for each way that Slack reaches us."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.cases.errors import Refusal
from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from ruamel import yaml
else:
    # A bot that runs knows the path alone.
    yaml = LazyModule("ruamel.yaml")

#: Where Slack sends events, presses and commands over HTTP.
EVENTS_PATH = "/slack/events"
#: A link to the file at the top of the repository; a wheel has its content.
MANIFEST = Path(__file__).parent / "manifest.yml"


def read_manifest() -> dict[str, Any]:
    """Read the manifest of an app in Socket Mode."""
    parser = yaml.YAML(typ="safe")
    manifest: dict[str, Any] = parser.load(MANIFEST.read_text(encoding="utf-8"))
    return manifest


def http_manifest(public_url: str, *, redirect_path: str = "") -> dict[str, Any]:
    """Return the manifest of an app to which Slack sends over HTTP.

    With ``redirect_path`` several workspaces can install it.

    Raises:
        Refusal: Slack would not send to this address.
    """
    address = _checked_address(public_url)
    manifest = read_manifest()
    settings = manifest["settings"]
    settings["socket_mode_enabled"] = False
    request_url = f"{address}{EVENTS_PATH}"
    settings["event_subscriptions"]["request_url"] = request_url
    settings["interactivity"]["request_url"] = request_url
    settings["interactivity"]["message_menu_options_url"] = request_url
    for command in manifest["features"]["slash_commands"]:
        command["url"] = request_url
    if redirect_path:
        manifest["oauth_config"]["redirect_urls"] = [f"{address}{redirect_path}"]
    return manifest


def _checked_address(public_url: str) -> str:
    """Return the address without a slash at its end."""
    parts = urlsplit(public_url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Refusal(
            f"Slack sends to https addresses alone, without a path: https://bot.example.com, not"
            f" {public_url}"
        )
    return f"https://{parts.netloc}"
