"""View model of the progress of a case, for whoever raised it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UsualTimes:
    """The times to a decision of cases of one kind, in seconds."""

    median: float
    #: Four in five were decided sooner.
    four_in_five: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress of a case that somebody waits for."""

    #: The person who has the case and the groups, as people read them.
    waits_for: tuple[str, ...] = ()
    approvals_needed: int = 0
    approvals_missing: int = 0
    #: None where too few cases of the kind were decided.
    usual_times: UsualTimes | None = None

    def to_record(self) -> dict[str, object]:
        """Return the progress as JSON for programs.

        Its names are part of the interface.
        """
        record: dict[str, object] = {
            "waits_for": list(self.waits_for),
            "approvals_needed": self.approvals_needed,
            "approvals_missing": self.approvals_missing,
            "usual_seconds": None,
            "four_in_five_seconds": None,
        }
        if self.usual_times:
            record["usual_seconds"] = self.usual_times.median
            record["four_in_five_seconds"] = self.usual_times.four_in_five
        return record
