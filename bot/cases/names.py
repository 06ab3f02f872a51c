"""The names in a case: customers, suppliers, products, services, venues, invoice numbers.

A person asks for a case by them. A name is a short text among the facts of the case that is neither
a sentence nor a figure, a time or an address.
"""

import re
from collections.abc import Iterator

from bot.cases.case import Case

MAX_NAMES = 30
MAX_NAME = 60
MAX_NAME_WORDS = 6
# Shorter numbers are quantities or ids that nobody knows.
MIN_DIGITS = 4
#: Facts whose values are names even when they are written in small letters.
NAME_FACTS = frozenset(
    {
        "company",
        "contact",
        "customer",
        "guest",
        "host",
        "instance",
        "item",
        "name",
        "number",
        "product",
        "service",
        "site",
        "supplier",
        "vendor",
        "venue",
        "wine",
    }
)
_NO_NAME = re.compile(
    r"""
    \S+://\S* | www\.\S+ | \S+@\S+            # addresses
    | \d{4}-\d\d-\d\d([T ].*)?               # dates and times
    | \d{1,2}:\d\d.*
    | [^\w\s]*\d+([.,:/-]\d+)*[^\w\s]*        # figures
    | [a-z_]+:\d+                             # the subjects of signals
    | (true|false|none|null|yes|no|n/a)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LONG_NUMBER = re.compile(rf"\d{{{MIN_DIGITS},}}")


def names_in(case: Case) -> list[str]:
    """List the names in the facts of a case, each once."""
    names: dict[str, str] = {}
    for fact, value in _texts(case):
        name = " ".join(value.split())
        if is_name(fact, name):
            names.setdefault(name.casefold(), name)
        if len(names) == MAX_NAMES:
            break
    return list(names.values())


def is_name(fact: str, text: str) -> bool:
    """Tell whether the value of a fact is a name.

    The value has single blanks.
    """
    if not 2 <= len(text) <= MAX_NAME or text[-1] in ".!?:;":
        return False
    if _LONG_NUMBER.fullmatch(text):
        return True
    if len(text.split()) > MAX_NAME_WORDS or _NO_NAME.fullmatch(text):
        return False
    if not any(char.isalpha() for char in text):
        return False
    # "delivered" and "high" are states; a name has a capital, a digit or a fact that says so.
    is_spelled_so = any(char.isdigit() or not char.islower() for char in text if char.isalnum())
    return is_spelled_so or fact in NAME_FACTS


def _texts(case: Case) -> Iterator[tuple[str, str]]:
    """Yield the texts that may be names.

    Each comes with the name of its fact.
    """
    for fact in case.assessment.evidence:
        if fact.failure is None and isinstance(fact.value, str):
            yield fact.name.rpartition(".")[2], fact.value
    for name, value in case.signal.facts.items():
        if isinstance(value, str):
            yield name, value
    yield "", case.signal.subject.rpartition(":")[2]
