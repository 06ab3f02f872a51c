"""What an installation takes: time, and space with each extra."""

import os
import shutil
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.settings import inherit

ROOT = Path(__file__).parent.parent.parent
MEGABYTE = 2**20
#: Other names of an extra, kept for those who have them in their commands.
ALIASES = {"openai"}
VARIABLES = (
    "PATH",
    "HOME",
    "UV_CACHE_DIR",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "NO_PROXY",
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A finished installation."""

    seconds: float
    #: Of all its packages, bytecode apart.
    megabytes: float
    #: Each of them by its folder, the largest first.
    largest: tuple[tuple[str, float], ...]


def extras() -> list[str]:
    """Return the names of what is optional."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [name for name in project["optional-dependencies"] if name not in ALIASES]


def uv() -> str:
    """Return the installer of this repository.

    Raises:
        LookupError: `make setup` has not been run.
    """
    path = shutil.which("uv", path=os.pathsep.join([str(ROOT / ".venv/bin"), os.defpath]))
    if path is None:
        raise LookupError("uv is not installed; run `make setup`")
    return path


def measure_installation(*names: str) -> Installation:
    """Install what is released, with these extras, as the Dockerfile does.

    Packages that were fetched before come from the cache: the network is not measured.
    """
    with _folder() as folder:
        options = [part for name in names for part in ("--extra", name)]
        command = [uv(), "sync", "--frozen", "--no-editable", "--link-mode", "copy", *options]
        begin = time.monotonic()
        subprocess.run(
            command,
            cwd=ROOT,
            env={**inherit(*VARIABLES), "UV_PROJECT_ENVIRONMENT": str(folder)},
            check=True,
            capture_output=True,
        )
        seconds = time.monotonic() - begin
        (packages,) = folder.glob("lib/python*/site-packages")
        sizes = {each.name: _megabytes(each) for each in packages.iterdir()}
    ordered = sorted(sizes.items(), key=lambda each: -each[1])
    return Installation(seconds, sum(sizes.values()), tuple(ordered[:10]))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as name:
        yield Path(name) / "environment"


def _megabytes(path: Path) -> float:
    files = [path] if path.is_file() else path.rglob("*")
    sizes = (file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")
    return sum(sizes) / MEGABYTE
