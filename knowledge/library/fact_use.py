"""The places of a playbook that use facts, and their mistakes."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from bot.cases.conditions import fact_names
from bot.cases.evidence import SIGNAL
from bot.cases.expressions import stray_brace
from bot.cases.fact_paths import Path, fact_paths, template_paths
from bot.cases.finding import Finding
from bot.cases.plan import STEPS
from bot.cases.playbook import PLAN, ActionOffer, EditLimit, Playbook
from bot.cases.policy import Policy
from knowledge.library.complaints import nearest
from knowledge.library.places import LibraryFile, LibraryFiles, Way

#: What a look-up gives, by its name; None where nobody could find out.
Columns = Mapping[str, Collection[str] | None]

#: JMESPath has literals between backticks; a bare word is a field, and there is none.
_LITERALS = frozenset({"true", "false"})
_CURLY = re.compile(r"\{[^{}]*\}?")
_FACT_COLUMN = re.compile(r"\bfacts\s*\.\s*([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class FactUse:
    """One expression or template, with its place."""

    way: Way
    paths: tuple[Path, ...]
    #: The parameters of the action, where an expression may name ``plan``.
    plan: tuple[str, ...] = ()
    #: Whether earlier steps may be named.
    has_steps: bool = False


def offers_with_ways(playbook: Playbook) -> Iterator[tuple[Way, ActionOffer]]:
    """Iterate over all offers and later steps, with their places."""
    for number, offer in enumerate(playbook.offers):
        yield from _chain(("actions", number), offer)


def _chain(way: Way, offer: ActionOffer) -> Iterator[tuple[Way, ActionOffer]]:
    yield way, offer
    parts = {"then": offer.then, "if_refused": offer.if_refused, "otherwise": offer.fallback or ()}
    for name, steps in parts.items():
        for number, step in enumerate(steps):
            yield from _chain((*way, name, number), step)


def check_facts(playbook: Playbook, columns: Columns, files: LibraryFiles) -> Iterator[Finding]:
    """Yield what a playbook uses and no look-up gives."""
    file = files.playbook(playbook.kind)
    facts: dict[str, Collection[str] | None] = {SIGNAL: columns.get(SIGNAL)}
    later_names = [lookup.name for lookup in playbook.evidence]
    for number, lookup in enumerate(playbook.evidence):
        for name, expression in lookup.parameters.items():
            way = ("evidence", number, "parameters", name)
            use = FactUse(way, tuple(fact_paths(expression)))
            yield from _check_use(use, facts, file=file, files=files, later_names=later_names)
        facts[lookup.name] = columns.get(lookup.name)
        own_columns = columns.get(lookup.name)
        for name in lookup.show if own_columns is not None else ():
            if name not in (own_columns or ()):
                yield files.finding(
                    file,
                    ("evidence", number, "show", name),
                    f"the query of {lookup.name} gives no column {name}",
                    word=name,
                    suggestion=nearest(name, own_columns or ()),
                )
    for use in _uses(playbook):
        yield from _check_use(use, facts, file=file, files=files)
    yield from _check_braces(playbook, file, files)


def check_template(
    template: str, *, file: LibraryFile, way: Way, files: LibraryFiles
) -> Iterator[Finding]:
    """Yield the brace of a template that is no placeholder."""
    brace = stray_brace(template)
    if brace:
        yield files.finding(
            file,
            way,
            f"{brace} is no placeholder, so people would read it as it is",
            suggestion="Write a name of letters, digits, _ and . between two braces:"
            " {order.total}, without a form or a sum.",
        )


def _check_braces(playbook: Playbook, file: LibraryFile, files: LibraryFiles) -> Iterator[Finding]:
    """Yield braces that stay as they are on cards."""
    match = _CURLY.search(playbook.title)
    if match:
        yield files.finding(
            file,
            ("title",),
            f"title names the kind and fills no placeholder, so {match[0]} stays in it",
            suggestion="Put it into what, or into the column that the query calls title.",
        )
    templates: list[tuple[Way, str]] = [
        (("what",), playbook.what),
        (("brief",), playbook.brief),
        (("stake", "why"), playbook.stake.why),
    ]
    for way, offer in offers_with_ways(playbook):
        templates.append(((*way, "reason"), offer.reason))
        if isinstance(offer.otherwise, str):
            templates.append(((*way, "otherwise"), offer.otherwise))
        for number, warning in enumerate(offer.warnings):
            templates.append(((*way, "warnings", number, "text"), warning.text))
    for place, template in templates:
        yield from check_template(template, file=file, way=place, files=files)


def check_policy_facts(
    policy: Policy, columns_by_kind: Mapping[str, Columns], files: LibraryFiles
) -> Iterator[Finding]:
    """Yield the facts in rules of policy that no playbook has."""
    for number, rule in enumerate(policy.rules):
        for name, column in _FACT_COLUMN.findall(rule.when):
            lookups = [columns[name] for columns in columns_by_kind.values() if name in columns]
            if name not in fact_names(rule.when) or None in lookups or not lookups:
                continue
            names = {one for columns in lookups for one in columns or ()}
            if column not in names:
                yield files.finding(
                    files.root("policy.yml"),
                    ("rules", number, "when"),
                    f"no look-up called {name} gives {column}",
                    word=f"facts.{name}.{column}",
                    suggestion=nearest(column, names),
                )


def _uses(playbook: Playbook) -> Iterator[FactUse]:
    stake = playbook.stake
    for name, template in (("what", playbook.what), ("brief", playbook.brief)):
        yield FactUse((name,), tuple(template_paths(template)))
    yield FactUse(("stake", "why"), tuple(template_paths(stake.why)))
    yield FactUse(("stake", "amount"), tuple(fact_paths(stake.amount)))
    yield FactUse(("stake", "currency_from"), tuple(fact_paths(stake.currency_from)))
    yield FactUse(("beneficiary",), tuple(fact_paths(playbook.beneficiary)))
    for way, offer in offers_with_ways(playbook):
        yield from _offer_uses(way, offer)


def _offer_uses(way: Way, offer: ActionOffer) -> Iterator[FactUse]:
    yield FactUse((*way, "when"), tuple(fact_paths(offer.when)), has_steps=True)
    yield FactUse((*way, "reason"), tuple(template_paths(offer.reason)), has_steps=True)
    if isinstance(offer.otherwise, str):
        paths = tuple(template_paths(offer.otherwise))
        yield FactUse((*way, "otherwise"), paths, has_steps=True)
    for name, expression in offer.parameters.items():
        paths = tuple(fact_paths(expression))
        yield FactUse((*way, "parameters", name), paths, has_steps=True)
    for name, limit in offer.limits.items():
        yield from _limit_uses((*way, "limits", name), limit)
    plan = tuple(offer.parameters)
    for number, warning in enumerate(offer.warnings):
        place = (*way, "warnings", number)
        yield FactUse((*place, "when"), tuple(fact_paths(warning.when)), plan=plan)
        yield FactUse((*place, "text"), tuple(template_paths(warning.text)), plan=plan)


def _limit_uses(way: Way, limit: EditLimit) -> Iterator[FactUse]:
    for name, bound in (("min", limit.minimum), ("max", limit.maximum)):
        if isinstance(bound, str):
            yield FactUse((*way, name), tuple(fact_paths(bound)))


def _check_use(
    use: FactUse,
    facts: Columns,
    *,
    file: LibraryFile,
    files: LibraryFiles,
    later_names: Collection[str] = (),
) -> Iterator[Finding]:
    names: dict[str, Collection[str] | None] = dict(facts)
    if use.plan:
        names[PLAN] = use.plan
    if use.has_steps:
        names[STEPS] = None
    for path in use.paths:
        mistake = _mistake(path, names, later_names)
        if mistake:
            sentence, suggestion = mistake
            yield files.finding(file, use.way, sentence, word=".".join(path), suggestion=suggestion)


def _mistake(path: Path, names: Columns, later_names: Collection[str]) -> tuple[str, str] | None:
    """Return a path's mistake and a suggestion; None for no mistake."""
    head = path[0]
    if path == ("null",):
        # A field that is not there: the usual way to write it.
        return None
    if path[0] in _LITERALS and len(path) == 1:
        return f"{head} is read as the name of a fact", f"Write it between backticks: `{head}`."
    if head not in names:
        if head in later_names:
            return f"{head} is looked up only afterwards", f"Put the look-up {head} above this one."
        owners = [f"{name}.{head}" for name, columns in names.items() if head in (columns or ())]
        question = f"Did you mean {owners[0]}?" if owners else nearest(head, names)
        question = question or _list_lookups(head, names)
        return f"there is no look-up {head}", question
    columns = names[head]
    if columns is not None and len(path) > 2 and path[1] in columns:
        return f"{head}.{path[1]} is one value, and has no {path[2]}", f"Write {head}.{path[1]}."
    if columns is None or len(path) < 2 or path[1] in columns:
        return None
    full_names = [f"{name}.{one}" for name, others in names.items() for one in others or ()]
    suggestion = nearest(path[1], columns) or nearest(".".join(path), full_names)
    return f"{head} has no {path[1]}", suggestion


def _list_lookups(head: str, names: Columns) -> str:
    return f"There are {', '.join(sorted(names))}; a text is written '{head}', in single quotes."
