"""Recognition of requests written in another style than the examples.

Six styles by rules, of one hand: what they show is whether a change helps when people write
otherwise, not how right recognition is on real requests. Paraphrases by a language model are not
among them, since the product ships none.
"""

import random
import re
from collections import Counter
from itertools import pairwise

import numpy as np

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.recogniser import best_kind_position
from knowledge.learning.recogniser_training import PENALTY, train_kinds
from tests.bench.knowledge.figures import report, share_of
from tests.bench.knowledge.recognition import banking77_splits, clinc150_splits

MAX_EXAMPLES_PER_KIND = 60
MAX_QUESTIONS = 600

WORD = re.compile(r"[\w']+")

SHORT_FORMS = {
    "do not": "don't",
    "does not": "doesn't",
    "did not": "didn't",
    "is not": "isn't",
    "are not": "aren't",
    "was not": "wasn't",
    "has not": "hasn't",
    "have not": "haven't",
    "cannot": "can't",
    "could not": "couldn't",
    "would not": "wouldn't",
    "will not": "won't",
    "i am": "i'm",
    "i have": "i've",
    "i will": "i'll",
    "i would": "i'd",
    "it is": "it's",
    "what is": "what's",
    "where is": "where's",
    "how is": "how's",
    "that is": "that's",
    "there is": "there's",
    "who is": "who's",
}

SMALL_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a an the i me my mine we our you your is are was were be been am do does did have has had to
        of for in on at it this that there so would could can will shall should please if and or
        with what how why when where which who as by from about need want like
        """,
    )
)

GREETINGS = (
    "Hi there, I hope you are well. Could you please help me with this:",
    "Good morning! I would be very grateful if somebody could look at the following.",
    "Dear team, sorry to bother you again, but",
    "Hello, quick question if I may:",
)
THANKS = (
    "Thank you so much in advance for your kind help.",
    "Many thanks and have a lovely day!",
    "Please let me know when you get a chance, thanks a lot.",
    "I really appreciate it, thank you.",
)
SUBJECTS = ("Question", "Your service", "Urgent", "Follow-up on my last mail", "Request", "Account")
PADDING = (
    "I have been a customer for several years and have always been content so far.",
    "I tried to reach you by phone yesterday but nobody picked up.",
    "My colleague told me that you are the right address for this.",
    "We are rather busy this week, so a short answer will do.",
)
SIGNATURES = (
    "Best regards\nAnna Keller\nTel. 030 5551234",
    "Kind regards,\nJ. Miller | Operations | Tel 555-0199",
    "Sent from my phone",
    "Cheers\nTom",
)


def styles(minilm):
    """Measure the words' own voice on both sets, in each style."""
    measure_styles("CLINC150", minilm, *clinc150_splits())
    measure_styles("BANKING77", minilm, *banking77_splits())


def measure_styles(name, minilm, training, questions):
    examples = [TrainingExample(text, kind, {}) for text, kind in draw_examples(training)]
    vectors = minilm.embed([example.text for example in examples])
    with_words = train_kinds(examples, vectors)
    without_words = train_linear_model(examples, vectors, penalty=PENALTY)
    dice = random.Random(0)
    questions = dice.sample(questions, min(MAX_QUESTIONS, len(questions)))
    neighbours = similar_words([example.text for example in examples])
    gains = []
    for style in STYLES:
        texts = [
            write(style, text, random.Random(number), neighbours)
            for number, (text, _) in enumerate(questions)
        ]
        style_vectors = minilm.embed(texts)
        kinds = [kind for _, kind in questions]
        is_right = find_right(with_words, texts, style_vectors, kinds)
        was_right = find_right(without_words, texts, style_vectors, kinds)
        if style != "as written":
            gains.append(is_right.mean() - was_right.mean())
        report(
            f"{name} in style, {style}",
            best_guess=share_of(is_right),
            without_words_voice=share_of(was_right),
        )
    report(f"{name} in style, mean of the shifted ones", gain_of_words_voice=float(np.mean(gains)))


def draw_examples(training):
    """Draw examples of each kind, in the order of the file."""
    counts = Counter()
    for text, kind in training:
        counts[kind] += 1
        if counts[kind] <= MAX_EXAMPLES_PER_KIND:
            yield text, kind


