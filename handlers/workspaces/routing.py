"""The workspace that a request of Slack's is for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.request.internals import (
    extract_enterprise_id,
    extract_is_enterprise_install,
    extract_team_id,
    parse_body,
)

from handlers.workspaces.installations import WorkspaceId

LIFECYCLE_EVENTS = frozenset({"app_uninstalled", "tokens_revoked"})


@dataclass(frozen=True, slots=True)
class SlackRequest:
    """The parts of a request of Slack's that the front door needs."""

    workspace: WorkspaceId
    #: The app has lost its token.
    ends_installation: bool
    #: Slack asks whether this address is the app's; empty for any other request.
    challenge: str = ""


def read_slack_request(body: bytes, content_type: str) -> SlackRequest | None:
    """Read a verified request; None where it names no workspace."""
    try:
        payload = parse_body(body.decode("utf-8"), content_type.partition(";")[0].strip())
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return None
    if payload.get("type") == "url_verification":
        return SlackRequest(WorkspaceId(""), ends_installation=False, challenge=_challenge(payload))
    try:
        workspace = _read_workspace(payload)
    except (AttributeError, TypeError, LookupError):
        return None
    if not str(workspace):
        return None
    return SlackRequest(workspace, ends_installation=_ends_installation(payload))


def _challenge(payload: Mapping[str, Any]) -> str:
    return json.dumps({"challenge": str(payload.get("challenge", ""))[:200]})


def _read_workspace(payload: dict[str, Any]) -> WorkspaceId:
    enterprise = extract_enterprise_id(payload) or ""
    is_enterprise_install = extract_is_enterprise_install(payload)
    team = "" if is_enterprise_install else extract_team_id(payload) or ""
    return WorkspaceId(team=str(team), enterprise=str(enterprise))


def _ends_installation(payload: Mapping[str, Any]) -> bool:
    event = payload.get("event")
    if payload.get("type") != "event_callback" or not isinstance(event, dict):
        return False
    if event.get("type") == "tokens_revoked":
        # Where only people's own tokens were revoked, the bot goes on.
        return bool((event.get("tokens") or {}).get("bot"))
    return event.get("type") in LIFECYCLE_EVENTS
