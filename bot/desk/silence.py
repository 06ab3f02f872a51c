"""A chat that writes to nobody: for a past that nobody is told of, and for trials."""

from collections.abc import Sequence

from bot.cases.case import Case
from bot.ports import Chat, Drawn, Landing, Look, Posted


class Silence(Chat):
    """Messages that are part of a plan count as read."""

    def draw_card(
        self, case: Case, cards: Sequence[Drawn], *, look_first: bool, look: Look
    ) -> Drawn:
        return Drawn(case.id, case.generation, case.channel, "", case.version)

    def retire_card(self, case: Case, older: Drawn) -> None:
        return None

    def posted(self, name: str, channel: str, since: float) -> list[Posted]:
        return []

    def remove(self, copy: Posted) -> None:
        return None

    def strike(self, copy: Posted, title: str, standing: Drawn) -> None:
        return None

    def post_note(
        self,
        case: Case,
        entries: object,
        cards: object,
        *,
        key: str,
        look_first: bool,
        call: str = "",
        is_loud: bool = False,
    ) -> None:
        return None

    def post_digest(self, digest: object, board: object, *, look_first: bool) -> str:
        return ""

    def post_storm(self, storm: object, board: object, *, look_first: bool) -> str:
        return ""

    def publish_home(self, home: object) -> None:
        return None

    def begin_answer(self, question: object) -> str:
        return ""

    def step(self, question: object, growing: str, words: str) -> None:
        return None

    def answer(
        self, question: object, answer: object, *, look_first: bool, growing: str = ""
    ) -> None:
        return None

    def send(self, to: str, text: str, key: str) -> str:
        return ""

    def find(self, to: str, key: str) -> Landing:
        return Landing.LANDED
