"""Amounts of money in a question, and the bounds that they set."""

import re
from dataclasses import dataclass
from decimal import Decimal

from knowledge.language.question_text import QuestionText, phrase

NUMBER_WORDS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "couple": 2,
}
SCALES = {
    "hundred": Decimal(100),
    "thousand": Decimal(1000),
    "grand": Decimal(1000),
    "k": Decimal(1000),
    "million": Decimal(1_000_000),
    "m": Decimal(1_000_000),
}
#: A number without a sign or unit is money from here on: "top 5" is not.
MIN_PLAIN_AMOUNT = 20
#: An amount that is named ("the £7,260 one") may have been rounded by so much.
ROUNDING = Decimal(1)

_CURRENCY = r"(?: (?:quid|pounds?|gbp|sterling|bucks|euros?))"
_SCALE = r"(?: (?:hundred|thousand|grand|million|k))"
_DIGITS = r"[£$€]?(?:£ )?\d[\d,]*(?:\.\d+)*(?:k|m)?\+?"
_WORDS = rf"(?:{'|'.join(NUMBER_WORDS)})(?: of)?(?: (?:and )?a half)?"
_AMOUNT = (
    rf"(?:{_DIGITS}{_SCALE}?{_CURRENCY}?\+?"
    rf"|(?:half a|{_WORDS}){_SCALE}{{1,2}}{_CURRENCY}?|(?:{_WORDS}){_CURRENCY})"
)
_UNITS = (
    r"(?:minutes?|hours?|days?|weeks?|fortnights?|months?|years?|am|pm|o'clock|percent|%|times?"
    r"|people|persons?|guests?|covers|bottles?|crates?|units?|approvals?|yes(?:es)?|cases?|ones"
    r"|exceptions?|items?|oldest|newest|biggest|largest|smallest|cheapest|not|messages|emails"
    r"|mails|calls|chairs|glasses|plates|kilos?|kg|litres?|miles|km|degrees|notes|seats|customers"
    r"|visitors|questions|problems|things|steps|pages)"
)
_ADJECTIVES = r"(?:unread|new|full|empty|other|different|separate|more|angry|hungry|extra|old)"
_MONTH_NAMES = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
)
_NO_MONEY_UNITS = rf"(?: (?:(?:{_ADJECTIVES} )?{_UNITS}|(?:of )?{_MONTH_NAMES})(?![^ ]))"
#: People who speak other languages at home compare with other words.
_THAN = r"(?:than|then|as|that|to)"
_LESS = (
    rf"(?:under|below|beneath|(?:less|lower|smaller|cheaper|littler|fewer) {_THAN}|up to|inside"
    rf"|at most|(?:no|not) (?:more|bigger|higher|larger|dearer) {_THAN}|not over|no bigger"
    r"|max(?:imum)?(?: of)?|within|not above|<=?|not exceeding|short of|at or (?:below|under)"
    r"|(?:capped|topping out) at)"
)
_MORE = (
    rf"(?:over|above|(?:more|greater|bigger|larger|higher|dearer|costlier|pricier) {_THAN}|beyond"
    rf"|(?:no|not) (?:less|lower|smaller|cheaper) {_THAN}|at least|exceeding|exceeds?|>=?|past"
    r"|upwards? (?:of|from)|north of|surpass(?:es|ing|ed)?|pass(?:es|ing)?|exceeded"
    r"|(?:that|which|cases|ones) top|(?:go|goes|going|went|gone) (?:over|above|past|beyond)"
    r"|min(?:imum)?(?: of)?|not (?:under|below)|in excess of"
    r"|topping|tops|(?:starting|beginning) (?:at|from|with)|up from|at or (?:above|over)"
    r"|(?:anything|something|everything|cases|ones|stuff) from(?! \d+ )"
    r"|from(?= (?:[^ ]+ ){1,3}(?:on|onwards?|upwards?|up|and up|plus|or more)(?![^ ])))"
)
_MORE_AFTER = (
    r"(?:or|and) (?:more|over|up|above|higher|upwards?|bigger|larger|greater|beyond)|plus"
    r"|upwards?|onwards?|(?:at|as a) (?:least|minimum)|min(?:imum)?"
)
_LESS_AFTER = (
    r"(?:or|and) (?:less|under|below|lower|smaller|down|cheaper)|tops|at most|max(?:imum)?"
    r"|as a maximum|at the most"
)
_ABOUT = (
    r"(?:about|around|roughly|circa|approx(?:imately)?|some|near(?:ly)?|almost|close to|say"
    r"|(?:some(?:where|thing) |any(?:where|thing) )?(?:about|around|near|like|round(?: about)?"
    r"|in the (?:region|neighbourhood|neighborhood|ballpark|area|order) of))"
)
_ABOUT_AFTER = r"(?:or so|or thereabouts|ish|mark|give or take|odd)"
_RANGE_NOUN = r"(?:range|region|bracket|band|window|span|corridor)"
_TO = r"(?:and|to|until|till|up to|through|or|-)"
_BARE = r"(?:two|three|four|five|six|seven|eight|nine|ten|one|\d{1,3})"

