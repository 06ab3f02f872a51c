"""The reading of questions, as learned from the shipped examples."""

import time

import numpy as np
import pytest

from bot.views.query import About, Act, Ask, Measure, QuestionContext
from knowledge.language.reading import QuestionReading
from knowledge.learning.question_examples import gather_questions
from knowledge.learning.question_head import softmax
from knowledge.learning.question_model import TrainedQuestionClassifier
from knowledge.learning.question_training import train_question_model
from tests.knowledge.language.question_company import known_names
from tests.knowledge.language.question_set import DEV_SET, load_questions

# One process trains for all of them: it takes twenty seconds.

MIN_SHARE_OF_ASKS = 0.9
MIN_SHARE_OF_KINDS = 0.9
#: A question whose guess is at least so confident is rarely wrong.
CONFIDENT = 0.9
MIN_SHARE_OF_CONFIDENT = 0.95
MAX_COMMON_WORDS = 3
#: Of the processor; it takes three on a core of a laptop, and a guess takes 0.0002.
MAX_TRAINING_SECONDS = 12
MAX_GUESS_SECONDS = 0.01

# Written apart from the examples, in other words.
ASKS = {
    "list": (
        "got any jobs for me to clear {period}",
        "run me through whatever is unresolved",
        "which cards still want an answer from me",
        "give us the heavy ones above {money}",
        "whatever landed {period}",
        "which of them has been waiting the longest",
        "anything on {person}'s side",
        "what sits in {group} inbox",
        "is there something regarding {name}",
        "the five most recent ones please",
        "what did {person} wave through {period}",
        "show what we knocked back {period}",
        "anything that ran by itself {period}",
        "unfinished business from {period}",
        "what's lapsing {period}",
        "fetch me the paused stuff",
        "what have you put on snooze",
        "anything dearer than {money}",
        "dump {channel}",
        "wats left 4 me",
    ),
    "count": (
        "how many landed {period}",
        "how many of mine are there still",
        "what's the number of unresolved ones",
        "how many did you settle on your own {period}",
        "howmany overdue",
        "how many were knocked back by {person}",
    ),
    "sum": (
        "how much cash hangs on these",
        "whats the combined amount of everything unresolved",
        "how much did {person} wave through {period}",
        "how much money sits with {group}",
        "total it up for me",
    ),
    "group": (
        "unresolved ones per department",
        "split by type please",
        "how many landed each day {period}",
        "who decided most often {period}",
    ),
    "count.rejection_rate": ("how often do we knock these back", "share of refusals for {kind}"),
    "count.accepted_unchanged_rate": ("how often was your proposal taken as it stood",),
    "how_long.median_time_to_decide": ("how long do people need to decide on average",),
    "how_long.median_time_to_resolve": ("how long do these normally take to get sorted",),
    "how_long.opening": ("how long has {case} been lying around", "for how many days is this open"),
    "when.due": ("what is my deadline on {case}", "by when must this be answered"),
    "when.expiry": (
        "until when is my approval valid",
        "what date does my approval of {case} run out",
    ),
    "when.undo": ("could i still reverse {case}", "is it too late to take that back"),
    "when.decision": ("when did {person} sign {case}", "what day was this approved"),
    "when.execution": ("when did you carry {case} out",),
    "when.pause": ("since when is that on hold",),
    "who.decision": (
        "who gave the ok for {case}",
        "who knocked {case} back",
        "was it a human who approved this",
        "and who signed it",
    ),
    "who.owner": ("which one of us has {case}", "who looks after this one", "who took care of it"),
    "who.blocker": ("who is slowing everything down", "whose answer is everybody waiting for"),
    "who.stand_in": ("who covers {person} {period}", "who signs when {person} is out"),
    "who.members": ("who all belongs to {group}", "list the people in {group}"),
    "who_may_approve": (
        "who is allowed to sign {case}",
        "whose yes is still missing",
        "could {person} approve this",
        "how many signatures are needed here",
    ),
    "why.decision": ("why did {person} knock it back", "what was the reason for the no on {case}"),
    "why.execution": ("i signed {case} and nothing has happened, why",),
    "why.ending": ("why did {case} lapse",),
    "why.approver": ("why did this land with me", "why am i the one who is asked"),
    "why.recommendation": ("what makes you propose that", "why this supplier and no other"),
    "explain_decision.verdict": (
        "why didn't you sort {case} out alone",
        "why was {case} done without asking anyone",
        "why does {group} have to sign as well",
    ),
    "status": (
        "where does {case} stand",
        "what do we know of {case}",
        "is {case} wrapped up",
        "how is it looking with {case}",
        "any headway with {case}",
    ),
    "status.evidence": ("which facts did you go by", "where did those numbers come from"),
    "status.consequence": ("what would a yes set off", "what if nobody answers"),
    "status.changes": ("what was altered in {case}", "what did {person} change in the plan"),
    "status.trail": ("give me the complete history of {case}", "who did what and when in {case}"),
    "status.precedents": (
        "how did we deal with this in the past",
        "have similar things come up earlier",
    ),
    "status.outcome": ("did it work out in the end",),
    "status.recommendation": ("what would you advise", "should i say yes to {case}"),
    "status.plan": ("what is it that you want to do with {case}",),
    "capability.purpose": ("what would i use you for", "whats your job here"),
    "capability.cannot": ("what is too much for you", "do you do expense claims"),
    "capability.kinds": ("which sorts of trouble do you look out for",),
    "capability.sources": ("where does your data come from", "can you look into our mailbox"),
    "capability.autonomy": ("what do you get on with alone", "which kinds run without us"),
    "capability.limits": ("how much may you spend unasked", "where is your spending limit"),
    "help.asking": ("what can i type in here to find things", "pls help me use this"),
    "help.raise": ("how would i report something i noticed", "where do i enter a new problem"),
    "act.approve": (
        "please give {case} your go",
        "pls approve this one for me",
        "yes please, carry on and order it",
    ),
    "act.reject": ("reject {case}, we have plenty", "no, turn it down"),
    "act.edit": ("make it 15 instead of 20", "alter the amount, {money} is plenty"),
    "act.snooze": ("let this one rest till {period}", "bother me with it {period}"),
    "act.hand_over": ("hand {case} to {person}", "let {person} deal with this"),
    "act.claim": ("i'll take care of {case}", "leave it with me, i can sort it"),
    "act.take_back": ("please reverse what was just done", "take my approval back"),
    "act.remind": (
        "could you prod {person} a little",
        "give {group} another reminder about {case}",
    ),
    "act.pause": ("stop all {kind} for now", "no {kind} for the moment, hold them"),
    "act.resume": ("you may start {kind} again", "switch {kind} on once more"),
    "act.stand_in": ("i'm out {period}, {person} decides for me",),
    "act.raise": ("the ice machine leaks again, please log it", "open a new case for the lift"),
    "small_talk": ("cheers, most helpful", "hello you", "haha nice", "am i chatting to a machine"),
    "out_of_scope": (
        "what's the weather like {period}",
        "who won the cup final",
        "write a poem for the menu",
        "what is {person} asking you",
    ),
}
KINDS = {
    "low_stock": (
        "what's nearly finished in the cellar",
        "do we need to restock anything",
        "are we going to run dry of reds",
        "anything out of stock",
    ),
    "invoice_no_order": (
        "bills nobody can match to an order",
        "what do suppliers want us to pay",
        "invoices missing a purchase order",
        "which invoices are waiting for me",
    ),
    "booking_no_cover": (
        "parties without anyone serving",
        "is the rota short for an event",
        "bookings still needing a waiter",
    ),
    "shipment_mismatch": (
        "which parcels never turned up",
        "courier swears it was delivered",
        "deliveries with the wrong count",
    ),
    "lead_cold": (
        "who are we meant to phone back",
        "prospects who never got an answer from us",
        "any enquiry we left hanging",
    ),
    "renewal_due": (
        "subscriptions that get pricier",
        "agreements about to extend themselves",
        "which contracts should we get out of",
    ),
    "service_note_open": (
        "unhappy diners nobody called",
        "grumbles that are still unanswered",
        "guest complaints from {period}",
    ),
    "task_no_evidence": (
        "chores ticked with no picture",
        "checks that nobody can prove",
        "closing lists lacking a photo",
    ),
    "service_alert": (
        "is a server on fire",
        "any alerts from monitoring",
        "which of our systems fell over",
    ),
    "": (
        "what is still unresolved",
        "anything for me {period}",
        "who put a yes under {case}",
        "thanks for nothing",
        "what is not for you to do",
        "how much is waiting on {person}",
        "please reverse that",
        "what happened with {name}",
    ),
}


