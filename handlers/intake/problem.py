"""Errors over HTTP as RFC 9457 problem documents: what is wrong, with which field, and what to do."""

from dataclasses import dataclass

from starlette.responses import JSONResponse

from bot.cases.text import storable

MAX_QUOTED = 500

TITLES = {
    400: "The request cannot be read",
    401: "Who is asking is not known",
    404: "There is no such thing here",
    405: "This can only be asked another way",
    408: "The request did not arrive in time",
    409: "This key was used before for something else",
    413: "The request is too large",
    415: "This kind of content is not understood",
    422: "The request says something it must not",
    429: "Too many requests",
    503: "Not now",
}


@dataclass(eq=False)
class Problem(Exception):
    """Raised anywhere on the way in; becomes the answer."""

    status: int
    detail: str
    field: str = ""
    retry_after: int = 0

    def __post_init__(self) -> None:
        # Both may quote what was sent, and the answer is UTF-8 whatever that was.
        self.detail, self.field = (
            storable(text)[:MAX_QUOTED] for text in (self.detail, self.field)
        )

    def response(self, **more: object) -> JSONResponse:
        body: dict[str, object] = {
            "type": f"urn:countersign:problem:{self.status}",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
        }
        if self.field:
            body["errors"] = [{"field": self.field, "detail": self.detail}]
        body |= more
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(body, self.status, headers, media_type="application/problem+json")