BETWEEN = phrase(
    rf"(?:between|from|within|(?:in|within) (?:the |a )?{_RANGE_NOUN}(?: of| from| between)?"
    rf"|rang(?:e|es|ing)(?: from| between| of)?|anywhere from|somewhere from|betw|btw)"
    rf" (?P<low>{_AMOUNT}|{_BARE}) {_TO} (?P<high>{_AMOUNT})(?!{_NO_MONEY_UNITS})",
    rf"{_MORE} (?P<low_over>{_AMOUNT}|{_BARE}) (?:but|and)(?: also)? {_LESS}"
    rf" (?P<high_under>{_AMOUNT})(?!{_NO_MONEY_UNITS})",
    rf"(?P<low_bare>{_AMOUNT}|{_BARE}) {_TO} (?P<high_bare>{_AMOUNT})(?!{_NO_MONEY_UNITS})"
    rf"(?: (?:[^ ]+ )?{_RANGE_NOUN})?",
)
RANGE = phrase(
    r"(?P<low>[£$€]?\d[\d,]*(?:\.\d+)*k?)[-–](?P<high>[£$€]?\d[\d,]*(?:\.\d+)*k?)"
    rf"(?P<unit>{_SCALE}?{_CURRENCY}?)"
)
LIMIT = phrase(
    rf"(?:(?P<less>{_LESS})|(?P<more>{_MORE})) (?:{_ABOUT} )?"
    r"(?:(?:a|the|(?:an?|the) (?:amount|value|total|stake|sum|mark|limit|line) of) "
    r"(?=[£$€]?\d|couple))?"
    rf"(?P<amount>{_AMOUNT})(?!{_NO_MONEY_UNITS})"
    r"(?: (?:mark|limit|threshold|line|barrier)(?![^ ]))?"
)
LIMIT_AFTER = phrase(
    rf"(?P<amount>{_AMOUNT}) (?:(?P<less>{_LESS_AFTER})|(?P<more>{_MORE_AFTER}))"
    rf"(?!{_NO_MONEY_UNITS})"
)
NAMED = phrase(
    rf"(?:(?P<about>{_ABOUT}) )?(?P<amount>{_AMOUNT})(?: (?P<about_after>{_ABOUT_AFTER}))?"
    rf"(?!{_NO_MONEY_UNITS})"
)
#: "Three figures" is 100 to 999.
FIGURES = phrase(
    r"(?:(?P<count>two|three|four|five|six|seven|[2-7]|double|triple)(?:-| )(?:figures?|digits?))"
    r"(?: (?:amounts?|sums?|stakes?|values?))?"
)
#: "In the low thousands".
TENFOLDS = phrase(
    r"(?:in(?:to)? )(?:the )?(?:(?:low|lower|mid|high|upper|many) )?(?P<scale>hundreds|thousands)"
)
_FIGURES = {"two": 2, "double": 2, "three": 3, "triple": 3, "four": 4, "five": 5, "six": 6}
_FIGURES["seven"] = 7
#: An amount that is named roughly may be so much less or more.
TOLERANCE = Decimal("0.2")
#: "About 250" without a sign is money from here on.
MIN_ROUGH_AMOUNT = 50
#: After these, a number is that of a case: "tell me about 537".
ASKS_ABOUT = phrase(
    r"(?:me|what|how|all|more|anything|know|info|information|details?|news|happened)"
)
BEFORE_MINUTES = frozenset({"in", "within", "for", "last", "past", "next", "another", "about"})
_DECIMAL_COMMA = re.compile(r",(?=\d{1,2}$)")
#: "1.000" is a thousand where people write so at home.
_POINTS_OF_THOUSANDS = re.compile(r"^[1-9]\d{0,2}(?:\.\d{3})+$")
_SIGN = re.compile(r"\d[km]\b|quid|pound|gbp|euro|sterling|bucks|grand|thousand|hundred|million")
_PARTS = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)*)(?P<scale>[km])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeBounds:
    """The least and the most that a stake may be."""

    least: Decimal | None = None
    most: Decimal | None = None


