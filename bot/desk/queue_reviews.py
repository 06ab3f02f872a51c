"""Queues that are approved unread, for whoever leads the operation."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cases.approver_health import QueueHealth, measure_health
from bot.cases.errors import ChatFailed
from bot.desk.digest_period import WHOLE_DESK, is_of_person
from bot.ports.approver_decisions import ApproverDecisions
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.queue_health import BusyQueue, busy_queue

#: How far back decisions count, as at the command line.
DAYS = 30


@dataclass(frozen=True, kw_only=True)
class QueueReviews:
    """Find the queues that have more cards than can be read."""

    decisions: ApproverDecisions
    library: Library
    directory: Directory
    #: The figures of the last review: a digest is drawn again with each change of its cases.
    _latest: dict[datetime, tuple[QueueHealth, ...]] = field(default_factory=dict)

    def find(self, place: str, due: datetime) -> tuple[BusyQueue, ...]:
        """List these queues for the digest of a place.

        None where others would read it too.
        """
        if not self.is_of_leads(place):
            return ()
        queues = self._measure(due)
        return tuple(busy_queue(queue, DAYS) for queue in queues if queue.is_rubber_stamped)

    def _measure(self, due: datetime) -> tuple[QueueHealth, ...]:
        queues = self._latest.get(due)
        if queues is None:
            since = due - timedelta(days=DAYS)
            samples = (one for one in self.decisions.read(since) if one.at < due)
            queues = tuple(measure_health(samples, self.decisions.probes(since)))
            self._latest.clear()
            self._latest[due] = queues
        return queues

    def is_of_leads(self, place: str) -> bool:
        """Tell whether only leads of the operation read a digest."""
        if place.startswith(WHOLE_DESK):
            return True
        return is_of_person(place) and place in self._leads()

    def _leads(self) -> frozenset[str]:
        playbooks = [self.library.playbook(kind) for kind, _ in self.library.titles()]
        handles = sorted({playbook.owners.operations for playbook in playbooks})
        try:
            groups = self.directory.groups(handles)
        except ChatFailed:
            return frozenset()
        return frozenset().union(*(members for members in groups.values() if members))
