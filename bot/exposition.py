"""Show the bot itself, and the gauges of its work, at ``/metrics``."""

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version

from bot.audit.checkpoints import Witness
from bot.cases.controls import DeskControls
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
        count_stages=lambda: count_stages(library, store.desk_controls.load()),
    )
    BUILD_INFO.labels(version("countersign"), settings.mode.value).set(1)
    expose(gauges)


def count_stages(library: FileLibrary, controls: DeskControls) -> Mapping[tuple[str, str], int]:
    """Count the actions that playbooks offer, by kind and stage in force."""
    counts: Counter[tuple[str, str]] = Counter()
    for playbook in library.playbooks.values():
        for offer in playbook.offers:
            stage = controls.stage_of(playbook.kind, offer.action, playbook.terms.stage)
            counts[playbook.kind, stage.value] += 1
    return counts
