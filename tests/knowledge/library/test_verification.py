"""``verify:`` in ``sources.yml``: each scheme has what it needs, and nothing that it would not read."""

import pytest

from bot.cases.errors import PlaybookInvalid
from bot.cases.verification import Handshake, Scheme
from knowledge.library.sources import read_sources

LINES = """sources:
  shop:
    format: signal
    verify: {verify}
"""
SECRET = "secret_env: [SHOP_SECRET]"


def read(tmp_path, verify, text=LINES):
    path = tmp_path / "sources.yml"
    path.write_text(text.replace("{verify}", verify))
    return read_sources(path).sources["shop"]


GOOD = [
    "scheme: hmac, header: X-Signature",
    'scheme: hmac, header: X-Signature, prefix: "sha256=", algorithm: sha512, encoding: base64',
    'scheme: hmac, header: X-S, field: v1, timestamp: "field:t", content: "{timestamp}.{body}"',
    'scheme: hmac, header: X-S, timestamp: "header:X-T", content: "v0:{timestamp}:{body}"',
    'scheme: hmac, header: X-S, timestamp: "body:created_at"',
    'scheme: hmac, header: X-S, message_id: "header:X-Id", content: "{id}.{body}"',
    'scheme: hmac, header: X-S, timestamp: "header:X-T", content: "{headers.x_t}{body}"',
    'scheme: hmac, header: X-S, algorithm: sha1, content: "{url}{params}"',
    'scheme: hmac, signature: body.a.signature, content: "{body.a.time}{body.a.token}",'
    ' timestamp: "body:a.time", message_id: "body:a.token"',
    "scheme: token, header: X-Token",
    'scheme: token, header: Authorization, prefix: "Token "',
    "scheme: basic",
    "scheme: path",
    "scheme: bearer",
    "scheme: standard_webhooks",
    "scheme: proxy_certificate, header: X-Client-Subject",
]


@pytest.mark.parametrize("verify", GOOD)
def test_each_scheme_is_read(tmp_path, verify):
    source = read(tmp_path, f"{{{verify}, {SECRET}}}")
    assert source.verify.scheme in set(Scheme)
    assert source.verify.secret_env == ("SHOP_SECRET",)


def test_loopback_has_no_secret(tmp_path):
    assert read(tmp_path, "{scheme: loopback}").verify.scheme is Scheme.LOOPBACK


def test_a_handshake_is_read(tmp_path):
    source = read(tmp_path, f"{{scheme: path, {SECRET}}}\n    handshake: challenge")
    assert source.handshake is Handshake.CHALLENGE


MISTAKES = [
    ("scheme: hmac", "needs header, or signature"),
    ("scheme: hmac, header: X-S, signature: body.s", "needs header, or signature"),
    ("scheme: hmac, signature: body.s, field: v1", "field is a part of a header"),
    ("scheme: hmac, header: X-S, encoding: text", "hex or base64, not text"),
    ('scheme: hmac, header: X-S, content: "{timestamp}"', "must have {body} in it"),
    ('scheme: hmac, header: X-S, content: "all"', "must have {body} in it"),
    ('scheme: hmac, header: X-S, content: ""', "must have {body} in it"),
    ('scheme: hmac, header: X-S, content: "{body"', "a brace without its other half"),
    ('scheme: hmac, header: X-S, content: "{body}{}"', "not a JMESPath expression"),
    ('scheme: hmac, header: X-S, content: "{body}{a [}"', "not a JMESPath expression"),
    ('scheme: hmac, signature: "a ["', "not a JMESPath expression"),
    ('scheme: hmac, header: X-S, content: "{timestamp}.{body}"', "say where it is with timestamp"),
    ('scheme: hmac, header: X-S, content: "{id}.{body}"', "say where it is with message_id"),
    # A time that nobody signed keeps no old request out.
    ('scheme: hmac, header: X-S, timestamp: "header:X-T"', "timestamp is not signed"),
    ('scheme: hmac, header: X-S, field: v1, timestamp: "field:t"', "timestamp is not signed"),
    ('scheme: hmac, header: X-S, message_id: "header:X-I"', "message_id is not signed"),
    (
        'scheme: hmac, signature: body.s, content: "{body.a}", timestamp: "body:t"',
        "timestamp is not signed",
    ),
    (
        'scheme: hmac, header: X-S, timestamp: "field:t", content: "{timestamp}{body}"',
        "say field too",
    ),
    ('scheme: hmac, header: X-S, timestamp: "t", content: "{timestamp}{body}"', "like field:t"),
    ('scheme: hmac, header: X-S, timestamp: "header:"', "like field:t"),
    ('scheme: hmac, header: X-S, timestamp: "body:a ["', "not a JMESPath expression"),
    ('scheme: hmac, header: X-S, content: "{item.a}"', "mapping.each must say where they are"),
    ("scheme: hmac, header: X-S, tolerance: 0", "tolerance"),
    ("scheme: hmac, header: X-S, tolerance: 3601", "tolerance"),
    ("scheme: hmac, header: X S", "header"),
    ("scheme: hmac, header: X-S, algorithm: md5", "algorithm"),
    ("scheme: token", "scheme token needs header"),
    ("scheme: proxy_certificate", "scheme proxy_certificate needs header"),
    ("scheme: basic, header: X", "reads no other header"),
    ("scheme: path, prefix: x", "reads no other header"),
    ("scheme: bearer, algorithm: sha1", "algorithm goes with scheme hmac alone"),
    ('scheme: token, header: X, timestamp: "header:X"', "timestamp goes with scheme hmac alone"),
    ("scheme: loopback", "loopback has no secret"),
    ("scheme: none", "scheme"),
    ("scheme: basic, password: x", "password"),
]


@pytest.mark.parametrize(("verify", "complaint"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_where_it_is(tmp_path, verify, complaint):
    with pytest.raises(PlaybookInvalid) as refused:
        read(tmp_path, f"{{{verify}, {SECRET}}}")
    assert str(refused.value).startswith("sources.yml:")
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("secrets", "complaint"),
    [
        (", secret_env: [A, B, C]", "secret_env"),
        (", secret_env: [the secret itself]", "secret_env"),
    ],
)
def test_secrets_are_named_and_not_written_down(tmp_path, secrets, complaint):
    with pytest.raises(PlaybookInvalid, match=complaint):
        read(tmp_path, f"{{scheme: basic{secrets}}}")


def test_secrets_have_the_name_of_their_source_unless_others_are_named(tmp_path):
    assert read(tmp_path, "{scheme: basic}").verify.secret_env == (
        "COUNTERSIGN_SOURCE_SHOP_SECRET",
        "COUNTERSIGN_SOURCE_SHOP_SECRET_OLD",
    )


def test_a_source_without_any_way_to_sign_in_is_refused(tmp_path):
    with pytest.raises(PlaybookInvalid, match="a source needs verify, token_env or"):
        read(tmp_path, "", text="sources:\n  shop:\n    format: signal\n")
