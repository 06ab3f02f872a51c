"""The kind of cases that a question is about."""

from collections.abc import Iterable, Mapping, Sequence

from bot.ports.language import QuestionClassifier
from bot.views.query import KnownName, NameType
from knowledge.language.names import plain
from knowledge.language.question_text import QuestionText, phrase
from knowledge.language.question_words import PLAIN_WORDS, word_set

#: From this confidence on, a guess is taken.
MIN_CONFIDENCE = 0.6
#: What only plain words say must be this sure.
PLAIN_CONFIDENCE = 0.75
#: A guess against a kind that the words name must be this sure.
SURE_CONFIDENCE = 0.9
#: Two kinds that share a question so evenly are both meant.
MIN_SHARE = 0.3
#: Words belong to a kind when the guess loses so much without them.
MIN_LOSS = 0.35
#: Or when they alone name it so surely.
MIN_WORDS_CONFIDENCE = 0.4
#: Each of two kinds that are named together must be this sure.
MIN_JOINED_CONFIDENCE = 0.6
_PLURAL = r"(?:[a-z]+ )?[a-z]{3,}s"
JOINED = phrase(
    rf"(?P<left>{_PLURAL}) (?:and|or|&|plus|and also|as well as) (?:the )?(?P<right>[a-z]{{4,}}s)"
)
MIN_PLURAL_LENGTH = 4
#: The first word of a kind's name says most.
FIRST_WORD_WEIGHT = 2
_GENERIC = word_set("low high cold warm due open no not service general other unrecognised")


class KindFinder:
    """Finds kinds by their names and by a classifier."""

    def __init__(self, classifier: QuestionClassifier) -> None:
        self._classifier = classifier

    def find(self, text: QuestionText, names: Iterable[KnownName]) -> tuple[str, ...]:
        """Return the kinds of a masked question."""
        title_kind = find_named(text.words, title_words(names))
        guesses = self._classifier.kinds(text.text)
        best = guesses[0] if guesses else None
        is_against = best is not None and best.label and best.confidence >= SURE_CONFIDENCE
        joint_kinds = self._find_joined(text)
        if len(joint_kinds) > 1:
            return joint_kinds
        if title_kind and not is_against:
            return (title_kind,)
        if best is not None and best.label and best.confidence >= MIN_CONFIDENCE:
            return (best.label,)
        plain_kind = self._find_in_plain_words(text)
        if plain_kind:
            return (plain_kind,)
        if best is None or not best.label:
            return ()
        rival_kinds = [
            guess.label for guess in guesses[:2] if guess.label and guess.confidence >= MIN_SHARE
        ]
        return tuple(rival_kinds) if len(rival_kinds) > 1 else ()

    def _find_in_plain_words(self, text: QuestionText) -> str:
        """Return the kind of a question whose rarer words are put plainly."""
        plain_text = put_plainly(text.words)
        guesses = self._classifier.kinds(plain_text) if plain_text != text.text else []
        is_sure = bool(guesses) and guesses[0].confidence >= PLAIN_CONFIDENCE
        return guesses[0].label if is_sure else ""

    def is_sure(self, text: QuestionText, kinds: Sequence[str], names: Iterable[KnownName]) -> bool:
        """Tell whether the words name the kinds, or nothing else is likely."""
        if len(kinds) > 1 or find_named(text.words, title_words(names)) in kinds:
            return True
        return all(self._confidence(text.text, kind) >= SURE_CONFIDENCE for kind in kinds)

    def _find_joined(self, text: QuestionText) -> tuple[str, ...]:
        """Return the kinds of two plurals that "and" or "or" joins."""
        for match in text.find_all(JOINED):
            kinds = []
            for part in (match["left"], match["right"]):
                guesses = self._classifier.kinds(part)
                is_sure = bool(guesses) and guesses[0].confidence >= MIN_JOINED_CONFIDENCE
                if is_sure and guesses[0].label:
                    kinds.append(guesses[0].label)
            if len(set(kinds)) > 1:
                return tuple(kinds)
        return ()

    def explains(
        self,
        text: QuestionText,
        words: Sequence[str],
        kinds: Sequence[str],
        names: Iterable[KnownName],
        *,
        is_strict: bool = False,
    ) -> bool:
        """Tell whether these words of a question speak for its kinds.

        ``is_strict``: each of them must do so alone.
        """
        titles = title_words(names)
        if is_strict:
            return all(self._names_any(word, kinds, titles) for word in words)
        rest = " ".join(word for word in text.words if word not in words)
        for kind in kinds:
            if any(stem(word) in titles.get(kind, ()) for word in words):
                return True
            is_put_plainly = self._confidence(text.text, kind) < MIN_CONFIDENCE
            if is_put_plainly and any(word in PLAIN_WORDS for word in words):
                return True
            loss = self._confidence(text.text, kind) - self._confidence(rest, kind)
            if loss >= MIN_LOSS:
                return True
            if self._confidence(" ".join(words), kind) >= MIN_WORDS_CONFIDENCE:
                return True
        return False

    def _names_any(
        self, word: str, kinds: Sequence[str], titles: Mapping[str, Sequence[str]]
    ) -> bool:
        return any(
            stem(word) in titles.get(kind, ())
            or self._confidence(word, kind) >= MIN_WORDS_CONFIDENCE
            for kind in kinds
        )

    def _confidence(self, text: str, kind: str) -> float:
        guesses = self._classifier.kinds(text)
        return next((guess.confidence for guess in guesses if guess.label == kind), 0.0)


def put_plainly(words: Iterable[str]) -> str:
    """Put words that few people use as most say it."""
    return " ".join(PLAIN_WORDS.get(word, word) for word in words)


def find_named(words: Iterable[str], titles: Mapping[str, Sequence[str]]) -> str:
    """Return the one kind that the words name, or nothing."""
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
    return kinds[0] if best >= FIRST_WORD_WEIGHT and len(kinds) == 1 else ""


def stem(word: str) -> str:
    """Cut off a plural: "invoices" names an invoice."""
    word = plain(word)
    if len(word) >= MIN_PLURAL_LENGTH and word.endswith("ies"):
        return f"{word[:-3]}y"
    is_plural = word.endswith("s") and not word.endswith("ss")
    return word[:-1] if is_plural and len(word) >= MIN_PLURAL_LENGTH else word


def title_words(names: Iterable[KnownName]) -> dict[str, list[str]]:
    """List the words of each kind's own name that say something."""
    titles: dict[str, list[str]] = {}
    for name in names:
        if name.type is NameType.KIND and name.value not in titles:
            words = [stem(word) for word in name.value.split("_")]
            titles[name.value] = [word for word in words if word not in _GENERIC] or words
    return titles
