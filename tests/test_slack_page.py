"""The page on Slack gives a reason for everything that the app asks for."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/slack.md").read_text()
MANIFEST = yaml.safe_load((ROOT / "manifest.yml").read_text())
MIN_REASON_WORDS = 2


def reasons(heading: str) -> dict[str, str]:
    """Return the reasons in the table with this heading, by what they are for."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", table, re.MULTILINE))


def test_every_scope_of_the_manifest_has_a_reason_and_no_other_has():
    found = reasons("scope")
    assert set(found) == set(MANIFEST["oauth_config"]["scopes"]["bot"])
    assert all(len(reason.split()) >= MIN_REASON_WORDS for reason in found.values())


def test_every_event_of_the_manifest_has_a_reason_and_no_other_has():
    assert set(reasons("event")) == set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])


def test_every_picture_of_the_page_is_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE)
    assert pictures
    for name in pictures:
        assert (ROOT / "docs" / name).stat().st_size < 150_000
