"""Recognition: the kind of a signal, or none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KindGuess:
    """A possible kind; ``confidence`` is a probability in per cent."""

    kind: str
    title: str
    confidence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """The result of recognising a signal."""

    #: Empty when no kind fits.
    kind: str
    confidence: int
    guesses: tuple[KindGuess, ...]
    #: The reason, in words.
    basis: str
    #: The version of the model.
    model: str

    @property
    def abstains(self) -> bool:
        """Tell whether no kind fits."""
        return not self.kind
