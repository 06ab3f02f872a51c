"""The commands, as the one who looks after it uses them: in a process of its own, with a real database."""

import json
import shutil
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]
# For commands that open no database.
SQLITE_ALONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def kept(world, tmp_path):
    """A data folder with a case carried out in it, and the environment that names it; on both databases."""
    case = world.proposed()
    world.approve(case)
    world.work()
    environment = {
        "PATH": "/usr/bin:/bin",
        "COUNTERSIGN_DATA_DIR": str(tmp_path),
        "COUNTERSIGN_DATABASE_URL": world.store.database.url,
        "HARBOUR_VINE_URL": "sqlite:///x",
        "HARBOUR_CARRIER_URL": "sqlite:///x",
        "HARBOUR_WAREHOUSE_URL": "sqlite:///x",
    }

    def countersign(*arguments, **variables):
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=300,
        )

    countersign.world, countersign.folder = world, tmp_path
    return countersign


def words(text):
    """Text without the line breaks of a terminal."""
    return " ".join(text.split())


def test_the_ledger_is_verified_replayed_signed_and_exported(kept):
    verified = kept("ledger", "verify", "--json")
    found = json.loads(verified.stdout)
    assert (verified.returncode, found["ok"], found["entries"], found["covered"]) == (
        0,
        True,
        8,
        8,
    ), verified.stderr
    assert "8 entries give 1 cases" in kept("ledger", "replay").stdout
    assert "No new entries" in kept("ledger", "checkpoint").stdout
    exported = kept("ledger", "export", str(kept.folder / "audit"))
    assert exported.returncode == 0, exported.stderr
    alone = subprocess.run(
        [
            sys.executable,
            "-P",
            kept.folder / "audit/verifier.py",
            kept.folder / "audit/ledger.jsonl",
            "--checkpoints",
            kept.folder / "audit/checkpoints",
        ],
        env={},
        capture_output=True,
        text=True,
    )
    assert (
        alone.returncode,
        "8 entries, 8 of them under a signed checkpoint: everything holds" in alone.stdout,
    ) == (
        0,
        True,
    )
    assert "name a new folder" in kept("ledger", "export", str(kept.folder / "audit")).stderr


def test_verify_under_another_name_says_what_to_set_and_signs_nothing(kept):
    assert kept("ledger", "checkpoint").returncode == 0
    kept.world.receive(kept.world.signal("product:2"))
    notes = sorted((kept.folder / "checkpoints").iterdir())
    refused = kept("ledger", "verify", COUNTERSIGN_ORIGIN="shop")
    assert (refused.returncode, "set COUNTERSIGN_ORIGIN=countersign" in words(refused.stderr)) == (
        1,
        True,
    ), refused.stderr
    assert sorted((kept.folder / "checkpoints").iterdir()) == notes
    doctor = kept("doctor", COUNTERSIGN_ORIGIN="shop")
    assert "set COUNTERSIGN_ORIGIN=countersign" in words(doctor.stdout + doctor.stderr)


@SQLITE_ALONE
@pytest.mark.parametrize("key", ["rubbish", "a+b+c", "name+00+AQ=="])
def test_a_key_that_is_none_is_a_usage_error(kept, key):
    refused = kept("ledger", "verify", "--key", key)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False), refused.stderr
    assert "--key" in refused.stderr
    assert "key" in refused.stderr.partition("--key")[2]
    assert not (kept.folder / "checkpoints").exists()


def test_a_state_edited_without_the_ledger_makes_verify_fail(kept):
    import sqlalchemy as sa

    from bot.store import tables

    with kept.world.store.database.engine.begin() as connection:
        connection.execute(
            sa.update(tables.cases).values(
                body=sa.func.replace(tables.cases.c.body, '"count":1', '"count":2')
            )
        )
    verified = kept("ledger", "verify", "--json")
    assert (verified.returncode, "EX-1" in json.loads(verified.stdout)["findings"][0]) == (1, True)


