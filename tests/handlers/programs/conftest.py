"""A server for programs, for each test."""

import pytest

from handlers.programs.client import AsyncCountersign, Countersign
from tests.fakes.approval_server import TOKEN, ApprovalServer


@pytest.fixture(scope="package")
def listening():
    server = ApprovalServer()
    yield server
    server.stop()


@pytest.fixture
def server(listening):
    listening.forget()
    return listening


@pytest.fixture
def pauses():
    """The pauses that clients made, which take no time."""
    return []


@pytest.fixture
def caller(server, pauses):
    with Countersign(server.url, TOKEN, sleep=pauses.append) as caller:
        yield caller


@pytest.fixture
def coroutines(server):
    return AsyncCountersign(server.url, TOKEN)
