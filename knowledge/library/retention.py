"""Terms of ``retention`` in policy.yml that make no sense."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from re import fullmatch

from bot.cases.conditions import did_you_mean
from bot.cases.playbook import Playbook
from bot.cases.policy import Policy
from bot.cases.retention import DataKind
from bot.cases.signal import UNRECOGNISED
from bot.connectors.specs import SystemSpec
from knowledge.library.yaml_files import locate

#: Somebody may still be at it.
MIN_TERM = timedelta(days=1)
_CASE_ID = r"EX-[0-9]{1,18}"


def check_retention(
    path: Path,
    policy: Policy,
    *,
    systems: Mapping[str, SystemSpec],
    playbooks: Mapping[str, Playbook],
) -> Iterator[str]:
    """Yield terms that are too short, and unknown names on hold."""
    for kind in DataKind:
        term = policy.retention.term_of(kind)
        if term is not None and term < MIN_TERM:
            yield _complaint(path, kind.value, f"{_days(term)} is too short: give at least 1d")
    term = policy.retention.cases
    if term is not None and term >= MIN_TERM:
        yield from _short_case_term(path, policy, term=term, systems=systems)
    known_names = [*playbooks, UNRECOGNISED]
    for place, name in enumerate(policy.retention.hold):
        if name not in known_names and not fullmatch(_CASE_ID, name):
            where = locate(path, ("retention", "hold", place))
            hint = did_you_mean(name, known_names)
            yield f"{where}: retention.hold: there is no case or kind {name}{hint}"


def _short_case_term(
    path: Path, policy: Policy, *, term: timedelta, systems: Mapping[str, SystemSpec]
) -> Iterator[str]:
    windows = [
        (spec.undo_for, f"{system}.{name} may be undone for {_days(spec.undo_for)}")
        for system, specs in systems.items()
        for name, spec in specs.actions.items()
        if spec.undo_for
    ]
    shortest = policy.shortest_case_term
    windows.append((shortest, f"limits, back-tests and autonomy look back {_days(shortest)}"))
    span, reason = max(windows)
    if term < span:
        yield _complaint(path, "cases", f"{_days(term)} is too short: {reason}")


def _complaint(path: Path, name: str, text: str) -> str:
    return f"{locate(path, ('retention', name))}: retention.{name}: {text}"


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):g}d"
