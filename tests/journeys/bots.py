"""Bots that journeys start, and signals to them."""

import json
import urllib.request

from bot.demo import launcher
from tests.servers import free_port


def sample_environment(folder, slack, **extra):
    """Return the variables of a bot whose port no other process of the tests is given.

    It stays the bot's also while the bot is restarted.
    """
    own = {
        "COUNTERSIGN_PORT": str(free_port()),
        # A busy machine takes its time to finish what is in hand.
        "COUNTERSIGN_STOP_FOR": "60",
    }
    return launcher.sample_environment(folder, slack, **{**own, **extra})


def send_low_stock(bot, number):
    """Send the signal of a bin that is low; return its outcome."""
    body = {
        "key": f"k{number}",
        "kind": "low_stock",
        "subject": f"bin:{number}",
        "title": f"Bin {number} is low",
        "facts": {"product_id": number + 60},
    }
    headers = {"Content-Type": "application/json", "Authorization": "Bearer sample-source-token"}
    request = urllib.request.Request(f"{bot.url}/v1/signals", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["outcome"]