@pytest.fixture(scope="module")
def questions(library):
    return gather_questions(library.questions(), library.playbooks)


@pytest.fixture(scope="module")
def model(questions):
    return train_question_model(questions)


@pytest.fixture(scope="module")
def classifier(model, library):
    return TrainedQuestionClassifier(lambda: model, library.playbooks)


def grade(guesses_of, expected):
    """Return for each question its label, the best guess and the question."""
    rows = []
    for label, texts in expected.items():
        rows += [(label, guesses_of(text)[0], text) for text in texts]
    return rows


def share_right(rows):
    wrong = [(text, label, guess) for label, guess, text in rows if guess.label != label]
    print(f"{len(rows) - len(wrong)} of {len(rows)}", *wrong, sep="\n  ")
    return 1 - len(wrong) / len(rows)


def test_it_knows_what_questions_in_other_words_ask(classifier):
    rows = grade(classifier.asks, ASKS)
    assert len(rows) > 120
    assert share_right(rows) >= MIN_SHARE_OF_ASKS


def test_it_knows_the_kind_of_questions_in_other_words_and_when_there_is_none(classifier):
    assert share_right(grade(classifier.kinds, KINDS)) >= MIN_SHARE_OF_KINDS


def test_what_it_is_sure_of_is_right(classifier):
    rows = [*grade(classifier.asks, ASKS), *grade(classifier.kinds, KINDS)]
    sure = [row for row in rows if row[1].confidence >= CONFIDENT]
    assert len(sure) > len(rows) / 3
    assert share_right(sure) >= MIN_SHARE_OF_CONFIDENT


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("which wine goes with venison", ""),
        ("bottles that did not survive the hail", "low_stock"),
        ("parcels that vanished because of the hail", "shipment_mismatch"),
        ("invoices with a coffee stain", "invoice_no_order"),
    ],
)
def test_a_question_about_a_kind_is_not_out_of_scope(classifier, question, kind):
    assert classifier.kinds(question)[0].label == kind
    is_out_of_scope = classifier.asks(question)[0].label == "out_of_scope"
    assert is_out_of_scope is not bool(kind)


