"""An export that is not as it must be is a finding or cannot be read: never a traceback, and never "everything holds"."""

import json
import math
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

import bot.audit.verifier
from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.verifier import canonical, main
from bot.cases.commands import Withdraw
from bot.cases.ledger import GENESIS, chain_hash, leaf_hash
from tests.fakes.directory import principal
from tests.world import request

pytestmark = pytest.mark.threat("D3")
MUTATIONS = 400
DEEP = 100_000


@pytest.fixture(scope="module")
def honest(tmp_path_factory, empty_sqlite):
    """A small export with every sort of decision in it, under two checkpoints."""
    from bot.store.database import Database
    from bot.store.store import Store
    from tests.world import World

    folder = tmp_path_factory.mktemp("honest")
    shutil.copy(empty_sqlite, folder / "small.db")
    database = Database(f"sqlite:///{folder / 'small.db'}")
    world = World(Store.over(database))
    world.house.facts = {"on_hand": 4, "on_order": 0, "share": 5e-05, "large": 1e21}
    for number in range(3):
        world.receive(world.signal(f"product:{number}"))
        world.work()
    Checkpoints(folder / "cp", "log").sign(world.store.ledger)
    world.desk.decisions.edit(
        request("EX-1", principal("omar"), world.seen("EX-1")), values={"quantity": 12}
    )
    world.approve(world.store.cases.case("EX-1"), "ana")
    world.approve(world.store.cases.case("EX-2"))
    world.desk.decisions.decide(request("EX-2", principal("ana"), world.seen("EX-2")), Withdraw)
    world.work()
    Checkpoints(folder / "cp", "log").sign(world.store.ledger)
    export(world.store.ledger, folder / "log.jsonl")
    database.close()
    return folder


def verified(ledger: Path, folder: Path, capsys) -> tuple[int, str]:
    """The exit status, and what was printed."""
    status = main([str(ledger), "--checkpoints", str(folder / "cp")])
    printed = capsys.readouterr()
    return status, printed.out + printed.err


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


# As JSON text, so that what Python itself would not write can stand in it.
ODD = [
    "null",
    "true",
    "-1",
    "0.5",
    "1e999",
    "-0.0",
    "NaN",
    "Infinity",
    '""',
    '"x"',
    "[]",
    "{}",
    '[[[{"a":[]}]]]',
]
ODD += [
    '"\\ud800"',
    '"\\u0000"',
    "9" * 30,
    "1" + "0" * 5_000,
    '{"a":1,"a":2}',
    "[null]",
    '"' + "é" * 2_000 + '"',
]
ODD += [
    nested(DEEP),
    '{"a":' * 500 + "1" + "}" * 500,
    "1e-400",
    '"2026-13-45T99:99:99Z"',
    "5e-05",
    "123456789012345680000",
]


def mutated(text: str, dice: random.Random) -> str:
    """The JSON text with one value somewhere in it replaced, taken away, doubled or renamed."""
    value = json.loads(text)
    holders = [(value, key) for key in value]
    for holder, key in holders:
        inner = holder[key]
        if isinstance(inner, dict | list):
            holders += [
                (inner, one) for one in (inner if isinstance(inner, dict) else range(len(inner)))
            ]
    holder, key = dice.choice(holders)
    mark = "\x01odd\x01"
    how = dice.randrange(6)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[f"{key}x"] = holder.pop(key)
    elif how == 2:
        holder[key] = [holder[key]]
    else:
        holder[key] = mark
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    found = written.replace(json.dumps(mark), dice.choice(ODD))
    same = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    return found if found != same else mutated(text, dice)


def grown(bodies: list[str]) -> str:
    """An export whose every link holds over these bodies: what a forger with the database would write."""
    lines, link = [], GENESIS
    for seq, body in enumerate(bodies, start=1):
        leaf = leaf_hash(body.encode("utf-8", "surrogatepass"))
        link = chain_hash(link, leaf)
        lines.append(
            json.dumps(
                {"seq": seq, "chain": link, "leaf": leaf.hex(), "entry": body}, ensure_ascii=False
            )
        )
    return "\n".join(lines) + "\n"


def broken(honest: Path, dice: random.Random) -> bytes:
    """An export that means something else than the honest one, or nothing."""
    text = (honest / "log.jsonl").read_text()
    lines = text.splitlines()
    at = dice.randrange(len(lines))
    how = dice.randrange(7)
    if how == 0:
        lines[at] = mutated(lines[at], dice)
    elif how in {1, 2}:
        line = json.loads(lines[at])
        line["entry"] = mutated(line["entry"], dice)
        if how == 2:
            bodies = [json.loads(one)["entry"] for one in lines]
            return grown([*bodies[:at], line["entry"], *bodies[at + 1 :]]).encode(
                "utf-8", "surrogatepass"
            )
        lines[at] = json.dumps(line, ensure_ascii=False)
    elif how == 3:
        lines[at] = dice.choice([*ODD, "", "{", "\x00", "﻿{}", '{"seq":1}', "not json"])
    elif how == 4:
        lines.pop(at)
    elif how == 5:
        raw = bytearray(text.encode())
        places = [place for place, byte in enumerate(raw) if byte != 10]
        for place in dice.sample(places, dice.choice([1, 1, 3, 50])):
            raw[place] = (raw[place] + dice.randrange(1, 255)) % 256
        return bytes(raw)
    else:
        raw = text.encode()
        return raw[: dice.randrange(1, len(raw) - 2)]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("seed", range(4))
