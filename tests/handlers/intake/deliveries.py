"""Sources, signals in every format, and a client for the intake."""

import base64
import json
from datetime import UTC, datetime

from standardwebhooks import Webhook
from starlette.testclient import TestClient

from bot.cases.source import Format, SignalMapping, Source
from handlers.intake.app import IntakeApi, build_app
from handlers.intake.authentication import Credentials, Sources
from handlers.programs.authentication import Programs
from handlers.programs.cases import CaseApi

TOKEN = "t0ken-new"
OLD_TOKEN = "t0ken-old"
READ_TOKEN = "read-me"
READ_HEADERS = {"authorization": f"Bearer {READ_TOKEN}"}
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of some length").decode()
STRIPE_SECRET = "whsec_" + base64.b64encode(b"stripe's own secret").decode()
STRIPE_MAPPING = SignalMapping(
    key="id",
    subject="data.object.id",
    title="join(' ', ['Payment', type])",
    occurred_at="created",
    clear="type == 'charge.succeeded'",
    facts={"amount": "data.object.amount"},
)
SOURCES = {
    "api": Source(name="api", format=Format.SIGNAL),
    "events": Source(name="events", format=Format.CLOUDEVENTS),
    "alertmanager": Source(name="alertmanager", format=Format.ALERTMANAGER, kind="service_alert"),
    "stripe": Source(
        name="stripe", format=Format.MAPPING, kind="failed_payment", mapping=STRIPE_MAPPING
    ),
    "slow": Source(name="slow", format=Format.SIGNAL, per_minute=2),
}
CREDENTIALS = {
    "api": Credentials((TOKEN, OLD_TOKEN), (WEBHOOK_SECRET,)),
    "events": Credentials(("t-events",)),
    "alertmanager": Credentials(("t-am",)),
    "stripe": Credentials((), (STRIPE_SECRET,)),
    "slow": Credentials(("t-slow",)),
}
SIGNAL = {
    "key": "k1",
    "kind": "low_stock",
    "subject": "product:1",
    "title": "Merlot is running low",
    "facts": {"product_id": 1},
}
EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/till/4",
    "type": "com.example.low_stock",
    "subject": "product:7",
    "data": {"title": "Low", "product": {"id": 7}},
}
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


def alert(status="firing", **annotations):
    """Make a notification of Alertmanager with one alert."""
    return {
        "version": "4",
        "status": status,
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": "HighLatency", "instance": "till-4"},
                "annotations": {"summary": "slow", **annotations},
                "startsAt": "2026-11-21T10:00:00.123456789Z",
                "fingerprint": "f1",
            }
        ],
    }


class IntakeClient(TestClient):
    """Delivers to the intake of a world."""

    def __init__(self, world, *, sources=None, credentials=None, extra_routes=()):
        api = IntakeApi(
            intake=world.desk.intake,
            sources=Sources(sources or SOURCES, credentials or CREDENTIALS),
            find_problems=list,
        )
        cases = CaseApi(
            reading=world.desk.reading,
            progress=world.desk.conversation.progress,
            programs=Programs(world.desk.program_tokens),
            read_tokens=(READ_TOKEN,),
        )
        app = build_app(api, operations=cases.operations(), extra_routes=extra_routes)
        super().__init__(app, raise_server_exceptions=False)
        self.store = world.store
        self.world = world

    def deliver(self, content, *, token=TOKEN, path="/v1/signals", headers=None):
        """Post bytes, or anything else as JSON; empty headers are left out."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        all_headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {token}",
            **(headers or {}),
        }
        request_headers = {name: value for name, value in all_headers.items() if value}
        return self.post(path, content=body, headers=request_headers)

    def deliver_signed(
        self,
        content,
        *,
        secret=WEBHOOK_SECRET,
        path="/v1/signals",
        headers=None,
    ):
        """Post JSON with a Standard Webhooks signature."""
        body = json.dumps(content)
        message_id = "msg_1"
        now = datetime.now(UTC)
        request_headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(message_id, now, body),
            **(headers or {}),
        }
        return self.post(path, content=body, headers=request_headers)


def assert_problem(response, status, field=""):
    """Check that the answer is a problem document, and return its detail."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert {"type", "title", "status", "detail"} <= set(document)
    assert document["status"] == status
    if field:
        assert document["errors"][0]["field"] == field
    return document["detail"]


def outcomes(response):
    """List what became of each signal of a batch."""
    return [signal["outcome"] for signal in response.json()["signals"]]