def take_money(text: QuestionText) -> None:
    """Replace the amounts of a question by masks with their bounds."""
    _take_figures(text)
    _take_between(text)
    _take_limits(text)
    _take_named(text)


def _take_figures(text: QuestionText) -> None:
    """Take "four figures" and "in the thousands"."""
    for match in reversed(list(text.find_all(FIGURES))):
        words = match["count"]
        count = int(words) if words.isdigit() else _FIGURES[words]
        _put(
            text, match, 0, bounds=StakeBounds(least=Decimal(10) ** (count - 1), most=_most(count))
        )
    for match in reversed(list(text.find_all(TENFOLDS))):
        count = len("100") if match["scale"] == "hundreds" else len("1000")
        _put(
            text, match, 0, bounds=StakeBounds(least=Decimal(10) ** (count - 1), most=_most(count))
        )


def _most(count: int) -> Decimal:
    """Return the largest whole number with so many digits."""
    return Decimal(10) ** count - 1


def _put(text: QuestionText, match: re.Match[str], group: int | str, bounds: StakeBounds) -> None:
    """Replace a group of a match by its bounds.

    The whole match is understood.
    """
    text.explain(match)
    text.replace(*text.bounds(match, group), "money", bounds)


def _take_between(text: QuestionText) -> None:
    for pattern in (BETWEEN, RANGE):
        for match in reversed(list(text.find_all(pattern))):
            low, high = _ends(match)
            is_bare = pattern is BETWEEN and match["low_bare"] is not None
            if _is_range(low, high, match, is_bare=is_bare):
                bounds = _bounds_between(low, high)
                text.explain(match)
                text.replace(*text.bounds(match), "money", bounds)


def _ends(match: re.Match[str]) -> tuple[str, str]:
    """Return the words of both ends of a range."""
    groups = match.groupdict()
    low = groups["low"] or groups.get("low_over") or groups.get("low_bare")
    high = groups["high"] or groups.get("high_under") or groups.get("high_bare")
    return low or "", f"{high}{groups.get('unit') or ''}"


def _is_range(low: str, high: str, match: re.Match[str], *, is_bare: bool) -> bool:
    """Tell whether these are two amounts of money."""
    if is_bare and not re.search(rf"{_RANGE_NOUN}$", match[0]):
        return _has_sign(low) or _has_sign(high)
    return _is_money(low, _amount(low)) or _is_money(high, _amount(high))


def _bounds_between(low_words: str, high_words: str) -> StakeBounds:
    low, high = _amount(low_words), _amount(high_words)
    scale = _scale(high_words)
    # "Between 2 and 5k", "between one and three hundred"
    if scale > 1 and _scale(low_words) == 1 and low * scale < high:
        low *= scale
    return StakeBounds(least=min(low, high), most=max(low, high))


