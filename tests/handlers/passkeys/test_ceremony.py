"""WebAuthn: a response counts for its own site and challenge."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from bot.cases.errors import NotEligible
from bot.cases.passkey import Invitation, matches_challenge
from handlers.passkeys.ceremony import Ceremony
from tests.fakes.clock import NOON
from tests.fakes.device import PRESENT, Device

ALGORITHMS = ["ES256", "EdDSA", "RS256"]
CHALLENGE = b"c" * 32
ANA = "T1/UANA"
INVITATION = Invitation(ANA, "Ana", ticket="f" * 64, until=NOON + timedelta(hours=1))


@pytest.fixture
def ceremony():
    return Ceremony("http://localhost:8080")


def register(ceremony, device):
    options = ceremony.registration_options(INVITATION, [])
    return ceremony.verify_registration(device.made(options), INVITATION, NOON)


def authenticate(ceremony, device, passkey, *, challenge=CHALLENGE):
    options = ceremony.authentication_options([passkey], CHALLENGE)
    return ceremony.verify_authentication(
        device.signed(options), passkeys=[passkey], challenge=challenge, ticket="t"
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_registered_device_signs_a_challenge(ceremony, algorithm):
    device = Device(sort=algorithm)
    passkey = register(ceremony, device)
    assertion = authenticate(ceremony, device, passkey)
    assert assertion.credential == passkey.credential
    assert matches_challenge(assertion, CHALLENGE)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_public_key_is_kept_in_a_form_that_any_library_reads(ceremony, algorithm):
    device = Device(sort=algorithm)
    passkey = register(ceremony, device)
    public_key = serialization.load_der_public_key(base64.b64decode(passkey.public_key))
    assert public_key == device.key.public_key()
    assert (passkey.person, passkey.site, passkey.added_at) == (ANA, "localhost", NOON)


def test_a_response_to_another_challenge_is_refused(ceremony):
    device = Device()
    passkey = register(ceremony, device)
    with pytest.raises(NotEligible, match="not genuine"):
        authenticate(ceremony, device, passkey, challenge=b"d" * 32)


def test_a_response_for_another_site_is_refused(ceremony):
    device = Device()
    passkey = register(ceremony, device)
    device.origin = "http://localhost.evil.example:8080"
    with pytest.raises(NotEligible, match="not genuine"):
        authenticate(ceremony, device, passkey)


def test_a_registration_without_the_persons_verification_is_refused(ceremony):
    device = Device()
    device.flags = PRESENT
    with pytest.raises(NotEligible, match="not genuine"):
        register(ceremony, device)


@pytest.mark.parametrize("response", [{}, {"id": 1, "response": 7}, [], None])
def test_a_response_that_is_not_well_formed_is_refused(ceremony, response):
    passkey = register(ceremony, Device())
    with pytest.raises(NotEligible, match="not genuine"):
        ceremony.verify_authentication(
            response, passkeys=[passkey], challenge=CHALLENGE, ticket="t"
        )
    with pytest.raises(NotEligible, match="not genuine"):
        ceremony.verify_registration(response, INVITATION, NOON)


def test_a_device_that_a_person_has_added_is_not_offered_again(ceremony):
    passkey = register(ceremony, Device())
    options = ceremony.registration_options(INVITATION, [passkey])
    assert [one["id"] for one in options["excludeCredentials"]] == [passkey.credential]
