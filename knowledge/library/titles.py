"""The titles of all files, and the names without a title."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.cases.expressions import placeholders
from bot.cases.playbook import Playbook
from bot.cases.program import Program
from bot.connectors.specs import SystemSpec
from bot.views.labels import Labels

Playbooks = Mapping[str, Playbook]
Systems = Mapping[str, SystemSpec]


def collect_labels(
    playbooks: Playbooks, systems: Systems, channel_titles: Mapping[str, str]
) -> Labels:
    """Collect what people read in place of the names in the files."""
    system_titles, action_titles, parameter_titles = {}, {}, {}
    done_templates = {}
    for name, system in systems.items():
        system_titles[name] = system.title
        for action_name, action in system.actions.items():
            full_name = f"{name}.{action_name}"
            action_titles[full_name] = action.title
            done_templates[full_name] = action.past_summary
            for parameter, title in action.titles.items():
                parameter_titles[f"{full_name}.{parameter}"] = title
    return Labels(
        systems=system_titles,
        actions=action_titles,
        done_templates=done_templates,
        parameters=parameter_titles,
        channels=channel_titles,
        kinds={kind: playbook.title for kind, playbook in playbooks.items()},
        briefs={kind: playbook.brief for kind, playbook in playbooks.items()},
    )


def with_programs(labels: Labels, programs: Mapping[str, Program]) -> Labels:
    """Return the labels with the titles of programs and their actions."""
    systems, actions = dict(labels.systems), dict(labels.actions)
    for program in programs.values():
        systems[program.source] = systems[program.system] = program.title
        for name, action in program.actions.items():
            if action.title:
                actions[program.plan_action(name)] = action.title
    return replace(labels, systems=systems, actions=actions)


def find_missing_titles(playbooks: Playbooks, systems: Systems) -> list[str]:
    """List the names without a title, which people would read unchanged."""
    return [*_missing_in_systems(systems), *_missing_in_playbooks(playbooks)]


def _missing_in_systems(systems: Systems) -> Iterator[str]:
    for name, system in systems.items():
        if not system.title:
            yield f"systems.yml: {name} has no title: cards name it"
        for action_name, action in system.actions.items():
            if not action.title:
                yield f"systems.yml: {name}.{action_name} has no title: cards name it"
            if not action.past_summary:
                yield (
                    f"systems.yml: {name}.{action_name} has no summary in the past tense (done):"
                    " cards say with it what was done"
                )
            strange = set(placeholders(action.past_summary)) - set(placeholders(action.summary))
            strange -= set(action.parameters)
            if strange:
                yield (
                    f"systems.yml: {name}.{action_name}: done names {', '.join(sorted(strange))},"
                    " which is no parameter and not in its summary"
                )
            names = ", ".join(sorted(set(action.parameters) - set(action.titles)))
            if names:
                yield f"systems.yml: {name}.{action_name} has no titles for {names}"


def _missing_in_playbooks(playbooks: Playbooks) -> Iterator[str]:
    for kind, playbook in playbooks.items():
        for offer in playbook.offers:
            if offer.when and not offer.otherwise:
                yield (
                    f"playbooks: {kind}: {offer.action} has a condition and no sentence"
                    " (otherwise) for when it does not hold"
                )