def _scale(words: str) -> Decimal:
    """Return the unit in which an amount is counted: thousands, say."""
    digits = _PARTS.search(words)
    scale = SCALES.get(digits["scale"] or "", Decimal(1)) if digits else Decimal(1)
    for word in words.split():
        scale *= SCALES.get(word, Decimal(1))
    return scale


def _take_limits(text: QuestionText) -> None:
    for pattern in (LIMIT_AFTER, LIMIT):
        for match in reversed(list(text.find_all(pattern))):
            amount = _amount(match["amount"])
            if not _is_money(match["amount"], amount) or _is_minutes(text, match):
                continue
            is_least = match["more"] is not None
            bounds = StakeBounds(least=amount) if is_least else StakeBounds(most=amount)
            _put(text, match, "amount", bounds=bounds)


def _is_minutes(text: QuestionText, match: re.Match[str]) -> bool:
    """Tell whether "min" is short for minutes: "in 20 min"."""
    if match["more"] != "min" or _has_sign(match["amount"]):
        return False
    before = text.text[: match.start()].split()
    return bool(before) and before[-1] in BEFORE_MINUTES


def _take_named(text: QuestionText) -> None:
    for match in reversed(list(text.find_all(NAMED))):
        words = match["amount"]
        amount = _amount(words)
        is_at_least = words.endswith("+") and _is_money(words, amount)
        is_rough = match["about"] is not None or match["about_after"] is not None
        is_amount = is_at_least or _has_sign(words) or (is_rough and _is_rough(text, match, amount))
        if not is_amount:
            continue
        if is_at_least:
            bounds = StakeBounds(least=amount)
        elif is_rough:
            bounds = _band(amount)
        else:
            bounds = StakeBounds(least=amount - ROUNDING, most=amount + ROUNDING)
        _put(text, match, "amount", bounds=bounds)


def _is_rough(text: QuestionText, match: re.Match[str], amount: Decimal) -> bool:
    """Tell whether a rough number without a sign is money."""
    if amount < MIN_ROUGH_AMOUNT:
        return False
    before = text.text[: match.start()].split()
    asks_about = match["about"] == "about" and bool(before) and ASKS_ABOUT.match(before[-1])
    return not asks_about


def _band(amount: Decimal) -> StakeBounds:
    """Return the bounds of a rough amount, in whole pounds."""
    margin = amount * TOLERANCE
    return StakeBounds(least=Decimal(round(amount - margin)), most=Decimal(round(amount + margin)))


def _is_money(words: str, amount: Decimal) -> bool:
    return _has_sign(words) or amount >= MIN_PLAIN_AMOUNT


def _has_sign(words: str) -> bool:
    """Tell whether a currency or a scale shows that this is money."""
    if re.match(r"[£$€]", words):
        return True
    return _SIGN.search(words) is not None


def _decimal(number: str) -> Decimal:
    """Read a number; of several points the last one counts."""
    whole, point, rest = number.rpartition(".")
    return Decimal(f"{whole.replace('.', '')}{point}{rest}")


def _amount(words: str) -> Decimal:
    """Compute "two and a half grand", "£1,500", "1.5k"."""
    digits = _PARTS.search(words)
    amount = Decimal(0)
    scale = Decimal(1)
    if digits is not None:
        # "1,5k" is one and a half thousand.
        number = _DECIMAL_COMMA.sub(".", digits["number"])
        if _POINTS_OF_THOUSANDS.match(number):
            number = number.replace(".", "")
        amount = _decimal(number.replace(",", ""))
        scale = SCALES.get(digits["scale"] or "", scale)
    elif words.startswith("half a "):
        amount = Decimal("0.5")
    else:
        amount = Decimal(NUMBER_WORDS[words.split()[0]])
        if "a half" in words:
            amount += Decimal("0.5")
    for word in words.split():
        if word in SCALES:
            scale *= SCALES[word]
    return amount * scale
