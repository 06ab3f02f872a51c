"""``sources.yml``: the senders of signals, and their names and domains."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from bot.cases.constraints import KEYED
from bot.cases.errors import PlaybookInvalid
from bot.cases.playbook import Absence, Playbook
from bot.cases.program import Program
from bot.cases.source import RESERVED_NAMES, Format, Source
from bot.connectors.specs import SystemSpec
from knowledge.library.presets import Preset, PresetFiles
from knowledge.library.verification import check_verification
from knowledge.library.yaml_files import read_bytes, read_raw


def _check_secrets(source: Source) -> Source:
    if source.mailbox:
        return source
    has_secret = source.token_env or source.webhook_secret_env or source.verify
    if not has_secret and not source.folder:
        raise ValueError(
            "a source needs verify, token_env or webhook_secret_env"
            " (two names of either while a secret is changed), or a folder of files"
        )
    return source


def _check_mapping(source: Source) -> Source:
    if (source.format is Format.MAPPING) != (source.mapping is not None):
        raise ValueError("format: mapping goes with a mapping, and only that does")
    return source


def _check_folder(source: Source) -> Source:
    if source.folder and not source.is_foreign:
        raise ValueError(
            "the rows of a folder are read through a mapping: say format: mapping, or a preset"
        )
    return source


def _check_mailbox(source: Source) -> Source:
    if source.mailbox is None:
        return source
    if source.format is not Format.EMAIL:
        raise ValueError("a mailbox goes with format: email")
    if source.token_env or source.webhook_secret_env or source.verify:
        raise ValueError("a source with a mailbox gets no requests; make two sources of it")
    return source


def _check_kinds(source: Source) -> Source:
    """Require that the kinds a source may send are declared once."""
    if source.kind and source.kinds:
        raise ValueError("say kind (the only one) or kinds (the only ones), not both")
    if source.kind and source.mapping and source.mapping.kind:
        raise ValueError(
            "with a fixed kind the mapping cannot name another; say kinds instead of kind"
        )
    nameless = {Format.ALERTMANAGER: "an alert", Format.EMAIL: "a mail"}
    if source.format in nameless and source.kinds:
        raise ValueError(f"{nameless[source.format]} names no kind; say kind instead of kinds")
    return source


# Checked in the file alone: a source in a test needs no secret.
SourceEntry = Annotated[
    Source,
    AfterValidator(_check_secrets),
    AfterValidator(check_verification),
    AfterValidator(_check_mapping),
    AfterValidator(_check_folder),
    AfterValidator(_check_mailbox),
    AfterValidator(_check_kinds),
]


@dataclass(frozen=True, slots=True)
class SourcesFile:
    #: The sources by name.
    sources: Annotated[Mapping[str, SourceEntry], KEYED]


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The sources of a folder, and the presets that they name."""

    sources: Mapping[str, Source]
    #: By the name of the source.
    presets: Mapping[str, Preset]

    def with_kinds(self, kinds: Collection[str]) -> Mapping[str, Source]:
        """Give sources the kinds of presets that have a playbook."""
        sources = dict(self.sources)
        for name, preset in self.presets.items():
            source = sources[name]
            if preset.kind in kinds and not source.allowed_kinds and not _names_kind(source):
                sources[name] = replace(source, kind=preset.kind)
        return sources


def _names_kind(source: Source) -> bool:
    return source.mapping is not None and bool(source.mapping.kind)


def read_sources(path: Path) -> SourceFiles:
    """Read the sources by name, each completed by its preset.

    None without the file.

    Raises:
        PlaybookInvalid: one line for each mistake.
    """
    if not path.exists():
        return SourceFiles({}, {})
    files = PresetFiles(path.parent)
    document = read_raw(path, read_bytes(path), SourcesFile, complete=files.complete)
    return SourceFiles(document.sources, files.presets)


# --- names ----------------------------------------------------------------------------------------


def check_name(subject: str, name: str) -> list[str]:
    """Complain of a name that the desk has for itself."""
    if name not in RESERVED_NAMES:
        return []
    return [f"{subject} {name} is called as the desk calls itself; rename it"]


