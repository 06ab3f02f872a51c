"""Presets: the products that the release knows sign in, and nobody else in their name."""

import contextlib
import shutil

import pytest
from starlette.testclient import TestClient

from bot.cases.verification import Scheme
from bot.store.database import Database
from bot.store.store import Store
from handlers.intake.app import IntakeApi, build_app
from handlers.intake.authentication import Credentials, Sources
from knowledge.library.presets import PACKAGED_PRESETS, list_presets
from tests.journeys.signed_presets import OTHER_SECRET, PUBLIC_URL, PresetRequest
from tests.knowledge.library.test_presets import FIXTURES, read_fixture
from tests.world import World

HANDLES = list_presets(PACKAGED_PRESETS.parent)


@pytest.fixture(scope="module")
def shared_world(empty_sqlite, tmp_path_factory):
    """Build one desk for all products, each of which is a source of its own."""
    path = tmp_path_factory.mktemp("presets") / "desk.db"
    shutil.copy(empty_sqlite, path)
    with contextlib.closing(Database(f"sqlite:///{path}")) as database:
        yield World(Store.over(database))


@pytest.fixture
def deliver(shared_world):
    """Post a request to the intake; ``genuine`` has the secret that is expected."""

    def post(genuine: PresetRequest, request: PresetRequest):
        api = IntakeApi(
            intake=shared_world.desk.intake,
            progress=shared_world.desk.conversation.progress,
            sources=Sources(
                {genuine.handle: genuine.source},
                {genuine.handle: Credentials(secrets=(genuine.secret,))},
            ),
            read_tokens=(),
            find_problems=list,
            public_url=PUBLIC_URL,
        )
        client = TestClient(build_app(api), base_url=PUBLIC_URL)
        headers = {"content-type": request.content_type, **request.headers}
        return client.post(request.path, content=request.raw, headers=headers)

    return post


@pytest.mark.parametrize("handle", HANDLES)
def test_a_product_signs_in_and_nobody_else_and_a_repetition_counts_once(deliver, handle):
    fixtures = read_fixture(FIXTURES / f"{handle}.yml")
    fixture = next(each for each in fixtures if not _is_left_out(each["expected"]))
    genuine = PresetRequest(handle, fixture)
    assert genuine.verify is not None

    stranger = PresetRequest(handle, fixture, OTHER_SECRET)
    assert deliver(genuine, stranger).status_code == 401
    if genuine.verify.scheme is Scheme.HMAC and "{body}" in genuine.verify.content:
        changed = PresetRequest(handle, fixture)
        changed.raw += b" "
        assert deliver(genuine, changed).status_code == 401

    first = deliver(genuine, genuine)
    assert first.status_code in {201, 202}, first.text
    again = deliver(genuine, genuine)
    assert again.status_code == 200, again.text
    assert "duplicate" in again.text


def _is_left_out(expected) -> bool:
    """Tell whether a fixture expects that nothing is taken."""
    return expected in ("ignored", {"outcome": "ignored"})
