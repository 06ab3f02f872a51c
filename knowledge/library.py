"""Loads and validates playbooks, policy, systems and sources. What is not understood is refused, all of it, at start.

A folder holds ``playbooks/*.yml``, ``policy.yml``, ``systems.yml``, ``sources.yml``, ``channels.yml`` and ``people.yml``. Nothing here reads a secret.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holidays import country_holidays

from bot.cases.approval import OWNER, PEOPLE, ApprovalRequirement, can_be_met
from bot.cases.errors import PlaybookInvalid
from bot.cases.expressions import compiled
from bot.cases.hours import Hours, never
from bot.cases.identity import UNLINKED, Identities
from bot.cases.plan import Idempotency
from bot.cases.playbook import Absence, Detection, Lookup, Measure, Offer, Owners, Playbook, Stake
from bot.cases.policy import (
    ActionLimit,
    Emergency,
    PlaybookTerms,
    Policy,
    RiskTier,
    Stage,
    TierRule,
    approvers_of,
)
from bot.cases.signal import UNRECOGNISED
from bot.cases.source import RESERVED_NAMES, Format, SignalMapping, Source
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
from knowledge.yaml_files import located, read

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
    people: Identities = UNLINKED

    def identities(self) -> Identities:
        """Which accounts are one person's."""
        return self.people

    def playbook(self, kind: str) -> Playbook:
        """The playbook of this kind, or the one for what is not recognised: nothing is dropped for want of a playbook."""
        return self.playbooks.get(kind) or self.playbooks[UNRECOGNISED]

    def titles(self) -> list[tuple[str, str]]:
        """Every kind that can be named, with its title, by title."""
        named = [
            (kind, playbook.title)
            for kind, playbook in self.playbooks.items()
            if kind != UNRECOGNISED
        ]
        return sorted(named, key=lambda pair: pair[1])

    def policy(self) -> Policy:
        return self.rules

    def limits_without_action(self) -> list[str]:
        """Name the limits of policy.yml for actions that systems.yml does not declare."""
        known = {
            f"{name}.{action}" for name, system in self.systems.items() for action in _specs(system)
        }
        return sorted(set(self.rules.actions) - known)

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
            asked |= {
                name for role, name in playbook.terms.owners.items() if f"{OWNER}{role}" in asked
            }
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
    systems = _systems(folder / "systems.yml")
    policy = _policy(folder / "policy.yml")
    sources = _sources(folder / "sources.yml")
    calendars = _calendars(folder / "channels.yml")
    people = _people(folder / "people.yml")
    playbooks: dict[str, Playbook] = {}
    complaints = _unfit_limits(folder, policy, systems)
    complaints += _taken_names(sources, systems)
    for path in sorted((folder / "playbooks").glob("*.yml")):
        try:
            playbook = _playbook(path, systems, policy, stage)
            if playbook.kind in playbooks:
                raise PlaybookInvalid(
                    f"{path.name}: another playbook is already for {playbook.kind}"
                )
            playbooks[playbook.kind] = playbook
        except PlaybookInvalid as wrong:
            complaints.append(str(wrong))
    for kind, playbook in playbooks.items():
        if playbook.absence:
            origin, complaint = _listened_to(playbook, playbook.absence, sources, playbooks)
            complaints += complaint
            playbooks[kind] = replace(playbook, absence=replace(playbook.absence, origin=origin))
    complaints += _taken_domains(sources, systems, playbooks)
    if UNRECOGNISED not in playbooks and not complaints:
        complaints.append(
            f"playbooks: one must be for kind {UNRECOGNISED}, so that nothing is dropped"
        )
    if complaints:
        raise PlaybookInvalid("\n".join(complaints))
    return Library(
        playbooks=playbooks,
        rules=policy,
        systems=systems,
        sources=sources,
        calendars=calendars,
        people=people,
    )


def read_playbook(path: Path, *, folder: Path = PACKAGED) -> Playbook:
    """One playbook on its own, checked for itself: for trying it before it is installed."""
    shape, digest = read(path, s.PlaybookShape)
    return _built(shape, digest, None)


def _playbook(
    path: Path, systems: Mapping[str, SystemSpec], policy: Policy, stage: Stage | None
) -> Playbook:
    shape, digest = read(path, s.PlaybookShape)
    playbook = _built(shape, digest, stage)
    wrong = [f"{path.name}: {complaint}" for complaint in _complaints(playbook, systems, policy)]
    wrong += [
        f"{located(path, 'approval')}: approval: {complaint}"
        for complaint in _unfit_approvers(playbook, policy)
    ]
    if wrong:
        raise PlaybookInvalid("\n".join(wrong))
    return playbook


