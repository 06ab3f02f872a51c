"""The checks before a start, and the connectors that pass them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bot.cases.finding import Finding, Severity
from bot.cases.policy import Stage
from bot.cases.signed_content import Coverage, PieceKind
from bot.cases.source import Source
from bot.cases.verification import Scheme, Verification, decode_secret
from bot.connectors.callbacks import callback_problems
from bot.connectors.registry import build_connectors, lease_conflicts, missing_secrets
from bot.connectors.specs import SystemSpec
from bot.lazy_module import LazyModule
from bot.ports.chat import Chat
from bot.ports.connector import Connector
from bot.ports.pinned_names import PinKind, PinnedNames
from bot.settings import ApproverHealth, Mode, Settings, incomplete
from knowledge.library import FileLibrary, load

if TYPE_CHECKING:
    from knowledge.library import complaints, limit_order, places
else:
    # A start finds no places in files: it loads them once, without their lines.
    complaints = LazyModule("knowledge.library.complaints")
    limit_order = LazyModule("knowledge.library.limit_order")
    places = LazyModule("knowledge.library.places")

#: About as many as a UUID has.
MIN_PATH_SECRET_LENGTH = 24
MIN_VARIABLE_LIKENESS = 0.8


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


def find_problems(settings: Settings, library: FileLibrary) -> list[Finding]:
    """Return what is wrong or missing in settings and files.

    Asks nothing outside.
    """
    files = places.LibraryFiles(settings.library_dir)
    systems_file = files.root("systems.yml")
    findings = [
        files.finding(systems_file, ("systems", name, "timeout"), sentence)
        for name, system in library.systems.items()
        for sentence in lease_conflicts({name: system}, settings.lease_for)
    ]
    for missing in missing_secrets(library.systems, settings.secret):
        findings.append(
            files.finding(
                systems_file,
                ("systems", missing.system),
                f"{missing.name} is not set: set it, or {missing.system} cannot be reached",
                word=missing.name,
                suggestion=_like_named(missing.name, settings, library.systems),
            )
        )
    # The default address is this machine, which only its own browser reaches.
    if library.policy().step_up_above is not None and not settings.secret("COUNTERSIGN_PUBLIC_URL"):
        findings.append(
            files.finding(
                files.root("policy.yml"),
                ("step_up_above",),
                "COUNTERSIGN_PUBLIC_URL is not set: set it, or nobody can reach the passkey page, "
                "which plans over step_up_above need",
            )
        )
    findings += limit_order.check_limit_order(library, files)
    findings += limit_order.check_groups(library, files)
    findings += [Finding(sentence=sentence) for sentence in _health_problems(settings, library)]
    findings += limit_order.find_stakes_without_rate(library, files)
    sentences = [
        *library.strange_program_kinds(),
        *library.missing_titles(),
        *library.question_problems(),
    ]
    findings += complaints.read_complaints("\n".join(sentences), files)
    findings += limit_order.check_channels(library, files)
    findings += [
        Finding(sentence=sentence, file="programs.yml")
        for sentence in callback_problems(library.programs, settings.secret)
    ]
    for name, source in library.sources.items():
        findings += _source_findings(name, source, settings=settings, files=files)
    findings += complaints.find_ignored_files(files)
    findings += limit_order.find_unused(library, files)
    return findings


def _like_named(name: str, settings: Settings, systems: Mapping[str, SystemSpec]) -> str:
    """Suggest a variable of nearly this name that nobody reads."""
    names = {variable for system in systems.values() for variable in system.secret_names()}
    others = settings.environment.keys() - names
    return complaints.nearest(name, others, likeness=MIN_VARIABLE_LIKENESS)


def _source_findings(
    name: str, source: Source, *, settings: Settings, files: "places.LibraryFiles"
) -> Iterator[Finding]:
    """Yield what is wrong with a source.

    One that nobody uses is a hint.
    """
    file, way = files.root("sources.yml"), ("sources", name)
    names = _missing_secret(source, settings)
    if names:
        yield files.finding(
            file,
            way,
            "a source has no secret set, so it cannot send",
            suggestion=f"Set {' or '.join(names)}, or take {name} out if nobody uses it.",
            severity=Severity.HINT,
        )
    for sentence in _source_problems(name, source, settings):
        yield files.finding(file, way, sentence)


def _missing_secret(source: Source, settings: Settings) -> tuple[str, ...]:
    """Return the names of the secrets of which none is set.

    Empty where one is set, or where none is needed.
    """
    verification = source.verify
    if source.mailbox or (verification and verification.scheme is Scheme.LOOPBACK):
        return ()
    secret_env = verification.secret_env if verification else ()
    variables = (*source.token_env, *source.webhook_secret_env, *secret_env)
    if any(map(settings.secret, variables)):
        return ()
    return variables


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
    """Yield why a source that somebody set up could not send."""
    if source.mailbox:
        for variable in source.mailbox.secret_names():
            if not settings.secret(variable):
                yield f"{variable} is not set: set it, or the mailbox of {source.name} is not read"
        return
    if source.verify and source.verify.scheme is not Scheme.LOOPBACK:
        yield from _verification_problems(name, source.verify, settings)


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
