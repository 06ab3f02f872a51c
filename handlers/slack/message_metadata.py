"""The metadata by which our messages are found again."""

from enum import StrEnum

from handlers.cards.text import Json


class MessageKind(StrEnum):
    """The ``event_type`` of a message; posted messages carry these words."""

    CARD = "exception_card"
    #: A second post of a card that was left without buttons; it is no card any more.
    RETIRED_COPY = "exception_copy"
    NOTE = "exception_note"
    EVIDENCE = "exception_evidence"
    CALL = "exception_call"
    INQUIRY = "exception_inquiry"
    MESSAGE = "exception_message"
    DIGEST = "exception_digest"
    STORM = "exception_storm"
    ANSWER = "exception_answer"


LIST_KINDS = frozenset({MessageKind.DIGEST, MessageKind.STORM})


def message_metadata(kind: MessageKind, uid: str) -> Json:
    """Build the metadata of a message.

    The uid is an opaque id and says nothing of the case.
    """
    return {"event_type": kind.value, "event_payload": {"uid": uid}}


def message_options(kind: MessageKind, uid: str) -> Json:
    """Build the arguments of every post: metadata, and no link previews."""
    return {
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": message_metadata(kind, uid),
    }
