"""Short human lines for small talk."""

import re
from collections.abc import Sequence

HELLO = "Hello! What would you like to know about your cases?"
THANKS = "You are welcome."
PRAISE = "Thank you, that is kind."
NOT_A_PERSON = "No, I am a program: Countersign. People decide here; I prepare and carry out."
HOW_ARE_YOU = "I am well, thank you. How can I help?"
GOODBYE = "Goodbye. I keep an eye on things."
SORRY = "I am sorry about that. Tell me which case or answer, and I will look again."
LAUGH = "Good. I am here when you need something."
OK = "All right. I am here when you need something."

#: The first that occurs decides; words come in the stems in which people write them.
_LINES: Sequence[tuple[str, str]] = (
    (
        r"(real|actual) (person|human)|\b(human|robot|person|bot|machine|alive|chatbot|ai)\b",
        NOT_A_PERSON,
    ),
    (r"how are (you|u)|how('s| is) it going|hows it going|how do you do|you ok\b", HOW_ARE_YOU),
    (r"\b(thx|ty|tx|cheers|ta|thank\w*|appreciate\w*|much obliged|merci|danke|gracias)\b", THANKS),
    (r"\b(useless|stupid|rubbish|terrible|idiot|hate|annoying|worst|dumb)\b", SORRY),
    (
        r"\b(best|great|brilliant|awesome|amazing|love|lovely|perfect|star|legend|wonderful|nice"
        r"|well done|good (job|work|bot)|clever|helpful|fantastic|champ\w*|hero)\b",
        PRAISE,
    ),
    (r"\b(bye|goodbye|good night|see (you|ya)|later|cya|night|nite)\b", GOODBYE),
    (
        r"\b(hi|hiya|hey|hello|yo|morning|mornin|afternoon|evening|greetings|howdy|alright mate)\b",
        HELLO,
    ),
    (r"\b(lol|haha\w*|hehe\w*|lmao|rofl)\b", LAUGH),
)


def small_talk_reply(words: str) -> str:
    """Answer a greeting, thanks, praise and the like with one fitting line."""
    text = " ".join(words.casefold().replace("’", "'").split())[:200]
    for pattern, line in _LINES:
        if re.search(pattern, text):
            return line
    return OK
