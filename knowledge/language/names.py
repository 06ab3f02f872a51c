"""Names in a question: people, groups, channels, and what cases are about.

Only names that the asker may know are looked for. The longest match wins; a slip of the keyboard
is forgiven in names that are long enough.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.views.query import KnownName, NameType
from knowledge.language.question_text import PHRASE_WORDS, PIECE, QuestionText
from knowledge.language.question_words import FILLERS, KEYWORDS, word_set

#: Shorter words must be written as they are.
MIN_FUZZY_LENGTH = 5
#: From this length on, two slips are forgiven.
MIN_LENGTH_FOR_TWO_SLIPS = 9
#: A part of a name stands for the whole when it is at least so long.
MIN_PART_LENGTH = 4
MAX_FUZZY_WORDS = 40
#: A name that is less like what was typed is doubtful.
MIN_SURE_SIMILARITY = 0.86
MASKS = {
    NameType.PERSON: "person",
    NameType.GROUP: "group",
    NameType.CHANNEL: "channel",
    NameType.TEXT: "name",
}
_KEYWORDS = frozenset(KEYWORDS)
#: Names of months and of people.
MONTHS = word_set("january april may june july august summer")
TIME_PREPOSITIONS = word_set("in since from until before after during of last this next early late")
PERSON_PREPOSITIONS = word_set("on with of by to about at for from via")
WORDS_AFTER_NAME = word_set(
    "please now today since is are was this last right still at until in yet who what which too"
    " also as"
)
DECIDING_WORDS = word_set("""
    approve approved reject rejected decide decided sign signed edit edited say said turn turned
    wave waved knock knocked let do done have got get own take taken claim raise raised hand handed
    any anything still already ever
    """)
#: Words that are in names by chance, and alone name nothing.
COMMON_PARTS = word_set("""
    and the of for with limited ltd llc inc plc group company sons brothers services service
    house order orders invoice invoices stock case cases supplier suppliers customer customers
    product products wine wines food event events booking bookings party lead leads shipment
    shipments task tasks note notes alert alerts contract contracts renewal check checks clean
    cleaning fire safety table direct supply supplies foods hotel hotels restaurant bar kitchen
    floor sales finance operations owners owner team dry red white rose london english green
    number done high down page system systems server disk memory error errors
    guest guests moan moans complaint complaints feedback cover covers shift shifts rota staff
    waiter chef porter manager managers lady gentleman couple family birthday anniversary wedding
    brunch breakfast lunch dinner supper menu dish dishes drink drinks beer cider spirit spirits
    cocktail coffee tea water milk bread cheese fish meat chicken beef lamb steak salad soup pasta
    pizza cake dessert oil salt sugar fruit vegetable vegetables bottle bottles case crate crates
    keg kegs barrel box boxes pack packs glass glasses plate plates linen towels laundry uniform
    uniforms till card cards machine machines terminal printer fridge freezer oven dishwasher boiler
    heating lights light door doors roof terrace garden cellar window toilet toilets sink drain
    extractor waste rubbish recycling pest delivery deliveries parcel parcels pallet courier carrier
    driver van truck goods item items damage damaged missing short late early wrong broken lost
    refund refunds credit payment payments bill bills quote quotes tender offer offers price prices
    discount deposit fee fees rent rate rates lease licence license insurance subscription
    subscriptions agreement agreements service software platform online website internet phone
    mobile email music licence energy electricity gas power telecom bank accountant audit payroll
    training recruitment marketing print printing design photo photos evidence temperature
    temperatures reading readings checklist evening morning night day week weekend month year spring
    summer autumn winter christmas easter new old big small large best good fresh hot cold warm open
    opening closing closed count counts counting list lists report reports office street road square
    market harbour vine quay room rooms hall club station north south east west first second third
    last main head local national general special private public daily weekly monthly annual hire
    rental cleaner maintenance repair repairs safe alarm security camera parking transport travel
    taxi flowers flower decoration furniture equipment tools parts spare stockroom store stores shop
    pool enquiry enquiries request requests tasting tour party parties group function conference
    meeting meetings reserve vintage grand prix premium classic select selection
    """)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name that was found."""

    type: NameType
    #: What stands for it in a condition.
    value: str
    #: It was typed so, or almost.
    is_sure: bool = True


