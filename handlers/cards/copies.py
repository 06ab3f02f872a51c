"""Messages about duplicates and about cards that are no longer in use."""

from handlers.cards.text import Json, link_run, paragraph, rich_text, text_run

COPY_TEXT = "This was posted twice; the other message is the one in use."
LINK_LABEL = "Go to the one in use"


def copy_blocks(title: str, url: str) -> list[Json]:
    """Build what replaces a duplicate: a link to the message in use."""
    runs = [text_run(f"{title}  ", bold=True), text_run(COPY_TEXT)]
    if url:
        runs += [text_run("  "), link_run(url, LINK_LABEL)]
    return [rich_text(paragraph(*runs))]


def inactive_card_blocks(case_id: str, url: str) -> list[Json]:
    """Build the answer to a press on an inactive card."""
    explanation = text_run(f"{inactive_card_text(case_id)}  ")
    return [rich_text(paragraph(explanation, link_run(url, LINK_LABEL)))]


def inactive_card_text(case_id: str) -> str:
    """Write the notification line for a press on an inactive card."""
    return f"That card of {case_id} is not in use any more; nothing was decided."