@pytest.mark.parametrize("text", ["who won the cup final", "parcels lost in the hail"])
def test_confidences_stay_probabilities_when_a_kind_is_named(classifier, text):
    confidences = [guess.confidence for guess in classifier.asks(text)]
    assert confidences == sorted(confidences, reverse=True)
    assert 0 < sum(confidences) <= 1.0001


@pytest.mark.skipif(not DEV_SET.exists(), reason="no development set beside us")
def test_no_question_of_the_development_set_is_an_example(questions):
    """Keep what is measured out of what is learned; a few words are anybody's."""
    examples = {question.text for question in (*questions.asks, *questions.kinds, *questions.slots)}
    copies = [text for text in _masked_questions() if text in examples]
    assert [text for text in copies if len(text.split()) > MAX_COMMON_WORDS] == []


class Recorder:
    """Keeps the texts that a reader asks its classifier about."""

    def __init__(self):
        self.texts = []

    def asks(self, text):
        self.texts.append(text)
        return []

    def kinds(self, text):
        self.texts.append(text)
        return []

    def slots(self, text):
        return {}


def _masked_questions():
    recorder = Recorder()
    reader = QuestionReading(recorder)
    names = known_names()
    for question in load_questions():
        context = QuestionContext(person="U0ME", case_id=question.thread, names=names)
        reader.read(question.text, context)
    return recorder.texts


def test_learning_takes_seconds_and_guessing_less_than_a_frame(questions, classifier):
    begin = time.process_time()
    train_question_model(questions)
    assert time.process_time() - begin <= MAX_TRAINING_SECONDS
    begin = time.process_time()
    for text in ASKS["list"]:
        classifier.asks(text)
        classifier.kinds(text)
    assert (time.process_time() - begin) / len(ASKS["list"]) <= MAX_GUESS_SECONDS


def test_confidences_are_probabilities_in_order(classifier):
    for guesses in (classifier.asks("how many are late"), classifier.kinds("how many are late")):
        confidences = [guess.confidence for guess in guesses]
        assert confidences == sorted(confidences, reverse=True)
        assert 0 < sum(confidences) <= 1.0001
    equal = softmax(np.zeros((1, 4), np.float32), 3.0)
    assert equal.tolist() == [[0.25] * 4]


def test_every_part_of_a_query_that_words_choose_has_examples(questions):
    labels = {question.label for question in questions.asks}
    assert {str(ask) for ask in Ask} <= {label.partition(".")[0] for label in labels}
    details = {label.partition(".")[2] for label in labels}
    # Plain counts and sums have their own asks.
    figures = set(map(str, Measure)) - {"count"}
    assert set(map(str, Act)) | figures <= details
    assert set(map(str, About)) <= details | {"approver"}


def test_a_kind_of_a_company_of_its_own_is_learned_from_its_playbook(library):
    playbooks = {kind: library.playbooks[kind] for kind in ("low_stock", "lead_cold")}
    questions = gather_questions(library.questions(), playbooks)
    assert {question.label for question in questions.kinds} == {"", "low_stock", "lead_cold"}
    other = gather_questions(library.questions(), library.playbooks)
    assert questions.version != other.version


def test_without_a_model_it_guesses_nothing(library):
    classifier = TrainedQuestionClassifier(lambda: None, library.playbooks)
    assert (classifier.asks("what is open"), classifier.kinds("any invoices")) == ([], [])


@pytest.mark.parametrize("text", ["", "   ", "?", "\ud800", "x" * 50_000, "{case} " * 3_000])
def test_odd_texts_are_no_trouble(classifier, text):
    assert len(classifier.asks(text)) <= 5
    assert len(classifier.kinds(text)) <= 5


def test_kinds_whose_playbook_was_removed_are_not_guessed(model):
    classifier = TrainedQuestionClassifier(lambda: model, kinds=("low_stock",))
    labels = {guess.label for guess in classifier.kinds("unpaid invoices")}
    assert labels <= {"", "low_stock"}
