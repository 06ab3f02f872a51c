"""Cards on the emulator's page, as in Slack."""

import socket
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.cases.errors import CountersignError
from bot.cli.shutdown import StopSignal
from bot.cli.terminal import out
from bot.emulator.server import build
from bot.emulator.serving import serve_beside
from bot.sockets import LOOPBACK

CHANNEL = "C0TRIAL"
PERSON = "U0YOU"
WORKSPACE = {
    "users": [{"id": PERSON, "name": "you", "real_name": "You"}],
    "channels": [{"id": CHANNEL, "name": "trial", "members": [PERSON]}],
}


@contextmanager
def card_page(cards: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Show cards on a page of their own, and return its address.

    Raises:
        CountersignError: Slack would refuse one of them.
    """
    with socket.create_server((LOOPBACK, 0)) as listener:
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        application = build(host=url.removeprefix("http://"), content=WORKSPACE)
        with serve_beside(application, listener):
            client = WebClient("xoxb-trial", base_url=f"{url}/api/")
            for card in cards:
                _post(client, card)
            yield url


def _post(client: WebClient, card: Sequence[Any]) -> None:
    try:
        client.chat_postMessage(channel=CHANNEL, text="A card", blocks=list(card))
    except SlackApiError as error:
        reasons = "; ".join(error.response.get("errors", [])) or error.response["error"]
        raise CountersignError(f"Slack would refuse the card: {reasons}") from None


def show_cards(cards: Sequence[Sequence[Any]]) -> None:
    """Open cards in the browser, until the person ends it.

    Raises:
        CountersignError: there is no card.
    """
    if not cards:
        raise CountersignError("there is no card to open")
    with card_page(cards) as url:
        out.print(f"The card as Slack shows it: {url}  (Ctrl-C ends it)", markup=False)
        webbrowser.open(url)
        StopSignal().wait()
