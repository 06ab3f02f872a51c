"""Secrets from outside: found by name or form, and removed.

A secret must not end on a card, in a log, a prompt, an embedding or an export.
"""

import re
from collections.abc import Mapping
from typing import Any

REMOVED = "(secret removed)"
MAX_DEPTH = 60

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|passcode|\bpwd\b|secret|\btoken\b|api key|apikey|access key|"
    r"private key|\bauthori[sz]ation\b|\bbearer\b|credential|\bcookie\b|\bset cookie\b|"
    r"\bsignature\b|\bsessionid\b|session (id|key)|card ?number|\bcc number\b|\bpan\b|"
    r"\bcvv2?\b|\bcvc2?\b|\bssn\b|social security|\bpin code\b|\bwebhook url\b|\botp\b"
)
# What is said about a secret is none itself.
_ABOUT_A_SECRET = re.compile(
    r"\b(name|type|status|state|count|policy|expires?|expiry|expiration|at|used|limit|usage|age|"
    r"length|check|brand|country|kind|arn)$"
)
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_SECRET_TEXT = re.compile(
    r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}|\bwhsec_[A-Za-z0-9+/=]{16,}|"
    r"\bxox[abceoprs]-[A-Za-z0-9-]{8,}|\bxapp-[A-Za-z0-9-]{10,}|"
    r"\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|"
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\bSG\.[\w-]{16,}\.[\w-]{16,}|"
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|"
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
)
# A sentence may go on after "token:"; a secret has a digit, or is long.
_AFTER_WORD = re.compile(
    r"(?i)\b((?:bearer|basic)\s+)(?=\S*[\d=])[A-Za-z0-9+/_.=~-]{12,}|"
    r"\b((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key)[\"']?\s*"
    r"(?:=|:(?=\s*[\"']?(?:[^\s\d]{0,80}\d|\S{20})))\s*[\"']?)"
    r"(?!\(secret)[^\s\"'&,;<>]{4,}"
)
_IN_ADDRESS = re.compile(
    r"(?i)(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,200}:)(?!\(secret)[^\s/@]{1,200}(?=@)"
)
_PARAMETER = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:token|secret|password|api_?key|access_?key|signature|credential)"
    r"|sig|auth|key|code)=)(?!\(secret)[^\s&#\"'<>]{6,}"
)
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-])")
# First digits and lengths of the brands of payment cards.
_BRANDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}"
)
# Letters without which no pattern above can match: most texts have none of them.
_HINT = re.compile(
    r"(?i)\d[ -]?\d{3}[ -]?\d{4}|[:=@_]|bearer|basic|xox|gh[opsur]|akia|asia|aiza|sg\.|eyj|-----"
)


def is_secret_name(name: str) -> bool:
    """Tell whether a value of this name is a secret."""
    words = _WORD.sub(" ", name).strip().lower()
    return bool(_SECRET_NAME.search(words)) and not _ABOUT_A_SECRET.search(words)


def redact_text(text: str) -> str:
    """Remove secrets that show by their form."""
    if not _HINT.search(text):
        return text
    text = _SECRET_TEXT.sub(REMOVED, text)
    text = _IN_ADDRESS.sub(rf"\1{REMOVED}", text)
    text = _PARAMETER.sub(rf"\1{REMOVED}", text)
    text = _AFTER_WORD.sub(lambda match: f"{match[1] or match[2]}{REMOVED}", text)
    return _CARD.sub(_redact_card, text)


def redact_value(name: str, value: Any) -> Any:
    """Remove a plain value if its name or form shows a secret."""
    if isinstance(value, bool) or value is None or value == "":
        return value
    if is_secret_name(name):
        return REMOVED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, int) and is_card_number(str(value)):
        return REMOVED
    return value


def redact(value: Any, name: str = "", depth: int = 0) -> Any:
    """Copy JSON without its secrets."""
    if depth > MAX_DEPTH:
        return value if isinstance(value, int | float | bool | None) else REMOVED
    if isinstance(value, Mapping):
        return {key: redact(inner, str(key), depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [redact(inner, name, depth + 1) for inner in value]
    return redact_value(name, value)


def is_card_number(digits: str) -> bool:
    """Recognise the number of a payment card by brand and check digit."""
    if not _BRANDS.fullmatch(digits):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def _redact_card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return REMOVED if is_card_number(digits) else match[0]
