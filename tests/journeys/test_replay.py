"""A year of the sample company played again: with the rules of then nothing differs, with others
exactly what must."""

import contextlib
import json
import re
import sqlite3
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from bot.demo.environment import sample_settings
from bot.settings import inherit
from knowledge.library import copy_library
from knowledge.library.library import PACKAGED

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]
ORDERED = "quantity: stock.order_quantity"
IN_TIME = 'when: "stock.days_left >= supplier.lead_days"'
CORRECTED = (
    "plan.rejected",
    "plan.edited",
    "plan.undo_asked",
    "case.reopened",
    "kind.named",
    "kind.novel",
    "mistake.reported",
)


@pytest.fixture
def countersign(sample_data, tmp_path):
    """Run a command over the sample's database, where no outside system can be reached."""
    settings = sample_settings(sample_data.folder, "")
    nowhere = tmp_path / "nowhere" / "company.db"
    environment = {
        **inherit("PATH", "HOME"),
        **settings.environment,
        "HARBOUR_VINE_URL": f"sqlite:///{nowhere}",
    }

    def countersign(*arguments, **variables):
        done = subprocess.run(
            [sys.executable, "-m", "bot", *map(str, arguments)],
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode in {0, 1}, done.stderr
        assert not nowhere.parent.exists()
        return done

    return countersign


@pytest.fixture
def ledger(sample_data):
    """The entries of every case and of the desk, as plain JSON, in their order."""
    found = {}
    with contextlib.closing(sqlite3.connect(sample_data.folder / "countersign.db")) as database:
        query = "SELECT case_id, body FROM ledger ORDER BY case_id, version"
        for case_id, body in database.execute(query):
            found.setdefault(case_id, []).append(json.loads(body))
    return found


@pytest.fixture
def histories(ledger):
    return {case_id: entries for case_id, entries in ledger.items() if case_id.startswith("EX-")}


@pytest.fixture
def desk_entries(ledger):
    return ledger["DESK"]


def changed_library(folder, file, before, after):
    """Copy the library with one change in one file."""
    library = folder / "library"
    copy_library(PACKAGED, library)
    text = (library / file).read_text()
    assert before in text
    (library / file).write_text(text.replace(before, after))
    return library


def results(done):
    """The comparisons and the figures of a run with ``--json``."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[:-1], lines[-1]["summary"]


def differing(comparisons):
    return {one["case"] for one in comparisons if one["differences"]}


def facts_of(entries):
    (gathered,) = [one["body"] for one in entries if one["type"] == "evidence.gathered"]
    return {fact["name"]: fact["value"] for fact in gathered["evidence"]}


def first_plan(entries):
    plans = [one["body"]["plan"] for one in entries if one["type"] == "plan.recommended"]
    return plans[0] if plans else None


def test_the_library_of_then_says_of_every_case_what_it_said(countersign, histories):
    done = countersign("replay", "--json", "--no-models")
    comparisons, summary = results(done)
    assert done.returncode == 0
    assert {one["case"] for one in comparisons} == set(histories)
    assert differing(comparisons) == set()
    assert summary["cases"] == len(histories) > 350
    assert (summary["unreadable"], summary["regressions"], summary["model_tokens"]) == (0, 0, 0)
    # Memory was searched for every one of them.
    assert summary["recalls"] == summary["trials"]
    assert summary["precedents"] > 5 * summary["trials"]
    assert summary["not_known"] == {}
    # Not because nothing was compared.
    assert sum(bool(one["now"]["steps"]) for one in comparisons) > 300
    assert all(
        one["now"] != one["before"] or one["now"]["rule"]
        for one in comparisons
        if one["now"]["steps"]
    )


def is_corrected(entry):
    body = entry["body"]
    return (
        entry["type"] in CORRECTED
        or body.get("resolution") == "handled by hand"
        or (entry["type"] == "review.given" and body["verdict"] == "wrong")
        or (entry["type"] == "practice.observed" and not body["parameters_agree"])
    )


def test_the_evaluation_set_is_what_people_corrected(countersign, histories, desk_entries):
    comparisons, _ = results(countersign("replay", "--json", "--no-models", "--set", "evaluation"))
    corrected = {
        case_id for case_id, entries in histories.items() if any(map(is_corrected, entries))
    }
    corrected |= {
        one["body"]["on_case"]
        for one in desk_entries
        if one["type"] == "stage.changed" and one["body"]["before"] == "autonomous"
    }
    assert {one["case"] for one in comparisons} == corrected
    assert 50 < len(corrected) < len(histories)
    reasons = {reason for one in comparisons for reason in one["reasons"]}
    assert {"rejected", "edited", "handled by hand", "ended that it runs alone"} <= reasons


def test_another_quantity_differs_in_exactly_the_cases_that_it_concerns(
    countersign, histories, tmp_path
):
    library = changed_library(tmp_path, "playbooks/low_stock.yml", ORDERED, "quantity: stock.short")
    done = countersign("replay", "--json", "--no-models", "--library", library)
    comparisons, summary = results(done)
    expected, approved = set(), set()
    for case_id, entries in histories.items():
        plan = first_plan(entries)
        if not plan or plan["actions"][0]["name"] != "house.order_stock":
            continue
        facts = facts_of(entries)
        if facts["stock.short"] != facts["stock.order_quantity"]:
            expected.add(case_id)
            types = {one["type"] for one in entries}
            if "approval.given" in types and not types & {"plan.edited", "plan.undo_asked"}:
                approved.add(case_id)
    assert differing(comparisons) == expected
    assert {one["name"] for one in comparisons for one in one["differences"]} <= {
        "plan",
        "risk",
        "approvers",
    }
    worse = {one["case"] for one in comparisons if one["regression"]}
    assert worse == approved
    assert (done.returncode, summary["regressions"]) == (1, len(worse))


def test_another_condition_differs_in_exactly_the_cases_that_it_concerns(
    countersign, histories, tmp_path
):
    library = changed_library(
        tmp_path, "playbooks/low_stock.yml", IN_TIME, 'when: "stock.days_left >= `4`"'
    )
    comparisons, _ = results(countersign("replay", "--json", "--no-models", "--library", library))
    expected = set()
    for case_id, entries in histories.items():
        facts = facts_of(entries)
        if "stock.days_left" in facts:
            was_in_time = facts["stock.days_left"] >= facts["supplier.lead_days"]
            if was_in_time is not (facts["stock.days_left"] >= 4):
                expected.add(case_id)
    assert differing(comparisons) == expected
    assert expected


def test_another_policy_differs_in_exactly_the_cases_that_it_concerns(
    countersign, histories, tmp_path
):
    library = changed_library(tmp_path, "policy.yml", "medium_above: 250", "medium_above: 200")
    comparisons, _ = results(countersign("replay", "--json", "--no-models", "--library", library))
    expected = set()
    for case_id, entries in histories.items():
        plan = first_plan(entries)
        amounts = (
            [float(one["amount"]["amount"]) for one in plan["actions"] if one["amount"]]
            if plan
            else []
        )
        if amounts and 200 < sum(amounts) <= 250:
            expected.add(case_id)
    assert differing(comparisons) == expected
    assert expected
    assert all(
        one["now"]["tier"] > one["before"]["tier"] for one in comparisons if one["case"] in expected
    )


def test_a_saved_set_plays_alike_without_the_database(countersign, tmp_path):
    file = tmp_path / "set.jsonl"
    saved, recalled = results(
        countersign("replay", "--json", "--no-models", "--set", "evaluation", "--save", file)
    )
    assert file.stat().st_mode & 0o077 == 0
    elsewhere = {
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "nothing"),
        "COUNTERSIGN_DATABASE_URL": "sqlite:////nowhere/x.db",
    }
    played, summary = results(
        countersign("replay", "--json", "--no-models", "--from", file, **elsewhere)
    )
    assert played == saved
    assert summary["precedents"] == recalled["precedents"] > 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    # What memory held comes first, so that the file needs no database for it either.
    kinds = ["case" if "case" in one else "precedent" for one in lines]
    assert kinds == sorted(kinds, reverse=True)
    assert {"case", "reasons", "expected", "usage", "entries"} <= set(lines[-1])


def test_a_changed_playbook_is_tested_for_a_pull_request(countersign, tmp_path):
    library = changed_library(tmp_path, "playbooks/low_stock.yml", ORDERED, "quantity: stock.short")
    playbook, junit = library / "playbooks" / "low_stock.yml", tmp_path / "junit.xml"
    done = countersign("test", playbook, "--markdown", "--junit", junit)
    assert done.returncode == 1
    assert "8 of 8 examples are recognised" in done.stdout
    assert " would differ." in done.stdout
    assert "| WORSE |" in done.stdout
    (suite,) = ElementTree.parse(junit).getroot()
    failures = suite.findall("testcase/failure")
    assert len(failures) == int(suite.get("failures")) == done.stdout.count("| WORSE |") > 5
    assert len(suite) == int(suite.get("tests"))
    examples = [one for one in suite if one.get("name").startswith("example: ")]
    assert len(examples) == 8


def test_playbooks_that_did_not_change_pass(countersign):
    done = countersign("test", "--last", 20, "--json")
    assert done.returncode == 0, done.stdout
    summaries = [
        json.loads(line)["summary"] for line in done.stdout.splitlines() if "summary" in line[:12]
    ]
    assert {one["cases"] for one in summaries} <= {0, 20}
    assert sum(one["cases"] for one in summaries) >= 160
    assert {one["different"] for one in summaries} == {0}


def test_a_changed_query_is_not_asked_again_and_that_is_said(countersign, tmp_path):
    library = changed_library(
        tmp_path,
        "playbooks/low_stock.yml",
        "SELECT s.name AS supplier",
        "SELECT upper(s.name) AS supplier",
    )
    done = countersign("test", library / "playbooks" / "low_stock.yml", "--no-models")
    assert "the look-up “supplier” has another query now" in " ".join(done.stderr.split())
    assert "This kind: not known for" in " ".join(done.stdout.split())


def test_a_replay_says_of_each_kind_of_how_many_trials_nothing_is_known(
    countersign, histories, tmp_path
):
    library = changed_library(
        tmp_path,
        "playbooks/low_stock.yml",
        "SELECT s.name AS supplier",
        "SELECT upper(s.name) AS supplier",
    )
    done = countersign("replay", "--json", "--no-models", "--no-memory", "--library", library)
    comparisons, summary = results(done)
    asked = sum(
        any(fact.startswith("supplier.") for fact in facts_of(entries))
        for entries in histories.values()
    )
    assert summary["not_known"] == {"low_stock": asked}
    assert asked > 30
    assert (summary["recalls"], differing(comparisons)) == (0, set())


def test_today_is_asked_only_where_it_is_wanted_and_then_read_only(
    countersign, sample_data, tmp_path
):
    library = changed_library(
        tmp_path,
        "playbooks/low_stock.yml",
        "SELECT s.name AS supplier",
        "SELECT upper(s.name) AS supplier",
    )
    company = sample_data.folder / "company.db"
    before = company.read_bytes()
    arguments = ("replay", "--no-models", "--no-memory", "--library", library, "--ask-systems")
    done = countersign(*arguments, "--json", HARBOUR_VINE_URL=f"sqlite:///{company}")
    _, summary = results(done)
    assert summary["questions_today"] == summary["not_known"]["low_stock"] > 30
    assert company.read_bytes() == before
    text = " ".join(countersign(*arguments, HARBOUR_VINE_URL=f"sqlite:///{company}").stdout.split())
    assert "the answers of today are not those of then" in text


def test_the_precedents_of_one_case_ended_before_it_and_are_never_its_own(countersign, histories):
    # Not every case is like one before it.
    for case_id in list(histories)[-5:]:
        text = countersign("replay", "--case", case_id, "--no-models").stdout
        (line,) = [one for one in text.splitlines() if "recalled now" in one]
        cited = set(re.findall(r"EX-\d+", line))
        if cited:
            break
    assert cited
    assert case_id not in cited
    opened_at = histories[case_id][0]["at"]
    assert all(histories[one][-1]["at"] < opened_at for one in cited)
    first = countersign("replay", "--case", next(iter(histories)), "--no-models").stdout
    assert "recalled now   no precedent" in first


def test_one_case_is_shown_step_by_step_as_it_was_seen(countersign, histories):
    case_id = next(
        case_id
        for case_id, entries in histories.items()
        if "plan.edited" in {one["type"] for one in entries}
        and entries[-1]["type"] == "case.resolved"
    )
    done = countersign("replay", "--case", case_id, "--no-models")
    text = done.stdout
    assert done.returncode == 0
    for words in (
        "Opened: ",
        "Source: operations system",
        "On hand: ",
        "Read from: operations system, ",
        "Recommended: Order ",
        "Policy: must be approved",
        "Needs: 1 of @",
        "edited the plan",
        "Binds exactly plan 2",
        "Step 1: done",
        "→ resolved",
        "folded again, give the case as it is stored",
        "For evaluation: edited",
        "is the same",
    ):
        assert words in text, words
    full = countersign("case", case_id, "--full").stdout
    assert full.split("\n\n", 1)[1].splitlines()[:30] == text.splitlines()[:30]
