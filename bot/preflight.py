"""The checks before a start, and the connectors that pass them."""

from collections.abc import Iterator

from bot.cases.policy import Stage
from bot.cases.program import Program
from bot.cases.source import Source
from bot.connectors.callbacks import callback_problems
from bot.connectors.registry import build_connectors, lease_conflicts, missing_secrets
from bot.ports.chat import Chat
from bot.ports.connector import Connector
from bot.settings import ApproverHealth, Mode, Settings, incomplete
from knowledge.library import FileLibrary, load


def open_library(settings: Settings) -> FileLibrary:
    """Load the library; shadow mode holds for all of its playbooks."""
    stage = Stage.SHADOW if settings.mode is Mode.SHADOW else None
    return load(settings.library_dir, stage=stage)


def require_startable(settings: Settings, library: FileLibrary) -> None:
    """Refuse settings that lack secrets or contradict the lease.

    Raises:
        SettingsIncomplete: the to-do list.
    """
    problems = lease_conflicts(library.systems, settings.lease_for)
    for missing in missing_secrets(library.systems, settings.secret):
        problems.append(f"set {missing.name}: the system {missing.system} in systems.yml needs it")
    if problems:
        raise incomplete(problems)


def build_systems(settings: Settings, library: FileLibrary, chat: Chat) -> dict[str, Connector]:
    """Build a connector for each system of the library.

    Raises:
        SettingsIncomplete: a secret is not set, or a timeout is longer than a lease.
    """
    require_startable(settings, library)
    # In shadow mode nothing is carried out, so the connectors may be real ones.
    return build_connectors(
        library.systems,
        secrets=settings.secret,
        chat=chat,
        dry_run=settings.mode is Mode.DRY_RUN,
    )


def find_problems(settings: Settings) -> list[str]:
    """Return a sentence for each problem; none when everything is in place."""
    library = open_library(settings)
    problems = lease_conflicts(library.systems, settings.lease_for)
    for missing in missing_secrets(library.systems, settings.secret):
        problems.append(f"{missing.name} is not set: set it, or {missing.system} cannot be reached")
    # The default address is this machine, which only its own browser reaches.
    if library.policy().step_up_above is not None and not settings.secret("COUNTERSIGN_PUBLIC_URL"):
        problems.append(
            "COUNTERSIGN_PUBLIC_URL is not set: set it, or nobody can reach the passkey page, "
            "which plans over step_up_above need"
        )
    for action in library.limits_without_action():
        problems.append(
            f"policy.yml limits {action}, which systems.yml does not declare: check the name"
        )
    problems += _health_problems(settings, library)
    problems += library.unconverted_stakes()
    problems += library.strange_program_kinds()
    problems += library.missing_titles()
    problems += library.question_problems()
    problems += callback_problems(library.programs, settings.secret)
    for name, source in library.sources.items():
        problems += _source_problems(name, source, settings)
    for program in library.programs.values():
        problems += _program_problems(program, settings)
    return problems


def _health_problems(settings: Settings, library: FileLibrary) -> Iterator[str]:
    """Yield why figures or practice cases would reach nobody."""
    is_on = settings.approver_health is ApproverHealth.ON
    if is_on and not library.whole_desk_digests():
        yield (
            "COUNTERSIGN_APPROVER_HEALTH is on, and channels.yml names no whole_desk_digest: name "
            "the channel of those who lead the operation, or only their own digests tell them"
        )
    if settings.probes_per_week and not is_on:
        yield (
            "COUNTERSIGN_PROBES_PER_WEEK is set, and COUNTERSIGN_APPROVER_HEALTH is off: no "
            "practice case is put before that is on"
        )


def _source_problems(name: str, source: Source, settings: Settings) -> list[str]:
    variables = (*source.token_env, *source.webhook_secret_env)
    if any(settings.secret(variable) for variable in variables):
        return []
    return [f"source {name} has no secret set, so it cannot send: set {' or '.join(variables)}"]


def _program_problems(program: Program, settings: Settings) -> list[str]:
    variables = program.callback.secret_env if program.callback else ()
    if not variables or any(settings.secret(variable) for variable in variables):
        return []
    return [
        f"program {program.name} has no secret set, so it is told of nothing: "
        f"set {' or '.join(variables)}"
    ]
