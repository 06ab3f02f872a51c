"""Checks before a start: settings that contradict each other are listed, with both names."""

import pytest

from bot import preflight
from bot.cases.errors import SettingsIncomplete
from bot.desk.null_chat import NullChat
from bot.preflight import open_library
from bot.settings import load
from bot.wiring import build_systems
from knowledge.library import PACKAGED, copy_library

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-none",
    "SLACK_APP_TOKEN": "xapp-none",
    "HARBOUR_VINE_URL": "sqlite:///house.db",
    "HARBOUR_CARRIER_URL": "sqlite:///carrier.db",
    "HARBOUR_WAREHOUSE_URL": "sqlite:///warehouse.db",
}
BANK = """
  bank:
    connector: http
    base_url: https://bank.example
    hosts: [bank.example]
    timeout: {timeout}
"""


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "library"
    copy_library(PACKAGED, folder)
    return folder


def settings(tmp_path, library, **extra):
    folders = {
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "data"),
        "COUNTERSIGN_LIBRARY_DIR": str(library),
    }
    return load({**SECRETS, **folders, **extra})


def find_problems(settings):
    """Return the sentences of what is wrong, with what to do."""
    findings = preflight.find_problems(settings, open_library(settings))
    return [f"{one.sentence} {one.suggestion}".strip() for one in findings]


def systems_of(settings):
    return build_systems(settings, open_library(settings), NullChat())


def add_system(library, text):
    with (library / "systems.yml").open("a") as file:
        file.write(text)


@pytest.mark.threat("A3")
@pytest.mark.parametrize("timeout", ["2s", "2000ms", "5m"])
def test_a_system_that_may_take_longer_than_a_lease_keeps_the_bot_from_starting(
    tmp_path, library, timeout
):
    add_system(library, BANK.replace("{timeout}", timeout))
    contradicting = settings(tmp_path, library, COUNTERSIGN_LEASE_FOR="2")
    seconds = {"2s": "2", "2000ms": "2", "5m": "300"}[timeout]
    sentence = (
        f"one call to bank .* timeout in systems.yml is {seconds} s, COUNTERSIGN_LEASE_FOR is 2 s"
    )
    with pytest.raises(SettingsIncomplete, match=sentence):
        systems_of(contradicting)
    assert any("one call to bank" in problem for problem in find_problems(contradicting))


@pytest.mark.threat("A3")
def test_the_sample_starts_with_the_default_lease_and_with_a_short_one(tmp_path):
    for lease in ({}, {"COUNTERSIGN_LEASE_FOR": "2"}):
        assert set(systems_of(settings(tmp_path, PACKAGED, **lease))) == {
            "carrier",
            "house",
            "slack",
            "warehouse",
        }


@pytest.mark.threat("C2")
def test_a_system_that_names_a_role_for_reading_needs_its_url(tmp_path, library):
    systems = library / "systems.yml"
    text = systems.read_text()
    systems.write_text(
        text.replace(
            "url_env: HARBOUR_VINE_URL",
            "url_env: HARBOUR_VINE_URL\n    read_url_env: HARBOUR_VINE_READ_URL",
        )
    )
    with pytest.raises(
        SettingsIncomplete,
        match="set HARBOUR_VINE_READ_URL: the system house in systems.yml needs it",
    ):
        systems_of(settings(tmp_path, library))
    assert systems_of(settings(tmp_path, library, HARBOUR_VINE_READ_URL="sqlite:///house.db"))


def test_everything_that_is_missing_is_named_with_its_system_or_source(tmp_path, library):
    without_secrets = settings(tmp_path, library, HARBOUR_VINE_URL="")
    problems = find_problems(without_secrets)
    assert "HARBOUR_VINE_URL is not set: set it, or house cannot be reached" in problems
    assert [problem for problem in problems if "take api out" in problem]
    assert [problem for problem in problems if problem.startswith("COUNTERSIGN_PUBLIC_URL")]


