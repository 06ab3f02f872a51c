"""Rule 24, its second half: the top class is approved outside Slack, with a signature of the approver's own device over the plan."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.actor import Surface
from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Undo
from bot.cases.decide import decide
from bot.cases.errors import BadRequest, NotEligible, Superseded, TooLate
from bot.cases.lifecycle import State
from bot.cases.passkey import Purpose, b64url_decode, b64url_encode, challenge
from bot.cases.policy import EmergencyRule, PlaybookTerms, TierRule
from bot.emulator.blocks import validate_view
from handlers.cards import ids
from handlers.cards.forms import undo_form
from handlers.passkeys.app import routes
from handlers.passkeys.ceremony import Ceremony
from handlers.slack.case_forms import CaseForms
from handlers.slack.interactions import FormSubmission
from tests.fakes.device import PRESENT, Device
from tests.fakes.directory import principal
from tests.world import playbook, policy, request

pytestmark = pytest.mark.both_databases

ANA, BEN, CARLA, ELSIE, OMAR = map(principal, ("ana", "ben", "carla", "elsie", "omar"))
HOUR = timedelta(hours=1)
HIGH = TierRule((ApprovalRequirement("floor-managers", 1),), 8 * HOUR)


class Page:
    """The page as a browser sees it, and a device beside it."""

    def __init__(self, world):
        self.world = world
        desk = world.desk
        ceremony = Ceremony("http://localhost:8080")
        self.web = TestClient(
            Starlette(routes=routes(desk.decisions, desk.enrolment, ceremony, world.clock))
        )

    def add(self, who, device):
        token = self.world.desk.enrolment.invite(who, operator="root")
        path = f"/passkey/{token}"
        return path, self.web.post(
            path, json=device.made(self.web.get(f"{path}/question").json()["options"])
        )

    def begin(self, case, who=ANA, note="the harvest is late"):
        token = self.world.desk.decisions.step_ups.begin_approval(
            request(case.id, who, CardSnapshot.of(case)), note=note
        )
        return f"/confirm/{case.id}/{token}"

    def options(self, path):
        return self.web.get(f"{path}/question").json()["options"]

    def confirm(self, path, device):
        return self.web.post(path, json=device.signed(self.options(path)))


@pytest.fixture
def page(small_world):
    return opened(small_world)


def opened(world):
    """A world in which a case of 300 is the top class, and Ana has a passkey."""
    tiers = {**policy().tiers, "high": HIGH}
    world.library.rules = policy(high_above=Decimal(100), step_up_above=Decimal(200), tiers=tiers)
    world.house.amount = Decimal(300)
    page = Page(world)
    page.device = Device()
    assert page.add(ANA, page.device)[1].status_code == 200
    return page


@pytest.fixture
def case(page):
    found = page.world.proposed()
    assert found.proposal.verdict.step_up
    return found


def findings(world, folder):
    checkpoints = Checkpoints(folder / "cp", "log")
    checkpoints.sign(world.store.ledger)
    export(world.store.ledger, folder / "log.jsonl")
    return verify(str(folder / "log.jsonl"), str(folder / "cp"), checkpoints.public_key)[0]


@pytest.mark.parametrize("sort", ["ES256", "EdDSA", "RS256"])
def test_rule_24_the_top_class_runs_only_with_a_signature_over_the_plan(world, sort, tmp_path):
    page, device = opened(world), Device(sort=sort)
    case = world.proposed()
    page.add(ANA, device)
    path = page.begin(case)
    world.work()
    assert (world.case(case).state, world.house.effects) == (State.PROPOSED, [])
    told = page.confirm(path, device)
    assert (told.status_code, told.json()) == (200, {"said": "Approved. It is carried out now."})
    world.work()
    after = world.case(case)
    assert (after.state, len(world.house.effects)) == (State.RESOLVED, 1)
    given = after.proposal.approvals[0]
    assert (given.note, given.assertion.credential) == (
        "the harvest is late",
        b64url_encode(device.id),
    )
    assert findings(world, tmp_path) == []
    assert replay(world.store.database).differences == ()


def test_rule_24_what_is_shown_is_what_is_signed(page, case):
    path = page.begin(case)
    told = page.web.get(f"{path}/question").json()
    action = case.proposal.plan.actions[0]
    assert told["as"] == "Ana"
    assert told["steps"] == [{"what": action.summary, "on": action.target, "undo": True}]
    assert told["amount"] == str(case.proposal.plan.amount)
    assert told["note"] == "the harvest is late"
    assert [one["id"] for one in told["options"]["allowCredentials"]] == [
        b64url_encode(page.device.id)
    ]


def test_rule_24_slack_alone_is_not_enough(page, case):
    with pytest.raises(NotEligible, match="with your passkey"):
        page.world.approve(case, note="please")
    assert page.world.entry_names(case)[-1] == "attempt.refused"


def test_rule_24_whoever_has_no_passkey_is_told_whom_to_ask(page, case):
    with pytest.raises(NotEligible, match="ask whoever runs Countersign"):
        page.begin(case, OMAR)


def test_rule_24_nobody_is_sent_to_their_device_who_may_not_approve(page, case):
    page.add(CARLA, Device())
    with pytest.raises(NotEligible, match="only @floor-managers may approve"):
        page.begin(case, CARLA)
    with pytest.raises(BadRequest, match="your reason in words"):
        page.begin(case, note=" ")


def test_rule_24_no_emergency_lets_the_top_class_through(page, case):
    rules = page.world.library.rules
    page.world.library.rules = policy(
        high_above=rules.high_above,
        step_up_above=rules.step_up_above,
        tiers=rules.tiers,
        emergency=EmergencyRule("owners", 48 * HOUR),
    )
    with pytest.raises(NotEligible, match="never let through by one person"):
        page.world.desk.decisions.break_glass(
            request(case.id, ELSIE, page.world.seen(case)), reason="now"
        )


def refused(answer, status=403):
    assert answer.status_code == status, answer.text
    return answer.json()["refused"]


def test_a_genuine_answer_counts_once(page, case):
    path = page.begin(case)
    answer = page.device.signed(page.options(path))
    assert page.web.post(path, json=answer).status_code == 200
    assert "works no longer" in refused(page.web.post(path, json=answer), 410)
    page.world.work()
    assert len(page.world.house.effects) == 1


@pytest.mark.parametrize(
    "wrong", ["stranger", "origin", "site", "unverified", "signature", "kind", "challenge"]
)
def test_what_is_not_genuine_changes_nothing(page, case, wrong):
    path, device = page.begin(case), page.device
    options = page.options(path)
    if wrong == "stranger":
        device = Device()
    elif wrong == "origin":
        device.origin = "http://localhost.evil.example:8080"
    elif wrong == "site":
        device.site = "evil.example"
    elif wrong == "unverified":
        device.flags = PRESENT
    elif wrong == "challenge":
        options = {**options, "challenge": b64url_encode(bytes(32))}
    answer = device.made(options) if wrong == "kind" else device.signed(options)
    if wrong == "signature":
        signature = bytearray(b64url_decode(answer["response"]["signature"]))
        signature[-1] ^= 1
        answer["response"]["signature"] = b64url_encode(bytes(signature))
    assert "not genuine" in refused(page.web.post(path, json=answer))
    last = page.world.store.cases.entries(case.id)[-1]
    assert (last.body.name, str(last.actor), last.surface) == ("attempt.refused", ANA, "passkey")
    page.world.work()
    assert (page.world.case(case).state, page.world.house.effects) == (State.PROPOSED, [])


def test_a_signature_for_one_case_is_none_for_another(page, case):
    other = page.world.receive(page.world.signal("product:2"))
    page.world.work()
    other = page.world.store.cases.case(other.case_id)
    first, second = page.begin(case), page.begin(other)
    answer = page.device.signed(page.options(first))
    assert "not genuine" in refused(page.web.post(second, json=answer))


def test_policy_that_asks_for_a_passkey_afterwards_stops_what_was_approved_without(page):
    world = page.world
    rules = world.library.rules
    world.library.rules = policy(high_above=rules.high_above, tiers=rules.tiers)
    case = world.proposed()
    world.approve(case, note="please")
    world.library.rules = rules
    world.work()
    assert world.house.effects == []
    assert "policy is stricter now" in world.case(case).activity.drift_reasons[0]


def test_somebody_elses_device_is_none_of_mine(page, case):
    theirs = Device()
    page.add(OMAR, theirs)
    assert "not genuine" in refused(page.confirm(page.begin(case), theirs))


@pytest.mark.parametrize("why", ["late", "newer", "edited", "no such case", "guessed"])
def test_a_link_that_is_over_says_so_and_nothing_else(page, case, why):
    path = page.begin(case)
    if why == "late":
        page.world.clock.forward(minutes=11)
    elif why == "newer":
        page.begin(case)
    elif why == "edited":
        page.world.desk.decisions.edit(
            request(case.id, OMAR, page.world.seen(case)), values={"quantity": 30}
        )
    elif why == "no such case":
        path = path.replace(case.id, "EX-999")
    else:
        path = path[:-1] + ("A" if path[-1] != "A" else "B")
    told = refused(page.web.get(f"{path}/question"), 410)
    assert told == "Not done: this link works no longer; press the button on the card again."
    assert refused(page.web.post(path, json=page.device.signed({"challenge": "AAAA"})), 410) == told


def test_an_edit_between_question_and_answer_voids_it(page, case):
    path = page.begin(case)
    answer = page.device.signed(page.options(path))
    page.world.desk.decisions.edit(
        request(case.id, OMAR, page.world.seen(case)), values={"quantity": 30}
    )
    assert page.web.post(path, json=answer).status_code == 410
    with pytest.raises(Superseded):
        page.begin(case)


def test_a_passkey_that_was_removed_stops_what_it_approved(page, case):
    """Stolen, found out, removed: all before the plan was carried out."""
    assert page.confirm(page.begin(case), page.device).status_code == 200
    page.world.desk.enrolment.remove(b64url_encode(page.device.id)[:16], operator="root")
    page.world.work()
    assert page.world.house.effects == []
    assert "plan.drifted" in page.world.entry_names(case)
    assert "approvals no longer count" in page.world.case(case).activity.drift_reasons[0]


def test_two_people_sign_each_with_their_own(page, tmp_path):
    world = page.world
    world.library.rules = policy(high_above=Decimal(100), step_up_above=Decimal(200))
    ben, carla = Device(), Device()
    page.add(BEN, ben)
    page.add(CARLA, carla)
    case = world.proposed()
    assert (
        page.confirm(page.begin(case, BEN), ben)
        .json()["said"]
        .startswith("Approved. It waits for somebody else")
    )
    assert (
        page.confirm(page.begin(case, CARLA), carla).json()["said"]
        == "Approved. It is carried out now."
    )
    world.work()
    assert len(world.house.effects) == 1
    assert findings(world, tmp_path) == []


def test_a_device_is_added_by_invitation_alone_and_once(page):
    device = Device()
    path, told = page.add(OMAR, device)
    assert told.json()["said"].startswith("Your passkey is added")
    assert refused(page.web.get(f"{path}/question"), 410) == refused(
        page.web.post(path, json={}), 410
    )
    token = page.world.desk.enrolment.invite(OMAR, operator="root")
    page.world.clock.forward(hours=25)
    with pytest.raises(TooLate, match="works no longer"):
        page.world.desk.enrolment.find_invitation(token)
    assert replay(page.world.store.database).differences == ()


def test_guests_are_not_invited(page):
    page.world.people.change("omar", guest=True)
    with pytest.raises(BadRequest, match="approves nothing"):
        page.world.desk.enrolment.invite(OMAR, operator="root")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"id": 1, "response": 7}',
        b"\xff",
        b"[" * 30_000,
        b" " * 40_000,
    ],
)
def test_nonsense_is_refused_and_breaks_nothing(page, case, body):
    path = page.begin(case)
    told = page.web.post(path, content=body, headers={"Content-Type": "application/json"})
    assert told.status_code in {403, 422}
    assert page.web.post(path, content=b"a=b").status_code == 422
    assert page.confirm(path, page.device).status_code == 200


def test_the_page_loads_nothing_from_elsewhere_and_is_kept_nowhere(page, case):
    path = page.begin(case)
    for address in (path, f"{path}/question", "/passkeys/page.js", "/passkeys/page.css"):
        told = page.web.get(address)
        assert told.status_code == 200
        assert "default-src 'none'" in told.headers["content-security-policy"]
        assert (told.headers["cache-control"], told.headers["referrer-policy"]) == (
            "no-store",
            "no-referrer",
        )


def test_the_secret_of_a_link_is_written_nowhere(page, case, tmp_path):
    token = page.begin(case).rpartition("/")[2]
    findings(page.world, tmp_path)
    assert token not in (tmp_path / "log.jsonl").read_text()
    assert all(
        token not in json.dumps(row, default=str)
        for row in page.world.store.outbox.parked_messages()
    )


# --- the auditor -----------------------------------------------------------------------------------------------------------


def forged(lines, change):
    """The ledger as a forger with the database would write it: every link made good again."""
    from bot.cases.ledger import GENESIS, chain_hash, leaf_hash

    link, out = GENESIS, []
    for seq, line in enumerate(lines, start=1):
        entry = json.loads(line["entry"])
        change(entry)
        body = json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        leaf = leaf_hash(body.encode())
        link = chain_hash(link, leaf)
        out.append({**line, "seq": seq, "leaf": leaf.hex(), "chain": link, "entry": body})
    return out


def without(entry):
    entry["body"]["approval"]["assertion"] = None


def of_another(entry):
    entry["body"]["approval"]["assertion"]["credential"] = b64url_encode(bytes(32))


def cut(entry):
    entry["body"]["approval"]["assertion"]["client_data"] = "AAAA"


def swapped(entry):
    told = entry["body"]["approval"]["assertion"]
    told["authenticator_data"] = b64url_encode(
        b64url_decode(told["authenticator_data"])[:32] + b"\x05\0\0\0\x09"
    )


def never_begun(entry):
    entry["body"]["approval"]["assertion"]["ticket"] = "0" * 64


@pytest.mark.parametrize("change", [without, of_another, cut, swapped, never_begun])
def test_the_auditor_finds_a_yes_that_the_device_did_not_sign(page, case, tmp_path, change):
    assert page.confirm(page.begin(case), page.device).status_code == 200
    page.world.work()
    assert findings(page.world, tmp_path) == []
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    def altered(entry):
        if entry["type"] == "approval.given":
            change(entry)

    def untouched(entry):
        pass

    path = tmp_path / "forged.jsonl"
    for how, found in ((untouched, False), (altered, True)):
        path.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in forged(lines, how))
        )
        told = verify(str(path))[0]
        assert any("without their passkey" in finding for finding in told) is found, told


# --- taking back -----------------------------------------------------------------------------------------------------------


def begin_undo(page, case, who=ANA, note="wrong wine"):
    token = page.world.desk.decisions.step_ups.begin_undo(
        request(case.id, who, page.world.seen(case)), note=note
    )
    return f"/confirm/{case.id}/{token}"


def carried_out(page):
    """A plan of the top class that Ana has signed; it is done, and may be taken back for half an hour."""
    page.world.house.undo_for = timedelta(minutes=30)
    case = page.world.proposed()
    assert page.confirm(page.begin(case), page.device).status_code == 200
    page.world.work()
    done = page.world.case(case)
    assert done.state is State.RESOLVED
    return done


@pytest.mark.threat("B7")
@pytest.mark.parametrize("sort", ["ES256", "EdDSA", "RS256"])
def test_the_top_class_is_taken_back_only_with_a_signature_over_that(page, sort, tmp_path):
    world = page.world
    device, case = Device(sort=sort), carried_out(page)
    page.add(OMAR, device)
    with pytest.raises(NotEligible, match="taken back with your passkey, outside Slack"):
        world.desk.decisions.undo(request(case.id, OMAR, page.world.seen(case)), note="wrong wine")
    path = begin_undo(page, case, OMAR)
    asked = page.web.get(f"{path}/question").json()
    assert (asked["purpose"], asked["as"], asked["note"]) == ("undo", "Omar", "wrong wine")
    assert [step["what"] for step in asked["steps"]] == [case.proposal.plan.actions[0].summary]
    assert world.case(case).state is State.RESOLVED
    told = page.confirm(path, device)
    assert (told.status_code, told.json()) == (200, {"said": "It is taken back now."})
    world.work()
    after = world.case(case)
    assert (after.state, len(world.house.effects)) == (State.REFERRED, 2)
    assert after.execution.undo_approvals[0].assertion.credential == b64url_encode(device.id)
    assert findings(world, tmp_path) == []
    assert replay(world.store.database).differences == ()


@pytest.mark.threat("B7")
def test_the_form_of_taking_back_leads_to_the_page(page):
    case = carried_out(page)
    form = undo_form(case)
    entered = {"note": {ids.NOTE: {"type": "plain_text_input", "value": "wrong wine"}}}
    body = {
        "user": {"id": "UANA", "team_id": "T1"},
        "view": {**form, "id": "V1", "state": {"values": entered}},
    }
    door = CaseForms(
        decisions=page.world.desk.decisions,
        library=page.world.library,
        confirmation_link=lambda case_id, token: f"https://desk.example/confirm/{case_id}/{token}",
    )
    onward = door.undo(FormSubmission.parse(body))
    assert validate_view(onward) == []
    words, buttons, small = onward["blocks"]
    assert "is taken back with your passkey, on a page outside Slack" in json.dumps(words)
    assert "Nothing is taken back before." in json.dumps(small)
    (button,) = buttons["elements"]
    assert button["text"]["text"] == "Take it back with my passkey"
    assert page.confirm(button["url"], page.device).json() == {"said": "It is taken back now."}


@pytest.mark.threat("B7")
def test_a_signature_for_the_doing_is_none_for_the_undoing(page):
    case = carried_out(page)
    challenges = [
        challenge(
            case_id=case.id,
            revision=case.proposal.revision,
            plan_hash=case.proposal.plan.plan_hash,
            person=ANA,
            ticket="0" * 64,
            purpose=purpose,
        )
        for purpose in Purpose
    ]
    assert challenges[0] != challenges[1]
    assert challenges[0] == challenge(
        case_id=case.id,
        revision=case.proposal.revision,
        plan_hash=case.proposal.plan.plan_hash,
        person=ANA,
        ticket="0" * 64,
    )
    given = case.proposal.approvals[0].assertion
    with pytest.raises(TooLate, match="works no longer"):
        decide(
            case,
            Undo(
                page.world.desk.decisions.callers.for_case(case, ANA, Surface.PASSKEY_PAGE),
                CardSnapshot.of(case),
                "x",
                assertion=given,
            ),
            page.world.clock(),
        )
    path = begin_undo(page, case)
    (asked,) = page.world.case(case).proposal.step_ups
    answer = page.device.signed({"challenge": b64url_encode(challenges[0])})
    assert "not genuine" in refused(page.web.post(path, json=answer))
    wrong = page.device.signed(
        {
            "challenge": b64url_encode(
                challenge(
                    case_id=case.id,
                    revision=case.proposal.revision,
                    plan_hash=case.proposal.plan.plan_hash,
                    person=ANA,
                    ticket=asked.ticket,
                )
            )
        }
    )
    assert "not genuine" in refused(page.web.post(path, json=wrong))
    last = page.world.store.cases.entries(case.id)[-1].body
    assert (last.name, last.attempt) == ("attempt.refused", "take back")
    assert page.world.case(case).state is State.RESOLVED


@pytest.mark.threat("B7")
def test_two_sign_the_undoing_each_with_their_own(page, tmp_path):
    world = page.world
    world.library.rules = policy(high_above=Decimal(100), step_up_above=Decimal(200))
    world.house.undo_for = timedelta(minutes=30)
    ben, carla = Device(), Device()
    page.add(BEN, ben)
    page.add(CARLA, carla)
    case = world.proposed()
    for who, device in ((BEN, ben), (CARLA, carla)):
        page.confirm(page.begin(case, who), device)
    world.work()
    told = page.confirm(begin_undo(page, case, CARLA), carla).json()
    assert told == {"said": "Noted. It waits for somebody else's yes too."}
    assert (world.case(case).state, len(world.house.effects)) == (State.RESOLVED, 1)
    assert page.confirm(begin_undo(page, case, BEN), ben).json() == {
        "said": "It is taken back now."
    }
    world.work()
    assert world.case(case).state is State.REFERRED
    assert findings(world, tmp_path) == []


@pytest.mark.threat("B7")
def test_a_passkey_that_is_removed_takes_nothing_back(page):
    case = carried_out(page)
    assert page.confirm(begin_undo(page, case), page.device).status_code == 200
    page.world.desk.enrolment.remove(b64url_encode(page.device.id)[:16], operator="root")
    page.world.work()
    kept = page.world.case(case)
    assert (kept.state, len(page.world.house.effects)) == (State.RESOLVED, 1)
    assert (
        kept.activity.status_reason.reason
        == "not taken back: the approvals to take it back no longer count"
    )


@pytest.mark.threat("B7")
def test_nobody_is_sent_to_their_device_who_may_not_take_it_back(page):
    case = carried_out(page)
    with pytest.raises(NotEligible, match="only @floor-managers"):
        begin_undo(page, case, CARLA)
    with pytest.raises(NotEligible, match="ask whoever runs Countersign"):
        begin_undo(page, case, OMAR)
    with pytest.raises(BadRequest, match="say why"):
        begin_undo(page, case, note=" ")
    path = begin_undo(page, case)
    page.world.clock.forward(minutes=31)
    assert "works no longer" in refused(page.web.get(f"{path}/question"), 410)
    with pytest.raises(TooLate, match="time to take it back has passed"):
        begin_undo(page, case)


@pytest.mark.threat("B7")
@pytest.mark.parametrize("change", [without, of_another, cut, swapped, never_begun, "purpose"])
def test_the_auditor_finds_an_undoing_that_the_device_did_not_sign(page, tmp_path, change):
    case = carried_out(page)
    assert page.confirm(begin_undo(page, case), page.device).status_code == 200
    page.world.work()
    assert findings(page.world, tmp_path) == []
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    def altered(entry):
        if change == "purpose" and entry["type"] == "approval.begun":
            entry["body"]["purpose"] = "approve" if entry["body"]["purpose"] == "undo" else "undo"
        elif change != "purpose" and entry["type"] == "undo.approved":
            change(entry)

    path = tmp_path / "forged.jsonl"
    path.write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in forged(lines, altered))
    )
    assert any("without their passkey" in finding for finding in verify(str(path))[0])


def test_a_playbook_that_acts_alone_is_never_of_the_top_class(page):
    from bot.cases.policy import Stage

    page.world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    assert page.world.proposed().state is State.PROPOSED
