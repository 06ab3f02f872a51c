"""Presets over HTTP: each fixture is sent as its product signs it, forged, and once more."""

import base64
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from standardwebhooks import Webhook

from bot.cases.verification import Encoding, Scheme, Verification
from handlers.intake.authentication import Credentials
from tests.handlers.intake.deliveries import IntakeClient
from tests.knowledge.library.test_presets import FIXTURES, HANDLES, read_fixture, source_of

SECRET = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(SECRET.encode()).decode()
UNAUTHORIZED = 401
#: The others differ in what is read, which takes no request.
MAX_REQUESTS = 3
FORM = "application/x-www-form-urlencoded"


def is_signed_over_its_body(verify: Verification) -> bool:
    """Tell whether a request can be signed without knowing what is in its body."""
    rest = verify.content.replace("{body}", "").replace("{timestamp}", "")
    return not verify.signature and "{" not in rest and not verify.timestamp.startswith("body:")


def is_sendable(handle: str) -> bool:
    verify = source_of(handle).verify
    if verify is None:
        return False
    return verify.scheme is not Scheme.HMAC or is_signed_over_its_body(verify)


def secret_of(handle: str) -> str:
    is_standard = source_of(handle).verify.scheme is Scheme.STANDARD_WEBHOOKS
    return WEBHOOK_SECRET if is_standard else SECRET


class Product:
    """Sends the fixtures of a product to the intake."""

    def __init__(self, client: IntakeClient, handle: str) -> None:
        self.client = client
        self.handle = handle
        self.verify = source_of(handle).verify

    def send(self, request, secret: str):
        """Post a request of a fixture in the name of who knows this secret."""
        headers = {"Content-Type": "application/json", **(request.get("headers") or {})}
        if headers["Content-Type"] == FORM:
            body = urlencode(request["body"]).encode()
        else:
            body = json.dumps(request["body"], default=str).encode()
        address = f"/v1/webhooks/{self.handle}"
        if self.verify.scheme is Scheme.PATH:
            address = f"{address}/{secret}"
        if request.get("query"):
            address = f"{address}?{urlencode(request['query'])}"
        headers.update(self._proof(body, secret))
        return self.client.post(address, content=body, headers=headers)

    def _proof(self, body: bytes, secret: str) -> dict[str, str]:
        match self.verify.scheme:
            case Scheme.HMAC:
                return self._signature(body, secret)
            case Scheme.STANDARD_WEBHOOKS:
                now = datetime.now(UTC)
                signature = Webhook(secret).sign("msg_1", now, body.decode())
                return {
                    "webhook-id": "msg_1",
                    "webhook-timestamp": str(int(now.timestamp())),
                    "webhook-signature": signature,
                }
            case Scheme.TOKEN:
                return {self.verify.header: secret}
            case Scheme.BASIC:
                user = base64.b64encode(f"countersign:{secret}".encode()).decode()
                return {"Authorization": f"Basic {user}"}
            case Scheme.BEARER:
                return {"Authorization": f"Bearer {secret}"}
            case _:
                return {}

    def _signature(self, body: bytes, secret: str) -> dict[str, str]:
        verify = self.verify
        seconds = str(int(datetime.now(UTC).timestamp()))
        message = verify.content.encode().replace(b"{timestamp}", seconds.encode())
        message = message.replace(b"{body}", body)
        is_hex = verify.secret_encoding is Encoding.HEX
        key = bytes.fromhex(secret) if is_hex else secret.encode()
        digest = hmac.digest(key, message, str(verify.algorithm))
        is_base64 = verify.encoding is Encoding.BASE64
        signature = verify.prefix + (
            base64.b64encode(digest).decode() if is_base64 else digest.hex()
        )
        place, _, name = verify.timestamp.partition(":")
        if verify.field:
            time = f"{name}={seconds}," if place == "field" else ""
            signature = f"{time}{verify.field}={signature}"
        headers = {verify.header: signature}
        if place == "header":
            headers[name] = seconds
        return headers


def faults_of(product: Product) -> list[str]:
    """Send every fixture forged, genuine and again; list what was answered wrongly."""
    faults = []
    requests = read_fixture(FIXTURES / f"{product.handle}.yml")
    for number, request in enumerate(requests[:MAX_REQUESTS]):
        secret = secret_of(product.handle)
        forged = product.send(request, secret.replace("0", "1").replace("M", "N"))
        first = product.send(request, secret)
        again = product.send(request, secret)
        is_ignored = request["expected"] == "ignored"
        name = f"{product.handle} {number}"
        if forged.status_code != UNAUTHORIZED:
            faults.append(f"{name}: forged, and answered {forged.status_code}")
        if not first.is_success or ("reason" in first.text) != is_ignored:
            faults.append(f"{name}: answered {first.status_code} {first.text}")
        if not again.is_success or not (is_ignored or "duplicate" in again.text):
            faults.append(f"{name}: answered {again.status_code} {again.text} to a repetition")
    return faults


def test_what_a_product_signs_counts_once_and_what_others_sign_not_at_all(small_world):
    handles = [handle for handle in HANDLES if is_sendable(handle)]
    sources = {handle: source_of(handle) for handle in handles}
    credentials = {handle: Credentials(secrets=(secret_of(handle),)) for handle in handles}
    client = IntakeClient(small_world, sources=sources, credentials=credentials)
    faults = [fault for handle in handles for fault in faults_of(Product(client, handle))]
    assert not faults
    # Only what is signed over the address or parts of the body is left to the tests of signatures.
    assert len(handles) > len(HANDLES) * 0.8