def test_doctor_names_what_is_parked_and_how_to_let_it_go(kept):
    from bot.ports.outbox import Topic

    kept.world.receive(kept.world.signal("product:2"))
    kept.world.lane.handle(
        kept.world.store.outbox.claim([Topic.TRIAGE], 1, kept.world.clock(), 30)[0]
    )
    (work,) = kept.world.store.outbox.claim([Topic.CARD], 1, kept.world.clock(), 30)
    kept.world.store.outbox.park(work, "Slack refused: channel_not_found")
    told = kept("doctor", "--json")
    problems = json.loads(told.stdout)["problems"]
    assert told.returncode == 1
    assert [
        problem
        for problem in problems
        if "countersign unpark card:EX-2" in problem and "channel_not_found" in problem
    ]
    assert kept("unpark", "card:EX-2").returncode == 0
    assert "nothing is parked under card:EX-2" in kept("unpark", "card:EX-2").stderr


def test_a_case_is_shown_with_its_trail(kept):
    shown = kept("case", "EX-1")
    assert "Ana approved." in shown.stdout
    assert json.loads(kept("case", "EX-1", "--json").stdout)["state"] == "resolved"
    missing = kept("case", "EX-9")
    assert (missing.returncode, missing.stderr.strip()) == (1, "there is no case EX-9")


MONTH = ("--since", "2026-11-01", "--until", "2026-12-01")


def test_a_report_is_printed_for_people_machines_and_paper(kept):
    shown = kept("report", *MONTH)
    assert shown.returncode == 0, shown.stderr
    assert "1 November to 30 November 2026" in shown.stdout
    assert "Accepted unedited 100 %" in words(shown.stdout)
    assert "From 8 ledger entries; no checkpoint was signed yet." in words(shown.stdout)
    # The sample library's database is not there: the report says so, and has the rest.
    assert "could not be counted" in words(shown.stdout)
    plain = json.loads(kept("report", *MONTH, "--json").stdout)
    assert plain["all"]["values"]["accepted_unedited"]["part"] == 1
    assert plain["ledger"]["entries"] == 8
    rows = kept("report", *MONTH, "--csv").stdout.splitlines()
    assert rows[0].startswith("since,until,group,name,title,measure,statistic,value,unit")
    page = kept.folder / "report.html"
    written = kept("report", *MONTH, "--html", str(page), "--kind", "low_stock")
    assert (written.returncode, page.read_text().startswith("<!DOCTYPE html>")) == (0, True)


@SQLITE_ALONE
def test_a_report_of_no_such_period_or_kind_is_refused(kept):
    for arguments, complaint in (
        (("--since", "soon"), "--since must be a day like 2026-09-01 or a length like 90d"),
        (("--since", "2026-12-01", "--until", "2026-11-01"), "must end after it begins"),
        (("--kind", "nothing"), "no playbook is for 'nothing'; there are booking_no_cover"),
        (("--json", "--csv"), "choose one of --json, --csv and --html"),
    ):
        refused = kept("report", *arguments)
        assert (refused.returncode, complaint in words(refused.stderr)) == (1, True), refused.stderr


@SQLITE_ALONE
def test_check_says_which_secrets_are_missing(kept):
    told = kept("check")
    assert told.returncode == 1
    assert "a source has no secret set" in told.stdout


@SQLITE_ALONE
def test_init_copies_a_library_to_edit(kept):
    folder = kept.folder / "mine"
    assert "COUNTERSIGN_LIBRARY_DIR=" in kept("init", str(folder), "--sample").stdout
    assert (folder / "people.yml").is_file()
    assert (folder / "playbooks" / "low_stock.yml").exists()
    assert not list(folder.rglob("*.py"))
    assert "exists" in kept("init", str(folder), "--sample").stderr
    shutil.rmtree(folder)


@SQLITE_ALONE
def test_a_start_without_settings_shows_no_traceback(kept):
    assert "Traceback" not in kept("run").stderr


COMMANDS = [
    "demo",
    "run",
    "check",
    "try",
    "manifest",
    "init",
    "doctor",
    "unpark",
    "case",
    "report",
    "ledger",
]
# All in one process: what each of them would import again is not what is tried here.
HELP = """
import sys
from bot.cli.app import main

for command in sys.argv[1:]:
    sys.argv = ["countersign", command, "--help"]
    try:
        main()
    except SystemExit as end:
        print(f"[{end.code}]")
"""


def test_every_command_has_help():
    arguments = [sys.executable, "-c", HELP, *COMMANDS]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True)
    helps = result.stdout.split("[0]\n")
    assert helps.pop() == ""
    assert len(helps) == len(COMMANDS)
    for command, text in zip(COMMANDS, helps, strict=True):
        assert f"countersign {command}" in text
