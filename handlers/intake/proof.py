"""Proof: the parts of a request that its sender vouches for."""

from dataclasses import dataclass

from bot.cases.verification import Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The parts of a request that its sender vouches for.

    A secret that travels with the request vouches for all of it. A signature vouches for what is
    signed: anybody who has seen a signed request can send it again with other headers. The identity
    of a signal must come from what is vouched for, or an old body would count again.
    """

    scheme: Scheme
    #: False where a signature covers only a part of the body, or none of it (Mailgun, Adyen).
    covers_body: bool = True
    #: Whether the address with its query is vouched for.
    covers_query: bool = True
    #: False where only the named headers are vouched for.
    covers_all_headers: bool = True
    #: Names as in ``RequestContent.headers``: lower case, ``_`` for ``-``.
    signed_headers: frozenset[str] = frozenset()
    #: The id of the message, where it is vouched for; else empty. Where the body is not covered,
    #: this alone is the key: the same id with another body is the same signal.
    message_id: str = ""

    def covers_header(self, name: str) -> bool:
        """Tell whether the sender vouches for this header."""
        return self.covers_all_headers or name in self.signed_headers


def full_proof(scheme: Scheme) -> Proof:
    """Return the proof of a secret that came with the request."""
    return Proof(scheme=scheme)
