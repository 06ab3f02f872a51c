"""Settings of the bots that journeys start."""

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
