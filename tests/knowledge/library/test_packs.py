"""Packs: their files, zips of strangers, and several packs joined into one library."""

import re
import shutil
import zipfile

import pytest

from bot.cases.errors import PlaybookInvalid, Refusal
from bot.cases.finding import Severity
from knowledge.library import PACKAGED, load
from knowledge.library.complaints import read_complaints
from knowledge.library.definitions import definition_checksums
from knowledge.library.packs import (
    MAX_PACK_BYTES,
    MAX_PACK_FILES,
    PACKAGED_PACKS,
    find_pack_problems,
    open_pack,
    packaged_names,
    read_pack,
    write_packs,
)
from knowledge.library.places import LibraryFiles
from knowledge.library.presets import read_preset
from tests.knowledge.library.editing import change

NAMES = ("finance", "hospitality", "logistics", "monitoring", "sales", "stock", "work")
LINK_MODE = 0o120777 << 16


@pytest.fixture
def pack(tmp_path):
    """A copy of the stock pack, to make mistakes in."""
    folder = tmp_path / "stock"
    shutil.copytree(PACKAGED_PACKS / "stock", folder)
    return folder


def packaged(*names):
    return [read_pack(PACKAGED_PACKS / name) for name in names]


def sentences(folder):
    return [finding.sentence for finding in find_pack_problems(read_pack(folder))]


# --- files ----------------------------------------------------------------------------------------


