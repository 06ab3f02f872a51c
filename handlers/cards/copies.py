"""What is left of a message that was posted twice, and what is said to whoever pressed on it."""

from handlers.cards.text import Json, link, paragraph, rich, say

COPY_WORDS = "This was posted twice; the other message is the one in use."


def copy_blocks(title: str, url: str) -> list[Json]:
    """Name the message that stands in place of this one."""
    way = [say("  "), link(url, "Go to the one in use")] if url else []
    return [rich(paragraph(say(f"{title}  ", bold=True), say(COPY_WORDS), *way))]


def stray_blocks(case_id: str, url: str) -> list[Json]:
    """Tell the presser of an old card where the one in use is."""
    words = say(f"That card of {case_id} is not in use any more; nothing was decided.  ")
    return [rich(paragraph(words, link(url, "Go to the one in use")))]


def stray_text(case_id: str) -> str:
    return f"That card of {case_id} is not in use any more; nothing was decided."
