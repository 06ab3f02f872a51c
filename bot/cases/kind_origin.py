"""The origin of a kind: who named it, and recognition's guess."""

from dataclasses import dataclass
from enum import StrEnum

from bot.cases.case import Classification


class KindSource(StrEnum):
    """The source of a kind: whoever named it last."""

    #: Stored before this was written down.
    UNKNOWN = ""
    #: The source of the signal, or the form in which a person raised the case.
    SIGNAL = "signal"
    RECOGNITION = "recognition"
    #: Where recognition named none, or a wrong one.
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class KindOrigin:
    """The source of a kind, and the kind that recognition had named."""

    source: KindSource = KindSource.UNKNOWN
    #: Empty where recognition named none, or was not asked.
    recognised_kind: str = ""

    @property
    def is_corrected(self) -> bool:
        """Tell whether a person took back what recognition had named."""
        return self.source is KindSource.PERSON and bool(self.recognised_kind)


UNKNOWN_ORIGIN = KindOrigin()


def origin_of(classification: Classification) -> KindOrigin:
    """Return the origin of the kind that a case has at present."""
    recognition = classification.recognition
    if recognition is None:
        return KindOrigin(KindSource.SIGNAL)
    source = KindSource.PERSON if classification.named_by else KindSource.RECOGNITION
    return KindOrigin(source, recognition.kind)
