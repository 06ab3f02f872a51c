"""Tampering: whatever is done to the ledger, the verifier that trusts nobody finds it; an honest ledger raises no alarm."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import bot.audit.verifier
from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.verifier import verify
from bot.cases.ledger import GENESIS, chain_hash, leaf_hash
from bot.cases.lifecycle import State
from tests.desk import test_grants as grants
from tests.desk import test_probes as probes
from tests.desk import test_promotions as promotions
from tests.desk import test_rule_changes as rule_changes
from tests.desk import test_standing_rules as standing_rules
from tests.desk import test_version_review as version_review
from tests.fakes.directory import principal
from tests.world import playbook, policy, request


@pytest.fixture
def log(small_world, tmp_path):
    """A real ledger under two checkpoints, exported."""
    for number in range(6):
        receipt = small_world.receive(small_world.signal(f"product:{number}"))
        small_world.work()
        case = small_world.store.cases.case(receipt.case_id)
        if number % 2:
            if number != 5:
                small_world.desk.decisions.edit(
                    request(case.id, principal("omar"), small_world.seen(case)),
                    values={"quantity": 12 + number},
                )
            small_world.approve(small_world.case(case))
        small_world.work()
        if number == 2:
            Checkpoints(tmp_path / "cp", "log").sign(small_world.store.ledger)
    checkpoints = Checkpoints(tmp_path / "cp", "log")
    checkpoints.sign(small_world.store.ledger)
    export(small_world.store.ledger, tmp_path / "log.jsonl")
    return Log(tmp_path, checkpoints.public_key)


class Log:
    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key
        self.lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]

    def findings(self, lines=None, **more) -> list[str]:
        path = self.folder / "tampered.jsonl"
        path.write_text(
            "".join(
                json.dumps(line, ensure_ascii=False) + "\n"
                for line in (self.lines if lines is None else lines)
            )
        )
        return verify(str(path), str(self.folder / "cp"), self.key, **more)[0]

    def grown(self, bodies: list[str]) -> list[dict]:
        """A consistent chain over these bodies: what a forger with the database would write."""
        lines, link = [], GENESIS
        for seq, body in enumerate(bodies, start=1):
            leaf = leaf_hash(body.encode())
            link = chain_hash(link, leaf)
            lines.append({"seq": seq, "chain": link, "leaf": leaf.hex(), "entry": body})
        return lines


def renumber(lines):
    return [{**line, "seq": seq} for seq, line in enumerate(lines, start=1)]


def edited_body(body: str) -> str:
    return (
        body.replace("Merlot", "Barolo", 1)
        if "Merlot" in body
        else body.replace('"at":"2026', '"at":"2025', 1)
    )


def test_an_honest_ledger_raises_no_alarm(log):
    assert log.findings() == []
    assert len(log.lines) > 30


@pytest.mark.parametrize("seed", range(25))
def test_edit_delete_insert_reorder_duplicate_and_swap_are_found(log, seed):
    dice = random.Random(seed)
    at = dice.randrange(1, len(log.lines) - 2)
    line = log.lines[at]
    edit = [*log.lines[:at], {**line, "entry": edited_body(line["entry"])}, *log.lines[at + 1 :]]
    rehashed = {**line, "entry": edited_body(line["entry"])}
    rehashed["leaf"] = leaf_hash(rehashed["entry"].encode()).hex()
    other = dice.randrange(0, at)
    swapped = list(log.lines)
    swapped[at], swapped[other] = (
        {**line, "entry": swapped[other]["entry"]},
        {**swapped[other], "entry": line["entry"]},
    )
    reordered = list(log.lines)
    reordered[at], reordered[at + 1] = reordered[at + 1], reordered[at]
    tampered = {
        "edit": edit,
        "edit with a new leaf": [*log.lines[:at], rehashed, *log.lines[at + 1 :]],
        "delete": [*log.lines[:at], *log.lines[at + 1 :]],
        "delete and renumber": renumber([*log.lines[:at], *log.lines[at + 1 :]]),
        "insert": renumber([*log.lines[:at], log.lines[other], *log.lines[at:]]),
        "duplicate": [*log.lines[: at + 1], *log.lines[at:]],
        "reorder": reordered,
        "reorder and renumber": renumber(reordered),
        "swap bodies": swapped,
    }
    missed = [name for name, lines in tampered.items() if not log.findings(lines)]
    assert missed == []


def test_a_truncated_tail_is_found(log):
    assert "entries were cut off" in log.findings(log.lines[:-1])[0]


def test_truncated_and_grown_anew_is_found_though_every_link_holds(log):
    bodies = [line["entry"] for line in log.lines]
    grown = log.grown([*bodies[:-3], *(edited_body(body) for body in bodies[-3:])])
    assert any("rewritten or grown anew" in finding for finding in log.findings(grown))


def test_rewritten_whole_is_found_though_every_link_holds(log):
    rewritten = log.grown([edited_body(line["entry"]) for line in log.lines])
    assert any("rewritten or grown anew" in finding for finding in log.findings(rewritten))


def test_rewritten_whole_and_signed_by_another_key_is_found(log, tmp_path):
    forged = tmp_path / "forged"
    Checkpoints(forged, "log")
    for note in (tmp_path / "cp").glob("*.note"):
        text, _, _ = note.read_text().partition("\n\n")
        (forged / note.name).write_text(f"{text}\n\n— log AAAAAAAA\n")
    findings = verify(str(tmp_path / "log.jsonl"), str(forged), log.key)[0]
    assert all("no signature by this key" in finding for finding in findings)
    assert len(findings) == 2


def test_a_checkpoint_taken_away_is_found(log, tmp_path):
    next(iter(sorted((tmp_path / "cp").glob("*.note")))).unlink()
    assert log.findings() == ["checkpoint 1 is missing"]


def test_a_checkpoint_changed_by_one_letter_is_found(log, tmp_path):
    note = sorted((tmp_path / "cp").glob("*.note"))[-1]
    size = note.read_text().splitlines()[1]
    note.write_text(note.read_text().replace(f"\n{size}\n", f"\n{int(size) - 1}\n"))
    assert any("the signature does not hold" in finding for finding in log.findings())


def test_a_fork_is_found_when_two_exports_are_held_together(log, tmp_path):
    other = log.grown(
        [*(line["entry"] for line in log.lines[:-1]), edited_body(log.lines[-1]["entry"])]
    )
    (tmp_path / "other.jsonl").write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in other)
    )
    assert log.findings(against=str(tmp_path / "other.jsonl")) == [
        f"entry {len(log.lines)}: the two exports disagree: the log was forked"
    ]


def forged(log, change):
    """The same ledger with one kind of entry changed, and every link made good again."""
    bodies = []
    for line in log.lines:
        entry = json.loads(line["entry"])
        change(entry)
        bodies.append(json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
    return verify_without_checkpoints(log, log.grown(bodies))


def verify_without_checkpoints(log, lines):
    path = log.folder / "forged.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return verify(str(path))[0]


def on(kind, change):
    return lambda entry: change(entry["body"], entry) if entry["type"] == kind else None


@pytest.mark.parametrize(
    ("kind", "change", "finding"),
    [
        (
            "approval.given",
            lambda body, entry: body["approval"].update(digest="0" * 64),
            "another plan than the one that was shown",
        ),
        (
            "approval.given",
            lambda body, entry: entry.update(actor="T1/UELSE"),
            "in somebody else's name",
        ),
        (
            "approval.given",
            lambda body, entry: (
                body["approval"].update(person="T1/UOMAR"),
                entry.update(actor="T1/UOMAR"),
            ),
            "raised, edited or gain from",
        ),
        (
            "plan.authorised",
            lambda body, entry: body.update(by=[]),
            "without the approvals it needs",
        ),
        ("plan.authorised", lambda body, entry: body.update(digest="0" * 64), "another plan"),
        (
            "step.started",
            lambda body, entry: body.update(digest="0" * 64),
            "a plan that was not approved",
        ),
        (
            "plan.recommended",
            lambda body, entry: body["plan"].update(requester="T1/UNOBODY"),
            "another plan than the one that was shown",
        ),
        (
            "plan.edited",
            lambda body, entry: body["plan"]["actions"][0]["parameters"].update(quantity=9999),
            "another plan",
        ),
    ],
)
def test_the_rules_of_the_trade_are_checked_whatever_the_links_say(log, kind, change, finding):
    found = forged(log, on(kind, change))
    assert any(finding in line for line in found), found


@pytest.fixture
def undone(small_world, tmp_path):
    """One case that Ben and Carla approved and took back, which Finn has raised and Dev has raised again."""
    small_world.library.rules = policy(high_above=Decimal(50))
    small_world.house.undo_for = timedelta(minutes=30)
    case = small_world.store.cases.case(
        small_world.receive(small_world.signal(requester=principal("finn"))).case_id
    )
    small_world.work()
    small_world.receive(small_world.signal(requester=principal("dev")))
    for name in ("ben", "carla"):
        small_world.approve(small_world.case(case), name, note="yes")
    small_world.work()
    for name in ("ben", "carla"):
        small_world.desk.decisions.undo(
            request(case.id, principal(name), small_world.seen(case)), note="wrong table"
        )
    small_world.work()
    assert small_world.case(case).state is State.REFERRED
    checkpoints = Checkpoints(tmp_path / "cp", "log")
    checkpoints.sign(small_world.store.ledger)
    export(small_world.store.ledger, tmp_path / "log.jsonl")
    return Log(tmp_path, checkpoints.public_key)


def hushed(body, entry):
    """Put an entry that says nothing in its place, so that no version is missing."""
    entry.update(type="case.narrated", body={})


def of(name):
    def change(body, entry):
        body["approval"]["person"] = entry["actor"] = principal(name)

    return change


def for_another(name):
    return lambda body, entry: body["approval"].update(behalf_of=principal(name))


TAKEN_BACK = [
    (
        "plan.undo_asked",
        lambda body, entry: body.update(by=[]),
        "taken back without the approvals it needs",
    ),
    (
        "plan.undo_asked",
        lambda body, entry: body["by"].pop(),
        "taken back without the approvals it needs",
    ),
    (
        "plan.undo_asked",
        lambda body, entry: body.update(by=["T1/UX", "T1/UY"]),
        "without the approvals it needs",
    ),
    (
        "plan.undo_asked",
        lambda body, entry: body.pop("by"),
        "taken back without the approvals it needs",
    ),
    ("undo.approved", hushed, "taken back without the approvals it needs"),
    ("undo.approved", of("ben"), "approved twice"),
    ("undo.approved", of("finn"), "approved what they raised, edited or gain from"),
    ("undo.approved", of("dev"), "approved what they raised, edited or gain from"),
    (
        "undo.approved",
        for_another("dev"),
        "approved for T1/UDEV, who raised, edited or gains from it",
    ),
    ("undo.approved", for_another("omar"), "T1/UOMAR was heard twice"),
    (
        "undo.approved",
        lambda body, entry: entry.update(actor="T1/UELSE"),
        "in somebody else's name",
    ),
    (
        "undo.approved",
        lambda body, entry: body["approval"].update(digest="0" * 64),
        "taking back another plan than the one that was carried out",
    ),
    (
        "undo.approved",
        lambda body, entry: entry.update(at="2026-11-21T12:30:00.000000Z"),
        "taking back what could not be taken back then",
    ),
    (
        "case.resolved",
        lambda body, entry: body.update(undo_until=None),
        "could not be taken back then",
    ),
]


@pytest.mark.threat("B7")
@pytest.mark.parametrize(("kind", "change", "finding"), TAKEN_BACK, ids=range(len(TAKEN_BACK)))
def test_what_was_taken_back_without_as_many_yeses_is_found(undone, kind, change, finding):
    assert forged(undone, lambda entry: None) == []
    found = forged(undone, on(kind, change))
    assert any(finding in line for line in found), found


@pytest.fixture
def promoted(small_world, tmp_path):
    """An action that has earned to run alone, and lost it again."""
    promotions.prepare(small_world)
    promotions.promote(small_world)
    promotions.take_back(small_world, promotions.next_case(small_world))
    checkpoints = Checkpoints(tmp_path / "cp", "log")
    checkpoints.sign(small_world.store.ledger)
    export(small_world.store.ledger, tmp_path / "log.jsonl")
    return Log(tmp_path, checkpoints.public_key)


def test_a_stage_that_people_approved_raises_no_alarm(promoted):
    assert verify_without_checkpoints(promoted, promoted.lines) == []


def test_a_stage_that_nobody_approved_is_found(promoted):
    for elsewhere in ("", "EX-1000"):
        change = on("stage.changed", lambda body, entry, case=elsewhere: body.update(on_case=case))
        found = forged(promoted, change)
        assert any("nobody has approved it" in line for line in found), found


def test_a_stage_taken_back_needs_nobody(promoted):
    change = on(
        "stage.changed",
        lambda body, entry: body["stage"] == "supervised" and body.update(on_case=""),
    )
    assert not any("nobody has approved it" in line for line in forged(promoted, change))


@pytest.fixture
def granted(small_world, tmp_path):
    """An approval of the next two like one, both of them used."""
    grants.prepare(small_world)
    grants.give(small_world, count=2)
    for number in range(2):
        assert grants.raised(small_world, number).grant_id
    export(small_world.store.ledger, tmp_path / "log.jsonl")
    return Log(tmp_path, "")


GRANTED = [
    ("grant.given", lambda grant: grant.update(max_count=1), "more steps were begun"),
    (
        "grant.given",
        lambda grant: grant.update(max_amount={"amount": "1", "currency": "GBP"}),
        "more was moved",
    ),
    ("grant.given", lambda grant: grant.update(until="2020-01-01T00:00:00Z"), "whose time was"),
    ("grant.given", lambda grant: grant.update(giver="T1/UBEN"), "in somebody else's name"),
    ("grant.given", lambda grant: grant.update(target="elsewhere"), "of other plans than"),
    ("grant.given", lambda grant: grant.update(action="house.give_notice"), "of other plans than"),
    ("grant.given", lambda grant: grant.update(limits={"quantity": 1}), "of other plans than"),
    ("grant.given", lambda grant: grant.update(policy_digest="0"), "of other plans than"),
    ("grant.given", lambda grant: grant.update(on_case="EX-9"), "without an approval of a plan"),
    ("grant.given", lambda grant: grant.update(id="EX-1/9"), "that nobody had given"),
]


@pytest.mark.parametrize(("kind", "change", "finding"), GRANTED, ids=range(len(GRANTED)))
def test_what_was_approved_in_advance_beyond_its_bounds_is_found(granted, kind, change, finding):
    assert forged(granted, lambda entry: None) == []
    found = forged(granted, on(kind, lambda body, entry: change(body["grant"])))
    assert any(finding in line for line in found), found


@pytest.fixture
def ruled(small_world, tmp_path):
    """A standing rule that people adopted, kept after a while, used twice and lost."""
    world = small_world
    standing_rules.prepare(world)
    standing_rules.adopt(world)
    world.clock.at += standing_rules.TERMS.disuse
    world.approve(standing_rules.ask(world), "elsie")
    world.work()
    cases = [standing_rules.raise_case(world, number) for number in (200, 201)]
    assert all(case.standing_rule_id for case in cases)
    promotions.take_back(world, cases[0])
    assert standing_rules.rules(world) == ()
    export(world.store.ledger, tmp_path / "log.jsonl")
    return Log(tmp_path, "")


def on_rule(**changes):
    return lambda body, entry: body["rule"].update(changes)


def run_by(entry, change):
    """Change the verdict by which a plan ran by a standing rule."""
    verdict = entry["body"].get("verdict") or {}
    if entry["type"] == "plan.authorised" and verdict.get("rule") == "alone.standing_rule":
        change(entry, verdict["inputs"])


RULED = [
    (on("rule.adopted", on_rule(times_per_day=1000)), "nobody has approved it"),
    (on("rule.adopted", on_rule(bounds=[])), "nobody has approved it"),
    (on("rule.adopted", lambda body, entry: body.update(on_case="EX-1")), "nobody has approved it"),
    (on("rule.adopted", on_rule(id="EX-6/99")), "that nobody had adopted"),
    (
        on("rule.prolonged", lambda body, entry: body.update(until="2030-01-01T00:00:00Z")),
        "lasts longer",
    ),
    (
        on("rule.prolonged", lambda body, entry: body.update(until="2026-01-01T00:00:00Z")),
        "whose time was over",
    ),
    (
        on("rule.doubted", lambda body, entry: body.update(until="2030-01-01T00:00:00Z")),
        "lasts longer",
    ),
    (
        on("evidence.gathered", lambda body, entry: [f.update(value=99) for f in body["evidence"]]),
        "does not cover it",
    ),
    (
        on("case.opened", lambda body, entry: body["signal"]["facts"].update(product_id=2)),
        "does not cover it",
    ),
    (
        lambda entry: run_by(entry, lambda entry, inputs: inputs.update(standing_rule="")),
        "had not earned it",
    ),
]


@pytest.mark.parametrize(("change", "finding"), RULED, ids=range(len(RULED)))
def test_what_ran_beyond_a_standing_rule_is_found(ruled, change, finding):
    assert forged(ruled, lambda entry: None) == []
    found = forged(ruled, change)
    assert any(finding in line for line in found), found


def test_more_runs_in_a_day_than_a_standing_rule_lets_are_found(small_world, tmp_path):
    standing_rules.prepare(small_world)
    standing_rules.adopt(small_world)
    for number in range(standing_rules.TERMS.times_per_day):
        assert standing_rules.raise_case(small_world, 200 + number).standing_rule_id
    first_day = small_world.clock.at.isoformat().replace("+00:00", "Z")
    small_world.clock.at += timedelta(days=1)
    assert standing_rules.raise_case(small_world, 300).standing_rule_id
    export(small_world.store.ledger, tmp_path / "log.jsonl")
    log = Log(tmp_path, "")
    assert forged(log, lambda entry: None) == []
    found = forged(
        log, lambda entry: entry["type"] == "step.started" and entry.update(at=first_day)
    )
    assert any("more plans were begun in a day" in line for line in found), found


def of_the_release_before(entry):
    """What an earlier release wrote of the same: one press, no votes, and none of the new fields."""
    for name, fields in (("case.resolved", ["undo_votes"]), ("plan.undo_asked", ["by", "until"])):
        if entry["type"] == name:
            for field in fields:
                del entry["body"][field]
    if entry["type"] == "undo.approved":
        hushed(entry["body"], entry)


@pytest.mark.threat("B7")
def test_a_ledger_of_the_release_before_raises_no_alarm_though_one_person_took_it_back(undone):
    assert forged(undone, of_the_release_before) == []


@pytest.mark.threat("B7")
def test_a_program_of_this_release_cannot_pass_for_the_one_before(undone):
    """Whatever it leaves out of the undoing, the doing before it has shown which release it is."""

    def posing(entry):
        if entry["type"] != "case.resolved":
            of_the_release_before(entry)

    assert any("without the approvals it needs" in line for line in forged(undone, posing))


@pytest.mark.threat("B6")
@pytest.mark.parametrize("kind", ["case.opened", "signal.recurred"])
def test_a_yes_by_whoever_raised_it_at_first_or_again_is_found(undone, kind):
    found = forged(
        undone, on(kind, lambda body, entry: body["signal"].update(requester=principal("carla")))
    )
    assert any(
        "EX-1: T1/UCARLA approved what they raised, edited or gain from" in line for line in found
    ), found


@pytest.mark.threat("B6")
def test_raising_it_after_the_yes_is_no_finding(small_world, tmp_path):
    case = small_world.proposed()
    small_world.approve(case)
    small_world.receive(small_world.signal(requester=principal("ana")))
    export(small_world.store.ledger, tmp_path / "log.jsonl")
    assert verify(str(tmp_path / "log.jsonl"))[0] == []


def test_the_verifier_runs_alone_without_the_app(log, tmp_path):
    """Copied elsewhere, in an interpreter that cannot see the project: exit 0 for the honest ledger, 1 for a tampered one."""
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    (alone / "verifier.py").write_text(Path(bot.audit.verifier.__file__).read_text())
    command = [
        sys.executable,
        "-P",
        "verifier.py",
        str(tmp_path / "log.jsonl"),
        "--checkpoints",
        str(tmp_path / "cp"),
        "--key",
        log.key,
    ]
    honest = subprocess.run(command, cwd=alone, capture_output=True, text=True, env={})
    assert (honest.returncode, "everything holds" in honest.stdout) == (0, True), honest.stderr
    log.findings(log.lines[:-1])
    command[3] = str(tmp_path / "tampered.jsonl")
    cut = subprocess.run(command, cwd=alone, capture_output=True, text=True, env={})
    assert (cut.returncode, "FINDING" in cut.stdout) == (1, True)
    assert "import bot" not in Path(bot.audit.verifier.__file__).read_text()
    command[3] = str(tmp_path / "nothing.jsonl")
    assert subprocess.run(command, cwd=alone, capture_output=True, env={}).returncode == 2


@pytest.fixture
def readopted(small_world, tmp_path):
    """Rules that were changed, decided by the owners and taken back."""
    world = small_world
    world.house.rows = [{**world.house.rows[0], "at_risk": 10}]
    world.library.rules = rule_changes.limited(500)
    world.desk.upkeep.rule_review.review()
    rule_changes.restart(world, rules=rule_changes.limited(2000))
    case = rule_changes.the_change(world)
    world.approve(case, "elsie")
    world.work()
    by = request(case.id, principal("elsie"), world.seen(case))
    world.desk.decisions.undo(by, note="too soon")
    world.work()
    checkpoints = Checkpoints(tmp_path / "cp", "log")
    checkpoints.sign(world.store.ledger)
    export(world.store.ledger, tmp_path / "log.jsonl")
    return Log(tmp_path, checkpoints.public_key)


def test_rules_that_people_approved_raise_no_alarm(readopted):
    assert verify_without_checkpoints(readopted, readopted.lines) == []


def test_rules_that_nobody_approved_are_found(readopted):
    for elsewhere in ("", "EX-1000"):
        change = on(
            "policy.adopted",
            lambda body, entry, case=elsewhere: body["before"] and body.update(on_case=case),
        )
        found = forged(readopted, change)
        assert any("nobody has approved them" in line for line in found), found


def test_rules_that_claim_to_be_the_first_are_found(readopted):
    change = on("policy.adopted", lambda body, entry: body.update(before=""))
    found = forged(readopted, change)
    assert any("after others than those that were" in line for line in found), found


@pytest.fixture
def practised(small_world, tmp_path):
    """A ledger with a practice case that somebody approved, exported."""
    world = probes.with_probes(small_world)
    probes.refused(world)
    world.clock.forward(days=20)
    world.approve(probes.put(world), "omar")
    world.work()
    export(world.store.ledger, tmp_path / "log.jsonl")
    return Log(tmp_path, "")


def test_practice_raises_no_alarm(practised):
    assert "probe.answered" in [json.loads(line["entry"])["type"] for line in practised.lines]
    assert verify_without_checkpoints(practised, practised.lines) == []


@pytest.mark.parametrize("kind", sorted(bot.audit.verifier.NEVER_OF_PROBES))
def test_practice_that_is_approved_or_carried_out_is_found(practised, kind):
    findings = forged(practised, on("probe.answered", lambda body, entry: entry.update(type=kind)))
    assert any(f"{kind} on a practice case" in finding for finding in findings)


def test_a_case_of_the_business_that_is_passed_off_as_practice_is_found(practised):
    def change(body, entry):
        entry.update(type="probe.answered", body={"answer": "approved"})

    findings = forged(practised, on("plan.rejected", change))
    assert any("a case of the business was ended as practice" in one for one in findings)


@pytest.fixture
def reversioned(small_world, tmp_path):
    """A playbook that was changed, tried, approved, and went back after a bad outcome."""
    world = small_world
    rule = replace(version_review.RULE, watch=timedelta(days=10))
    world.house.rows = [{**world.house.rows[0], "at_risk": 10, "case_size": 6, "shop": "Soho"}]
    world.house.undo_for = timedelta(days=1)
    world.library.rules = version_review.tried(rule)
    world.library.edit(playbook())
    version_review.restart(world)
    world.desk.upkeep.rule_review.review()
    _, case = version_review.to_question(world)
    world.approve(case, "elsie")
    world.work()
    version_review.take_back(world, version_review.decided(world, 300))
    version_review.case_of(world, 301)
    checkpoints = Checkpoints(tmp_path / "cp", "log")
    checkpoints.sign(world.store.ledger)
    export(world.store.ledger, tmp_path / "log.jsonl")
    return Log(tmp_path, checkpoints.public_key)


def demand_trials(entry):
    """Let the policy in force say that changed playbooks are tried."""
    if entry["type"] == "policy.adopted":
        entry["body"]["record"]["policy_text"] = "currency: GBP\nversions: {shadow: 3}\n"


def test_versions_that_people_approved_and_that_went_back_raise_no_alarm(reversioned):
    assert verify_without_checkpoints(reversioned, reversioned.lines) == []
    assert forged(reversioned, demand_trials) == []


def test_a_version_that_nobody_approved_is_found(reversioned):
    for elsewhere in ("", "EX-1000"):

        def change(entry, case=elsewhere):
            demand_trials(entry)
            body = entry["body"]
            if entry["type"] == "version.adopted" and body["key"]:
                body["on_case"] = case

        found = forged(reversioned, change)
        assert any("a changed playbook came into force, and nobody" in line for line in found), (
            found
        )


def test_a_return_to_another_version_than_the_one_before_is_found(reversioned):
    def change(entry):
        demand_trials(entry)
        body = entry["body"]
        if entry["type"] == "version.adopted" and body["former_version"]:
            body["checksum"] = "f" * 64

    found = forged(reversioned, change)
    assert any("a changed playbook came into force, and nobody" in line for line in found), found


def test_a_plan_of_a_version_that_was_not_in_force_is_found(reversioned):
    change = on("evidence.gathered", lambda body, entry: body.update(playbook_version="f" * 64))
    found = forged(reversioned, change)
    assert any("neither in force nor on trial" in line for line in found), found


def test_a_version_on_trial_that_was_never_in_shadow_is_found(reversioned):
    change = on(
        "version.begun",
        lambda body, entry: body["phase"] == "on trial" and body.update(checksum="f" * 64),
    )
    found = forged(reversioned, change)
    assert any("that had not been in shadow" in line for line in found), found


def test_a_version_that_claims_another_before_it_is_found(reversioned):
    change = on(
        "version.adopted", lambda body, entry: body["before"] and body.update(before="f" * 64)
    )
    found = forged(reversioned, change)
    assert any("after another than the one that was" in line for line in found), found
