"""The parts of conditions, as learned from the shipped examples."""

import numpy as np
import pytest

from knowledge.learning.question_examples import SlotQuestion, gather_questions
from knowledge.learning.question_model import TrainedQuestionClassifier
from knowledge.learning.question_training import train_question_model
from knowledge.learning.slot_model import SURE_CONFIDENCE, SlotModel
from knowledge.learning.slot_training import train_slot_model

pytestmark = pytest.mark.proof

MIN_PRECISION = 0.95
MIN_RECALL = 0.7

# Written apart from the examples, in other words.
QUESTIONS = {
    "me.waits_on": (
        "is there a thing that stands still because i said nothing",
        "kindly show what requires my consent",
        "stuff i should ok before lunch",
        "where is everyone held up by me",
        "what have you got that wants my yes",
    ),
    "me.owner": ("which ones did i take on", "the cases that are in my name"),
    "me.raised_by": ("the things i flagged myself", "what came from me as a report"),
    "role.waits_on": (
        "what has {person} still got to sign",
        "which ones are held up at {group}",
        "stuff {group} must ok",
        "what sits with {person} for a decision",
    ),
    "role.owner": (
        "what is {person} looking after",
        "the ones {group} owns",
        "{person}'s caseload",
    ),
    "role.raised_by": ("did {person} report anything", "the ones that {person} logged"),
    "role.decided_by state.rejected": (
        "which of these did {person} turn down",
        "everything {person} said no to",
    ),
    "role.decided_by state.approved time.decided": (
        "the yeses that {person} gave {period}",
        "what did {person} sign off since {period}",
    ),
    "me.decided_by state.approved time.decided": ("my yeses since {period}",),
    "state.snoozed": ("how many did we put to sleep", "the ones asleep", "what have we deferred"),
    "state.automatic": (
        "what did you run with no human in it",
        "the ones done without anybody's approval",
        "all that the policy approved by itself",
    ),
    "state.cleared": ("which ones vanished on their own",),
    "state.overdue": ("which are past their deadline", "the ones that missed the deadline"),
    "state.unrecognised": ("those that fit none of your kinds", "which could you not classify"),
    "state.open": ("all unfinished jobs", "which are still live"),
    "state.part_approved": ("one signature there, another one missing",),
    "state.taken_back": ("which yeses were reversed",),
    "order.largest": ("top four by £", "ranked by money", "the dearest two"),
    "order.newest": ("the last six that arrived", "most recent arrivals"),
    "order.oldest": ("what has been lying here the longest", "longest waiting at the top"),
    "order.soonest_due": ("where does the clock tick", "which deadline is closest"),
    "order.smallest": ("cheapest ones at the top",),
    "time.opened": ("what turned up {period}", "whatever landed since {period}"),
    "time.due_within": ("what has to be settled in the next {period}", "due by {period} at latest"),
    "time.expires_within": ("which approvals lapse within {period}",),
    "time.age_min": ("hanging around for more than {period}",),
    "time.decided": ("all decisions taken {period}",),
    "state.expired time.ended": ("which ones lapsed {period}",),
    "grouping.owner": ("numbers for each owner",),
    "grouping.month": ("how many in each month",),
    "grouping.decider": ("decisions per person",),
    "none": (
        "{kind} above {money}",
        "is there a case about {name}",
        "what is its status",
        "was it a good month for you",
        "who owns it",
        "any alarms",
        "good morning",
        "tell me a joke",
        "how many {kind} are there",
    ),
}


@pytest.fixture(scope="module")
def model(library):
    questions = gather_questions(library.questions(), library.playbooks)
    return train_slot_model(questions.slots)


def labels_of(guesses):
    """List the labels that hold."""
    labels = set()
    for slot, of_slot in guesses.items():
        for guess in of_slot:
            if not guess.label:
                break
            labels.add(f"{slot}.{guess.label}")
    return labels


def test_it_knows_the_parts_of_conditions_in_other_words(model):
    right, found, meant = 0, 0, 0
    for key, texts in QUESTIONS.items():
        expected = set() if key == "none" else set(key.split(" "))
        for text in texts:
            labels = labels_of(model.guesses(text.replace("}'s", "}")))
            if labels != expected:
                print(text, "| expected", expected, "| found", labels)
            right += len(labels & expected)
            found += len(labels)
            meant += len(expected)
    assert right / found >= MIN_PRECISION
    assert right / meant >= MIN_RECALL


def test_the_sure_guesses_come_before_the_empty_label(model):
    for of_slot in model.guesses("what did {person} turn down {period}").values():
        confidences = [guess.confidence for guess in of_slot if guess.label]
        assert confidences == sorted(confidences, reverse=True)
        sure = [guess for guess in of_slot if guess.label and guess.confidence >= SURE_CONFIDENCE]
        assert of_slot[: len(sure)] == sure
        assert all(guess.words for guess in sure)


def test_the_words_that_speak_for_a_part_are_named(model):
    (guess, *_) = model.guesses("which cases were put to sleep")["state"]
    assert guess.label == "snoozed"
    assert "sleep" in guess.words
    assert "cases" not in guess.words


def test_a_model_is_the_same_after_it_was_stored(model):
    arrays = model.to_arrays("slots")
    stored = SlotModel.from_arrays("slots", arrays)
    text = "what is {person} sitting on"
    assert stored.guesses(text) == model.guesses(text)
    arrays["slots.slopes"] = np.ones(3, np.float32)
    with pytest.raises(ValueError, match="do not fit"):
        SlotModel.from_arrays("slots", arrays)


def test_too_few_examples_make_no_model():
    assert train_slot_model(()) is None
    assert train_slot_model([SlotQuestion("late ones", ("state.overdue",))] * 9) is None


def test_a_classifier_without_slots_guesses_none(library):
    assert TrainedQuestionClassifier(lambda: None, library.playbooks).slots("late ones") == {}


def test_slots_are_trained_with_the_other_models_of_questions(library):
    playbooks = {kind: library.playbooks[kind] for kind in ("low_stock", "lead_cold")}
    model = train_question_model(gather_questions(library.questions(), playbooks))
    classifier = TrainedQuestionClassifier(lambda: model, playbooks)
    assert labels_of(classifier.slots("which cold leads are mine to decide")) == {"me.waits_on"}
    for text in ("", "?", "x" * 50_000, "{case} " * 3_000):
        assert isinstance(classifier.slots(text), dict)