class NameIndex:
    """The names that one asker may know, by their words."""

    def __init__(self, names: Iterable[KnownName]) -> None:
        self._by_word: dict[str, list[tuple[KnownName, list[str], list[str]]]] = defaultdict(list)
        self._by_account: dict[str, KnownName] = {}
        others = []
        for name in names:
            if name.type in MASKS:
                self._add(name)
            else:
                others.append(name)
        #: Kinds, sources and actions: few, and found by rules of their own.
        self.others = tuple(others)
        self._words: list[str] = []

    def _add(self, name: KnownName) -> None:
        if name.type is NameType.GROUP and "-" in name.name:
            # "floor-managers", as people say it: "the floor managers", "a floor manager".
            spoken_form = name.name.replace("-", " ")
            for form in (spoken_form, spoken_form.removesuffix("s")):
                self._add(KnownName(name.type, form, name.value))
        words, spellings = _split_name(name.name)
        for word in dict.fromkeys(words):
            self._by_word[word].append((name, words, spellings))
        if name.type is NameType.PERSON:
            account = name.value.rpartition("/")[2].casefold()
            self._by_account[account] = name

    def take_names(self, text: QuestionText) -> None:
        """Replace the names of a question by masks with what they name."""
        words = [plain(word) for word in text.words]
        corrections = self._correct(words)
        place = 0
        while place < len(text.tokens):
            match = None
            if not text.tokens[place].is_explained:
                typings = [token.spelling for token in text.tokens]
                match = self._longest(typings, words=words, corrections=corrections, place=place)
            if match is not None:
                length, mask, mention = match
                text.replace(place, place + length, mask=mask, value=mention)
                words[place : place + length] = [""]
            place += 1

    def _longest(
        self,
        typings: Sequence[str],
        *,
        words: list[str],
        corrections: dict[str, str],
        place: int,
    ) -> tuple[int, str, Mention] | None:
        account = typings[place].strip("<>@").partition("|")[0].casefold()
        if typings[place].startswith("<@") and account in self._by_account:
            name = self._by_account[account]
            return 1, MASKS[name.type], Mention(name.type, name.value)
        best: tuple[tuple[int, bool, int], tuple[int, str, Mention]] | None = None
        first = corrections.get(words[place], words[place])
        for name, parts, spellings in self._by_word.get(first, ()):
            begin = parts.index(first)
            length = _common_length(parts[begin:], words=words[place:], corrections=corrections)
            is_whole = begin == 0 and length == len(parts)
            # A later word of a name is often a word of its own: "Otis Price", "Ember Gas".
            is_later = begin > 0 and name.type is NameType.TEXT
            after = words[place + length] if place + length < len(words) else ""
            if is_later or not _fits_sign(name.type, typings[place], after):
                continue
            if not _is_named(name, parts[begin : begin + length], is_whole):
                continue
            is_person = name.type is NameType.PERSON
            if is_person and not _is_person(typings, words, place=place, length=length):
                continue
            value = name.value
            if name.type is NameType.TEXT and not is_whole:
                value = " ".join(spellings[begin : begin + length])
            rank = (length, is_whole, PREFERENCE.index(name.type))
            if best is None or rank > best[0]:
                is_sure = _is_alike(words[place : place + length], parts[begin : begin + length])
                mention = Mention(name.type, value, is_sure)
                best = rank, (length, MASKS[name.type], mention)
        return best[1] if best else None

    def _correct(self, words: list[str]) -> dict[str, str]:
        """Find the words of names that were typed with a slip."""
        corrections: dict[str, str] = {}
        if not self._words:
            self._words = [
                word
                for word in self._by_word
                if len(word) >= MIN_FUZZY_LENGTH and word not in COMMON_PARTS
            ]
        strange_words = [word for word in dict.fromkeys(words) if self._may_be_slip(word)]
        for word in strange_words[:MAX_FUZZY_WORDS]:
            slips = 2 if len(word) >= MIN_LENGTH_FOR_TWO_SLIPS else 1
            match = process.extractOne(word, self._words, scorer=OSA.distance, score_cutoff=slips)
            if match is not None and match[0][0] == word[0]:
                corrections[word] = match[0]
        return corrections

    def _may_be_slip(self, word: str) -> bool:
        if len(word) < MIN_FUZZY_LENGTH or not word.isalpha():
            return False
        is_word = word in FILLERS or word in _KEYWORDS or word in COMMON_PARTS
        return not is_word and word not in self._by_word