def test_figures_about_approvals_that_reach_nobody_are_named(tmp_path, library):
    def about_health(**extra):
        problems = find_problems(settings(tmp_path, library, **extra))
        return [problem for problem in problems if "APPROVER_HEALTH" in problem]

    assert about_health() == []
    (problem,) = about_health(COUNTERSIGN_APPROVER_HEALTH="on")
    assert "channels.yml names no whole_desk_digest" in problem
    (problem,) = about_health(COUNTERSIGN_PROBES_PER_WEEK="2")
    assert "no practice case is put" in problem
    channels = library / "channels.yml"
    text = channels.read_text()
    channels.write_text(text.replace("whole_desk_digest: []", "whole_desk_digest: [C0OPS]"))
    assert about_health(COUNTERSIGN_APPROVER_HEALTH="on", COUNTERSIGN_PROBES_PER_WEEK="2") == []


VERIFIED = """
  {name}:
    format: signal
    verify: {verify}
"""


def verify_problems(tmp_path, library, verify, **variables):
    """Return what is wrong with a source that signs in like this."""
    with (library / "sources.yml").open("a") as file:
        file.write(VERIFIED.replace("{name}", "till").replace("{verify}", verify))
    problems = find_problems(settings(tmp_path, library, **variables))
    return [problem for problem in problems if "till" in problem]


def test_a_source_without_the_secret_of_its_signature_is_named(tmp_path, library):
    verify = "{scheme: hmac, header: X-S, secret_env: [TILL_SECRET, TILL_OLD]}"
    (problem,) = verify_problems(tmp_path, library, verify)
    assert problem == (
        "a source has no secret set, so it cannot send"
        " Set TILL_SECRET or TILL_OLD, or take till out if nobody uses it."
    )
    ready = find_problems(settings(tmp_path, library, TILL_OLD="x"))
    assert [problem for problem in ready if "till" in problem] == []


@pytest.mark.parametrize(
    ("verify", "variables", "complaint"),
    [
        (
            "{scheme: hmac, header: X-S, secret_encoding: hex, secret_env: [TILL_SECRET]}",
            {"TILL_SECRET": "zz"},
            "TILL_SECRET is not hex",
        ),
        (
            "{scheme: path, secret_env: [TILL_SECRET]}",
            {"TILL_SECRET": "by-hand"},
            "short enough to be guessed",
        ),
        (
            "{scheme: proxy_certificate, header: X-S, secret_env: [TILL_SECRET]}",
            {"TILL_SECRET": "CN=till"},
            "set COUNTERSIGN_TRUSTED_PROXIES",
        ),
        (
            '{scheme: hmac, header: X-S, content: "{url}{body}", secret_env: [TILL_SECRET]}',
            {"TILL_SECRET": "$"},
            "COUNTERSIGN_PUBLIC_URL is not set, and till signs the address",
        ),
    ],
)
def test_a_secret_that_cannot_work_is_named(tmp_path, library, verify, variables, complaint):
    (problem,) = verify_problems(tmp_path, library, verify, **variables)
    assert complaint in problem
    assert variables["TILL_SECRET"] not in problem


def test_a_source_of_this_machine_alone_needs_nothing(tmp_path, library):
    assert verify_problems(tmp_path, library, "{scheme: loopback}") == []


def test_a_program_whose_callback_has_no_secret_is_told_of_nothing(tmp_path, library):
    path = library / "programs.yml"
    callback = "callback: {url: 'https://agent.example/told', secret_env: [AGENT_SECRET]}\n"
    path.write_text(path.read_text() + f"    {callback}")
    problem = "AGENT_SECRET is not set: set it, or stock-agent is told of nothing"
    assert problem in find_problems(settings(tmp_path, library))
    assert problem not in find_problems(settings(tmp_path, library, AGENT_SECRET="whsec_x"))
