"""Presets: ``sources/<product>.yml``, how the requests of a product are verified and read.

A folder may have its own; the others come with the release.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from bot.cases.constraints import OptionalName, Text
from bot.cases.errors import PlaybookInvalid
from bot.cases.source import Format, SignalMapping
from bot.cases.verification import Handshake, Scheme, Verification
from knowledge.library.verification import check_scheme
from knowledge.library.yaml_files import read, read_values

FOLDER = "sources"
PACKAGED_PRESETS = Path(__file__).parent.parent / FOLDER
_HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,48}")
_NOT_IN_A_VARIABLE = re.compile(r"[^A-Z0-9]")
#: Fields about the product; a source takes all others.
_ABOUT = frozenset({"product", "documentation", "kind"})

Address = Annotated[str, StringConstraints(pattern=r"^https://\S{4,300}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The requests of a product, by its documentation."""

    #: As its makers write it.
    product: Text
    #: The page that describes its webhooks.
    documentation: Address
    #: The kind of its cases, where a playbook for that exists.
    kind: OptionalName = ""
    #: The form of its requests.
    format: Format = Format.MAPPING
    #: How a request proves who sent it.
    verify: Annotated[Verification, AfterValidator(check_scheme)] | None = None
    #: The question that the product asks once, before it sends.
    handshake: Handshake = Handshake.NONE
    #: Where the fields of a signal stand in a request.
    mapping: SignalMapping | None = None


def secret_names(source: str) -> list[str]:
    """Name the variables for the secret of a source."""
    name = _NOT_IN_A_VARIABLE.sub("_", source.upper())
    return [f"COUNTERSIGN_SOURCE_{name}_SECRET", f"COUNTERSIGN_SOURCE_{name}_SECRET_OLD"]


def list_presets(folder: Path) -> list[str]:
    """List the handles of all presets, the folder's own among them."""
    folders = {folder / FOLDER, PACKAGED_PRESETS}
    return sorted({path.stem for place in folders for path in place.glob("*.yml")})


def preset_path(folder: Path, handle: str) -> Path:
    """Return the file of a preset.

    Raises:
        PlaybookInvalid: there is none.
    """
    if _HANDLE.fullmatch(handle):
        for place in (folder / FOLDER, PACKAGED_PRESETS):
            path = place / f"{handle}.yml"
            if path.is_file():
                return path
    raise PlaybookInvalid(
        f"there is no preset {handle}; `countersign sources list` lists those that there are"
    )


def read_preset(path: Path) -> Preset:
    """Read a preset.

    Raises:
        PlaybookInvalid: one line for each mistake.
    """
    preset, _ = read(path, Preset)
    if (preset.format is Format.MAPPING) != (preset.mapping is not None):
        raise PlaybookInvalid(f"{path.name}:1: format: mapping goes with a mapping")
    return preset


@dataclass(frozen=True)
class PresetFiles:
    """The presets that the sources of a folder name."""

    folder: Path
    #: By the name of the source.
    presets: dict[str, Preset] = field(default_factory=dict)
    _complaints: list[str] = field(default_factory=list)

    def complete(self, document: Any) -> Any:
        """Fill each source of ``sources.yml`` with what its preset says.

        Raises:
            PlaybookInvalid: one line for each mistake in a preset.
        """
        sources = document.get("sources") if isinstance(document, dict) else None
        if not isinstance(sources, dict):
            return document
        entries = {name: self._complete_entry(name, entry) for name, entry in sources.items()}
        if self._complaints:
            raise PlaybookInvalid("\n".join(self._complaints))
        return {**document, "sources": entries}

    def _complete_entry(self, name: str, entry: Any) -> Any:
        if not isinstance(entry, dict):
            return entry
        handle = entry.get("preset")
        if isinstance(handle, str) and handle:
            entry = {**self._values(name, handle), **entry}
        return _with_secret(name, entry)

    def _values(self, name: str, handle: str) -> dict[str, Any]:
        try:
            path = preset_path(self.folder, handle)
            preset = read_preset(path)
        except PlaybookInvalid as error:
            lines = str(error).splitlines()
            self._complaints.extend(f"sources.yml: source {name}: {line}" for line in lines)
            return {}
        self.presets[name] = preset
        values: Mapping[str, Any] = read_values(path)
        own = {field: value for field, value in values.items() if field not in _ABOUT}
        return {"format": str(preset.format), **own}


def _with_secret(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Name the variables of the secret where a source does not."""
    verify = entry.get("verify")
    if not isinstance(verify, dict) or verify.get("secret_env"):
        return entry
    if verify.get("scheme") == Scheme.LOOPBACK:
        return entry
    return {**entry, "verify": {**verify, "secret_env": secret_names(str(name))}}
