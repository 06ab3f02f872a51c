"""The check of an installation in Slack, with its tokens."""

from collections.abc import Sequence

from bot.cases.finding import Finding
from bot.ports.pinned_names import PinnedNames
from bot.settings import Settings
from handlers.slack.installation_check import POLICY_FILE, find_slack_problems
from handlers.slack.web_client import web_client
from knowledge.library import FileLibrary
from knowledge.library.yaml_files import locate


def check_slack(settings: Settings, library: FileLibrary, pins: PinnedNames) -> list[Finding]:
    """Return what is wrong in Slack, one finding for each cause.

    Raises:
        ChatUnknown: Slack cannot be reached, so nothing is known.
        RateLimited: Slack asks to wait.
    """
    policy_file = settings.library_dir / POLICY_FILE

    def line_of(place: Sequence[str | int]) -> int:
        line = locate(policy_file, tuple(place)).rpartition(":")[2]
        return int(line) if line.isdigit() else 0

    app_client = None
    if settings.slack_app_token:
        app_client = web_client(settings.slack_app_token, settings.slack_api_url)
    return find_slack_problems(
        web_client(settings.slack_bot_token, settings.slack_api_url),
        library,
        app_client=app_client,
        pins=pins,
        line_of=line_of,
    )
