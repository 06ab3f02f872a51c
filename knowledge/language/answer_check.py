"""Checks of a chat model's answer, which may be invented."""

import re

from bot.cases.prompt_injection import looks_like_prompt_injection

_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")


def find_figures(text: str) -> set[str]:
    """Find the numbers in a text, in one spelling.

    1,200.00 and 1200 are the same.
    """
    return set(map(_normalise, _FIGURE.findall(text)))


def is_grounded(answer: str, sources: str) -> bool:
    """Return whether an answer may be shown.

    Every figure must be in the sources, and it must not address a machine.
    """
    return find_figures(answer) <= find_figures(sources) and not looks_like_prompt_injection(answer)


def _normalise(figure: str) -> str:
    digits = figure.replace(",", "").rstrip(".")
    return digits.removesuffix(".00").removesuffix(".0")
