"""Show the bot itself, and the gauges of its work, at ``/metrics``."""

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version

from bot.audit.checkpoints import Witness
from bot.metrics import BUILD_INFO, expose
from bot.ports.clock import Clock
from bot.settings import Settings
from bot.store.store import Store
from bot.store.work_gauges import SignedSize, WorkGauges
from knowledge.library.library import FileLibrary


def expose_metrics(
    settings: Settings, *, store: Store, library: FileLibrary, witness: Witness, clock: Clock
) -> None:
    """Show the gauges of this store at ``/metrics`` from now on."""

    def last_checkpoint() -> SignedSize | None:
        signed = witness.last_signed()
        return SignedSize(*signed) if signed else None

    gauges = WorkGauges(
        database=store.database,
        clock=clock,
        last_checkpoint=last_checkpoint,
        count_stages=lambda: count_stages(library),
    )
    BUILD_INFO.labels(version("countersign"), settings.mode.value).set(1)
    expose(gauges)


def count_stages(library: FileLibrary) -> Mapping[tuple[str, str], int]:
    """Count the actions that playbooks offer, by kind and stage."""
    return Counter(
        (playbook.kind, playbook.terms.stage.value)
        for playbook in library.playbooks.values()
        for _ in playbook.offers
    )
