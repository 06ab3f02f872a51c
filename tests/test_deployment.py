"""The tokens of a deployment: installed through Slack's page, renewed before they end."""

import asyncio
import re
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.fernet import Fernet

from bot.demo.processes import EmulatorProcess
from bot.deployment import build_deployment
from bot.settings import load_deployment
from handlers.slack.scopes import BOT_SCOPES
from tests.servers import free_port

CLIENT = ("client-1", "client-secret-1")


class ProcessesSeen:
    """Notes the tokens that processes would be started with."""

    def __init__(self) -> None:
        self.tokens = []

    def bring_to(self, tokens) -> None:
        self.tokens.append(dict(tokens))


class Town:
    def __init__(self, folder, token_seconds: float) -> None:
        port = free_port()
        self.public_url = f"http://localhost:{port}"
        self.emulator = EmulatorProcess(
            is_quiet=True,
            options=[
                *("--request-url", f"{self.public_url}/slack/events"),
                *("--client-id", CLIENT[0], "--client-secret", CLIENT[1]),
                *("--team", "T0SECOND=Second Street", "--token-seconds", str(token_seconds)),
            ],
        )
        self.emulator.wait()
        self.emulator.seed()
        settings = load_deployment(
            {
                "COUNTERSIGN_SLACK_CLIENT_ID": CLIENT[0],
                "COUNTERSIGN_SLACK_CLIENT_SECRET": CLIENT[1],
                "COUNTERSIGN_INSTALLATION_KEY": Fernet.generate_key().decode(),
                "COUNTERSIGN_PUBLIC_URL": self.public_url,
                "COUNTERSIGN_DATA_DIR": str(folder),
                "SLACK_SIGNING_SECRET": "signing",
                "SLACK_API_URL": f"{self.emulator.url}/api/",
            }
        )
        built = build_deployment(settings)
        self.door = built.server.config.app
        self.installations = built.workspaces.installations
        self.installations.prepare()
        self.processes = ProcessesSeen()
        self.workspaces = type(built.workspaces)(
            installations=self.installations,
            rotator=built.workspaces.rotator,
            processes=self.processes,
            has_schemas=False,
        )

    def close(self) -> None:
        self.installations.engine.dispose()
        self.emulator.close()


@pytest.fixture
def town(tmp_path, request):
    running = Town(tmp_path, getattr(request, "param", 0.0))
    yield running
    running.close()


@asynccontextmanager
async def browser_of(town):
    """Open the front door in a browser."""
    transport = httpx.ASGITransport(app=town.door)
    async with httpx.AsyncClient(transport=transport, base_url=town.public_url) as browser:
        yield browser


async def begin(browser) -> tuple[str, str]:
    """Open the page to install, and return its cookie and Slack's address."""
    page = await browser.get("/slack/install")
    address = re.search(r'href="([^"]+authorize[^"]*)"', page.text)[1].replace("&amp;", "&")
    return page.headers["set-cookie"].partition(";")[0], address


async def choose(address: str, team="T0SECOND") -> str:
    """Allow the app in a team, and return the address that Slack redirects to."""
    async with httpx.AsyncClient(timeout=60) as slack:
        answer = await slack.get(f"{address}&team={team}", follow_redirects=False)
    return answer.headers["location"]


def run(coroutine):
    return asyncio.run(coroutine)


async def install(town, *, cookie="", times=1) -> list[int]:
    """Install the app, and return the statuses of the redirects."""
    async with browser_of(town) as browser:
        own_cookie, address = await begin(browser)
        back = await choose(address)
        headers = {"Cookie": cookie or own_cookie}
        return [(await browser.get(back, headers=headers)).status_code for _ in range(times)]


def test_the_page_asks_slack_for_what_the_manifest_explains(town):
    async def open_page():
        async with browser_of(town) as browser:
            return (await begin(browser))[1]

    query = parse_qs(urlsplit(run(open_page())).query)
    assert query["scope"] == [",".join(BOT_SCOPES)]
    assert query["redirect_uri"] == [f"{town.public_url}/slack/oauth_redirect"]


def test_a_token_is_stored_for_the_team_that_was_chosen(town):
    assert run(install(town)) == [200]
    town.workspaces.bring_up()
    ((team, token),) = town.processes.tokens[-1].items()
    assert team == "T0SECOND"
    assert token.startswith("xoxb-T0SECOND-")


def test_a_code_without_the_browser_that_began_installs_nothing(town):
    assert run(install(town, cookie="other=1")) == [400]
    assert town.installations.list_bots() == {}


def test_a_redirect_is_good_once(town):
    assert run(install(town, times=2)) == [200, 401]


@pytest.mark.parametrize("town", [3_600.0], indirect=True)
def test_a_token_is_renewed_and_stored_before_it_is_used(town):
    run(install(town))
    (before,) = town.installations.list_bots().values()
    town.workspaces.bring_up()
    (after,) = town.installations.list_bots().values()
    assert after.bot_token != before.bot_token
    assert after.bot_refresh_token != before.bot_refresh_token
    assert town.processes.tokens[-1] == {"T0SECOND": after.bot_token}


@pytest.mark.parametrize("town", [3_600.0], indirect=True)
def test_a_token_that_cannot_be_renewed_is_used_until_it_ends(town):
    run(install(town))
    (bot,) = town.installations.list_bots().values()
    bot.bot_refresh_token = "xoxe-unknown"
    town.installations.save_bot(bot)
    town.workspaces.bring_up()
    assert town.processes.tokens[-1] == {"T0SECOND": bot.bot_token}


@pytest.mark.parametrize("town", [43_200.0], indirect=True)
def test_a_token_with_time_left_is_left_alone(town):
    run(install(town))
    (before,) = town.installations.list_bots().values()
    town.workspaces.bring_up()
    assert town.processes.tokens[-1] == {"T0SECOND": before.bot_token}
