"""The settings of a bot of the sample company."""

from pathlib import Path

from bot.settings import Settings, load
from bot.sockets import free_port


def sample_settings(folder: Path, slack: str, **extra: str) -> Settings:
    """Return the settings of a bot for this folder and emulator."""
    return load(sample_environment(folder, slack, **extra))


def sample_environment(folder: Path, slack: str, **extra: str) -> dict[str, str]:
    """Return the same as variables, for a bot process."""
    # Not 0: people and tests must know where the bot listens.
    port = extra.get("COUNTERSIGN_PORT") or str(free_port())
    variables = {
        "SLACK_BOT_TOKEN": "xoxb-emulator",
        "SLACK_APP_TOKEN": "xapp-emulator",
        "SLACK_API_URL": f"{slack}/api/",
        # What stands in the current folder is for a company of one's own.
        "COUNTERSIGN_ENV_FILE": "none",
        "COUNTERSIGN_DATA_DIR": str(folder),
        "COUNTERSIGN_MODE": "live",
        "COUNTERSIGN_PORT": port,
        "COUNTERSIGN_PUBLIC_URL": f"http://localhost:{port}",
        "COUNTERSIGN_ORIGIN": "harbour-and-vine",
        # The emulator shows at once what was posted.
        "COUNTERSIGN_SETTLE_FOR": "2",
        "COUNTERSIGN_SOURCE_API_TOKEN": "sample-source-token",
        "COUNTERSIGN_SOURCE_GUEST_MAIL_TOKEN": "sample-mail-token",
        "COUNTERSIGN_API_TOKEN": "sample-read-token",
        "HARBOUR_VINE_URL": f"sqlite:///{folder / 'company.db'}",
        "HARBOUR_CARRIER_URL": f"sqlite:///{folder / 'carrier.db'}",
        "HARBOUR_WAREHOUSE_URL": f"sqlite:///{folder / 'warehouse.db'}",
    }
    return {**variables, **extra}