def _built(shape: s.PlaybookShape, digest: str, stage: Stage | None) -> Playbook:
    noticed, missed = shape.signal, shape.absence
    detection = (
        Detection(noticed.system, noticed.query, noticed.every, noticed.domain) if noticed else None
    )
    absence = None
    if missed:
        absence = Absence(
            subjects=tuple(missed.subjects),
            title=missed.title,
            within=missed.within,
            every=missed.every,
            origin=missed.origin,
        )
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
            Lookup(item.name, item.system, item.query, item.parameters, item.show)
            for item in shape.evidence
        ),
        stake=Stake(shape.stake.why, shape.stake.amount, shape.stake.currency),
        offers=tuple(_offer(offer) for offer in shape.actions),
        terms=terms,
        owners=Owners(
            owners.business, owners.operations, owners.technical, owners.governance, owners.next
        ),
        measure=Measure(
            measure.decide_for, measure.resolve_for, measure.follow_up_for, measure.denominator
        ),
        digest=digest,
        beneficiary=shape.beneficiary,
        examples=tuple(shape.examples),
        absence=absence,
    )


def _offer(shape: s.OfferShape) -> Offer:
    then = tuple(_offer(offer) for offer in shape.then)
    return Offer(shape.action, shape.when, shape.parameters, shape.reason, tuple(shape.edit), then)


def _factors(shapes: Iterable[s.ApproverShape]) -> tuple[ApprovalRequirement, ...]:
    return tuple(ApprovalRequirement(_set(shape), shape.count) for shape in shapes)


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
        wrong += _reserved("signal: system", playbook.detection.system)
    for offer in _all_offers(playbook.offers):
        expressions += [offer.when, *offer.parameters.values()]
        wrong += _unfit_offer(offer, systems, policy)
    for expression in filter(None, expressions):
        try:
            compiled(expression)
        except PlaybookInvalid as complaint:
            wrong.append(str(complaint))
    return wrong


def _unfit_approvers(playbook: Playbook, policy: Policy) -> list[str]:
    """Complain of people named one by one who are too few, with those of policy."""
    return [
        f"at {tier.name.lower()} risk the people named here and in policy.yml can never be complete: "
        "somebody would be needed twice"
        for tier in RiskTier
        if not can_be_met(approvers_of(tier, playbook.terms, policy.tiers[tier.name.lower()]))
    ]


def _unfit_limits(folder: Path, policy: Policy, systems: Mapping[str, SystemSpec]) -> list[str]:
    """Complain of limits that can never bite and of actions policy could only refuse."""
    return [
        wrong
        for action in policy.actions
        if (wrong := _unfit_limit(folder, action, policy, systems))
    ]


def _unfit_limit(
    folder: Path, action: str, policy: Policy, systems: Mapping[str, SystemSpec]
) -> str:
    limit = policy.actions[action]
    system, _, name = action.partition(".")
    spec = _specs(systems[system]).get(name) if system in systems else None
    if spec is None:
        # It limits nothing that could run; `countersign check` asks whether it is misspelt.
        return ""
    if not spec.amount and (limit.per_plan is not None or limit.amount_per_day is not None):
        where = located(folder / "policy.yml", "actions", action)
        return (
            f"{where}: {action} declares no amount in systems.yml, so a limit of money says nothing"
        )
    if spec.amount and spec.currency != policy.currency:
        where = located(folder / "systems.yml", "systems", system, "actions", name)
        return f"{where}: {action} moves {spec.currency}; policy.yml speaks {policy.currency}, and refuses it"
    return ""


def _all_offers(offers: Iterable[Offer]) -> Iterable[Offer]:
    for offer in offers:
        yield offer
        yield from _all_offers(offer.then)


def _unknown_system(name: str, systems: Mapping[str, SystemSpec], where: str) -> list[str]:
    return (
        []
        if name in systems
        else [f"{where}: systems.yml has no system {name!r}; it has {', '.join(sorted(systems))}"]
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


def _reserved(where: str, name: str) -> list[str]:
    return (
        [f"{where} {name} is called as the desk calls itself; rename it"]
        if name in RESERVED_NAMES
        else []
    )


def _taken_names(sources: Mapping[str, Source], systems: Mapping[str, SystemSpec]) -> list[str]:
    """Complain of sources that are called like somebody else who opens cases."""
    complaints = []
    for name in sources:
        complaints += [f"sources.yml: {line}" for line in _reserved("source", name)]
        if name in systems and name not in RESERVED_NAMES:
            complaints.append(
                f"sources.yml: source {name} is called like a system of systems.yml; rename it"
            )
    return complaints


def _members(
    sources: Mapping[str, Source], playbooks: Mapping[str, Playbook]
) -> list[tuple[str, str]]:
    """List whoever opens cases, each with its domain."""
    members = [(source.name, source.domain) for source in sources.values()]
    detections = [playbook.detection for playbook in playbooks.values() if playbook.detection]
    return members + [(detection.system, detection.domain) for detection in detections]


def _taken_domains(
    sources: Mapping[str, Source],
    systems: Mapping[str, SystemSpec],
    playbooks: Mapping[str, Playbook],
) -> list[str]:
    """Complain of domains that would speak as somebody who is not in them."""
    members = _members(sources, playbooks)
    complaints = []
    for domain in sorted({domain for _, domain in members if domain}):
        complaints += _reserved("sources.yml: domain", domain)
        declared = [own for name, own in members if name == domain]
        is_name = domain in sources or domain in systems
        if is_name and (not declared or set(declared) != {domain}) and domain not in RESERVED_NAMES:
            complaints.append(
                f"sources.yml: domain {domain} is the name of a source or system that is not in it; "
                f"say domain: {domain} there too, or call the domain something else"
            )
    return complaints


def _listened_to(
    playbook: Playbook,
    absence: Absence,
    sources: Mapping[str, Source],
    playbooks: Mapping[str, Playbook],
) -> tuple[str, list[str]]:
    """Find who ought to be heard of, by name or as the only one whose kinds name this kind."""
    kind, where = playbook.kind, f"{playbook.kind}: absence.from"
    if not absence.origin:
        speakers = {source.origin for source in sources.values() if kind in source.allowed}
        if len(speakers) == 1:
            return speakers.pop(), []
        return "", [
            f"{where}: say which source or domain ought to be heard of ({_names(sources)}); it may be left out "
            f"when exactly one source of sources.yml names {kind} as its kind"
        ]
    if absence.origin in sources:
        speakers = {sources[absence.origin].origin}
    else:
        speakers = {
            domain for _, domain in _members(sources, playbooks) if domain == absence.origin
        }
    if not speakers:
        return "", [
            f"{where}: there is no source or domain {absence.origin}; there are {_names(sources)}"
        ]
    origin = speakers.pop()
    able = [
        one
        for one in sources.values()
        if one.origin == origin and (not one.allowed or kind in one.allowed)
    ]
    if not able:
        return "", [
            f"{where}: nobody of {absence.origin} may send {kind}; add it to kinds in sources.yml"
        ]
    return origin, []


def _names(sources: Mapping[str, Source]) -> str:
    return (
        ", ".join(
            sorted({*sources, *(source.domain for source in sources.values() if source.domain)})
        )
        or "none"
    )


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
        domain=shape.domain,
        kinds=tuple(shape.kinds),
    )


