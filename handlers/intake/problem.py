"""Errors over HTTP as RFC 9457 problem documents."""

from dataclasses import dataclass

from starlette.responses import JSONResponse

from bot.cases.text import storable

MAX_DETAIL_LENGTH = 500
# The phrases of RFC 9110; those of http.HTTPStatus differ between Python versions.
TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    409: "Conflict",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    503: "Service unavailable",
}


@dataclass(eq=False)
class Problem(Exception):
    """An error that becomes the answer to the request."""

    status: int
    detail: str
    #: The path of the field that is wrong; empty when it is the request as a whole.
    field: str = ""
    #: Seconds; 0 for no Retry-After header.
    retry_after: int = 0

    def __post_init__(self) -> None:
        # Both may quote the request, and the answer must be valid UTF-8 in any case.
        self.detail = storable(self.detail)[:MAX_DETAIL_LENGTH]
        self.field = storable(self.field)[:MAX_DETAIL_LENGTH]

    def response(self, **members: object) -> JSONResponse:
        """Build the problem document; ``members`` are added to it."""
        document: dict[str, object] = {
            "type": f"urn:countersign:problem:{self.status}",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
        }
        if self.field:
            document["errors"] = [{"field": self.field, "detail": self.detail}]
        document |= members
        return JSONResponse(
            document,
            status_code=self.status,
            headers=self._headers(),
            media_type="application/problem+json",
        )

    def _headers(self) -> dict[str, str]:
        headers = {}
        if self.retry_after:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return headers
