"""Requests of Slack, signed as Slack signs them."""

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

from handlers.cards import forms, ids

SIGNING_SECRETS = ("new-secret", "old-secret")
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}


def post_signed(receiver, body: bytes, secret="new-secret", at=None, **headers):
    """Post a body; a header that is None is left out."""
    headers = {**signed_headers(body, secret, at), **headers}
    present = {name: value for name, value in headers.items() if value is not None}
    return receiver.post("/slack/events", content=body, headers=present)


def signed_headers(body: bytes, secret="new-secret", at=None):
    """Return the headers of a form that Slack has signed."""
    timestamp = str(int(at or time.time()))
    message = b"v0:" + timestamp.encode() + b":" + body
    digest = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return {
        **FORM,
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": f"v0={digest}",
    }


def form_body(payload) -> bytes:
    """Write a payload as Slack sends interactions."""
    return urlencode({"payload": json.dumps(payload)}).encode()


def press_body(case, user="UANA", action="case.approve", value=None, block="b") -> bytes:
    """Write a press on a button of the case; on its card when the ``block`` is one of a card."""
    button = {
        "type": "button",
        "action_id": action,
        "block_id": block,
        "value": value or ids.token(case),
        "action_ts": "1.0",
    }
    return form_body(
        {
            "type": "block_actions",
            "user": {"id": user, "team_id": "T1"},
            "team": {"id": "T1", "domain": "x"},
            "api_app_id": "A1",
            "token": "x",
            "trigger_id": "t",
            "container": {"type": "message", "channel_id": "C0STOCK", "message_ts": "1.0"},
            "channel": {"id": "C0STOCK", "name": "stock"},
            "enterprise": None,
            "is_enterprise_install": False,
            "actions": [button],
        }
    )


def undo_body(case, user, note="wrong table") -> bytes:
    """Write the submission of the form of "Take back…"."""
    values = {"note": {ids.NOTE: {"type": "plain_text_input", "value": note}}}
    return form_body(
        {
            "type": "view_submission",
            "user": {"id": user, "team_id": "T1"},
            "team": {"id": "T1", "domain": "x"},
            "api_app_id": "A1",
            "token": "x",
            "view": {**forms.undo_form(case), "id": "V1", "state": {"values": values}},
        }
    )
