"""What `countersign check --slack` finds, and what it says to click."""

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.cases.errors import ChatUnknown, Unreachable
from bot.cases.finding import Severity
from bot.demo.people import BEN, ELSIE, FINN, GUS
from bot.demo.processes import EmulatorProcess
from bot.ports.pinned_names import PinKind, PinsInMemory
from handlers.slack.installation_check import find_slack_problems
from handlers.slack.web_client import web_client
from knowledge.library import PACKAGED, load
from tests.conftest import free_port
from tests.knowledge.library.editing import change

MANIFEST = YAML(typ="safe").load((Path(__file__).parents[3] / "manifest.yml").read_text())
GROUPS = "emergency: {group: owners"
EVERYBODY_LISTED = (
    f"groups: {{floor-managers: [{FINN}], ops-leads: [{BEN}, {ELSIE}], finance: [{BEN}],"
    f" sales-leads: [{BEN}], owners: [elsie@harbourvine.example]}}\n{GROUPS}"
)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(PACKAGED, tmp_path / "library", ignore=shutil.ignore_patterns("*.py"))
    return tmp_path / "library"


@pytest.fixture(scope="module")
def shared_emulator():
    running = EmulatorProcess()
    try:
        running.wait()
        yield running
    finally:
        running.close()


@pytest.fixture
def workspace(shared_emulator):
    """The sample company anew, with the app as manifest.yml describes it; Elsie has an address."""
    shared_emulator.seed()
    shared_emulator.post("token", {"revoked": False})
    shared_emulator.post("seed", {"team": {"plan": "paid"}, "manifest": MANIFEST})
    profile = {"real_name": "Elsie Grant", "email": "elsie@harbourvine.example"}
    shared_emulator.post("user", {"id": ELSIE, "profile": profile})
    return shared_emulator


def check(emulator, folder=PACKAGED, **options):
    tokens = {"bot": "xoxb-emulator", "app": "xapp-emulator", **options.pop("tokens", {})}
    bot, app = (web_client(tokens[name], f"{emulator.url}/api/") for name in ("bot", "app"))
    return find_slack_problems(bot, load(folder), app_client=app, **options)


def name_channel(folder, name, before='"#stock"'):
    """Name a channel otherwise in every playbook."""
    for path in folder.glob("**/playbooks/*.yml"):
        path.write_text(path.read_text().replace(f"channel: {before}", f"channel: {name}"))


def leave_out_ids(folder):
    """Let no name have an id by the files, as in a company of one's own."""
    path = folder / "channels.yml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("ids:")))


def sentences(findings):
    return [finding.sentence for finding in findings]


def only(findings):
    (finding,) = findings
    return finding


def test_an_installation_in_order_has_no_findings(workspace, folder):
    assert check(workspace) == []
    change(folder / "policy.yml", GROUPS, EVERYBODY_LISTED)
    workspace.post("seed", {"team": {"plan": "free"}})
    assert check(workspace, folder) == []


def test_a_workspace_without_user_groups_is_one_finding_that_says_what_to_write(workspace):
    workspace.post("seed", {"team": {"plan": "free"}})
    finding = only(check(workspace))
    assert finding.sentence == (
        "The plan of this workspace has no user groups, so nobody can approve as finance,"
        " floor-managers, ops-leads, owners and sales-leads."
    )
    assert "`groups: {finance: [name@example.com]}`" in finding.suggestion
    assert (finding.severity, finding.file) == (Severity.ERROR, "policy.yml")


def test_a_group_that_is_missing_or_empty_is_named(workspace, folder):
    change(folder / "policy.yml", "{group: floor-managers}", "{group: floor-manager}")
    workspace.post("group", {"id": "S0FIN", "users": []})
    assert sentences(check(workspace, folder)) == [
        "Nobody can approve as finance: the group finance has no members; add some in Slack, or name"
        " its people under groups: in policy.yml.",
        "Nobody can approve as floor-manager: the group floor-manager does not exist in this"
        " workspace; name its people under groups: in policy.yml.",
    ]


def test_people_who_cannot_approve_are_found_with_their_line(workspace, folder):
    listed = f"groups:\n  finance: [{GUS}, U0NOBODY, zoe@example.com, {BEN}]\n{GROUPS}"
    change(folder / "policy.yml", GROUPS, listed)
    workspace.post("user", {"id": BEN, "deleted": True})
    findings = check(workspace, folder, line_of=lambda place: len(place))
    assert sentences(findings) == [
        f"{BEN}, listed for the group finance, has a deactivated account.",
        f"{GUS}, listed for the group finance, is a guest, and guests cannot approve.",
        "U0NOBODY, listed for the group finance, is not in this workspace, or is deactivated.",
        "zoe@example.com, listed for the group finance, is not in this workspace, or is deactivated.",
        "Nobody can approve as finance: nobody listed for it can.",
    ]
    assert [finding.line for finding in findings] == [3, 3, 3, 3, 2]


