import json

import jsonschema
import pytest

from bot.cases.errors import Refusal
from handlers.slack.manifest import http_manifest, read_manifest
from handlers.workspaces.app import REDIRECT_PATH
from tests.conftest import SHARED

URL = "https://bot.example.com"
SCHEMA = SHARED / "data/slack_payloads/manifest.schema.1.0.0.json"


def test_an_app_in_socket_mode_names_no_address():
    manifest = read_manifest()
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "http" not in json.dumps(manifest)


def test_over_http_slack_is_told_where_to_send_everything():
    manifest = http_manifest(f"{URL}/")
    settings = manifest["settings"]
    address = f"{URL}/slack/events"
    assert settings["socket_mode_enabled"] is False
    assert settings["event_subscriptions"]["request_url"] == address
    assert settings["interactivity"] == {
        "is_enabled": True,
        "request_url": address,
        "message_menu_options_url": address,
    }
    assert [command["url"] for command in manifest["features"]["slash_commands"]] == [address]
    assert "redirect_urls" not in manifest["oauth_config"]


def test_an_app_that_several_workspaces_install_names_where_they_return_to():
    manifest = http_manifest(URL, redirect_path=REDIRECT_PATH)
    assert manifest["oauth_config"]["redirect_urls"] == [f"{URL}/slack/oauth_redirect"]


@pytest.mark.skipif(not SCHEMA.exists(), reason="needs Slack's schema, from the shared data")
@pytest.mark.parametrize(
    "manifest",
    [read_manifest(), http_manifest(URL), http_manifest(URL, redirect_path=REDIRECT_PATH)],
    ids=["socket-mode", "http", "workspaces"],
)
def test_each_manifest_is_valid_by_the_schema_of_slack(manifest):
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(manifest)


@pytest.mark.parametrize(
    "url", ["http://bot.example.com", "bot.example.com", f"{URL}/slack", f"{URL}?a=1", "https://"]
)
def test_an_address_to_which_slack_would_not_send_is_refused(url):
    with pytest.raises(Refusal, match="https://bot.example.com"):
        http_manifest(url)
