"""Presets: each request of a fixture through the real intake, signed as its product signs."""

import contextlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.cases.errors import PlaybookInvalid
from bot.cases.signal import Signal
from bot.cases.source import Format, Source
from bot.cases.verification import Encoding, Scheme
from bot.store.database import Database
from bot.store.store import Store
from handlers.intake.authentication import Credentials
from handlers.intake.content import RequestContent, readable_headers
from handlers.intake.proof import full_proof
from handlers.intake.reading import Ignored
from handlers.intake.sources import alertmanager, mapped
from handlers.intake.sources.titles import is_title
from knowledge.library import load
from knowledge.library.presets import (
    PACKAGED_PRESETS,
    list_presets,
    preset_path,
    read_preset,
    secret_names,
)
from tests.handlers.intake.deliveries import IntakeClient
from tests.knowledge.library.editing import change
from tests.knowledge.library.preset_signing import secret_of, sign
from tests.world import World

FIXTURES = Path(__file__).parent.parent / "sources"
MAX_LINES = 15
MAX_LINE = 420
HANDLES = list_presets(PACKAGED_PRESETS.parent)


def read_fixture(handle: str) -> list[dict[str, Any]]:
    """Read the requests of a fixture; what stands beside ``cases`` holds for each."""
    document = YAML(typ="safe").load((FIXTURES / f"{handle}.yml").read_text(encoding="utf-8"))
    cases = document.pop("cases", [{}])
    return [{**document, **case} for case in cases]


def source_of(handle: str) -> Source:
    """Return a source with the preset, whose kind has a playbook."""
    preset = read_preset(preset_path(PACKAGED_PRESETS.parent, handle))
    verify = preset.verify
    if verify and verify.scheme is not Scheme.LOOPBACK:
        verify = replace(verify, secret_env=tuple(secret_names(handle)))
    has_kind = preset.mapping is not None and preset.mapping.kind
    return Source(
        name=handle,
        format=preset.format,
        kind="" if has_kind else preset.kind,
        mapping=preset.mapping,
        verify=verify,
        handshake=preset.handshake,
        preset=handle,
    )


def read_request(handle: str, request: dict[str, Any]) -> list[Any]:
    """Read the request as the intake does once it is verified."""
    source = source_of(handle)
    body = request["body"]
    if source.format is Format.ALERTMANAGER:
        return alertmanager.parse_signals(json.dumps(body).encode(), source)
    content = RequestContent(
        # As it comes over the wire: YAML has dates.
        body=json.loads(json.dumps(body, default=str)),
        headers=readable_headers(request.get("headers") or {}),
        query=request.get("query") or {},
    )
    return mapped.parse_signals(content, source, full_proof(Scheme.BEARER))


# The fixtures are read in the tests: reading YAML took a quarter of the collection's time.
@pytest.mark.parametrize("handle", sorted(path.stem for path in FIXTURES.glob("*.yml")))
def test_a_request_of_a_product_is_read_as_expected(handle, subtests):
    for number, request in enumerate(read_fixture(handle)):
        with subtests.test(number=number):
            check_request(handle, request)


def check_request(handle: str, request: dict[str, Any]) -> None:
    """Read a request, and compare every item with what the fixture expects."""
    expected = request["expected"]
    items = read_request(handle, request)
    if expected == "ignored":
        assert all(isinstance(item, Ignored) for item in items)
        return
    wanted = expected if isinstance(expected, list) else [expected]
    assert len(items) == len(wanted)
    for item, one in zip(items, wanted, strict=True):
        assert isinstance(item, Signal), item
        compare(item, one)


def compare(signal: Signal, expected: dict[str, Any]) -> None:
    """Compare all that a fixture says with the signal."""
    assert is_title(signal.title)
    assert signal.title == expected["title"]
    assert signal.subject == expected["subject"]
    assert signal.status == expected.get("status", "firing")
    if "kind" in expected:
        assert signal.kind == expected["kind"]
    if "key" in expected:
        assert signal.key.partition("@")[0] == str(expected["key"])
    if "occurred_at" in expected:
        at = str(expected["occurred_at"])
        assert signal.occurred_at is not None
        assert signal.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ") == at
    facts = {**(expected.get("facts") or {})}
    for name in ("amount", "currency"):
        if name in expected:
            facts[name] = expected[name]
    assert {name: signal.facts.get(name) for name in facts} == facts
    assert signal.facts.get("read_by") == facts.get("read_by")


@pytest.mark.parametrize("handle", HANDLES)
def test_a_preset_is_short_and_has_a_fixture(handle):
    lines = preset_path(PACKAGED_PRESETS.parent, handle).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MAX_LINES
    assert max(map(len, lines)) <= MAX_LINE
    assert (FIXTURES / f"{handle}.yml").exists()


def test_every_fixture_is_of_a_preset():
    assert {path.stem for path in FIXTURES.glob("*.yml")} <= set(HANDLES)