def test_an_empty_list_is_nobody(workspace, folder):
    change(folder / "policy.yml", GROUPS, f"groups: {{finance: [], unused: [{BEN}]}}\n{GROUPS}")
    empty, unused = check(workspace, folder)
    assert empty.sentence == (
        "Nobody can approve as finance: policy.yml lists nobody for the group finance; add somebody"
        " under groups:."
    )
    assert unused.sentence == "policy.yml lists people for unused, which nothing else names."
    assert unused.severity is Severity.HINT


def test_an_address_that_went_to_somebody_else_is_a_hint(workspace, folder):
    change(folder / "policy.yml", GROUPS, EVERYBODY_LISTED)
    pins = PinsInMemory()
    pins.pin(PinKind.PERSON, "elsie@harbourvine.example", FINN)
    finding = only(check(workspace, folder, pins=pins))
    assert finding.severity is Severity.HINT
    assert f"the account that had it first ({FINN}) still counts" in finding.sentence


def test_channels_that_no_card_reaches_are_found(workspace, folder):
    workspace.post("channel", {"id": "C0STOCK", "is_archived": True})
    change(folder / "channels.yml", "whole_desk_digest: []", "whole_desk_digest: [C0NOWHERE]")
    archived, missing = reversed(check(workspace, folder))
    assert archived.sentence == "The channel #stock is archived, and no card can be posted in it."
    assert missing.sentence == (
        "The channel C0NOWHERE does not exist in this workspace, or is private and the app is not in"
        " it."
    )
    assert "`/invite @Countersign`" in missing.suggestion


def test_a_channel_without_the_app_says_how_to_invite_it(workspace):
    web_client("xoxb-emulator", f"{workspace.url}/api/").conversations_leave(channel="C0SALES")
    finding = only(check(workspace))
    assert finding.sentence == "The app is not in the channel #sales, so it cannot post there."
    assert finding.suggestion == "In Slack, open #sales and send `/invite @Countersign`."


def test_permissions_that_were_not_granted_are_one_finding(workspace):
    scopes = MANIFEST["oauth_config"]["scopes"]["bot"]
    granted = [one for one in scopes if one not in {"chat:write", "reactions:read"}]
    workspace.post("seed", {"manifest": {"oauth_config": {"scopes": {"bot": granted}}}})
    finding = only(check(workspace))
    assert finding.sentence == "The app was not given 2 permissions: reactions:read, chat:write."
    assert "press “Reinstall to Workspace”" in finding.suggestion


def test_an_app_of_an_earlier_release_lacks_a_permission_only_where_people_have_addresses(
    workspace, folder
):
    scopes = MANIFEST["oauth_config"]["scopes"]["bot"]
    granted = [one for one in scopes if one != "users:read.email"]
    workspace.post("seed", {"manifest": {"oauth_config": {"scopes": {"bot": granted}}}})
    assert [one.severity for one in check(workspace)] == [Severity.HINT]
    change(folder / "policy.yml", GROUPS, EVERYBODY_LISTED)
    _, person, group = check(workspace, folder)
    assert "because the app lacks the permission users:read.email" in person.sentence
    assert group.sentence == "Nobody can approve as owners: nobody listed for it can."


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        ({"bot": "xoxp-1"}, "SLACK_BOT_TOKEN is a person's token, and not a bot token (xoxb-…)."),
        ({"bot": "xapp-1"}, "SLACK_BOT_TOKEN is an app-level token, and not a bot token (xoxb-…)."),
        (
            {"app": "xoxb-1"},
            "SLACK_APP_TOKEN is a bot token, and not an app-level token (xapp-…).",
        ),
        (
            {"app": "secret"},
            "SLACK_APP_TOKEN is no token of Slack, and not an app-level token (xapp-…).",
        ),
    ],
)
def test_a_token_of_another_kind_is_named_and_nothing_else_is_asked(workspace, tokens, sentence):
    workspace.post("channel", {"id": "C0STOCK", "is_archived": True})
    finding = only(check(workspace, tokens=tokens))
    assert finding.sentence == sentence
    assert finding.suggestion.startswith("At api.slack.com/apps, choose the app, open “")


def test_tokens_that_slack_refuses_are_told_with_its_reason(workspace):
    workspace.post("token", {"revoked": True})
    assert sentences(check(workspace)) == [
        "SLACK_BOT_TOKEN is not accepted: it was revoked.",
        "SLACK_APP_TOKEN opens no connection: it was revoked.",
    ]


def test_a_slack_that_is_away_is_no_finding(workspace):
    nowhere = web_client("xoxb-emulator", f"http://127.0.0.1:{free_port()}/api/")
    with pytest.raises((ChatUnknown, Unreachable)):
        find_slack_problems(nowhere, load())


def test_channels_by_name_are_looked_up_or_where_they_were_pinned(workspace, folder):
    leave_out_ids(folder)
    name_channel(folder, "stock")
    assert check(workspace, folder) == []
    name_channel(folder, "stockroom", before="stock")
    missing = only(check(workspace, folder))
    assert missing.sentence == "There is no channel #stockroom that the app can see."
    pins = PinsInMemory()
    pins.pin(PinKind.CHANNEL, "stockroom", "C0STOCK")
    renamed = only(check(workspace, folder, pins=pins))
    assert renamed.severity is Severity.HINT
    assert renamed.sentence == (
        "The channel that the files call #stockroom is now #stock in Slack."
    )