def _expressions(mapping: SignalMapping | None) -> list[str]:
    if mapping is None:
        return []
    ours = (
        mapping.each,
        mapping.key,
        mapping.subject,
        mapping.title,
        mapping.occurred_at,
        mapping.clear,
        mapping.kind,
    )
    return [expression for expression in (*ours, *mapping.facts.values()) if expression]


def _policy(path: Path) -> Policy:
    shape, _ = read(path, s.PolicyShape)
    tiers = {name: getattr(shape.tiers, name) for name in ("low", "medium", "high")}
    return Policy(
        currency=shape.currency,
        medium_above=shape.medium_above,
        high_above=shape.high_above,
        tiers={
            name: TierRule(_factors(tier.approvers), tier.expires) for name, tier in tiers.items()
        },
        actions={
            name: ActionLimit(**limit.model_dump(exclude={"unlimited"}))
            for name, limit in shape.actions.items()
        },
        largest_scope=shape.largest_scope,
        emergency=Emergency(shape.emergency.group, shape.emergency.review_for)
        if shape.emergency
        else None,
        step_up_above=shape.step_up_above,
    )


def _calendars(path: Path) -> dict[str, Hours]:
    """The hours of every channel. Without the file everyone is always at work, and the digest comes at nine, UTC."""
    if not path.exists():
        return {DEFAULT: Hours()}
    shape, _ = read(path, s.ChannelsShape)
    return {
        DEFAULT: _hours(shape.default),
        **{name: _hours(hours) for name, hours in shape.channels.items()},
    }


def _people(path: Path) -> Identities:
    """Link the accounts of every person; without the file each in Slack is a person."""
    if not path.exists():
        return UNLINKED
    shape, _ = read(path, s.PeopleShape)
    owners: dict[str, str] = {}
    for person in shape.people:
        for account in {one.casefold() for one in person.accounts}:
            if account in owners:
                raise PlaybookInvalid(
                    f"{path.name}: {account} belongs to {owners[account]} and to {person.name};"
                    " an account is one person's"
                )
            owners[account] = person.name
    return Identities.of(person.accounts for person in shape.people)


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


def _system(
    name: str, shape: s.SqlSystemShape | s.HttpSystemShape | s.MessageSystemShape
) -> SystemSpec:
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
    return Statement(
        spec, shape.statement, shape.precondition, shape.expect_rows, shape.verify, shape.undo
    )


def _message(name: str, shape: s.ActionShape) -> ActionSpec:
    if not {"to", "text"} <= set(shape.parameters):
        raise PlaybookInvalid(f"systems.yml: {name}: a message takes the parameters to and text")
    return _spec(name, shape, reversible=False, idempotency=Idempotency.MARKER)


def _http_action(name: str, shape: s.HttpActionShape) -> HttpAction:
    spec = _spec(name, shape, reversible=shape.undo is not None, idempotency=shape.idempotency)
    precondition = _call(shape.precondition) if shape.precondition else None
    verify = _call(shape.verify) if shape.verify else None
    return HttpAction(
        spec, _call(shape.execute), precondition, verify, _call(shape.undo) if shape.undo else None
    )


def _call(shape: s.CallShape) -> Call:
    return Call(**shape.model_dump())


def _spec(
    name: str, shape: s.ActionShape, *, reversible: bool, idempotency: Idempotency
) -> ActionSpec:
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
