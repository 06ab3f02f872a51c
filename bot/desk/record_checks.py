"""Signals of what a system of record has already."""

import logging
from dataclasses import dataclass

from bot.cases.errors import ConnectorFailed
from bot.cases.expressions import find_scalar
from bot.cases.signal import Signal
from bot.cases.source import Source
from bot.desk.detection import detection_parameters
from bot.ports.clock import Clock
from bot.ports.connector import Systems

log = logging.getLogger(__name__)
#: The name under which such signals are counted.
ON_RECORD = "on record already"


@dataclass(frozen=True)
class RecordChecks:
    """Asks the system that a source names."""

    systems: Systems
    clock: Clock

    def has(self, source: Source, signal: Signal) -> bool:
        """Tell whether the trouble is on record.

        A system that does not answer has nothing.
        """
        check = source.record_check
        if check is None:
            return False
        facts = {**signal.facts, "subject": signal.subject, "title": signal.title}
        parameters = {
            name: find_scalar(expression, {"signal": facts})
            for name, expression in check.parameters.items()
        }
        parameters.update(detection_parameters(self.clock()))
        try:
            return bool(self.systems[check.system].look_up(check.query, parameters, 1))
        except ConnectorFailed as failure:
            log.warning("whether a signal of %s is on record: %s", source.name, failure)
            return False
