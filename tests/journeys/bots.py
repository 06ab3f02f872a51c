"""Settings of the bots that journeys start."""

from bot.demo import launcher
from tests.servers import free_port


def sample_environment(folder, slack, **extra):
    """Return the variables of a bot whose port no other process of the tests is given.

    It stays the bot's also while the bot is restarted.
    """
    port = str(free_port())
    return launcher.sample_environment(folder, slack, **{"COUNTERSIGN_PORT": port, **extra})
