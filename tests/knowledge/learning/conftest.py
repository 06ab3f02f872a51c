"""Fixtures of the tests of learning."""

import pytest

from knowledge.library import load


@pytest.fixture(scope="session")
def library():
    return load()
