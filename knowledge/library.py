"""Loads and validates playbooks, policy, systems and sources. What is not understood is refused, all of it, at start.

A folder holds ``playbooks/*.yml``, ``policy.yml``, ``systems.yml``, ``sources.yml`` and ``channels.yml``. Nothing here reads a secret.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holidays import country_holidays

from bot.cases.approval import OWNER, PEOPLE, Factor
from bot.cases.errors import PlaybookInvalid
from bot.cases.expressions import compiled
from bot.cases.hours import Hours, never
from bot.cases.plan import Idempotency
from bot.cases.playbook import Absence, Detection, Lookup, Measure, Offer, Owners, Playbook, Stake
from bot.cases.policy import ActionLimit, Emergency, PlaybookTerms, Policy, Stage, TierRule
from bot.cases.signal import UNRECOGNISED
from bot.cases.source import Format, SignalMapping, Source
from bot.connectors.specs import (
    ActionSpec,
    Call,
    HttpAction,
    HttpSystem,
    MessageSystem,
    SqlSystem,
    Statement,
    SystemSpec,
)
from knowledge import shapes as s
from knowledge.yaml_files import read

PACKAGED = Path(__file__).parent
DEFAULT = "default"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Library:
    """Everything people wrote, validated together."""

    playbooks: Mapping[str, Playbook]
    rules: Policy
    systems: Mapping[str, SystemSpec]
    sources: Mapping[str, Source]
    calendars: Mapping[str, Hours]

    def playbook(self, kind: str) -> Playbook:
        """The playbook of this kind, or the one for what is not recognised: nothing is dropped for want of a playbook."""
        return self.playbooks.get(kind) or self.playbooks[UNRECOGNISED]

    def titles(self) -> list[tuple[str, str]]:
        """Every kind that can be named, with its title, by title."""
        named = [(kind, playbook.title) for kind, playbook in self.playbooks.items() if kind != UNRECOGNISED]
        return sorted(named, key=lambda pair: pair[1])

    def policy(self) -> Policy:
        return self.rules

    def hours(self, channel: str) -> Hours:
        """When people of this channel are at work."""
        return self.calendars.get(channel) or self.calendars[DEFAULT]

    def deciders(self) -> list[str]:
        """Every group that decides, owns or is asked next, anywhere."""
        everywhere = [factor for tier in self.rules.tiers.values() for factor in tier.factors]
        asked: set[str] = set()
        for playbook in self.playbooks.values():
            owners = playbook.owners
            asked |= {factor.group for factor in (*everywhere, *playbook.terms.factors)}
            asked |= {owners.business, owners.operations, owners.next_owner, owners.governance}
            asked |= {name for role, name in playbook.terms.owners.items() if f"{OWNER}{role}" in asked}
        return sorted(group for group in asked if not group.startswith(OWNER))

    def governors(self) -> list[str]:
        """Every group that answers for a kind."""
        return sorted({playbook.owners.governance for playbook in self.playbooks.values()})

    def channels(self) -> list[str]:
        """Every channel that cards go to."""
        return sorted({playbook.channel for playbook in self.playbooks.values()})


def load(folder: Path = PACKAGED, *, stage: Stage | None = None) -> Library:
    """The library in this folder. ``stage`` overrides that of every playbook, as shadow mode does.

    Raises:
        PlaybookInvalid: every complaint of every file, one a line.
    """
    complaints: list[str] = []
    systems = _systems(folder / "systems.yml")
    policy = _policy(folder / "policy.yml")
    sources = _sources(folder / "sources.yml")
    calendars = _calendars(folder / "channels.yml")
    playbooks: dict[str, Playbook] = {}
    for path in sorted((folder / "playbooks").glob("*.yml")):
        try:
            playbook = _playbook(path, systems, policy, stage)
            if playbook.kind in playbooks:
                raise PlaybookInvalid(f"{path.name}: another playbook is already for {playbook.kind}")
            playbooks[playbook.kind] = playbook
        except PlaybookInvalid as wrong:
            complaints.append(str(wrong))
    if UNRECOGNISED not in playbooks and not complaints:
        complaints.append(f"playbooks: one must be for kind {UNRECOGNISED}, so that nothing is dropped")
    if complaints:
        raise PlaybookInvalid("\n".join(complaints))
    return Library(playbooks, policy, systems, sources, calendars)


def read_playbook(path: Path, *, folder: Path = PACKAGED) -> Playbook:
    """One playbook on its own, checked for itself: for trying it before it is installed."""
    shape, digest = read(path, s.PlaybookShape)
    return _built(shape, digest, None)


def _playbook(path: Path, systems: Mapping[str, SystemSpec], policy: Policy, stage: Stage | None) -> Playbook:
    shape, digest = read(path, s.PlaybookShape)
    playbook = _built(shape, digest, stage)
    wrong = [f"{path.name}: {complaint}" for complaint in _complaints(playbook, systems, policy)]
    if wrong:
        raise PlaybookInvalid("\n".join(wrong))
    return playbook


def _built(shape: s.PlaybookShape, digest: str, stage: Stage | None) -> Playbook:
    noticed, missed = shape.signal, shape.absence
    detection = Detection(noticed.system, noticed.query, noticed.every) if noticed else None
    owners = shape.owners
    terms = PlaybookTerms(
        _factors(shape.approval.approvers),
        shape.approval.expires,
        stage or shape.approval.stage,
        owners.model_dump(),
    )
    measure = shape.measure
    return Playbook(
        kind=shape.kind,
        title=shape.title,
        channel=shape.channel,
        what=shape.what,
        detection=detection,
        evidence=tuple(
            Lookup(item.name, item.system, item.query, item.parameters, item.show) for item in shape.evidence
        ),
        stake=Stake(shape.stake.why, shape.stake.amount, shape.stake.currency),
        offers=tuple(_offer(offer) for offer in shape.actions),
        terms=terms,
        owners=Owners(owners.business, owners.operations, owners.technical, owners.governance, owners.next),
        measure=Measure(measure.decide_for, measure.resolve_for, measure.follow_up_for, measure.denominator),
        digest=digest,
        beneficiary=shape.beneficiary,
        examples=tuple(shape.examples),
        absence=Absence(tuple(missed.subjects), missed.title, missed.within, missed.every) if missed else None,
    )


def _offer(shape: s.OfferShape) -> Offer:
    then = tuple(_offer(offer) for offer in shape.then)
    return Offer(shape.action, shape.when, shape.parameters, shape.reason, tuple(shape.edit), then)


def _factors(shapes: Iterable[s.ApproverShape]) -> tuple[Factor, ...]:
    return tuple(Factor(_set(shape), shape.count) for shape in shapes)


def _set(shape: s.ApproverShape) -> str:
    """The name under which the rules know these approvers."""
    if shape.people:
        return PEOPLE + "+".join(sorted(set(shape.people)))
    return shape.group or f"{OWNER}{shape.owner}"


def _complaints(playbook: Playbook, systems: Mapping[str, SystemSpec], policy: Policy) -> list[str]:
    """What only shows when the files are read together."""
    wrong = []
    expressions = [playbook.stake.amount, playbook.beneficiary]
    for lookup in playbook.evidence:
        expressions.extend(lookup.parameters.values())
        wrong += _unknown_system(lookup.system, systems, f"evidence.{lookup.name}")
    if playbook.detection:
        wrong += _unknown_system(playbook.detection.system, systems, "signal")
    for offer in _all_offers(playbook.offers):
        expressions += [offer.when, *offer.parameters.values()]
        wrong += _unfit_offer(offer, systems, policy)
    for expression in filter(None, expressions):
        try:
            compiled(expression)
        except PlaybookInvalid as complaint:
            wrong.append(str(complaint))
    return wrong


def _all_offers(offers: Iterable[Offer]) -> Iterable[Offer]:
    for offer in offers:
        yield offer
        yield from _all_offers(offer.then)


def _unknown_system(name: str, systems: Mapping[str, SystemSpec], where: str) -> list[str]:
    return (
        [] if name in systems else [f"{where}: systems.yml has no system {name!r}; it has {', '.join(sorted(systems))}"]
    )


def _unfit_offer(offer: Offer, systems: Mapping[str, SystemSpec], policy: Policy) -> list[str]:
    system, _, name = offer.action.partition(".")
    known = systems.get(system)
    spec = _specs(known).get(name) if known else None
    if spec is None:
        return [f"actions: systems.yml has no action {offer.action!r}"]
    wrong = []
    if offer.action not in policy.actions:
        wrong.append(f"actions: policy.yml does not list {offer.action!r}, so it could never run")
    missing = sorted(set(spec.parameters) - set(offer.parameters))
    unknown = sorted(set(offer.parameters) - set(spec.parameters))
    if missing or unknown:
        wrong.append(
            f"actions: {offer.action} takes {', '.join(sorted(spec.parameters))}; given {', '.join(sorted(offer.parameters))}"
        )
    return wrong


def _specs(system: SystemSpec) -> Mapping[str, ActionSpec]:
    if isinstance(system, MessageSystem):
        return system.actions
    return {name: action.spec for name, action in system.actions.items()}


def _sources(path: Path) -> dict[str, Source]:
    shape, _ = read(path, s.SourcesShape)
    return {name: _source(name, source) for name, source in shape.sources.items()}


def _source(name: str, shape: s.SourceShape) -> Source:
    mapping = SignalMapping(**shape.mapping.model_dump()) if shape.mapping else None
    for expression in _expressions(mapping):
        compiled(expression)
    return Source(
        name=name,
        format=Format(shape.format),
        kind=shape.kind,
        token_env=tuple(shape.token_env),
        webhook_secret_env=tuple(shape.webhook_secret_env),
        per_minute=shape.per_minute,
        mapping=mapping,
    )


def _expressions(mapping: SignalMapping | None) -> list[str]:
    if mapping is None:
        return []
    ours = (mapping.each, mapping.key, mapping.subject, mapping.title, mapping.occurred_at, mapping.clear, mapping.kind)
    return [expression for expression in (*ours, *mapping.facts.values()) if expression]


def _policy(path: Path) -> Policy:
    shape, _ = read(path, s.PolicyShape)
    if shape.step_up_above is not None and shape.step_up_above < shape.high_above:
        raise PlaybookInvalid(f"{path.name}: step_up_above is below high_above; only high risk asks for a passkey")
    tiers = {name: getattr(shape.tiers, name) for name in ("low", "medium", "high")}
    return Policy(
        currency=shape.currency,
        medium_above=shape.medium_above,
        high_above=shape.high_above,
        tiers={name: TierRule(_factors(tier.approvers), tier.expires) for name, tier in tiers.items()},
        actions={name: ActionLimit(**limit.model_dump()) for name, limit in shape.actions.items()},
        largest_scope=shape.largest_scope,
        emergency=Emergency(shape.emergency.group, shape.emergency.review_for) if shape.emergency else None,
        step_up_above=shape.step_up_above,
    )


def _calendars(path: Path) -> dict[str, Hours]:
    """The hours of every channel. Without the file everyone is always at work, and the digest comes at nine, UTC."""
    if not path.exists():
        return {DEFAULT: Hours()}
    shape, _ = read(path, s.ChannelsShape)
    return {DEFAULT: _hours(shape.default), **{name: _hours(hours) for name, hours in shape.channels.items()}}


def _hours(shape: s.HoursShape) -> Hours:
    opens, _, closes = shape.open.partition("-")
    try:
        ZoneInfo(shape.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise PlaybookInvalid(
            f"channels.yml: there is no time zone {shape.zone!r}; name one like Europe/London"
        ) from None
    return Hours(
        zone=shape.zone,
        opens=time.fromisoformat(opens),
        closes=time.fromisoformat(closes),
        days=frozenset(WEEKDAYS.index(day) for day in shape.days),
        is_holiday=_holidays(shape.holidays),
        digest_at=time.fromisoformat(shape.digest),
        review_on=WEEKDAYS.index(shape.review),
    )


def _holidays(name: str) -> Callable[[date], bool]:
    if name == "none":
        return never
    country, _, part = name.partition("-")
    try:
        days = country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        raise PlaybookInvalid(
            f"channels.yml: no holidays are known for {name!r}; name a country like GB-ENG, or none"
        ) from None
    return days.__contains__


def _systems(path: Path) -> dict[str, SystemSpec]:
    shape, _ = read(path, s.SystemsShape)
    return {name: _system(name, system) for name, system in shape.systems.items()}


def _system(name: str, shape: s.SqlSystemShape | s.HttpSystemShape | s.MessageSystemShape) -> SystemSpec:
    if isinstance(shape, s.SqlSystemShape):
        actions = {key: _statement(key, action) for key, action in shape.actions.items()}
        return SqlSystem(name, shape.url_env, shape.timeout, actions, shape.read_url_env)
    if isinstance(shape, s.MessageSystemShape):
        messages = {key: _message(key, action) for key, action in shape.actions.items()}
        return MessageSystem(name, messages, shape.timeout)
    return HttpSystem(
        name=name,
        base_url=shape.base_url,
        hosts=tuple(shape.hosts),
        private_hosts=tuple(shape.private_hosts),
        token_env=shape.token_env,
        timeout=shape.timeout,
        idempotency_header=shape.idempotency_header,
        lookups={key: _call(call) for key, call in shape.lookups.items()},
        actions={key: _http_action(key, action) for key, action in shape.actions.items()},
    )


def _statement(name: str, shape: s.SqlActionShape) -> Statement:
    for query in filter(None, (shape.precondition, shape.verify)):
        if not query.lstrip().lower().startswith(("select", "with")):
            raise PlaybookInvalid(f"systems.yml: {name}: precondition and verify must be SELECTs")
    idempotency = Idempotency.MARKER if shape.marker else Idempotency.CONDITIONAL
    spec = _spec(name, shape, reversible=bool(shape.undo), idempotency=idempotency)
    return Statement(spec, shape.statement, shape.precondition, shape.expect_rows, shape.verify, shape.undo)


def _message(name: str, shape: s.ActionShape) -> ActionSpec:
    if not {"to", "text"} <= set(shape.parameters):
        raise PlaybookInvalid(f"systems.yml: {name}: a message takes the parameters to and text")
    return _spec(name, shape, reversible=False, idempotency=Idempotency.MARKER)


def _http_action(name: str, shape: s.HttpActionShape) -> HttpAction:
    spec = _spec(name, shape, reversible=shape.undo is not None, idempotency=shape.idempotency)
    precondition = _call(shape.precondition) if shape.precondition else None
    verify = _call(shape.verify) if shape.verify else None
    return HttpAction(spec, _call(shape.execute), precondition, verify, _call(shape.undo) if shape.undo else None)


def _call(shape: s.CallShape) -> Call:
    return Call(**shape.model_dump())


def _spec(name: str, shape: s.ActionShape, *, reversible: bool, idempotency: Idempotency) -> ActionSpec:
    return ActionSpec(
        name=name,
        version=shape.version,
        parameters=shape.parameters,
        target=shape.target,
        summary=shape.summary,
        preview=shape.preview,
        reversible=reversible,
        idempotency=idempotency,
        amount=shape.amount,
        currency=shape.currency,
        undo_for=_undo_window(name, shape.undo_for, reversible=reversible),
    )


def _undo_window(name: str, asked: timedelta | None, *, reversible: bool) -> timedelta:
    if asked and not reversible:
        raise PlaybookInvalid(f"systems.yml: {name}: undo_for needs an undo")
    return asked or timedelta(0)
