"""Titles that people read in place of names in YAML files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Titles or templates by name.
Titles = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The titles of systems, actions, parameters, channels and kinds.

    They are looked up when a card is drawn, so that no stored plan depends on them. A name without
    a title is shown as words.
    """

    systems: Titles = field(default_factory=dict)
    #: By "system.action".
    actions: Titles = field(default_factory=dict)
    #: The template of what was done, in the past tense, by "system.action".
    done_templates: Titles = field(default_factory=dict)
    #: By "system.action.parameter".
    parameters: Titles = field(default_factory=dict)
    channels: Titles = field(default_factory=dict)
    kinds: Titles = field(default_factory=dict)
    #: The template of the evidence in words, by kind.
    briefs: Titles = field(default_factory=dict)

    def system(self, name: str) -> str:
        """Return the title of a system or source."""
        return self.systems.get(name) or as_words(name)

    def action(self, name: str) -> str:
        """Return the title of an action like ``house.order_stock``."""
        return self.actions.get(name) or as_words(name.rpartition(".")[2])

    def parameter(self, action: str, name: str) -> str:
        """Return the title of an action's parameter."""
        return self.parameters.get(f"{action}.{name}") or as_words(name)

    def kind(self, name: str) -> str:
        """Return the title of a kind."""
        return self.kinds.get(name) or as_words(name)


def as_words(name: str) -> str:
    """Write a name in code as words: "order_stock" as "order stock"."""
    return name.replace("_", " ")


def start_upper(text: str) -> str:
    """Capitalise the first letter, and keep the case of all others."""
    return text[:1].upper() + text[1:]


def mid_sentence(text: str) -> str:
    """Lower-case the first letter: "Open a claim" as "open a claim".

    For texts in the imperative; anything but a plain word is left as it is.
    """
    first_word = text.partition(" ")[0]
    if first_word.isalpha() and first_word[1:].islower():
        return text[0].lower() + text[1:]
    return text