def find_right(model, texts, vectors, kinds):
    answers = []
    for text, vector in zip(texts, vectors, strict=True):
        scores = model.score(text, {}, vector)
        answers.append(model.labels[best_kind_position(model.labels, scores)])
    return np.array(answers) == np.array(kinds)


STYLES = ("as written", "short forms", "polite", "telegram", "typos", "mail", "like words")


def write(style, text, dice, neighbours):
    """Write a text in this style."""
    match style:
        case "as written":
            return text
        case "short forms":
            return with_short_forms(text)
        case "polite":
            return f"{dice.choice(GREETINGS)} {text} {dice.choice(THANKS)}"
        case "telegram":
            return as_telegram(text, dice)
        case "typos":
            return " ".join(mistype(word, dice) for word in text.split())
        case "mail":
            return as_mail(text, dice)
        case "like words":
            return with_like_words(text, dice, neighbours)


def with_short_forms(text):
    """Shorten the words, or write them out where they are short."""
    text = text.lower().replace("’", "'")
    is_short = any(is_phrase(short, text) for short in SHORT_FORMS.values())
    for long, short in SHORT_FORMS.items():
        before, after = (short, long) if is_short else (long, short)
        text = re.sub(rf"\b{re.escape(before)}\b", after, text)
    return text


def is_phrase(phrase, text):
    return bool(re.search(rf"\b{re.escape(phrase)}\b", text))


def as_telegram(text, dice):
    words = WORD.findall(text.lower())
    telegram = " ".join([word for word in words if word not in SMALL_WORDS] or words)
    return telegram.upper() if dice.random() < 0.3 else telegram


def mistype(word, dice):
    """Swap, lose or double one letter inside every third longer word."""
    if len(word) < 4 or dice.random() >= 0.35:
        return word
    place = dice.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    slip = dice.random()
    if slip < 0.4:
        return before + after[0] + letter + after[1:]
    if slip < 0.75:
        return before + after
    return before + letter + letter + after


def as_mail(text, dice):
    body = f"{dice.choice(PADDING)} {text[:1].upper()}{text[1:]} {dice.choice(PADDING)}"
    return (
        f"Subject: {dice.choice(SUBJECTS)}\n\nDear Sir or Madam,\n\n{body}"
        f"\n\n{dice.choice(SIGNATURES)}"
    )


def with_like_words(text, dice, neighbours):
    words = WORD.findall(text.lower())
    return " ".join(
        dice.choice(neighbours[word]) if word in neighbours and dice.random() < 0.25 else word
        for word in words
    )


def similar_words(texts, *, max_words=1_500, max_contexts=400, min_uses=5, count=4):
    """Find for each word those that stand between the same words."""
    sentences = [WORD.findall(text.lower()) for text in texts]
    uses = Counter(word for words in sentences for word in words).most_common(max_words)
    vocabulary = [word for word, number in uses if number >= min_uses]
    rows = {word: row for row, word in enumerate(vocabulary)}
    columns = {word: column for column, (word, _) in enumerate(uses[:max_contexts])}
    counts = np.zeros((len(rows), 2 * len(columns)))
    for words in sentences:
        for left, right in pairwise(words):
            if left in rows and right in columns:
                counts[rows[left], len(columns) + columns[right]] += 1
            if right in rows and left in columns:
                counts[rows[right], columns[left]] += 1
    shares = counts / counts.sum()
    expected = shares.sum(1, keepdims=True) * shares.sum(0, keepdims=True)
    ratio = np.divide(shares, expected, out=np.ones_like(shares), where=expected > 0)
    information = np.log(np.maximum(ratio, 1))
    lengths = np.linalg.norm(information, axis=1, keepdims=True)
    information = information / np.where(lengths > 0, lengths, 1)
    similarities = information @ information.T
    np.fill_diagonal(similarities, 0)
    neighbours = {}
    for word, row in rows.items():
        nearest = np.argsort(-similarities[row])[:count]
        likes = [vocabulary[place] for place in nearest if similarities[row, place] > 0.25]
        likes = [like for like in likes if like not in SMALL_WORDS]
        if likes and word not in SMALL_WORDS:
            neighbours[word] = likes
    return neighbours