def check_source_names(
    sources: Mapping[str, Source], systems: Mapping[str, SystemSpec]
) -> list[str]:
    """Complain of sources that are called like somebody else who opens cases."""
    complaints = []
    for name in sources:
        complaints += check_name("sources.yml: source", name)
        if name in systems and name not in RESERVED_NAMES:
            complaints.append(
                f"sources.yml: source {name} is called like a system of systems.yml; rename it"
            )
    return complaints


def check_record_checks(
    sources: Mapping[str, Source], systems: Mapping[str, SystemSpec]
) -> list[str]:
    """Complain of look-ups in systems that there are not."""
    return [
        f"sources.yml: {name}.record_check: there is no system {source.record_check.system}"
        for name, source in sources.items()
        if source.record_check and source.record_check.system not in systems
    ]


def check_domains(
    sources: Mapping[str, Source],
    systems: Mapping[str, SystemSpec],
    playbooks: Mapping[str, Playbook],
) -> list[str]:
    """Complain of domains named after a source or system outside them."""
    members = _domains_by_member(sources, playbooks)
    domains = {domain for _, domain in members if domain}
    complaints = []
    for domain in sorted(domains):
        complaints += check_name("sources.yml: domain", domain)
        is_taken = (domain in sources or domain in systems) and domain not in RESERVED_NAMES
        # The domain of whoever has this name: it must be this one everywhere.
        own_domains = {own for name, own in members if name == domain}
        if is_taken and own_domains != {domain}:
            complaints.append(
                f"sources.yml: domain {domain} is the name of a source or system that is not in"
                f" it; say domain: {domain} there too, or call the domain something else"
            )
    return complaints


def _domains_by_member(
    sources: Mapping[str, Source], playbooks: Mapping[str, Playbook]
) -> list[tuple[str, str]]:
    """List the sources and systems that open cases, each with its domain."""
    members = [(source.name, source.domain) for source in sources.values()]
    for playbook in playbooks.values():
        if playbook.detection:
            members.append((playbook.detection.system, playbook.detection.domain))
    return members


def list_speakers(
    sources: Mapping[str, Source], playbooks: Mapping[str, Playbook], programs: Iterable[Program]
) -> list[str]:
    """List every name under which signals come in, domains too."""
    names = set(RESERVED_NAMES)
    for member, domain in _domains_by_member(sources, playbooks):
        names |= {member, domain}
    names |= {program.source for program in programs}
    return sorted(names - {""})


# --- absences -------------------------------------------------------------------------------------


def find_origin(
    kind: str,
    absence: Absence,
    *,
    sources: Mapping[str, Source],
    playbooks: Mapping[str, Playbook],
) -> str:
    """Return the source or domain whose all-clear an absence waits for.

    Raises:
        PlaybookInvalid: there is none, or more than one.
    """
    place = f"{kind}: absence.from"
    if not absence.origin:
        return _only_sender(place, kind, sources)
    origin = _find_declared(absence.origin, sources, playbooks)
    if origin is None:
        raise PlaybookInvalid(
            f"{place}: there is no source or domain {absence.origin};"
            f" there are {_list_names(sources)}"
        )
    if not any(_may_send(source, origin, kind) for source in sources.values()):
        raise PlaybookInvalid(
            f"{place}: nobody of {absence.origin} may send {kind}; add it to kinds in sources.yml"
        )
    return origin


def _only_sender(
    place: str,
    kind: str,
    sources: Mapping[str, Source],
) -> str:
    origins = {source.origin for source in sources.values() if kind in source.allowed_kinds}
    if len(origins) != 1:
        raise PlaybookInvalid(
            f"{place}: say which source or domain ought to be heard of ({_list_names(sources)});"
            " it may be left out when exactly one source of sources.yml"
            f" names {kind} as its kind"
        )
    return origins.pop()


def _find_declared(
    name: str,
    sources: Mapping[str, Source],
    playbooks: Mapping[str, Playbook],
) -> str | None:
    if name in sources:
        return sources[name].origin
    domains = {domain for _, domain in _domains_by_member(sources, playbooks)}
    return name if name in domains else None


def _may_send(
    source: Source,
    origin: str,
    kind: str,
) -> bool:
    is_allowed = not source.allowed_kinds or kind in source.allowed_kinds
    return source.origin == origin and is_allowed


def _list_names(sources: Mapping[str, Source]) -> str:
    domains = {source.domain for source in sources.values() if source.domain}
    return ", ".join(sorted({*sources, *domains})) or "none"
