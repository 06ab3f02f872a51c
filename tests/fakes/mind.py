"""What the desk asks before it recommends, as tests want it: real parts, filled by hand."""

from dataclasses import replace

from bot.advisors import Advisors, without_memory
from bot.cases.recognition import KindGuess, Recognition


class FakeRecogniser:
    """Says what it was told to say."""

    def __init__(self, kind="", confidence=10, guess="low_stock"):
        self.answer = Recognition(
            kind=kind,
            confidence=confidence,
            guesses=(KindGuess(guess, "Running low", confidence),),
            basis="by hand",
            model="v0",
        )
        self.asked = []

    def recognise(self, text):
        self.asked.append(text)
        return self.answer

    def is_trained(self):
        return True


class AlteredRecommender:
    """Recommends what another does, with some fields of the recommendation changed."""

    def __init__(self, inner) -> None:
        self.inner = inner
        self.changes = {}

    def recommend(self, *arguments, **keywords):
        recommendation, actions = self.inner.recommend(*arguments, **keywords)
        return replace(recommendation, **self.changes), actions


def altered_mind(shelf, clock) -> Advisors:
    """Advisors without memory whose recommendations can be changed."""
    plain = without_memory(shelf, clock)
    return replace(plain, recommender=AlteredRecommender(plain.recommender))


def mind(**parts):
    """Advisors without memory, with some parts replaced."""

    def built(shelf, clock) -> Advisors:
        plain = without_memory(shelf, clock)
        return Advisors(
            **{
                name: parts.get(name, getattr(plain, name))
                for name in Advisors.__dataclass_fields__
            }
        )

    return built
