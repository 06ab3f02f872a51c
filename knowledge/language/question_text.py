"""A question as words: normalised, bounded, and marked as they are understood.

``normalise`` is what a classifier is trained on and asked with: lower case, single blanks, plain
apostrophes, no punctuation, usual abbreviations written out. Names, numbers and times are replaced
by masks (``{person}``, ``{money}``, ``{period}`` …) as they are found.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from knowledge.language.question_words import ABBREVIATIONS

MAX_QUESTION_LENGTH = 2000
MAX_WORD_LENGTH = 60
#: People ask in fewer; what follows is not read.
MAX_WORDS = 150
APOSTROPHES = str.maketrans("’‘`´ʼ", "'''''")
# A mention of Slack, a mask, a number with its signs, a word, or a sign that means something.
PIECE = re.compile(
    r"<[@#!][^<>\s|]{1,40}(?:\|[^<>]{0,40})?>"
    r"|\{[a-z]{1,12}\}"
    r"|[£$€]?\d+(?:[.,:/-]\d+)*\w*[+%]?"
    r"|[#@]?\w+(?:['/&.-]\w+)*"
    r"|[<>]=?|[&£*?]"
)
#: "Ben covers 4 me".
SHORT_FOR = re.compile(r"(?<![\w£$€.,])4 (?=(?:me|us|him|her|them|u|you|ya)\b)", re.IGNORECASE)
SHORT_TO = re.compile(r"(?<![\w£$€.,])2 (?=(?:me|us|him|her|them)\b)", re.IGNORECASE)
SHORT_WITH = re.compile(r"\bw/(?!o\b)\s?", re.IGNORECASE)

#: "250ish".
ROUGHLY = re.compile(r"(?<=[\dk])-?ish\b", re.IGNORECASE)
#: Between two numbers: "200 - 500".
SPACED_DASH = re.compile(r"(?<=[\dk]) [-–—] (?=[£$€]?\d)|(?<=\d)[–—](?=[£$€]?\d)")


@dataclass(slots=True, kw_only=True)
class Token:
    """A word or mask, and how the asker wrote it."""

    word: str
    spelling: str
    #: The place of its piece in the question: the words of one abbreviation share it.
    place: int
    #: What was found here, where the word is a mask.
    value: object = None
    is_explained: bool = False
    #: It was typed with a slip.
    is_corrected: bool = False


class QuestionText:
    """The words of a question."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.tokens = list(tokens)
        self.join()

    @property
    def words(self) -> list[str]:
        """List the words and masks."""
        return [token.word for token in self.tokens]

    def search(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Find the first occurrence of a phrase."""
        return pattern.search(self.text)

    def find_all(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Find all occurrences of a phrase that is not replaced meanwhile."""
        return pattern.finditer(self.text)

    def bounds(self, match: re.Match[str], group: int | str = 0) -> tuple[int, int]:
        """Return the range of tokens of a match."""
        first = bisect_right(self._starts, match.start(group)) - 1
        last = bisect_right(self._starts, max(match.start(group), match.end(group) - 1)) - 1
        return first, last + 1

    def tokens_of(self, match: re.Match[str], group: int | str = 0) -> list[Token]:
        """List the tokens of a match."""
        first, last = self.bounds(match, group)
        return self.tokens[first:last]

    def explain(self, match: re.Match[str], group: int | str = 0) -> None:
        """Note that these words were understood."""
        for token in self.tokens_of(match, group):
            token.is_explained = True

    def take(self, pattern: re.Pattern[str]) -> bool:
        """Tell whether a phrase occurs, and note that it was understood."""
        return bool(self.take_tokens(pattern))

    def take_tokens(self, pattern: re.Pattern[str]) -> list[Token]:
        """Return the words of all occurrences of a phrase.

        They count as understood from then on.
        """
        tokens = [token for match in self.find_all(pattern) for token in self.tokens_of(match)]
        for token in tokens:
            token.is_explained = True
        return tokens

    def take_new(self, pattern: re.Pattern[str]) -> list[Token]:
        """Take the occurrences that begin with a word not yet understood."""
        new_tokens: list[Token] = []
        for match in self.find_all(pattern):
            if not self.tokens_of(match)[0].is_explained:
                self.explain(match)
                new_tokens += self.tokens_of(match)
        return new_tokens

    def replace(self, first: int, last: int, mask: str, value: object) -> None:
        """Replace tokens from ``first`` to before ``last`` by a mask."""
        pieces = dict.fromkeys((token.place, token.spelling) for token in self.tokens[first:last])
        token = Token(
            word=f"{{{mask}}}",
            spelling=" ".join(spelling for _, spelling in pieces),
            place=self.tokens[first].place,
            value=value,
            is_explained=True,
        )
        self.tokens[first:last] = [token]
        self.join()

    def values(self, mask: str) -> list[object]:
        """List what was found under a mask."""
        word = f"{{{mask}}}"
        return [
            token.value for token in self.tokens if token.word == word and token.value is not None
        ]

    def join(self) -> None:
        """Join the words anew after a change."""
        self.text = " ".join(self.words)
        self._starts = []
        start = 0
        for token in self.tokens:
            self._starts.append(start)
            start += len(token.word) + 1


def split_question(text: str) -> QuestionText:
    """Split a question into words, abbreviations written out."""
    text = unicodedata.normalize("NFKC", text[:MAX_QUESTION_LENGTH])[:MAX_QUESTION_LENGTH]
    text = text.translate(APOSTROPHES).replace("&amp;", "&")
    text = text.replace("&gt;", ">").replace("&lt;", "<")
    text = SHORT_WITH.sub("with ", text)
    text = SHORT_TO.sub("to ", SHORT_FOR.sub("for ", text))
    text = SPACED_DASH.sub("-", text)
    text = ROUGHLY.sub(" ish", text)
    tokens: list[Token] = []
    for place, match in enumerate(PIECE.finditer(text)):
        spelling = match[0][:MAX_WORD_LENGTH]
        for word in _write_out(spelling.casefold()):
            tokens.append(Token(word=word, spelling=spelling, place=place))
        if len(tokens) >= MAX_WORDS:
            break
    return QuestionText(tokens)


def normalise(text: str) -> str:
    """Return the text as a classifier reads it, masks included."""
    return split_question(text).text


#: Words of the phrases that are looked for: none of them is a slip for another.
PHRASE_WORDS: set[str] = set()
_WORD = re.compile(r"(?<![a-z\\\[])[a-z]{4,}")


def phrase(*alternatives: str) -> re.Pattern[str]:
    """Compile a pattern of whole words."""
    for words in alternatives:
        PHRASE_WORDS.update(_WORD.findall(words))
    return re.compile(rf"(?<![^ ])(?:{'|'.join(alternatives)})(?![^ ])")


def _write_out(word: str) -> tuple[str, ...]:
    if word == "?":
        return ()
    words = ABBREVIATIONS.get(word)
    if words is not None:
        return words
    if word.endswith("'s") and len(word) > len("'s"):
        return (word[:-2],)
    return (word,)
