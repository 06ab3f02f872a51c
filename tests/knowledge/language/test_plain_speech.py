"""Stories, slips, causes and names of people who write as they speak."""

from datetime import UTC, datetime

import pytest

from bot.ports.language import Guess
from bot.views.query import KnownName, NameType, QuestionContext, Turn
from knowledge.language.reading import QuestionReading
from tests.knowledge.language.question_company import known_names
from tests.knowledge.language.question_descriptions import describe_reading
from tests.knowledge.language.test_reading import WordClassifier

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
#: The cases of every list.
SHOWN = ("EX-7", "EX-8", "EX-9")
STORIES = """
the boiler is broken and everyone is freezing, what do I have to decide today
    => list is_open=yes waits_on=me | broken
the dishwasher died this morning and the floor is wet, please give me whatever waits on me
    => list is_open=yes waits_on=me
my battery is nearly dead and I am boarding, so quickly show me what cannot move until I say yes
    => list is_open=yes waits_on=me
the gutter over the entrance came off in the wind and hangs loose above the door
    => act act=raise words=the gutter over the entrance came off in the wind and hangs loose above the door
"""
DEADLINES = """
@EX-34
by when can we decide => when case_id=EX-34 about=due
until which day can you decide on it => when case_id=EX-34 about=due
till what time do we have to decide this => when case_id=EX-34 about=due
how late can I still decide => when case_id=EX-34 about=due
when at the latest do we decide => when case_id=EX-34 about=due
how long can we still decide => when case_id=EX-34 about=due
"""
UNKNOWN_NAMES = """
Halyard Marine, cases => list is_open=yes text=Halyard Marine
cases, Quixley => list is_open=yes text=Quixley
anything Halyard Marine => list is_open=yes text=Halyard Marine
Halyard Marine anything open? => list is_open=yes text=Halyard Marine
what's open, Halyard Marine? => list is_open=yes text=Halyard Marine
Brightside Hotels, open cases => list is_open=yes text=Brightside Hotels
show me the overdue Halyard Marine cases => list is_open=yes is_overdue=yes | Halyard Marine
which bills did Jane Doe approve last week
    => list kinds=invoice_no_order decided=last_week decision=approved | Jane Doe
Show Me Open Cases => list is_open=yes
"""
STATES = """
value awaiting a decision => list states=proposed
which bills are pending a decision => list states=proposed kinds=invoice_no_order
which require the consent of the owners => list is_open=yes approver=owners
must be signed by finance => list is_open=yes approver=finance
do the floor managers still have anything outstanding => list is_open=yes waits_on=floor-managers
in tray => list is_open=yes waits_on=me
to do => list is_open=yes waits_on=me
"""
GOODS = """
bookings signed with nothing attached => list is_open=yes kinds=booking_no_cover
bookings signed off, no photo uploaded => list is_open=yes kinds=booking_no_cover
wine that is finishing => list is_open=yes kinds=low_stock
"""
TURNS = """
how goes EX-12 => status case_id=EX-12
how fares the Linen service => status is_open=yes text=Linen service
in what way was EX-5 altered => status case_id=EX-5 about=changes
what held you back on EX-9 => explain_decision case_id=EX-9 about=verdict
what stopped you from paying EX-9 alone => explain_decision case_id=EX-9 about=verdict
what is behind the spike in complaints
    => count is_open=yes kinds=service_note_open measure=count about=opening
where does the flood of alerts come from
    => count is_open=yes kinds=service_alert measure=count about=opening
reason for the jump in enquiries this month
    => count kinds=lead_cold opened=this_month measure=count about=opening
"""
AMOUNTS_AND_ORDERS = """
cases that pass 400 => list is_open=yes min_stake=400
bills that surpass £800 => list is_open=yes kinds=invoice_no_order min_stake=800
cases going over the 500 mark => list is_open=yes min_stake=500
enquiries under the 300 pounds => list is_open=yes kinds=lead_cold max_stake=300
open bills, older ones at the top => list is_open=yes kinds=invoice_no_order order=oldest
cheaper ones first => list is_open=yes order=smallest
bookings with the newer ones at the bottom => list is_open=yes kinds=booking_no_cover order=oldest
shw me wat we turnd dwn last mnth => list decided=last_month decision=rejected
ones dev let pass yesterday => list decided=yesterday decision=approved decided_by=U0DEV
bills carla signed off since october - how many
    => count kinds=invoice_no_order decided=october.. decision=approved decided_by=U0CARLA measure=count
"""
ACTS_AND_GREETINGS = """
away til monday, carla covers 4 me => act act=stand_in of=me to=U0CARLA until=monday
off until friday, ben stands in for me => act act=stand_in of=me to=U0BEN until=friday
until friday Ben decides for me => act act=stand_in of=me to=U0BEN until=friday
Dev takes over from me until Monday => act act=stand_in of=me to=U0DEV until=monday
boa tarde => small_talk
guten abend zusammen => small_talk
buenas tardes => small_talk
hola, what is overdue? => list is_open=yes is_overdue=yes
weigh EX-12 for me => status case_id=EX-12
add up the open bills for me => sum is_open=yes kinds=invoice_no_order measure=stake_sum
complaints by week => list is_open=yes kinds=service_note_open | by week
how many per customer => count is_open=yes measure=count | per customer
how long do late deliveries take on average
    => how_long kinds=shipment_mismatch measure=median_time_to_resolve
"""
FOLLOW_UPS = """
what was turned down last week => list decided=last_week decision=rejected
+why tho => why decided=last_week decision=rejected about=decision

tell me about EX-12 => status case_id=EX-12
+as of when => when case_id=EX-12 about=opening

anything paused? => status about=pause
+from when on => when about=pause
"""
#: Asked where some colleagues have names that also are words of questions.
PEOPLE_LIKE_WORDS = """
what is open? => list is_open=yes
what is open late => list is_open=yes is_overdue=yes
may I see bills => list is_open=yes kinds=invoice_no_order
bills from May => list kinds=invoice_no_order opened=may
bills over 300 => list is_open=yes kinds=invoice_no_order min_stake=300
what did Bill approve yesterday => list decided=yesterday decision=approved decided_by=U4
waits on will => list is_open=yes waits_on=U2
cases with Open Late => list is_open=yes waits_on=U1
Mark's cases => list is_open=yes owner=U5
anything for @bill => list is_open=yes waits_on=U4
will it expire => list is_open=yes expires_within=+P1D
"""


