"""Secrets in the encoding in which a product shows them."""

import pytest

from bot.cases.verification import Encoding, decode_secret


@pytest.mark.parametrize(
    ("secret", "encoding", "key"),
    [
        ("größer", Encoding.TEXT, "größer".encode()),
        ("00ffAB", Encoding.HEX, b"\x00\xff\xab"),
        ("AP+r", Encoding.BASE64, b"\x00\xff\xab"),
        ("whsec_AP+r", Encoding.BASE64, b"\x00\xff\xab"),
        ("00f", Encoding.HEX, None),
        ("no hex", Encoding.HEX, None),
        ("AP-r", Encoding.BASE64, None),
        ("AP+", Encoding.BASE64, None),
        ("é", Encoding.BASE64, None),
    ],
)
def test_a_secret_is_the_key_that_it_stands_for(secret, encoding, key):
    assert decode_secret(secret, encoding) == key
