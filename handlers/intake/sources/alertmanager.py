"""Prometheus Alertmanager's webhook, version 4: every alert of the group is a signal; a resolved one is a clear signal.

Alertmanager repeats what it has said, to be sure that it was heard. The same alert with the same annotations is therefore the same
signal again; when its annotations have changed since, it counts once more on the same case.
"""

from collections.abc import Mapping
from typing import Any

from bot.cases.canonical import canonical_hash
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import Source
from bot.cases.text import storable
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    Item,
    facts_of,
    items_of,
    key_of,
    kind_of,
    object_of,
    time_of,
    title_of,
)
from handlers.intake.sources.signals import LONGEST_KEY, LONGEST_TITLE


def signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    message = object_of(body)
    alerts = message.get("alerts")
    if not isinstance(alerts, list) or not alerts:
        raise Problem(422, "alerts must be a list of at least one alert", "alerts")
    return items_of(alerts, lambda alert, index: _signal(alert, f"alerts.{index}", source))


def _signal(alert: Any, where: str, source: Source) -> Signal:
    if not isinstance(alert, dict):
        raise Problem(422, "an alert must be a JSON object", where)
    labels, annotations = _texts(alert, "labels", where), _texts(alert, "annotations", where)
    name = key_of(labels.get("alertname"), f"{where}.labels.alertname", LONGEST_KEY)
    fingerprint = key_of(
        alert.get("fingerprint") or canonical_hash(labels), f"{where}.fingerprint", LONGEST_KEY
    )
    clear = alert.get("status") == "resolved"
    if not clear and alert.get("status") != "firing":
        raise Problem(422, "status must be firing or resolved", f"{where}.status")
    started = time_of(alert.get("startsAt"), f"{where}.startsAt")
    if started is None:
        raise Problem(422, "startsAt is missing", f"{where}.startsAt")
    said = canonical_hash([labels, {} if clear else annotations])[:16]
    summary = annotations.get("summary") or annotations.get("description") or name
    instance = labels.get("instance", "")
    return Signal(
        source=source.name,
        key=f"{fingerprint}@{started:%Y%m%dT%H%M%S.%f}@{'clear' if clear else said}",
        kind=kind_of("", source),
        subject=key_of(f"{name}:{instance}" if instance else name, f"{where}.labels", LONGEST_KEY),
        title=title_of(summary, f"{where}.annotations.summary", LONGEST_TITLE),
        occurred_at=started,
        facts=facts_of([labels, {} if clear else annotations], where, strict=False),
        status=SignalStatus.CLEAR if clear else SignalStatus.FIRING,
        group=fingerprint,
        domain=source.domain,
    )


def _texts(alert: Mapping[str, Any], name: str, where: str) -> dict[str, str]:
    texts = alert.get(name) or {}
    if not isinstance(texts, dict) or not all(isinstance(value, str) for value in texts.values()):
        raise Problem(422, f"{name} must map names to text", f"{where}.{name}")
    kept = {storable(label): storable(value) for label, value in texts.items()}
    if len(kept) != len(texts):
        raise Problem(
            422,
            f"{name} has two names that differ only in characters no database keeps",
            f"{where}.{name}",
        )
    return kept
