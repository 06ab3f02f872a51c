"""A copy of the packaged library, to make mistakes in."""

import pytest

from knowledge.library import PACKAGED, copy_library


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "library"
    copy_library(PACKAGED, target)
    return target
