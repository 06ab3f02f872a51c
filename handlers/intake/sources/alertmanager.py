"""Prometheus Alertmanager's webhook, version 4: one signal an alert.

A resolved alert is a clear signal. Alertmanager repeats its notifications: the same alert with
the same annotations is the same signal, and with other annotations it counts once more.
"""

from collections.abc import Mapping
from typing import Any

from bot.cases.canonical import canonical_hash
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import Source
from bot.cases.text import storable
from handlers.intake.facts import flatten_facts
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    MAX_KEY_LENGTH,
    MAX_TITLE_LENGTH,
    Item,
    parse_items,
    parse_object,
    read_key,
    read_time,
    read_title,
    resolve_kind,
)


def parse_signals(body: bytes, source: Source) -> list[Item]:
    """Parse the alerts of a notification.

    Raises:
        Problem: 400 or 422 for a body that is no notification.
    """
    alerts = parse_object(body).get("alerts")
    if not isinstance(alerts, list) or not alerts:
        raise Problem(422, "alerts must be a list of at least one alert", "alerts")
    return parse_items(alerts, lambda alert, index: _signal(alert, f"alerts.{index}", source))


def _signal(alert: Any, path: str, source: Source) -> Signal:
    if not isinstance(alert, dict):
        raise Problem(422, "an alert must be a JSON object", path)
    labels = _text_map(alert, "labels", path)
    annotations = _text_map(alert, "annotations", path)
    name = read_key(labels.get("alertname"), f"{path}.labels.alertname", MAX_KEY_LENGTH)
    fingerprint = read_key(
        alert.get("fingerprint") or canonical_hash(labels), f"{path}.fingerprint", MAX_KEY_LENGTH
    )
    status = _status(alert, path)
    started_at = read_time(alert.get("startsAt"), f"{path}.startsAt")
    if started_at is None:
        raise Problem(422, "startsAt is missing", f"{path}.startsAt")
    content = [labels, annotations]
    version = canonical_hash(content)[:16]
    if status is SignalStatus.CLEAR:
        # The annotations of a resolved alert still change, and it is resolved only once.
        content = [labels, {}]
        version = "clear"
    summary = annotations.get("summary") or annotations.get("description") or name
    return Signal(
        source=source.name,
        key=f"{fingerprint}@{started_at:%Y%m%dT%H%M%S.%f}@{version}",
        kind=resolve_kind("", source),
        subject=read_key(_subject(name, labels), f"{path}.labels", MAX_KEY_LENGTH),
        title=read_title(summary, f"{path}.annotations.summary", MAX_TITLE_LENGTH),
        occurred_at=started_at,
        facts=flatten_facts(content, path, strict=False),
        status=status,
        group=fingerprint,
        domain=source.domain,
    )


def _status(alert: Mapping[str, Any], path: str) -> SignalStatus:
    match alert.get("status"):
        case "firing":
            return SignalStatus.FIRING
        case "resolved":
            return SignalStatus.CLEAR
        case _:
            raise Problem(422, "status must be firing or resolved", f"{path}.status")


def _subject(name: str, labels: Mapping[str, str]) -> str:
    instance = labels.get("instance", "")
    if not instance:
        return name
    return f"{name}:{instance}"


def _text_map(alert: Mapping[str, Any], name: str, path: str) -> dict[str, str]:
    texts = alert.get(name) or {}
    if not isinstance(texts, dict) or not all(isinstance(value, str) for value in texts.values()):
        raise Problem(422, f"{name} must map names to text", f"{path}.{name}")
    storable_texts = {storable(label): storable(value) for label, value in texts.items()}
    if len(storable_texts) != len(texts):
        raise Problem(
            422,
            f"{name} has two names that differ only in characters that cannot be stored",
            f"{path}.{name}",
        )
    return storable_texts