@lru_cache(maxsize=50_000)
def _split_name(name: str) -> tuple[list[str], list[str]]:
    """Return the words of a name, folded and as written."""
    spellings = [match[0] for match in PIECE.finditer(name) if match[0] not in "*?"]
    return [plain(spelling) for spelling in spellings], spellings


#: Of two names of one length, the later type is meant.
PREFERENCE = (NameType.TEXT, NameType.CHANNEL, NameType.GROUP, NameType.PERSON)


def plain(word: str) -> str:
    """Fold case and accents, without a leading "#" or "@"."""
    plain_word = word.casefold()
    if not plain_word.isascii():
        plain_word = unicodedata.normalize("NFKD", plain_word)
        plain_word = "".join(letter for letter in plain_word if not unicodedata.combining(letter))
    return plain_word.lstrip("#@").removesuffix("'s")


def _common_length(
    parts: Sequence[str], *, words: Sequence[str], corrections: dict[str, str]
) -> int:
    """Count the words of a name with which some words begin."""
    length = 0
    for part, word in zip(parts, words, strict=False):
        if corrections.get(word, word) != part:
            break
        length += 1
    return length


def _is_person(typings: Sequence[str], words: Sequence[str], *, place: int, length: int) -> bool:
    """Tell whether common words name a person: "with May", not "may I"."""
    if not all(map(_is_common, words[place : place + length])):
        return True
    if typings[place].startswith("@"):
        return True
    before = words[place - 1] if place else ""
    after = words[place + length] if place + length < len(words) else ""
    if typings[place][:1].isupper() and typings[place].endswith("'s"):
        return True
    is_time = words[place] in MONTHS and before in TIME_PREPOSITIONS
    is_capitalised = all(word.istitle() for word in typings[place : place + length])
    is_sentence = any(word[:1].islower() for word in typings)
    if is_capitalised and place > 0 and is_sentence:
        return not is_time
    is_subject = before in ("did", "has", "does", "have") and after in DECIDING_WORDS
    is_last = not after or after in WORDS_AFTER_NAME
    return is_subject or (before in PERSON_PREPOSITIONS and is_last and not is_time)


def _is_common(word: str) -> bool:
    is_word = word in FILLERS or word in _KEYWORDS or word in COMMON_PARTS
    return is_word or word in PHRASE_WORDS or word in MONTHS


def _is_alike(words: Sequence[str], parts: Sequence[str]) -> bool:
    """Tell whether a name was typed with few slips for its length."""
    similarity = OSA.normalized_similarity(" ".join(words), " ".join(parts))
    return bool(similarity >= MIN_SURE_SIMILARITY)


def _fits_sign(type_: NameType, spelling: str, after: str) -> bool:
    """Tell whether a name of this type is typed so.

    "operations" may be many things; "#operations" and "the operations channel" are the channel.
    """
    if type_ is NameType.CHANNEL:
        return spelling.startswith("#") or after == "channel"
    return not spelling.startswith("#")


def _is_named(name: KnownName, parts: list[str], is_whole: bool) -> bool:
    """Tell whether these words of a name are enough to mean it."""
    if is_whole and name.type is not NameType.TEXT:
        return True
    if name.type is NameType.PERSON:
        return True
    if name.type is NameType.GROUP:
        return False
    if is_whole and len(parts) > 1:
        return True
    return any(_is_distinctive(part, is_whole) for part in parts)


def _is_distinctive(part: str, is_whole: bool) -> bool:
    if part in FILLERS or part in _KEYWORDS or part in COMMON_PARTS:
        return False
    if part.endswith("s") and part[:-1] in COMMON_PARTS:
        return False
    if any(letter.isdigit() for letter in part):
        # A vintage or a year is in many names; an invoice's number is a name of its own.
        return is_whole and len(part) >= MIN_PART_LENGTH
    return len(part) >= MIN_PART_LENGTH