def test_a_malformed_export_is_a_finding_or_cannot_be_read(honest, tmp_path, capsys, seed):
    dice, path, seen = random.Random(seed), tmp_path / "log.jsonl", {1: 0, 2: 0}
    for number in range(MUTATIONS):
        path.write_bytes(broken(honest, dice))
        try:
            status, printed = verified(path, honest, capsys)
        except (Exception, SystemExit) as failure:  # noqa: BLE001 (whatever it is, it must not be)
            pytest.fail(
                f"seed {seed}, mutation {number}: {type(failure).__name__}: {str(failure)[:200]}"
            )
        assert status in {1, 2}, f"seed {seed}, mutation {number}: {printed[-200:]}"
        assert printed.strip().isprintable() or "\n" in printed
        seen[status] += 1
    assert min(seen.values()) > MUTATIONS // 20, seen


def test_the_honest_export_holds(honest, capsys):
    """The control: the same files, untouched; with a float in a snapshot that Python and ECMAScript write differently."""
    assert '"share":0.00005' in (honest / "log.jsonl").read_text().replace("\\", "")
    assert verified(honest / "log.jsonl", honest, capsys)[0] == 0


@pytest.mark.parametrize("seed", range(2))
def test_a_damaged_checkpoint_or_key_is_a_finding_or_cannot_be_read(honest, tmp_path, capsys, seed):
    dice = random.Random(seed)
    names = [*sorted(path.name for path in (honest / "cp").glob("*.note")), "public.key"]
    for number in range(100):
        folder = tmp_path / f"at{number}"
        shutil.copytree(honest / "cp", folder / "cp")
        path = folder / "cp" / dice.choice(names)
        raw = bytearray(path.read_bytes())
        if dice.randrange(3):
            place = dice.randrange(len(raw) - 1)
            raw[place] = (raw[place] + dice.randrange(1, 255)) % 256
        else:
            raw = raw[: dice.randrange(len(raw) - 1)]
        path.write_bytes(bytes(raw))
        status, printed = verified(honest / "log.jsonl", folder, capsys)
        # The key's check is over what it means: base64 may carry bits that mean nothing.
        same_key = path.name == "public.key" and bot.audit.verifier.parse_key
        assert status in {1, 2} or (same_key and _means_the_same(path, honest)), (
            f"seed {seed}, {number}: {printed}"
        )


def _means_the_same(path: Path, honest: Path) -> bool:
    name, key_id, public = bot.audit.verifier.parse_key(path.read_text())
    as_before = bot.audit.verifier.parse_key((honest / "cp" / path.name).read_text())
    return (name, key_id, public.public_bytes_raw()) == (
        *as_before[:2],
        as_before[2].public_bytes_raw(),
    )


def test_no_folder_no_key_no_file_cannot_be_read(honest, tmp_path, capsys):
    assert verified(tmp_path / "nothing.jsonl", honest, capsys)[0] == 2
    assert verified(honest / "log.jsonl", tmp_path, capsys)[0] == 2
    assert verified(honest, honest, capsys)[0] == 2


def test_what_was_read_is_printed_without_control_characters(honest, tmp_path):
    """A log is read on a terminal: what stands in an entry must not move the cursor or hide a finding."""
    lines = (honest / "log.jsonl").read_text().splitlines()
    bodies = [json.loads(line)["entry"] for line in lines]
    bodies[0] = bodies[0].replace('"case":"EX-1"', '"case":"\\u001b[2K\\rEX\\ud800"')
    (tmp_path / "log.jsonl").write_text(grown(bodies))
    command = [sys.executable, "-P", bot.audit.verifier.__file__, str(tmp_path / "log.jsonl")]
    told = subprocess.run(command, capture_output=True, env={}, timeout=300)
    assert told.returncode == 1
    assert b"\x1b" not in told.stdout
    assert b"Traceback" not in told.stderr


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(5e-05)
@example(-0.0)
@example(1e21)
@example(999999999999999900000.0)
@example(1e-7)
@example(0.000001)
@example(5e-324)
@example(1.7976931348623157e308)
@example(333333333.33333329)
def test_every_float_is_written_as_rfc_8785_does(number):
    assert canonical(number) == rfc8785.dumps(number).decode()


def test_floats_of_every_size_are_written_as_rfc_8785_does():
    dice = random.Random(8785)
    for _ in range(5_000):
        number = struct.unpack("d", dice.randbytes(8))[0]
        if math.isfinite(number):
            assert canonical(number) == rfc8785.dumps(number).decode(), number


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_every_value_is_written_as_rfc_8785_does(value):
    assert canonical(value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_does_not_know_is_refused(number):
    with pytest.raises(ValueError, match="not JSON"):
        canonical(number)