# --- over HTTP ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(empty_sqlite, tmp_path_factory):
    """Return a client of an intake with a source for each preset that has a fixture."""
    path = tmp_path_factory.mktemp("presets") / "presets.db"
    shutil.copy(empty_sqlite, path)
    sources = {handle: source_of(handle) for handle in HANDLES}
    credentials = {
        handle: Credentials(secrets=(secret_of(source.verify),))
        for handle, source in sources.items()
        if source.verify
    }
    database = Database(f"sqlite:///{path}")
    with contextlib.closing(database):
        world = World(Store.over(database))
        yield IntakeClient(world, sources=sources, credentials=credentials)


def signed_params():
    for handle in HANDLES:
        verify = source_of(handle).verify
        fixture = FIXTURES / f"{handle}.yml"
        is_here = verify and verify.scheme not in {Scheme.LOOPBACK, Scheme.PROXY_CERTIFICATE}
        # Where each item is signed on its own, the tests of signatures do it.
        if fixture.exists() and is_here and "item." not in verify.content + verify.signature:
            yield pytest.param(handle, id=handle)


@pytest.mark.parametrize("handle", list(signed_params()))
def test_a_request_that_is_signed_as_its_product_signs_is_recorded_and_a_forged_one_is_not(
    client, handle
):
    verify = source_of(handle).verify
    request = read_fixture(handle)[0]
    body = json.loads(json.dumps(request["body"], default=str))
    query = dict(request.get("query") or {})
    if verify.signature.startswith("query."):
        query.pop(verify.signature.removeprefix("query."), None)

    def post(secret: str = ""):
        signed = sign(
            verify,
            path=f"/v1/webhooks/{handle}",
            body=body,
            headers=request.get("headers"),
            query=query,
            secret=secret,
        )
        return client.post(signed.path, content=signed.body, headers=signed.headers)

    response = post()
    assert response.status_code == 200, response.text
    again = post()
    assert again.status_code == 200, again.text
    assert again.json().get("case") == response.json().get("case")
    assert post(another_secret(verify)).status_code == 401


def another_secret(verify):
    """Return a wrong secret of the same form."""
    if verify.scheme is Scheme.STANDARD_WEBHOOKS:
        return "whsec_b3RoZXIgc2VjcmV0IG9mIHRoZSBwcm9kdWN0"
    if verify.secret_encoding is Encoding.BASE64:
        return "b3RoZXIgc2VjcmV0IG9mIHRoZSBwcm9kdWN0"
    return secret_of(verify)[::-1]


# --- the loader -----------------------------------------------------------------------------------


def test_a_source_takes_what_its_preset_says_and_may_say_otherwise(folder):
    change(folder / "sources.yml", "kind: failed_payment", "mapping: {title: 'Payment {body.id}'}")
    source = load(folder).sources["stripe"]
    assert source.mapping.title == "Payment {body.id}"
    assert source.verify.header == "Stripe-Signature"
    assert source.verify.secret_env == (
        "COUNTERSIGN_SOURCE_STRIPE_SECRET",
        "COUNTERSIGN_SOURCE_STRIPE_SECRET_OLD",
    )


def test_the_kind_of_a_preset_holds_where_a_playbook_for_it_exists(folder):
    change(folder / "sources.yml", "    kind: failed_payment\n", "")
    assert load(folder).sources["stripe"].kind == ""
    playbook = (folder / "playbooks/service_alert.yml").read_text()
    other = playbook.replace("kind: service_alert", "kind: failed_payment")
    (folder / "playbooks/failed_payment.yml").write_text(other)
    assert load(folder).sources["stripe"].kind == "failed_payment"


def test_a_preset_of_the_folder_goes_before_the_one_of_the_release(folder):
    (folder / "sources").mkdir()
    (folder / "sources/stripe.yml").write_text(
        "product: Stripe\ndocumentation: https://example.org/x\n"
        "verify: {scheme: basic}\nmapping: {title: 'Own {body.id}'}\n"
    )
    library = load(folder)
    assert library.sources["stripe"].mapping.title == "Own {body.id}"
    assert library.presets["stripe"].documentation == "https://example.org/x"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("product: X\n", "stripe: stripe.yml:1: documentation: Field required"),
        (
            "product: X\ndocumentation: https://x.org/a\nmapping: {title: '{nope.a}'}\n",
            "stripe.yml:3: mapping.title: nope is not part of a request",
        ),
        ("product: X\ndocumentation: https://x.org/a\n", "stripe.yml:1: format: mapping goes with"),
        (
            "product: X\ndocumentation: https://x.org/a\nformat: auto\nverify: {scheme: hmac}\n",
            "stripe.yml:4: verify: scheme hmac needs header",
        ),
    ],
)
def test_a_mistake_in_a_preset_is_told_where_it_is(folder, content, complaint):
    (folder / "sources").mkdir()
    (folder / "sources/stripe.yml").write_text(content)
    with pytest.raises(PlaybookInvalid, match=complaint):
        load(folder)
