"""Readings of questions, without a chat model.

Names, amounts and times are found first and masked. Rules and a learned classifier say what is
asked of the rest; tables of words say of which cases. What nobody understood is left aside and
narrows nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.clock import utc_now
from bot.ports.language import QuestionClassifier
from bot.views.query import (
    ANY_CASE,
    ME,
    About,
    Act,
    Ask,
    Condition,
    Grouping,
    KnownName,
    LastDecision,
    Measure,
    NameType,
    Order,
    Query,
    QuestionContext,
    Reading,
)
from knowledge.language import asks, follow_ups, left_aside
from knowledge.language.asks import LISTS, ONE_CASE, AskChoice
from knowledge.language.conditions import Filters, find_filters
from knowledge.language.kinds import KindChoice, KindFinder
from knowledge.language.money import take_money
from knowledge.language.names import Mention, NameIndex, plain
from knowledge.language.orders import Ordering, find_grouping, find_ordering
from knowledge.language.question_text import QuestionText, phrase, split_question
from knowledge.language.spelling import correct_keywords
from knowledge.language.time_words import TimeExpression, take_times

CASE_ID = phrase(
    r"(?:case |exception |card )?(?:number |no |nr )?#?ex[- ]?(?P<number>\d{1,9})",
    r"(?:case|exception|card) (?:number |no |nr |id )?#?(?P<number2>\d{1,9})",
    r"^#?(?P<number3>\d{1,9})$",
)
THIS_CASE = phrase(
    r"(?:this|that|the) (?:one|case|exception|card|thing)|it|this|that|its|they|them|these|these ones"
)
ONLY_CASE = re.compile(r"^(?:\{case\}|(?:what is|and|show|show me|open|see|find|about|details|get|pull up) (?:with |up with |about |on |is )?\{case\}(?: about)?)$")
WORTH = phrase(r"how many|number of|count")


class QuestionReading:
    """Reads questions by rules and a learned classifier."""

    def __init__(
        self, classifier: QuestionClassifier, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._classifier = classifier
        self._clock = clock
        self._kinds = KindFinder(classifier)
        self._index: tuple[tuple[KnownName, ...], NameIndex] = ((), NameIndex(()))
