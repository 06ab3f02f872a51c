"""The key that signs is replaced under both signatures: what was signed before stays provable, and nobody else's key is let in."""

import base64
import contextlib
import hashlib
import shutil
import stat
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.audit import checkpoints as subject
from bot.audit import verifier
from bot.audit.checkpoints import Checkpoints, Witness
from bot.audit.export import export
from bot.audit.receipts import Receipts

pytestmark = pytest.mark.threat("D2")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cp"


@pytest.fixture
def rotated(small_world, folder):
    """A folder with a note of the old key, the note of the change, and one of the new key."""
    sign(small_world, folder)
    rotation = Checkpoints(folder, "log").rotate(small_world.store.ledger)
    sign(small_world, folder)
    return rotation


def sign(world, folder):
    world.receive(world.signal(f"product:{world.store.ledger.head()[0]}"))
    return Checkpoints(folder, "log").sign(world.store.ledger)


def verify(world, folder, key=None, remarks=None):
    path = folder.parent / "log.jsonl"
    export(world.store.ledger, path)
    return verifier.verify(str(path), str(folder), key, remarks=remarks)


def notes(folder):
    return sorted(folder.glob("*.note"))


def test_either_key_verifies_the_whole_ledger_across_the_change(small_world, folder, rotated):
    assert rotated.old_key != rotated.new_key
    for key in (rotated.old_key, rotated.new_key, None):
        remarks = []
        findings, entries, covered = verify(small_world, folder, key, remarks)
        assert (findings, covered) == ([], entries)
        (remark,) = remarks
        assert rotated.old_key in remark
        assert rotated.new_key in remark


def test_the_change_carries_the_signatures_of_both_keys(folder, rotated):
    note = notes(folder)[1].read_text()
    for key in (rotated.old_key, rotated.new_key):
        assert verifier.read_note(note, verifier.parse_key(key)).rotation == (
            rotated.old_key,
            rotated.new_key,
        )
    with pytest.raises(ValueError, match="no signature by this key"):
        verifier.read_note(notes(folder)[2].read_text(), verifier.parse_key(rotated.old_key))


def test_a_second_change_follows_the_first(small_world, folder, rotated):
    second = Checkpoints(folder, "log").rotate(small_world.store.ledger)
    sign(small_world, folder)
    assert second.old_key == rotated.new_key
    for key in (rotated.old_key, rotated.new_key, second.new_key):
        assert verify(small_world, folder, key)[0] == []


def test_a_key_that_signed_nothing_here_is_found(small_world, folder, rotated, tmp_path):
    other = Checkpoints(tmp_path / "other", "log").public_key
    assert "the pinned key is none of those that signed" in verify(small_world, folder, other)[0][0]


class Forger:
    """Somebody with a key of their own, who can write into the folder."""

    def __init__(self, origin="log"):
        self.key = Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes_raw()
        self.id = hashlib.sha256(f"{origin}\n".encode() + b"\x01" + raw).digest()[:4]
        typed = base64.b64encode(b"\x01" + raw).decode()
        self.text = f"{origin}+{self.id.hex()}+{typed}"

    def line(self, text):
        signature = base64.b64encode(self.id + self.key.sign(text.encode())).decode()
        return f"— log {signature}\n"


def forge(folder, forger, text, *, keep_signatures=False):
    """Replace the last note by one with this text."""
    last = notes(folder)[-1]
    kept = last.read_text().partition("\n\n")[2] if keep_signatures else ""
    last.write_text(f"{text}\n{kept}{forger.line(text)}")


def body(folder):
    return notes(folder)[-1].read_text().partition("\n\n")[0].split("\n")[:3]


def test_a_change_that_the_old_key_has_not_signed_is_found(small_world, folder):
    key = Checkpoints(folder, "log").public_key
    sign(small_world, folder)
    sign(small_world, folder)
    forger = Forger()
    text = "\n".join([*body(folder), f"rotated {key} {forger.text}", ""])
    forge(folder, forger, text)
    assert "carries no signature by this key" in verify(small_world, folder, key)[0][0]
    # With a signature of the old key over something else.
    forge(folder, forger, text, keep_signatures=True)
    assert verify(small_world, folder, key)[0] != []
    # And pinned to the forger's own key, the notes before are nobody's.
    assert verify(small_world, folder, forger.text)[0] != []


def test_a_change_that_the_new_key_has_not_signed_is_found(small_world, folder, rotated):
    change = notes(folder)[1]
    lines = change.read_text().splitlines(keepends=True)
    # The signature of the new key is the first of two.
    del lines[-2]
    change.write_text("".join(lines))
    findings = verify(small_world, folder, rotated.old_key)[0]
    assert f"{change.name}: carries no signature by this key" in findings