def test_the_release_has_these_packs():
    assert tuple(packaged_names()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_of_the_release_has_no_problems(name):
    (pack,) = packaged(name)
    assert find_pack_problems(pack) == []
    assert pack.name == name
    assert pack.examples or all(book.detection for book in pack.library.playbooks.values())
    assert {one.kind for one in pack.about.measures} <= pack.library.playbooks.keys()


def test_what_the_sample_company_does_is_what_its_packs_do():
    sample = definition_checksums(load().systems)
    shared = set()
    for pack in packaged(*NAMES):
        for name, system in pack.library.systems.items():
            for action, spec in system.actions.items():
                other = load().systems[name].actions.get(action) if name in load().systems else None
                if other is not None:
                    assert spec == other, f"{pack.name}: {name}.{action}"
                    shared.add(f"{name}.{action}")
    assert shared == sample.keys()


@pytest.mark.parametrize(
    ("file", "before", "after", "sentence"),
    [
        (
            "expectations.yml",
            "  count_off:\n",
            "  count_of:\n",
            "nothing is expected of count_off",
        ),
        (
            "pack.yml",
            "kind: count_off",
            "kind: counts_off",
            "measures: there is no playbook for counts_off",
        ),
        (
            "policy.yml",
            "  house.correct_count:",
            "  house.correct_counts: {times_per_day: 1}\n  house.correct_count:",
            "policy.yml limits house.correct_counts, which nobody declares",
        ),
    ],
)
def test_a_mistake_across_files_is_found(pack, file, before, after, sentence):
    change(pack / file, before, after)
    assert any(one.startswith(sentence) for one in sentences(pack))


def test_a_system_that_only_the_network_reaches_is_refused(pack):
    system = (
        "  shop: {title: shop, connector: http, base_url: 'https://shop.example',"
        " hosts: [shop.example]}\n"
    )
    path = pack / "systems.yml"
    path.write_text(path.read_text() + system)
    assert "shop is no database and no messages, so that nobody can try it here" in sentences(pack)


def test_a_strange_file_is_a_hint(pack):
    (pack / "run.py").write_text("print('never')")
    (finding,) = find_pack_problems(read_pack(pack))
    assert finding.severity is Severity.HINT
    assert finding.sentence.startswith("run.py is not part of a pack")


def test_a_mistake_in_a_file_has_its_place(pack):
    change(pack / "playbooks" / "low_stock.yml", "every: 60s", "every: often")
    with pytest.raises(PlaybookInvalid) as refusal:
        read_pack(pack)
    (finding,) = read_complaints(str(refusal.value), LibraryFiles(pack))
    assert finding.place.startswith("playbooks/low_stock.yml:15")
    assert "must be a duration" in finding.sentence


def test_missing_files_are_named_together(pack):
    (pack / "company.sql").unlink()
    (pack / "policy.yml").unlink()
    with pytest.raises(PlaybookInvalid, match="policy.yml: is missing\ncompany.sql: is missing"):
        read_pack(pack)


# --- zips -----------------------------------------------------------------------------------------


def zipped(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return str(path)


@pytest.mark.parametrize("prefix", ["", "stock-1.0.0/"])
def test_a_zip_of_a_pack_is_read(pack, tmp_path, prefix):
    files = [path for path in pack.rglob("*") if path.is_file()]
    entries = [(prefix + path.relative_to(pack).as_posix(), path.read_bytes()) for path in files]
    with open_pack(zipped(tmp_path / "stock.zip", entries)) as folder:
        assert read_pack(folder).name == "stock"
    assert not folder.exists()


@pytest.mark.parametrize(
    "name",
    [
        "../outside.yml",
        "/etc/outside.yml",
        "playbooks/../../outside.yml",
        "..\\outside.yml",
        "C:\\outside.yml",
    ],
)
def test_a_zip_that_would_write_elsewhere_is_refused(tmp_path, name):
    path = zipped(tmp_path / "bad.zip", [(name, "kind: x")])
    with pytest.raises(Refusal, match="would be written elsewhere"), open_pack(path):
        pass
    assert [file.name for file in tmp_path.rglob("outside.yml")] == []


def test_a_link_in_a_zip_or_a_folder_is_refused(pack, tmp_path):
    entry = zipfile.ZipInfo("policy.yml")
    entry.external_attr = LINK_MODE
    path = zipped(tmp_path / "link.zip", [(entry, "/etc/passwd")])
    with pytest.raises(Refusal, match="would be written elsewhere"), open_pack(path):
        pass
    (pack / "playbooks" / "secret.yml").symlink_to("/etc/passwd")
    with pytest.raises(Refusal, match="is a link"), open_pack(str(pack)):
        pass


def test_a_zip_that_grows_or_has_too_many_files_is_refused(tmp_path):
    bomb = zipped(tmp_path / "bomb.zip", [("company.sql", b"-" * (MAX_PACK_BYTES + 1))])
    many = zipped(
        tmp_path / "many.zip", [(f"playbooks/k{i}.yml", "") for i in range(MAX_PACK_FILES + 1)]
    )
    for path in (bomb, many):
        with pytest.raises(Refusal, match="larger than"), open_pack(path):
            pass


def test_what_is_no_pack_is_refused(tmp_path):
    (tmp_path / "text.zip").write_text("no zip")
    with (
        pytest.raises(Refusal, match="no zip that can be read"),
        open_pack(str(tmp_path / "text.zip")),
    ):
        pass
    with (
        pytest.raises(Refusal, match="there is no pack bakery: name one of finance"),
        open_pack("bakery"),
    ):
        pass


# --- joining --------------------------------------------------------------------------------------


def test_all_packs_join_into_one_library(tmp_path):
    packs = packaged(*NAMES)
    library = write_packs(tmp_path / "library", packs)
    kinds = {kind for pack in packs for kind in pack.library.playbooks}
    assert library.playbooks.keys() == kinds
    for pack in packs:
        assert pack.library.rules.actions.items() <= library.rules.actions.items()
        for name, system in pack.library.systems.items():
            assert system.actions.items() <= library.systems[name].actions.items()
    assert library.limits_without_action() == library.missing_titles() == []
    assert set(library.sources) == {"alertmanager", "stripe", "guest_mail"}
    never_alone = ("house.match_and_pay", "house.give_notice", "house.close_access")
    assert library.rules.never_alone == never_alone


def test_every_kind_that_a_preset_suggests_has_a_playbook_in_a_pack(tmp_path):
    kinds = {kind for pack in packaged(*NAMES) for kind in pack.library.playbooks}
    paths = sorted((PACKAGED / "sources").glob("*.yml"))
    suggested = {path.stem: read_preset(path).kind for path in paths}
    missing = {name: kind for name, kind in suggested.items() if kind and kind not in kinds}
    assert len(suggested) > 100
    assert missing == {}


def test_a_joined_file_keeps_its_comments(tmp_path):
    write_packs(tmp_path, packaged("stock", "finance", "logistics"))
    systems, policy = ((tmp_path / name).read_text() for name in ("systems.yml", "policy.yml"))
    assert "timeout: 1500ms # limit of one whole call" in systems
    above = re.search(r"(.*)\n  accounts:\n", systems)[1]
    assert above == "  # The other system: its live record is looked up, and corrected."
    assert "        # What it tells once it is done, for the steps after it.\n" in systems
    assert policy.count("# What is not listed here never runs.") == 1
    assert policy.index("house.hold_shipment") < policy.index("# What goes to one target")
    assert "# Actions that never run alone, whatever else says so.\nnever_alone:" in policy


@pytest.mark.parametrize(
    ("file", "before", "after", "place"),
    [
        ("policy.yml", "medium_above: 250", "medium_above: 300", "medium_above in policy.yml"),
        (
            "systems.yml",
            "title: Order stock",
            "title: Buy stock",
            "systems.house.actions.order_stock in systems.yml",
        ),
        ("channels.yml", "Europe/London", "Europe/Paris", "default in channels.yml"),
    ],
)
def test_two_packs_that_disagree_are_not_joined(pack, tmp_path, file, before, after, place):
    change(pack / file, before, after)
    packs = [*packaged("stock"), read_pack(pack)]
    with pytest.raises(Refusal, match=re.escape(f"say different things of {place}")):
        write_packs(tmp_path / "library", packs)
    assert not (tmp_path / "library").exists()


def test_two_playbooks_of_one_name_are_not_joined(pack, tmp_path):
    change(pack / "playbooks" / "low_stock.yml", "every: 60s", "every: 90s")
    with pytest.raises(Refusal, match=r"have different playbooks/low_stock\.yml"):
        write_packs(tmp_path / "library", [*packaged("stock"), read_pack(pack)])


def test_the_same_pack_twice_is_the_pack_once(tmp_path):
    write_packs(tmp_path / "once", packaged("stock"))
    write_packs(tmp_path / "twice", packaged("stock", "stock"))
    for path in (tmp_path / "once").rglob("*.yml"):
        other = tmp_path / "twice" / path.relative_to(tmp_path / "once")
        assert other.read_text() == path.read_text()
