"""The client that the tests of programs read with."""

import pytest

from tests.handlers.intake.deliveries import IntakeClient


@pytest.fixture
def client(small_world):
    return IntakeClient(small_world)
