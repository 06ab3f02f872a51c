"""The client that the tests of the intake deliver with."""

import pytest

from tests.handlers.intake.deliveries import IntakeClient


@pytest.fixture
def client(small_world):
    return IntakeClient(small_world)
