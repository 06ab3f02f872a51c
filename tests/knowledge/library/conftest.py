"""A copy of the packaged library, to make mistakes in."""

import shutil

import pytest

from knowledge.library import PACKAGED


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "library"
    target.mkdir()
    for path in PACKAGED.glob("*.yml"):
        shutil.copy(path, target)
    shutil.copytree(PACKAGED / "playbooks", target / "playbooks")
    return target
