"""Openings of details, without anybody's name."""

from datetime import datetime
from typing import Protocol


class DetailsOpenings(Protocol):
    """Record openings for the health of approvals."""

    def record(self, case_id: str, revision: int, at: datetime) -> None:
        """Record the first opening of this plan's details; later ones change nothing."""


class NoDetailsOpenings:
    """Record nothing, where an organisation has not agreed to figures about approvals."""

    def record(self, case_id: str, revision: int, at: datetime) -> None:
        """Record nothing."""