def test_notes_of_the_old_key_after_the_change_are_found(small_world, folder):
    """Whoever has stolen a key that was replaced can sign nothing any more."""
    sign(small_world, folder)
    stolen = Checkpoints(folder, "log").private_key
    key = Checkpoints(folder, "log").public_key
    Checkpoints(folder, "log").rotate(small_world.store.ledger)
    sign(small_world, folder)
    text = "\n".join([*body(folder), ""])
    forger = Forger()
    forger.key, forger.id = stolen, bytes.fromhex(key.split("+")[1])
    forge(folder, forger, text)
    (finding,) = verify(small_world, folder, key)[0]
    assert "carries no signature by this key" in finding


def test_a_change_that_was_taken_away_is_found(small_world, folder, rotated):
    notes(folder)[1].unlink()
    for key in (rotated.old_key, rotated.new_key):
        assert verify(small_world, folder, key)[0] != []


def test_a_change_of_a_key_that_was_not_in_force_is_found(small_world, folder, rotated):
    """Both have signed it, and neither of them was the one that signs here."""
    old, new = Forger(), Forger()
    text = "\n".join([*body(folder), f"rotated {old.text} {new.text}", ""])
    notes(folder)[-1].write_text(f"{text}\n{new.line(text)}{old.line(text)}")
    assert "carries no signature by this key" in verify(small_world, folder, rotated.new_key)[0][0]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_bit_of_a_note_counts(small_world, folder, rotated, number):
    note = notes(folder)[number]
    whole = note.read_bytes()
    text = len(whole.partition(b"\n\n")[0])
    for place in range(0, text, 7):
        changed = bytearray(whole)
        changed[place] ^= 1
        note.write_bytes(changed)
        findings = []
        with contextlib.suppress(verifier.Unreadable, InvalidSignature):
            verifier.read_notes(folder, rotated.old_key, findings)
            assert findings != [], place


def test_receipts_of_the_old_key_are_verified_with_what_programs_can_read(small_world, folder):
    checkpoints = Checkpoints(folder, "log")
    before = Receipts(checkpoints).public_keys()
    sign(small_world, folder)
    checkpoints.rotate(small_world.store.ledger)
    for witness in (checkpoints, Checkpoints(folder, "log"), Witness(folder, "log")):
        keys = Receipts(witness).public_keys()
        assert [key["x"] for key in keys][1:] == [before[0]["x"]]
        assert len({key["kid"] for key in keys}) == 2


def test_a_process_that_runs_signs_with_the_new_key_from_its_next_checkpoint_on(
    small_world, folder
):
    running, reading = Checkpoints(folder, "log"), Witness(folder, "log")
    sign(small_world, folder)
    rotation = Checkpoints(folder, "log").rotate(small_world.store.ledger)
    small_world.receive(small_world.signal("product:later"))
    note = running.sign(small_world.store.ledger)
    assert verifier.read_note(note.note, verifier.parse_key(rotation.new_key)).size == note.size
    assert running.public_key == rotation.new_key
    assert reading.latest().size == note.size
    assert verify(small_world, folder, rotation.old_key)[0] == []
    assert running.compare(small_world.store.ledger) is None


def test_a_public_key_alone_changes_nothing(small_world, folder):
    running = Checkpoints(folder, "log")
    sign(small_world, folder)
    key = running.public_key
    (folder / "public.key").write_text(Forger().text)
    sign_again = running.sign(small_world.store.ledger)
    assert (sign_again, running.public_key) == (None, key)


def test_the_new_key_is_readable_by_its_owner_alone(folder, rotated):
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert not (folder / "key.new").exists()


class Died(BaseException):
    """The process ended here."""


@pytest.mark.parametrize("at", range(10))
def test_whoever_dies_while_the_key_is_replaced_leaves_one_key_in_force(
    small_world, folder, monkeypatch, at
):
    """At each file that is written, before and after it is in its place."""
    sign(small_world, folder)
    pinned = Checkpoints(folder, "log").public_key
    writes, count = subject._write_durably, iter(range(100))

    def dying(path, text, **more):
        if next(count) == at:
            raise Died
        writes(path, text, **more)
        if next(count) == at:
            raise Died

    monkeypatch.setattr(subject, "_write_durably", dying)
    with pytest.raises(Died):
        Checkpoints(folder, "log").rotate(small_world.store.ledger)
    monkeypatch.setattr(subject, "_write_durably", writes)
    assert sign(small_world, folder) is not None
    assert not (folder / "key.new").exists()
    assert verify(small_world, folder, pinned)[0] == []
    assert verify(small_world, folder, Checkpoints(folder, "log").public_key)[0] == []


def test_the_verifier_alone_accepts_and_refuses_as_a_script(small_world, folder, rotated, tmp_path):
    export(small_world.store.ledger, tmp_path / "log.jsonl")
    script = shutil.copy(verifier.__file__, tmp_path / "verifier.py")
    command = [sys.executable, "-I", script, tmp_path / "log.jsonl", "--checkpoints", folder]

    def run(key):
        return subprocess.run([*command, "--key", key], capture_output=True, text=True)

    assert (run(rotated.old_key).returncode, run(rotated.new_key).returncode) == (0, 0)
    forged = run(Forger().text)
    assert (forged.returncode, "the pinned key is none of those" in forged.stdout) == (1, True)
