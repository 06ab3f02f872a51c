"""What the desk asks before it recommends, as tests want it: real parts, filled by hand."""

from bot.cases.recognition import Guess, Recognition
from bot.wiring import Mind, forgetful


class FakeRecogniser:
    """Says what it was told to say."""

    def __init__(self, kind="", confidence=10, guess="low_stock"):
        self.answer = Recognition(
            kind=kind,
            confidence=confidence,
            guesses=(Guess(guess, "Running low", confidence),),
            basis="by hand",
            model="v0",
        )
        self.asked = []

    def recognise(self, text):
        self.asked.append(text)
        return self.answer


def mind(**parts):
    """A forgetful mind with some parts replaced."""

    def built(shelf, clock) -> Mind:
        plain = forgetful(shelf, clock)
        return Mind(
            **{name: parts.get(name, getattr(plain, name)) for name in Mind.__dataclass_fields__}
        )

    return built
