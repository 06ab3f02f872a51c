"""Packs: playbooks for one trade.

A pack has templates, examples and a company to try them on.

A pack is a folder or a zip: ``pack.yml``, ``playbooks/*.yml``, ``systems.yml``, ``policy.yml``,
``channels.yml``, ``sources.yml``, ``examples/*.jsonl``, ``company.sql`` and ``expectations.yml``.
Nothing in it is a program: its SQL runs on a new temporary file only.
"""

import contextlib
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field, StringConstraints

from bot.cases.constraints import Name, Text
from bot.cases.errors import PlaybookInvalid, Refusal
from bot.cases.finding import Finding, Severity
from bot.cases.playbook import ActionName
from knowledge.library.library import FileLibrary, load
from knowledge.library.limit_order import find_stakes_without_rate
from knowledge.library.places import LibraryFiles
from knowledge.library.playbook_files import PACKAGED, PACKS, PLAYBOOKS
from knowledge.library.yaml_files import read
from knowledge.library.yaml_join import Entries, PackDocument, join_files

MAX_PACK_BYTES = 5_000_000
MAX_PACK_FILES = 500
PACK_FILE = "pack.yml"
EXPECTATIONS_FILE = "expectations.yml"
COMPANY_FILE = "company.sql"
EXAMPLES = "examples"
#: What a new pack begins as; no pack of its own.
SKELETON = "skeleton"
#: Where the packs of this release lie.
PACKAGED_PACKS = PACKAGED / PACKS
#: The mappings of each file whose entries are joined; other values of two packs must be alike.
JOINED_ENTRIES: Mapping[str, Entries] = {
    "systems.yml": {"systems": {"*": {"actions": {}}}},
    "policy.yml": {"actions": {}, "tiers": {}, "currencies": {}, "groups": {}},
    "channels.yml": {"channels": {}, "titles": {}},
    "sources.yml": {"sources": {}},
}
_REQUIRED = (PACK_FILE, "systems.yml", "policy.yml", COMPANY_FILE, EXPECTATIONS_FILE)
_ALLOWED = re.compile(
    r"(pack|systems|policy|channels|sources|expectations)\.yml|company\.sql|README\.md"
    r"|playbooks/[a-z0-9_]+\.yml|examples/[a-z0-9_]+\.jsonl"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackMeasure:
    """A figure that shows whether the pack earns its keep."""

    #: The kind of case that it is about.
    kind: Name
    #: The figure, like "share of renewals with a decision before the notice date".
    watch: Text
    #: Why that figure, as a sentence.
    why: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """``pack.yml``: what the pack is, and the figures to watch."""

    #: The name of its folder.
    name: Name
    #: What people read in place of the name.
    title: Text
    #: One sentence: which trade, and which money it keeps from being lost.
    description: Text
    #: Like 1.0.0.
    version: Annotated[str, StringConstraints(pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}$")]
    #: The figures that show whether it earns its keep.
    measures: tuple[PackMeasure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KindExpectation:
    """The cases that a playbook must find in the pack's company.

    It also names what is none.
    """

    #: The actions of the plan by subject; an empty list where a person decides without a plan.
    #: The subjects are exactly those that the query finds, or those of the examples of a kind
    #: that other systems report.
    plans: Annotated[Mapping[Text, tuple[ActionName, ...]], Field(validation_alias="found")]
    #: Subjects that look alike and are none, with the reason.
    absent: Mapping[Text, Text]


@dataclass(frozen=True, slots=True)
class ExpectationsFile:
    """``expectations.yml``: by kind of case."""

    kinds: Mapping[Name, KindExpectation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack whose own files have been read."""

    folder: Path
    about: PackFile
    expectations: Mapping[str, KindExpectation]
    library: FileLibrary

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def company(self) -> str:
        """The SQL that makes and fills the company."""
        return (self.folder / COMPANY_FILE).read_text(encoding="utf-8")

    @property
    def examples(self) -> list[Path]:
        """The files of signals that other systems would send."""
        return sorted((self.folder / EXAMPLES).glob("*.jsonl"))


def packaged_names() -> list[str]:
    """List the packs of this release."""
    names = {path.parent.name for path in PACKAGED_PACKS.glob(f"*/{PACK_FILE}")}
    return sorted(names - {SKELETON})


@contextlib.contextmanager
def open_pack(name_or_path: str) -> Iterator[Path]:
    """Open a pack of this release, a folder or a zip.

    Yields its folder.

    Raises:
        Refusal: there is no such pack, or it holds what no pack may.
    """
    path = Path(name_or_path)
    if name_or_path in packaged_names():
        yield PACKAGED_PACKS / name_or_path
    elif path.is_dir():
        if not (path / PACK_FILE).is_file():
            raise Refusal(f"{name_or_path} is no pack: it has no {PACK_FILE}")
        _check_files(path)
        yield path
    elif path.is_file():
        with tempfile.TemporaryDirectory() as folder:
            yield _unpack(path, Path(folder))
    else:
        raise Refusal(
            f"there is no pack {name_or_path}: name one of {', '.join(packaged_names())},"
            " a folder or a zip"
        )


def _check_files(folder: Path) -> None:
    """Refuse links, and more than a pack may hold."""
    size = 0
    for count, file in enumerate(folder.rglob("*"), start=1):
        # A link could bring any file of the machine into a library.
        if file.is_symlink():
            raise Refusal(f"{file.relative_to(folder)} is a link: a pack holds its own files")
        if file.is_file():
            size += file.stat().st_size
        if count > MAX_PACK_FILES or size > MAX_PACK_BYTES:
            raise _too_large()


def _too_large() -> Refusal:
    return Refusal(
        f"the pack is larger than {MAX_PACK_FILES} files or {MAX_PACK_BYTES // 1_000_000} MB"
    )


def _unpack(path: Path, folder: Path) -> Path:
    """Unpack a zip into an empty folder; return its pack's folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack_files(archive, folder)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
        raise Refusal(f"{path} is no zip that can be read: {error}") from None
    # Zips of a folder have it as their only entry.
    outer = [file.parent for file in folder.glob(f"*/{PACK_FILE}")]
    return outer[0] if len(outer) == 1 and not (folder / PACK_FILE).exists() else folder


def _unpack_files(archive: zipfile.ZipFile, folder: Path) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_PACK_FILES:
        raise _too_large()
    budget = MAX_PACK_BYTES
    for entry in entries:
        target = _target(entry, folder)
        if entry.is_dir():
            continue
        with archive.open(entry) as file:
            # What the directory says of the size need not be true.
            content = file.read(budget + 1)
        budget -= len(content)
        if budget < 0:
            raise _too_large()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _target(entry: zipfile.ZipInfo, folder: Path) -> Path:
    """Return where an entry goes, inside of the folder."""
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    is_link = (entry.external_attr >> 16) & 0o170000 == 0o120000
    has_drive = ":" in entry.filename
    if name.is_absolute() or ".." in name.parts or has_drive or is_link:
        raise Refusal(f"the zip holds {entry.filename!r}, which would be written elsewhere")
    return folder.joinpath(*name.parts)


def read_pack(folder: Path) -> Pack:
    """Read a pack's folder, checked like a library.

    Raises:
        PlaybookInvalid: one line for each mistake, with file and line.
    """
    missing = [name for name in _REQUIRED if not (folder / name).is_file()]
    if missing:
        raise PlaybookInvalid("\n".join(f"{name}: is missing" for name in missing))
    about, _ = read(folder / PACK_FILE, PackFile)
    expectations, _ = read(folder / EXPECTATIONS_FILE, ExpectationsFile)
    return Pack(folder=folder, about=about, expectations=expectations.kinds, library=load(folder))


def find_pack_problems(pack: Pack) -> list[Finding]:
    """List what is wrong with the files of a pack.

    What its library refuses is not among it.
    """
    library = pack.library
    own_kinds = {path.stem for path in (pack.folder / PLAYBOOKS).glob("*.yml")}
    limits = library.limits_without_action()
    problems = [
        *(f"policy.yml limits {name}, which nobody declares" for name in limits),
        *library.missing_titles(),
    ]
    findings = [Finding(sentence=problem) for problem in problems]
    findings += find_stakes_without_rate(library, LibraryFiles(pack.folder))
    for kind in sorted(own_kinds - pack.expectations.keys()):
        sentence = f"nothing is expected of {kind}"
        suggestion = "Say what it must find in the company of the pack, and what not."
        findings.append(Finding(sentence=sentence, suggestion=suggestion, file=EXPECTATIONS_FILE))
    for kind in sorted(pack.expectations.keys() - own_kinds):
        sentence = f"there is no playbook for {kind} in playbooks/{kind}.yml"
        findings.append(Finding(sentence=sentence, file=EXPECTATIONS_FILE))
    for measure in pack.about.measures:
        if measure.kind not in own_kinds:
            sentence = f"measures: there is no playbook for {measure.kind}"
            findings.append(Finding(sentence=sentence, file=PACK_FILE))
    for name, system in library.systems.items():
        if system.connector not in ("sql", "message"):
            sentence = f"{name} is no database and no messages, so that nobody can try it here"
            findings.append(Finding(sentence=sentence, file="systems.yml"))
    findings += _find_strange_files(pack.folder)
    return findings


def _find_strange_files(folder: Path) -> Iterator[Finding]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if not _ALLOWED.fullmatch(name):
            sentence = f"{name} is not part of a pack, and nobody reads it"
            suggestion = "Remove it, or correct its name."
            yield Finding(sentence=sentence, suggestion=suggestion, severity=Severity.HINT)


# --- joining --------------------------------------------------------------------------------------


def write_packs(folder: Path, packs: Sequence[Pack]) -> FileLibrary:
    """Write packs into one new library, with the comments of their files.

    Raises:
        Refusal: two packs say different things under one name.
        PlaybookInvalid: the files do not fit together.
    """
    files = _join_packs(packs)
    (folder / PLAYBOOKS).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load(folder)


def _join_packs(packs: Sequence[Pack]) -> dict[str, str]:
    """Return the content of each file of the library."""
    files: dict[str, str] = {}
    owners: dict[str, str] = {}
    for pack in packs:
        for path in sorted((pack.folder / PLAYBOOKS).glob("*.yml")):
            name = f"{PLAYBOOKS}/{path.name}"
            content = path.read_text(encoding="utf-8")
            if files.setdefault(name, content) != content:
                raise Refusal(f"{owners[name]} and {pack.name} have different {name}: choose one")
            owners.setdefault(name, pack.name)
    for name, entries in JOINED_ENTRIES.items():
        parts = [
            PackDocument(pack.name, name, (pack.folder / name).read_text(encoding="utf-8"))
            for pack in packs
            if (pack.folder / name).is_file()
        ]
        if parts:
            files[name] = join_files(parts, entries)
    return files
