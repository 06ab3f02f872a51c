"""Secrets in what comes from outside: removed by name and by form, and nothing else."""

import pytest

from bot.cases.redaction import REMOVED, is_card_number, is_secret_name, redact, redact_text

SECRET_NAMES = [
    "token",
    "access_token",
    "accessToken",
    "APIKey",
    "api_key",
    "x-api-key",
    "password",
    "client_secret",
    "Authorization",
    "cookie",
    "signature",
    "card_number",
    "cvc",
    "privateKey",
    "session_id",
    "webhook_url",
    "refreshToken",
]
PLAIN_NAMES = [
    "tokens",
    "total_tokens",
    "token_type",
    "secretName",
    "password_expires_at",
    "author",
    "authority",
    "company",
    "expand",
    "cvc_check",
    "number",
    "key",
    "public_key",
    "tokenization",
    "keyboard",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_for_a_secret_is_known(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_a_name_that_only_looks_like_one_is_not(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("paid with 4242 4242 4242 4242 today", f"paid with {REMOVED} today"),
        ("card 4111111111111111.", f"card {REMOVED}."),
        ("https://u:p4ss@h/x", f"https://u:{REMOVED}@h/x"),
        ("see https://h/x?token=abcdefgh&page=2", f"see https://h/x?token={REMOVED}&page=2"),
        ("Authorization: Bearer abcdefghijklm1", f"Authorization: Bearer {REMOVED}"),
        ("password: hunter22", f"password: {REMOVED}"),
        ('{"api_key": "abcd1234"}', f'{{"api_key": "{REMOVED}"}}'),
        ("key sk_live_abcdefgh1234 leaked", f"key {REMOVED} leaked"),
        ("ghp_" + "a1" * 15, REMOVED),
        ("xoxb-1234567890-abcdef", REMOVED),
        ("AKIAABCDEFGHIJKLMNOP", REMOVED),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", REMOVED),
        # No secrets.
        ("Token: expired today", "Token: expired today"),
        ("Basic authentication failed", "Basic authentication failed"),
        ("run 1764205200123456789 took 12 s", "run 1764205200123456789 took 12 s"),
        ("order 4242 4242 4242 4243", "order 4242 4242 4242 4243"),
        ("call +44 20 7946 0000", "call +44 20 7946 0000"),
    ],
)
def test_a_secret_is_removed_from_a_text_and_the_rest_stays(text, clean):
    assert redact_text(text) == clean
    # Once more changes nothing.
    assert redact_text(clean) == clean


def test_secrets_are_removed_wherever_they_stand():
    request = {
        "user": {"password": "x", "name": "Ana", "has_password": True},
        "cards": [{"number": 4242424242424242, "last4": "4242"}],
        "tokens_used": 5,
        "deep": {"list": ["Bearer abcdefghijkl1"]},
    }
    assert redact(request) == {
        "user": {"password": REMOVED, "name": "Ana", "has_password": True},
        "cards": [{"number": REMOVED, "last4": "4242"}],
        "tokens_used": 5,
        "deep": {"list": [f"Bearer {REMOVED}"]},
    }


@pytest.mark.parametrize(
    ("digits", "is_card"),
    [
        ("4242424242424242", True),
        ("5555555555554444", True),
        ("378282246310005", True),
        ("6011111111111117", True),
        ("4242424242424241", False),
        ("9999999999999995", False),
        ("1764205200123456", False),
        ("42", False),
    ],
)
def test_card_numbers_are_known_by_brand_and_check_digit(digits, is_card):
    assert is_card_number(digits) is is_card
