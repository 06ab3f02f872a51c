"""``countersign init``."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from bot.cases.errors import Refusal
from bot.cli.terminal import out
from bot.settings import NAMES, PACKAGED_LIBRARY

#: What is no file for people to edit, and the presets: those of the release hold until a folder
#: has its own, so that an upgrade brings new ones.
NOT_COPIED = ("*.py", "__pycache__", "library", "memory", "learning", "language", "sources")


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to create.")] = Path(
        "countersign-library"
    ),
) -> None:
    if folder.exists():
        raise Refusal(f"{folder} already exists; name another folder, or remove it")
    shutil.copytree(
        PACKAGED_LIBRARY,
        folder,
        # The folder is a Python package too; only its YAML is for people to edit.
        ignore=shutil.ignore_patterns(*NOT_COPIED),
    )
    out.print(
        f"Copied to {folder}. Edit the files in playbooks/ and the other .yml files, then set:",
        markup=False,
    )
    out.print(f"  COUNTERSIGN_LIBRARY_DIR={folder.resolve()}", markup=False)
    for name, meaning in NAMES.items():
        out.print(f"  {name}: {meaning}", markup=False)
    out.print("Then run `countersign check`.")
