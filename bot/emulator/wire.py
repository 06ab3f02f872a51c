"""JSON objects, and Slack's error codes as an exception."""

from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """A Slack error code, as in ``{"ok": false, "error": …}``."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.details = details
