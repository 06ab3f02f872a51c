"""The installation page and the tokens of the emulator, by Slack's own client."""

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.demo.processes import EmulatorProcess

CLIENT = {"client_id": "client-1", "client_secret": "secret-1"}
REDIRECT = "http://127.0.0.1:9/back"


@pytest.fixture
def slack():
    emulator = EmulatorProcess(
        is_quiet=True,
        options=[
            *("--request-url", "http://127.0.0.1:9/slack/events"),
            *("--client-id", "client-1", "--client-secret", "secret-1"),
            *("--team", "T0SECOND=Second <Street>"),
        ],
    )
    emulator.wait()
    client = WebClient(base_url=f"{emulator.url}/api/", retry_handlers=[])
    client.emulator = emulator
    yield client
    emulator.close()


def page(slack, **query) -> httpx.Response:
    query = {"client_id": "client-1", "redirect_uri": REDIRECT, "state": "s", **query}
    return httpx.get(f"{slack.emulator.url}/oauth/v2/authorize", params=query, timeout=60)


def code_for(slack, team: str) -> str:
    return page(slack, team=team).headers["location"].partition("code=")[2].partition("&")[0]


def error_of(call, **arguments) -> str:
    with pytest.raises(SlackApiError) as refusal:
        call(**arguments)
    return refusal.value.response["error"]


def test_the_page_offers_every_team_and_no_markup_of_its_name(slack):
    text = page(slack).text
    assert "T0SECOND" in text
    assert "Second &lt;Street&gt;" in text


def test_a_code_is_good_once_for_its_team_and_redirect(slack):
    code = code_for(slack, "T0SECOND")
    access = {**CLIENT, "redirect_uri": REDIRECT}
    answer = slack.oauth_v2_access(code=code, **access)
    assert answer["team"]["id"] == "T0SECOND"
    assert error_of(slack.oauth_v2_access, code=code, **access) == "invalid_code"
    other = {**access, "redirect_uri": "http://elsewhere"}
    fresh = code_for(slack, "T0SECOND")
    assert error_of(slack.oauth_v2_access, code=fresh, **other) == "bad_redirect_uri"


def test_a_client_with_another_secret_gets_no_token(slack):
    code = code_for(slack, "T0SECOND")
    wrong = {"client_id": "client-1", "client_secret": "x", "redirect_uri": REDIRECT}
    assert error_of(slack.oauth_v2_access, code=code, **wrong) == "bad_client_secret"
    assert page(slack, client_id="other").status_code == 400


def test_a_token_speaks_for_its_team_until_the_app_is_taken_out(slack):
    code = code_for(slack, "T0SECOND")
    token = slack.oauth_v2_access(code=code, **CLIENT, redirect_uri=REDIRECT)["access_token"]
    second = WebClient(token, base_url=slack.base_url, retry_handlers=[])
    assert second.auth_test()["team_id"] == "T0SECOND"
    forged = WebClient("xoxb-T0SECOND-99", base_url=slack.base_url, retry_handlers=[])
    assert error_of(forged.auth_test) == "invalid_auth"
    httpx.post(f"{slack.emulator.url}/T0SECOND/_ctl/uninstall", timeout=60)
    assert error_of(second.auth_test) == "token_revoked"
