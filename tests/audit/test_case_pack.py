"""A case for an auditor: whatever is changed in it is found, by a program that is not ours."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from html.parser import HTMLParser

import pytest

import bot.audit.verifier as verifier
from bot.audit.case_pack import make_pack, pack_from_plain, pack_to_plain
from bot.audit.checkpoints import Checkpoints, Witness
from bot.audit.pack_page import pack_page
from bot.cases.errors import LedgerBroken, NoSuchCase, Refusal
from bot.cases.signal import Signal
from tests.desk.test_passkeys import opened
from tests.fakes.directory import principal
from tests.world import request


class Packs:
    """A world with a signed ledger, and the pages of its cases."""

    def __init__(self, world, folder):
        self.world = world
        self.folder = folder
        self.checkpoints = Checkpoints(folder / "checkpoints", "house")

    def sign(self):
        self.checkpoints.sign(self.world.store.ledger)

    def make(self, case_id):
        return make_pack(
            self.world.store, self.checkpoints, case_id=case_id, now=self.world.clock()
        )

    def findings(self, plain):
        """What the verifier says of a page with this record."""
        path = self.folder / "page.html"
        record = json.dumps(plain).replace("<", "\\u003c")
        path.write_text(f'<script type="application/json" id="countersign-pack">{record}</script>')
        return verifier.verify_pack(str(path), self.checkpoints.public_key)[0]


@pytest.fixture
def packs(small_world, tmp_path):
    """Three cases among each other: the first is approved with an edit and carried out."""
    packs = Packs(small_world, tmp_path)
    first = small_world.proposed()
    small_world.receive(small_world.signal("product:2"))
    small_world.desk.decisions.edit(
        request(first.id, principal("omar"), small_world.seen(first)), values={"quantity": 12}
    )
    small_world.receive(small_world.signal("product:3", title="<b>Not</b> a tag & no script"))
    small_world.work()
    small_world.approve(small_world.case(first))
    small_world.work()
    packs.sign()
    return packs


def test_a_pack_holds_every_entry_and_is_accepted(packs):
    pack = packs.make("EX-1")
    names = [packed.entry.body.name for packed in pack.entries]
    assert names == packs.world.entry_names(packs.world.store.cases.case("EX-1"))
    assert "plan.edited" in names
    assert "case.resolved" in names
    assert pack.size == packs.world.store.ledger.head()[0]
    plain = pack_to_plain(pack)
    assert packs.findings(plain) == []
    assert pack_from_plain(json.loads(json.dumps(plain))) == pack


def other_character(character):
    return "0" if character != "0" else "1"


def flipped(text, at):
    return text[:at] + other_character(text[at]) + text[at + 1 :]


def test_any_character_of_an_entry_that_changes_is_found(packs):
    plain = pack_to_plain(packs.make("EX-1"))
    for number, line in enumerate(plain["entries"]):
        # Every 19th character, at another offset in each entry.
        for at in range(number % 19, len(line["entry"]), 19):
            entries = [dict(one) for one in plain["entries"]]
            entries[number]["entry"] = flipped(line["entry"], at)
            assert packs.findings({**plain, "entries": entries}), (number, at)


def test_any_character_of_a_proof_that_changes_is_found(packs):
    plain = pack_to_plain(packs.make("EX-1"))
    for number in (0, len(plain["entries"]) // 2, -1):
        for step, node in enumerate(plain["entries"][number]["proof"]):
            for at in range(len(node)):
                for changed in {flipped(node, at), node[:at] + node[at].upper() + node[at + 1 :]}:
                    if changed == node:
                        continue
                    entries = json.loads(json.dumps(plain["entries"]))
                    entries[number]["proof"][step] = changed
                    assert packs.findings({**plain, "entries": entries}), (number, step, at)


def test_any_character_of_the_checkpoint_that_changes_is_found(packs):
    plain = pack_to_plain(packs.make("EX-1"))
    note = plain["checkpoint"]
    for at in range(len(note)):
        assert packs.findings({**plain, "checkpoint": flipped(note, at)}), note[:at]
        assert packs.findings({**plain, "checkpoint": note[:at] + note[at + 1 :]}), note[:at]
    # The last letter of base64 may have bits that say nothing.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = len(note.rstrip("=\n")) - 1
    for letter in set(letters) - {note[at]}:
        assert packs.findings({**plain, "checkpoint": note[:at] + letter + note[at + 1 :]})
    assert packs.findings({**plain, "checkpoint": note + "\n"})


def test_an_entry_that_is_left_out_put_in_or_moved_is_found(packs):
    plain = pack_to_plain(packs.make("EX-1"))
    entries = plain["entries"]
    stranger = pack_to_plain(packs.make("EX-2"))["entries"][0]
    for number in range(len(entries) - 1):
        assert packs.findings({**plain, "entries": entries[:number] + entries[number + 1 :]})
    assert packs.findings({**plain, "entries": [*entries, stranger]})
    assert packs.findings({**plain, "entries": entries[::-1]})
    assert packs.findings({**plain, "entries": [*entries, entries[-1]]})
    assert packs.findings({**plain, "devices": [stranger]})
    moved = [{**entries[0], "seq": 2}, *entries[1:]]
    assert packs.findings({**plain, "entries": moved})
    assert packs.findings({**plain, "case": "EX-2"})


def test_a_forger_with_a_key_of_their_own_is_found_by_the_pinned_key(packs, tmp_path):
    real_key = packs.checkpoints.public_key
    packs.checkpoints = Checkpoints(tmp_path / "forged", "house")
    packs.sign()
    plain = pack_to_plain(packs.make("EX-1"))
    assert packs.findings(plain) == []
    path = tmp_path / "page.html"
    assert verifier.verify_pack(str(path), real_key)[0]


@pytest.mark.parametrize("change", ["votes", "plan"])
def test_the_rules_are_checked_and_not_only_the_hashes(packs, change):
    """A ledger that was written wrong is signed all the same; the pack shows it."""
    texts = [packed.text for packed in packs.make("EX-1").entries]
    place = next(number for number, text in enumerate(texts) if '"approval.given"' in text)
    if change == "votes":
        texts[place] = texts[place].replace(f'"actor":"{principal("ana")}"', '"actor":"T1/U0FINN"')
    else:
        digest = json.loads(texts[place])["body"]["approval"]["digest"]
        texts[place] = texts[place].replace(digest, "0" * 64)
    findings = []
    entries = [(number, json.loads(text)) for number, text in enumerate(texts, start=1)]
    verifier.check_pack_trade(entries, "EX-1", findings)
    assert findings


def test_approvals_with_a_passkey_come_with_the_device_that_signed(small_world, tmp_path):
    page = opened(small_world)
    case = small_world.proposed()
    assert page.confirm(page.begin(case), page.device).status_code == 200
    small_world.work()
    packs = Packs(small_world, tmp_path)
    packs.sign()
    pack = packs.make(case.id)
    assert [packed.entry.body.name for packed in pack.devices] == [
        "passkey.invited",
        "passkey.added",
    ]
    plain = pack_to_plain(pack)
    assert packs.findings(plain) == []
    assert any("without their passkey" in one for one in packs.findings({**plain, "devices": []}))


def test_what_is_not_signed_is_not_packed(packs):
    packs.world.receive(packs.world.signal("product:4"))
    with pytest.raises(Refusal, match="not signed yet"):
        packs.make("EX-4")
    assert packs.findings(pack_to_plain(packs.make("EX-1"))) == []
    packs.sign()
    assert packs.findings(pack_to_plain(packs.make("EX-4"))) == []
    with pytest.raises(NoSuchCase):
        packs.make("EX-99")


def test_a_folder_without_checkpoints_gives_no_pack(packs, tmp_path):
    with pytest.raises(LedgerBroken):
        make_pack(
            packs.world.store,
            Witness(tmp_path / "none", "house"),
            case_id="EX-1",
            now=packs.world.clock(),
        )


# --- the page -------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Open and closed tags, and the text of the page outside its record."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text += data


def read(page):
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags


def test_the_page_says_who_decided_what_when_on_which_plan(packs):
    tags = read(pack_page(packs.make("EX-1")))
    case = packs.world.store.cases.case("EX-1")
    assert case.proposal.plan.plan_hash in tags.text
    for words in ("What happened", "Who decided, on which plan", "Ana", "approved", "Plan 2"):
        assert words in tags.text, words
    for entry in packs.world.store.cases.entries("EX-1"):
        assert f"{entry.at:%H:%M:%S} UTC" in tags.text
    assert "Nobody has decided yet." in read(pack_page(packs.make("EX-2"))).text


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(packs):
    page = pack_page(packs.make("EX-3"))
    tags = read(page)
    assert "<b>Not</b> a tag & no script" in tags.text
    names = {tag for tag, _ in tags.seen}
    assert not names & {"img", "link", "iframe", "b", "a"}
    assert [attributes for tag, attributes in tags.seen if tag == "script"] == [
        {"type": "application/json", "id": "countersign-pack"}
    ]
    assert not re.search(r"\b(src|href)=|url\(|@import", page)
    assert "@page { size: A4" in page


def test_the_page_is_verified_by_the_file_that_an_auditor_has(packs, tmp_path):
    path = tmp_path / "EX-1.html"
    path.write_text(pack_page(packs.make("EX-1")))
    command = [sys.executable, "-I", verifier.__file__, str(path), "--key"]
    result = subprocess.run(
        [*command, packs.checkpoints.public_key], capture_output=True, text=True, check=False
    )
    count = len(packs.make("EX-1").entries)
    size = packs.world.store.ledger.head()[0]
    assert result.stdout == f"{count} entries, under a checkpoint of {size}: everything holds\n"
    assert result.returncode == 0
    path.write_text(path.read_text().replace("Merlot", "Barolo"))
    result = subprocess.run(
        [*command, packs.checkpoints.public_key], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout.count("FINDING") > 0) == (1, True)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<html></html>",
        '<script type="application/json" id="countersign-pack">{</script>',
        '<script type="application/json" id="countersign-pack">{"format": 1}</script>',
    ],
)
def test_a_page_without_a_record_cannot_be_read(tmp_path, page):
    path = tmp_path / "page.html"
    path.write_text(page)
    with pytest.raises(verifier.Unreadable):
        verifier.verify_pack(str(path))


def test_a_long_case_is_a_page_too(packs):
    world = packs.world
    for _ in range(40):
        world.clock.forward(seconds=timedelta(minutes=2).total_seconds())
        world.receive(Signal(**{**as_fields(world.signal("product:2"))}))
    world.work()
    packs.sign()
    assert packs.findings(pack_to_plain(packs.make("EX-2"))) == []


def as_fields(signal):
    return {name: getattr(signal, name) for name in Signal.__dataclass_fields__}
