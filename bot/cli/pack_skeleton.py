"""The files of a new pack, which passes its check unchanged."""

import re
import shutil
from pathlib import Path

from bot.cases.errors import BadRequest
from knowledge.library.packs import PACK_FILE, PACKAGED_PACKS, SKELETON

_NAME = re.compile(r"[a-z][a-z0-9_]{1,48}")


def write_skeleton(folder: Path) -> None:
    """Write the files of a new pack, named like its folder.

    Raises:
        BadRequest: the folder's name cannot be that of a pack.
    """
    name = folder.name.replace("-", "_")
    if not _NAME.fullmatch(name):
        raise BadRequest(
            f"a pack is called like its folder, in small letters, digits and _; not {folder.name}"
        )
    shutil.copytree(PACKAGED_PACKS / SKELETON, folder)
    about = folder / PACK_FILE
    text = about.read_text(encoding="utf-8")
    about.write_text(text.replace(f"name: {SKELETON}", f"name: {name}"), encoding="utf-8")
