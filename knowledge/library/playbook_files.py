"""The playbook files of a library.

They lie in its folder or in packs of the sample.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from bot.cases.constraints import Name
from knowledge.library.yaml_files import read

#: The files of this release.
PACKAGED = Path(__file__).parent.parent
PACKS = "packs"
PLAYBOOKS = "playbooks"
SAMPLE_FILE = "sample.yml"


@dataclass(frozen=True, slots=True)
class SampleFile:
    """``packs/sample.yml``: the kinds that the sample company takes of each pack."""

    packs: Mapping[Name, tuple[Name, ...]]


def list_playbook_files(folder: Path) -> list[Path]:
    """List the playbooks of a library by name.

    Those of the packaged sample lie in its packs, so that no playbook exists twice.
    """
    # Editors and file systems leave files that begin with a dot.
    own = [path for path in (folder / PLAYBOOKS).glob("*.yml") if not path.name.startswith(".")]
    files = [*own, *_list_sample_files(folder / PACKS)]
    return sorted(files, key=attrgetter("name"))


def _list_sample_files(packs: Path) -> list[Path]:
    """List the playbooks that the sample company takes of its packs."""
    path = packs / SAMPLE_FILE
    if not path.is_file():
        return []
    sample, _ = read(path, SampleFile)
    return [
        packs / pack / PLAYBOOKS / f"{kind}.yml"
        for pack, kinds in sample.packs.items()
        for kind in kinds
    ]


def copy_library(source: Path, folder: Path) -> None:
    """Copy the files of a library into a new plain folder.

    The presets of products are left out.
    """
    (folder / PLAYBOOKS).mkdir(parents=True, exist_ok=True)
    for file in source.glob("*.yml"):
        shutil.copy(file, folder)
    for file in list_playbook_files(source):
        shutil.copy(file, folder / PLAYBOOKS)
