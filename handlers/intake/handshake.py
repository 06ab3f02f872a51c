"""Answers to what a product asks once, before it sends.

Nobody can have a page or a file of theirs sent from our address: an answer is plain text or JSON,
short, without angle brackets, and given for the sources that ``sources.yml`` names only. Where the
secret comes with the request, it has to be right; a product that signs has no secret yet when it
asks. No answer makes us believe anybody: a secret that a stranger sends is never taken over.
"""

import hashlib
import hmac
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.cases.source import Source
from bot.cases.verification import Handshake
from handlers.intake.authentication import Sources
from handlers.intake.delivery import Delivery
from handlers.intake.request_head import RequestHead
from handlers.intake.tokens import has_token
from handlers.intake.verification import SIGNING_SCHEMES

log = logging.getLogger(__name__)
HOOK_SECRET_HEADER = "x-hook-secret"  # noqa: S105
FRONT_HEADER = "x-front-challenge"
OKTA_HEADER = "x-okta-verification-challenge"
EVENT_GRID_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
ZOOM_VALIDATION = "endpoint.url_validation"
#: A question is no more than this; what has more in it is a signal.
CHALLENGE_FIELDS = frozenset({"challenge", "token", "type"})
MAX_QUESTION_BYTES = 8 * 1024
_ECHO = re.compile(r"[ -;=?-~]{1,1000}")
_HOOK_SECRET = re.compile(r"[!-;=?-~]{1,256}")
# Such a text is never one that Zoom signs: those have colons in them.
_ZOOM_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Handshakes:
    """The handshakes of the sources that have one."""

    sources: Sources

    def answer_head(self, head: RequestHead) -> Response | None:
        """Answer a question in the head; None where there is none."""
        source = self.sources.named_by(head)
        if source is None or source.handshake is Handshake.NONE:
            return None
        match source.handshake:
            case Handshake.VALIDATION_TOKEN:
                text = self._validation_token(source, head)
            case Handshake.HOOK_SECRET:
                return self._echo_hook_secret(source, head)
            case Handshake.CHALLENGE if head.method == "GET":
                return self._answer_get(source, head)
            case Handshake.HEAD if head.method in {"GET", "HEAD"}:
                text = "" if self._may_ask(source, head) else None
            case _:
                text = None
        return None if text is None else _plain(text)

    def answer_body(self, delivery: Delivery) -> Response | None:
        """Answer a question in the body of a verified request."""
        handshake = delivery.source.handshake
        if handshake not in {Handshake.CHALLENGE, Handshake.HOOK_SECRET}:
            return None
        if len(delivery.body) > MAX_QUESTION_BYTES:
            return None
        body = delivery.content().body
        if handshake is Handshake.CHALLENGE and FRONT_HEADER in delivery.head.headers:
            return _json({"challenge": delivery.head.single_header(FRONT_HEADER)})
        if handshake is Handshake.CHALLENGE:
            return self._answer_challenge(delivery.source, body)
        return _confirm(delivery.source, body)

    def _may_ask(self, source: Source, head: RequestHead) -> bool:
        """Tell whether the request has what proof it can have."""
        signs = source.verify is not None and source.verify.scheme in SIGNING_SCHEMES
        return (signs and not head.path_secret) or self.sources.has_valid_head(head)

    def _validation_token(self, source: Source, head: RequestHead) -> str | None:
        # Microsoft's products write it in two ways.
        tokens = [text for name, text in head.query.items() if name.lower() == "validationtoken"]
        if len(tokens) != 1 or not self._may_ask(source, head):
            return None
        return tokens[0]

    def _echo_hook_secret(self, source: Source, head: RequestHead) -> Response | None:
        """Send the secret of a new webhook back, to agree to it.

        It is not stored. Asana shows it to whoever made the webhook, and they set it.
        """
        secret = head.single_header(HOOK_SECRET_HEADER) or ""
        if not _HOOK_SECRET.fullmatch(secret) or not self._may_ask(source, head):
            return None
        if self.sources.secrets_of(source) and not self.sources.has_valid_head(head):
            # It is set up: who asks again is somebody else.
            return None
        return Response(headers={**_HEADERS, "X-Hook-Secret": secret})

    def _answer_get(self, source: Source, head: RequestHead) -> Response | None:
        query = head.query
        token = query.get("hub.verify_token", "")
        if "hub.challenge" in query and has_token(token, self.sources.secrets_of(source)):
            return _plain(query["hub.challenge"])
        if not self.sources.has_valid_head(head):
            return None
        if OKTA_HEADER in head.headers:
            return _json({"verification": head.single_header(OKTA_HEADER)})
        return _plain(query["challenge"]) if "challenge" in query else None

    def _answer_challenge(self, source: Source, body: Any) -> Response | None:
        event = body[0] if isinstance(body, list) and len(body) == 1 else body
        if not isinstance(event, dict):
            return None
        if "challenge" in event and CHALLENGE_FIELDS.issuperset(event):
            return _json({"challenge": event["challenge"]})
        if event.get("eventType") == EVENT_GRID_VALIDATION:
            return _json({"validationResponse": _member(event, "data", "validationCode")})
        if event.get("event") == ZOOM_VALIDATION:
            return _answer_zoom(event, self.sources.secrets_of(source))
        return None


def _confirm(source: Source, body: Any) -> Response | None:
    """Show the operator the token that Notion wants to have entered there."""
    if not isinstance(body, dict) or set(body) != {"verification_token"}:
        return None
    token = body["verification_token"]
    if not isinstance(token, str) or not _HOOK_SECRET.fullmatch(token):
        return None
    log.warning(
        "source %s asks for a confirmation: enter this verification token there: %s",
        source.name,
        token,
    )
    return _json({})


def _answer_zoom(event: Mapping[str, Any], secrets: Sequence[str]) -> Response | None:
    token = _member(event, "payload", "plainToken")
    if not isinstance(token, str) or not _ZOOM_TOKEN.fullmatch(token) or not secrets:
        return None
    signature = hmac.new(secrets[0].encode(), token.encode(), hashlib.sha256).hexdigest()
    return _json({"plainToken": token, "encryptedToken": signature})


def _member(event: Mapping[str, Any], name: str, inner_name: str) -> Any:
    inner = event.get(name)
    return inner.get(inner_name) if isinstance(inner, dict) else None


def _plain(text: str) -> Response | None:
    if text and not _ECHO.fullmatch(text):
        return None
    return PlainTextResponse(text, headers=_HEADERS)


def _json(content: Mapping[str, Any]) -> Response | None:
    texts = content.values()
    if not all(isinstance(text, str) and _ECHO.fullmatch(text) for text in texts):
        return None
    return JSONResponse(dict(content), headers=_HEADERS)
