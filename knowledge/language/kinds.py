"""The kind of cases that a question is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.ports.language import QuestionClassifier
from bot.views.query import KnownName, NameType
from knowledge.language.names import plain
from knowledge.language.question_text import QuestionText
from knowledge.language.question_words import FILLERS

#: From this confidence on, a guess is taken.
MIN_CONFIDENCE = 0.5
#: A guess beside a kind that the words name must be this sure.
SURE_CONFIDENCE = 0.9
#: Two kinds that share a question so evenly are both meant.
MIN_SHARE = 0.3
#: A word belongs to a kind when the guess loses so much without it.
MIN_LOSS = 0.05
MIN_WORD_CONFIDENCE = 0.3
#: Longer questions are not looked through word by word.
MAX_WORDS_TO_TEST = 30
MIN_PLURAL_LENGTH = 4
#: The first word of a kind's name says most.
FIRST_WORD_WEIGHT = 2
_GENERIC = frozenset("low high cold warm due open no not service general other unrecognised".split())


@dataclass(frozen=True, slots=True)
class KindChoice:
    """The kinds that are meant, and the words that say so."""

    kinds: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()


class KindFinder:
    """Finds kinds by the words of their names, and by what was learned."""

    def __init__(self, classifier: QuestionClassifier) -> None:
        self._classifier = classifier

    def find(self, text: QuestionText, names: Iterable[KnownName]) -> KindChoice:
        """Return the kinds of a masked question."""
        titles = _title_words(names)
        named = find_named(text.words, titles)
        guesses = [guess for guess in self._classifier.kinds(text.text) if guess.confidence > 0]
        best = guesses[0] if guesses else None
        if named and (best is None or best.label == named or best.confidence < SURE_CONFIDENCE):
            return KindChoice((named,), self._words_of(text, named, titles))
        if best is None or not best.label:
            return KindChoice((named,), self._words_of(text, named, titles)) if named else KindChoice()
        if best.confidence >= MIN_CONFIDENCE:
            return KindChoice((best.label,), self._words_of(text, best.label, titles))
        shared = [g.label for g in guesses[:2] if g.label and g.confidence >= MIN_SHARE]
        if len(shared) == len(guesses[:2]) == 2:
            words = self._words_of(text, shared[0], titles) | self._words_of(text, shared[1], titles)
            return KindChoice(tuple(shared), words)
        return KindChoice()

    def _words_of(
        self, text: QuestionText, kind: str, titles: Mapping[str, list[str]]
    ) -> frozenset[str]:
        """Find the words that speak for a kind."""
        words = {word for word in text.words if stem(word) in titles.get(kind, ())}
        unknown = [
            token.word
            for token in text.tokens
            if not token.is_explained and token.word not in FILLERS and token.word not in words
        ]
        if not unknown or len(text.words) > MAX_WORDS_TO_TEST:
            return frozenset(words)
        whole = self._confidence(text.text, kind)
        for word in unknown:
            rest = " ".join(other for other in text.words if other != word)
            is_lost = whole - self._confidence(rest, kind) >= MIN_LOSS
            if is_lost or self._confidence(word, kind) >= MIN_WORD_CONFIDENCE:
                words.add(word)
        return frozenset(words)

    def _confidence(self, text: str, kind: str) -> float:
        guesses = self._classifier.kinds(text)
        return next((guess.confidence for guess in guesses if guess.label == kind), 0.0)


def find_named(words: Iterable[str], titles: Mapping[str, list[str]]) -> str:
    """Return the one kind whose own name the words hold most of; empty for none or several."""
    stems = {stem(word) for word in words}
    scores = {}
    for kind, kind_words in titles.items():
        score = 0
        for place, word in enumerate(kind_words):
            if word in stems:
                score += FIRST_WORD_WEIGHT if place == 0 else 1
        scores[kind] = score
    best = max(scores.values(), default=0)
    kinds = [kind for kind, score in scores.items() if score == best]
    return kinds[0] if best and len(kinds) == 1 else ""


def stem(word: str) -> str:
    """Cut off a plural: "invoices" names an invoice."""
    word = plain(word)
    if len(word) >= MIN_PLURAL_LENGTH and word.endswith("ies"):
        return f"{word[:-3]}y"
    is_plural = word.endswith("s") and not word.endswith("ss")
    return word[:-1] if is_plural and len(word) >= MIN_PLURAL_LENGTH else word


def _title_words(names: Iterable[KnownName]) -> dict[str, list[str]]:
    """List the words of each kind's own name that say something."""
    titles: dict[str, list[str]] = {}
    for name in names:
        if name.type is NameType.KIND and name.value not in titles:
            words = [stem(word) for word in name.value.split("_")]
            titles[name.value] = [word for word in words if word not in _GENERIC] or words
    return titles
