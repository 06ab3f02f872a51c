"""``countersign init``."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cases.errors import Refusal
from bot.cli.terminal import out
from bot.settings import NAMES, PACKAGED_LIBRARY
from knowledge.library import copy_library


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to create.")] = Path(
        "countersign-library"
    ),
) -> None:
    if folder.exists():
        raise Refusal(f"{folder} already exists; name another folder, or remove it")
    copy_library(PACKAGED_LIBRARY, folder)
    out.print(
        f"Copied to {folder}. Edit the files in playbooks/ and the other .yml files, then set:",
        markup=False,
    )
    out.print(f"  COUNTERSIGN_LIBRARY_DIR={folder.resolve()}", markup=False)
    for name, meaning in NAMES.items():
        out.print(f"  {name}: {meaning}", markup=False)
    out.print("Then run `countersign check`.")
