"""``countersign init --pack``: the library of some packs, and its settings."""

import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bot.cases.plan import SYMBOLS
from bot.cli.own_library import DATABASE_VARIABLE, SCHEMAS, env_lines, schema_line
from bot.settings import PACKAGED_LIBRARY
from knowledge.library import FileLibrary, load
from knowledge.library.packs import open_pack, read_pack, write_packs


def write_pack_library(folder: Path, names: Sequence[str], currency: str = "") -> FileLibrary:
    """Join packs into a new library, put into place at once.

    ``currency`` takes the place of that of the packs, in policy and in sentences.

    Raises:
        Refusal: there is no such pack, two of them disagree, or this is no currency; nothing is
            written.
        PlaybookInvalid: the files of a pack have mistakes; nothing is written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = stack.enter_context(
            tempfile.TemporaryDirectory(dir=folder.parent, prefix=".countersign-")
        )
        packs = [read_pack(stack.enter_context(open_pack(name))) for name in names]
        draft = Path(scratch) / "library"
        own = write_packs(draft, packs).rules.currency
        for path in draft.rglob("*.yml"):
            name = path.relative_to(draft).as_posix()
            text = path.read_text(encoding="utf-8")
            if currency:
                text = _with_currency(text, before=own, after=currency)
            path.write_text(schema_line(name) + text, encoding="utf-8")
        if (PACKAGED_LIBRARY / SCHEMAS).is_dir():
            shutil.copytree(PACKAGED_LIBRARY / SCHEMAS, draft / SCHEMAS)
        library = load(draft)
        draft.rename(folder)
    return library


def _with_currency(text: str, *, before: str, after: str) -> str:
    """Write the amounts of a file in another currency, names and signs."""
    text = re.sub(rf"\b{before}\b", after, text)
    sign = SYMBOLS.get(before)
    return text.replace(sign, SYMBOLS.get(after, f"{after} ")) if sign else text


def env_lines_of_packs(folder: Path, library: FileLibrary) -> str:
    """Return the settings that the library needs, with what each is."""
    text = env_lines(folder, database_url="", bot_token="", app_token="")
    variables = {name for system in library.systems.values() for name in system.secret_names()}
    for name in sorted(variables - {DATABASE_VARIABLE}):
        text += f"# The address of another system that systems.yml names.\n{name}=\n"
    return text