class GuestClassifier(WordClassifier):
    """Knows complaints by the words of most people."""

    def kinds(self, text: str) -> list[Guess]:
        is_complaint = "guests" in text and "complaining" in text
        return [Guess("service_note_open", 0.9)] if is_complaint else [Guess("", 0.8)]


def _blocks(*tables: str) -> list[tuple[str, list[str]]]:
    """List the blocks of some tables: the case in whose thread, and the lines."""
    blocks = []
    for block in "\n\n".join(table.strip() for table in tables).split("\n\n"):
        lines = block.replace("\n    =>", " =>").splitlines()
        thread = lines.pop(0).removeprefix("@") if lines[0].startswith("@") else ""
        blocks.append((thread, lines))
    return blocks


def _read(lines: list[str], names: tuple[KnownName, ...], thread: str = "") -> None:
    reader = QuestionReading(WordClassifier(), lambda: NOW)
    previous = None
    for line in lines:
        question, _, expected = line.removeprefix("+").partition(" => ")
        if not line.startswith("+"):
            previous = None
        context = QuestionContext(person="U0ME", case_id=thread, previous=previous, names=names)
        reading = reader.read(question, context)
        assert describe_reading(reading) == expected
        assert reading is not None
        case_id = reading.query.case_id
        previous = Turn(query=reading.query, case_ids=(case_id,) if case_id else SHOWN)


@pytest.mark.parametrize(
    ("thread", "lines"),
    [
        (thread, [line])
        for thread, lines in _blocks(
            STORIES,
            DEADLINES,
            UNKNOWN_NAMES,
            STATES,
            GOODS,
            TURNS,
            AMOUNTS_AND_ORDERS,
            ACTS_AND_GREETINGS,
        )
        for line in lines
    ],
)
def test_plain_speech_is_read_as_it_is_meant(thread: str, lines: list[str]) -> None:
    _read(lines, known_names(), thread)


@pytest.mark.parametrize("lines", [lines for _, lines in _blocks(FOLLOW_UPS)])
def test_short_questions_ask_of_the_last_answer(lines: list[str]) -> None:
    _read(lines, known_names())


@pytest.mark.parametrize(
    "line", [line for _, lines in _blocks(PEOPLE_LIKE_WORDS) for line in lines]
)
def test_a_common_word_names_a_person_only_where_a_name_stands(line: str) -> None:
    people = {"U1": "Open Late", "U2": "Will Reed", "U3": "May Lund", "U4": "Bill Stone"}
    people["U5"] = "Mark Day"
    names = [KnownName(NameType.PERSON, name, account) for account, name in people.items()]
    _read([line], (*known_names(), *names))


def test_the_kind_is_found_behind_rarer_words() -> None:
    reader = QuestionReading(GuestClassifier(), lambda: NOW)
    context = QuestionContext(person="U0ME", names=known_names())
    reading = reader.read("patrons griping all week long", context)
    assert reading is not None
    assert reading.query.condition.kinds == ("service_note_open",)
    assert reading.left_aside == ()


def test_what_a_person_signed_off_is_no_doubtful_filter() -> None:
    reader = QuestionReading(WordClassifier(), lambda: NOW)
    context = QuestionContext(person="U0ME", names=known_names())
    reading = reader.read("bills that Carla signed off since may", context)
    assert reading is not None
    assert "decision" not in {doubt.field for doubt in reading.doubtful}
