"""The checks before a start, and the connectors that pass them."""

from collections.abc import Iterator

from bot.cases.policy import Stage
from bot.cases.signed_content import Coverage, PieceKind
from bot.cases.source import Source
from bot.cases.verification import Scheme, Verification, decode_secret
from bot.connectors.callbacks import callback_problems
from bot.connectors.registry import build_connectors, lease_conflicts, missing_secrets
from bot.ports.chat import Chat
from bot.ports.connector import Connector
from bot.ports.pinned_names import PinKind, PinnedNames
from bot.settings import ApproverHealth, Mode, Settings, incomplete
from knowledge.library import FileLibrary, load

#: About as many as a UUID has.
MIN_PATH_SECRET_LENGTH = 24


def open_library(settings: Settings, pins: PinnedNames | None = None) -> FileLibrary:
    """Load the library; shadow mode holds for all of its playbooks.

    With ``pins``, channels that were looked up by name have their ids.
    """
    stage = Stage.SHADOW if settings.mode is Mode.SHADOW else None
    library = load(settings.library_dir, stage=stage)
    if pins is None or not library.channel_names():
        return library
    return library.with_channel_ids(pins.load(PinKind.CHANNEL))


def require_channel_ids(library: FileLibrary) -> None:
    """Refuse a library with a channel that has a name alone.

    Raises:
        SettingsIncomplete: the bot has not started since the channel was named.
    """
    names = library.channel_names()
    if names:
        channels = ", ".join(f"#{name}" for name in names)
        raise incomplete([f"start the bot once, so that Slack tells the id of {channels}"])


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
    for system in library.systems.values():
        if all(settings.secret(name) for name in system.secret_names()):
            problems += system.find_problems(settings.secret)
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


def _source_problems(name: str, source: Source, settings: Settings) -> Iterator[str]:
    """Yield why a source could not send, or anybody in its name."""
    if source.mailbox:
        for name in source.mailbox.secret_names():
            if not settings.secret(name):
                yield f"{name} is not set: set it, or the mailbox of {source.name} is not read"
        return
    verification = source.verify
    if verification and verification.scheme is Scheme.LOOPBACK:
        return
    if source.folder and not (source.token_env or source.webhook_secret_env or verification):
        return
    secret_env = verification.secret_env if verification else ()
    variables = (*source.token_env, *source.webhook_secret_env, *secret_env)
    if not any(settings.secret(variable) for variable in variables):
        yield f"source {name} has no secret set, so it cannot send: set {' or '.join(variables)}"
    if verification:
        yield from _verification_problems(name, verification, settings)


def _verification_problems(
    name: str, verification: Verification, settings: Settings
) -> Iterator[str]:
    """Yield what is wrong with the secrets of ``verify``."""
    for variable in verification.secret_env:
        secret = settings.secret(variable)
        if secret and not decode_secret(secret, verification.secret_encoding):
            yield (
                f"{variable} is not {verification.secret_encoding}, as sources.yml says of the"
                f" secrets of {name}: copy it again"
            )
        if secret and verification.scheme is Scheme.PATH and len(secret) < MIN_PATH_SECRET_LENGTH:
            yield (
                f"{variable} is short enough to be guessed, and it is all that protects {name}:"
                f" use at least {MIN_PATH_SECRET_LENGTH} letters and digits by chance"
            )
    if verification.scheme is Scheme.PROXY_CERTIFICATE and not settings.trusted_proxies:
        yield (
            f"source {name} is known by a certificate that a proxy checks, and none is trusted:"
            " set COUNTERSIGN_TRUSTED_PROXIES"
        )
    kinds = Coverage.of(verification).kinds
    if PieceKind.URL in kinds and not settings.secret("COUNTERSIGN_PUBLIC_URL"):
        yield (
            f"COUNTERSIGN_PUBLIC_URL is not set, and {name} signs the address to which it sends:"
            " set it to what that system was told"
        )
