"""The part of a long question that asks, after a story."""

from knowledge.language.question_text import QuestionText, phrase

#: Shorter questions have no story before them.
MIN_WORDS = 16
#: A story has so many words, and a request too.
MIN_STORY_WORDS = 5
MIN_REQUEST_WORDS = 3
_SHOW = (
    r"(?:show|pull|give|tell|list|find|get|bring|let me|send|check|fetch|look|can|could|would|will"
    r"|which|what|is there|are there|have you|do you|how many|how much|any|anything|who|where|when)"
)
#: "I mean", "that is".
RESTATED = (["i", "mean"], ["that", "is"], ["i", "e"])
#: The first of these that fits begins the request.
MARKERS = (
    phrase(rf"so (?:please |can you |could you |now |just |then |quickly )*{_SHOW}"),
    phrase(
        r"(?:please|can you|could you|would you|can somebody|can someone)"
        rf" (?:please |just |quickly )*{_SHOW}"
    ),
    phrase(
        r"(?:just |quickly )?(?:show|tell|give|bring|send|get) (?:me|us)|pull up|list (?:all|the)"
    ),
    phrase(
        r"(?:which|what) (?:of|are|is|cases|ones|do|does|did|have|has)|how (?:many|much)"
        r"|is there|are there|have you got|any of|do (?:i|we) have|anything"
    ),
    phrase(r"(?:is )?(?:whatever|everything) (?:is|are|was|were|has|still|came|we|i|that)"),
)


def find_request(text: QuestionText) -> QuestionText:
    """Return the words that ask.

    That is the whole question where there is no story. The tokens are those of the question: what
    is understood in one is understood in both.
    """
    if len(text.tokens) < MIN_WORDS:
        return text
    for marker in MARKERS:
        for match in text.find_all(marker):
            first, _ = text.bounds(match)
            if first < MIN_STORY_WORDS:
                continue
            if text.words[first - 2 : first] in RESTATED:
                # The same is asked again, in other words.
                return text
            if len(text.tokens) - first >= MIN_REQUEST_WORDS:
                return QuestionText(text.tokens[first:])
    return text
