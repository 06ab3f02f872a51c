"""The head of a request: all that stands before the body."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request

MAX_QUERY_FIELDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """Method, address, headers and peer of a request."""

    method: str
    #: As it was sent, with its escapes.
    path: str
    query_string: str
    #: The address at which the sender reaches us: it may be signed.
    url: str
    headers: Headers
    #: The address of the other end of the connection. No header can change it.
    peer: str
    #: The source that the address names; empty for none.
    source_name: str = ""
    #: The end of the address, for senders that can send a secret nowhere else.
    path_secret: str = ""

    @classmethod
    def of(cls, request: Request, public_url: str) -> "RequestHead":
        """Read the head of a request."""
        scope = request.scope
        raw_path = scope.get("raw_path") or scope["path"].encode()
        path = raw_path.partition(b"?")[0].decode("latin-1")
        query_string = scope.get("query_string", b"").decode("latin-1")
        suffix = f"?{query_string}" if query_string else ""
        return cls(
            method=request.method,
            path=path,
            query_string=query_string,
            url=f"{public_url}{path}{suffix}",
            headers=request.headers,
            peer=request.client.host if request.client else "",
            source_name=request.path_params.get("source", ""),
            path_secret=request.path_params.get("secret", ""),
        )

    @property
    def query(self) -> Mapping[str, str]:
        """Return the parameters of the address; of a repeated one the last."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True)[:MAX_QUERY_FIELDS])

    def single_header(self, name: str) -> str | None:
        """Return a header of ASCII text that is there exactly once.

        A second one is refused: a proxy and we could each believe another.
        """
        values = self.headers.getlist(name)
        if len(values) != 1 or not values[0].isascii():
            return None
        return values[0]
