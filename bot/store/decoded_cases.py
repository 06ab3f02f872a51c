"""Cases that this process has decoded lately.

Reading the body of a case is cheap, decoding it is not. What is given out is always the case of the
body that the database holds at that moment, whoever has written it.
"""

import threading
from collections import OrderedDict

from bot.cases.canonical import from_json
from bot.cases.case import Case

#: About twenty kilobytes each.
MAX_CASES = 256


class DecodedCases:
    """The latest decoded body of each of some cases."""

    def __init__(self, max_cases: int = MAX_CASES) -> None:
        self._max_cases = max_cases
        self._lock = threading.Lock()
        self._cases: OrderedDict[str, tuple[str, Case]] = OrderedDict()

    def decode(self, case_id: str, body: str) -> Case:
        """Return the case of this body."""
        with self._lock:
            body_before, case = self._cases.get(case_id, ("", None))
        if case is None or body_before != body:
            case = from_json(Case, body)
            self.add(body, case)
        return case

    def has_newer(self, case: Case) -> bool:
        """Tell whether this process has met a later version."""
        with self._lock:
            _, latest = self._cases.get(case.id, ("", None))
        return latest is not None and latest.version > case.version

    def add(self, body: str, case: Case) -> None:
        """Remember the case of a body."""
        with self._lock:
            self._cases[case.id] = (body, case)
            self._cases.move_to_end(case.id)
            while len(self._cases) > self._max_cases:
                self._cases.popitem(last=False)
