"""Text from outside is never read as markup, wherever it is shown."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases import commands as commands
from bot.cases.approval import ApprovalRequirement, Person
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.decide import decide
from bot.cases.edits import EditField, EditForm, EditPreview
from bot.cases.recognition import KindGuess, Recognition
from bot.cases.recommendation import Alternative, Citation, Recommendation, Words
from bot.cases.verdict import Ruling
from bot.emulator.blocks import validate, validate_view
from bot.ports.card_store import CardContext
from bot.views.alert_storm import StormView
from bot.views.answers import Answer, Figure, Offer
from bot.views.case_list import CaseGroup, CaseListView, GroupAct, GroupOutcome
from bot.views.labels import Labels
from bot.views.query import Act
from bot.views.question_list import QuestionListView, ReviewedQuestion
from bot.views.raising import RaiseDraft, SubjectChoice
from handlers.cards import forms
from handlers.cards.answer_blocks import answer_blocks, answer_text
from handlers.cards.case_card import case_card, notification_text, superseded_card
from handlers.cards.case_details import details_view
from handlers.cards.case_list import case_list_modal, group_form, group_outcome
from handlers.cards.copies import copy_blocks, inactive_card_blocks, inactive_card_text
from handlers.cards.digest_card import digest_card, digest_text, rest_blocks
from handlers.cards.edit_form import edit_form, edit_preview_form
from handlers.cards.home_view import home_view
from handlers.cards.notes import note_blocks, note_text
from handlers.cards.question_list import question_list_modal
from handlers.cards.raise_form import raise_form
from handlers.cards.storm_card import storm_card, storm_headline
from handlers.cards.text import escape_mrkdwn
from handlers.slack.answer_sender import is_plain_sentence
from tests.cases.making import (
    ANA,
    BEN,
    NOW,
    action,
    asker,
    fold_all,
    proposed,
    verdict,
    with_fields,
)
from tests.handlers.cards.examples import (
    CASE_EXAMPLES,
    DELEGATION,
    PAUSE,
    answer,
    digest,
    home,
    note_of,
    permalink,
    referred_case,
    refused_case,
    row,
)
from tests.handlers.cards.markup import (
    ATTACKS,
    NAUGHTY_STRINGS,
    hostile_case,
    live_parts,
    mrkdwn_texts,
)

# Bold, italic, code, an emoji, mentions, a link and the characters of markup.
# The first word is no other text's, so that it can be searched for.
HOSTILE = (
    "Zqx *b* _i_ `c` ~s~ :white_check_mark: <!channel> <@U0ANA>"
    " <https://e.example|bank> & > https://e.example"
)


def read_as_markup(blocks):
    return [text for text in mrkdwn_texts(blocks) if "Zqx" in text]


def edit_views(case, text):
    """Build the form of an edit, and its preview, with this text wherever one can stand."""
    field = EditField(name="quantity", value=text, minimum=text, maximum=text)
    preview = EditPreview(before=case, after=case, contradictions=(text,))
    return (
        edit_form(case, EditForm(fields=(field,)), Labels()),
        edit_preview_form(preview, [field], Labels(), fingerprint="f" * 64),
    )


# --- cards -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_from_outside_is_ever_markup_on_a_card_or_form(text):
    case = hostile_case(text)
    for blocks in (case_card(case), superseded_card(case)):
        assert validate(blocks) == []
        assert live_parts(blocks) == []
    assert "<" not in notification_text(case)
    views = (
        forms.approve_form(case),
        forms.reject_form(case),
        forms.resolve_form(case),
        forms.settle_form(case),
        forms.undo_form(case),
        forms.snooze_form(case),
        forms.hand_over_form(case, "ops-leads"),
        *edit_views(case, text),
        details_view(case, Labels(), {}),
    )
    for view in views:
        assert validate_view(view) == []


@pytest.mark.skipif(not NAUGHTY_STRINGS, reason="the shared corpus of hostile text is absent")
def test_the_whole_corpus_of_naughty_strings():
    for text in NAUGHTY_STRINGS:
        card = case_card(hostile_case(text))
        assert validate(card) == []
        assert live_parts(card) == []


@given(st.text())
def test_any_text_at_all(text):
    card = case_card(hostile_case(text))
    assert validate(card) == []
    assert live_parts(card) == []


def hostile_recommendation():
    citation = Citation(
        id="EX-9",
        case_id=HOSTILE,
        title=HOSTILE,
        action=HOSTILE,
        ended=HOSTILE,
        reason=HOSTILE,
        by=(HOSTILE,),
        at=NOW,
        is_stale=True,
        is_flagged=True,
    )
    return Recommendation(
        action=HOSTILE,
        reason=HOSTILE,
        basis=HOSTILE,
        alternatives=(Alternative(HOSTILE, HOSTILE),),
        blocked=HOSTILE,
        citations=(citation,),
        promise=HOSTILE,
        editable=("quantity",),
    )


def hostile_action(base):
    return replace(base, summary=HOSTILE, preview=HOSTILE, target=HOSTILE)


def with_hostile_text(case):
    """Put hostile text wherever a person, model or system can."""
    hostile = hostile_case(HOSTILE)
    approvals = [replace(one, name=HOSTILE, note=HOSTILE) for one in case.proposal.approvals]
    case = with_fields(
        case,
        signal=hostile.signal,
        what=HOSTILE,
        why=HOSTILE,
        evidence=hostile.assessment.evidence,
        changes=hostile.proposal.changes,
        named_by=HOSTILE,
        words=Words(what=HOSTILE, why=HOSTILE, suggestion=HOSTILE, model=HOSTILE),
        approvals=tuple(approvals),
    )
    if case.activity.drift_reasons:
        case = with_fields(case, drift_reasons=(HOSTILE,))
    if case.activity.reopening_reason:
        case = with_fields(case, reopening_reason=HOSTILE)
    if case.activity.status_reason:
        status_reason = replace(
            case.activity.status_reason, by=HOSTILE, reason=HOSTILE, note=HOSTILE
        )
        case = with_fields(case, status_reason=status_reason)
    if case.proposal.recommendation:
        case = with_fields(case, recommendation=hostile_recommendation())
    if case.proposal.verdict:
        case = with_fields(case, verdict=replace(case.proposal.verdict, reason=HOSTILE))
    if case.proposal.plan:
        actions = tuple(map(hostile_action, case.proposal.plan.actions))
        case = with_fields(case, plan=replace(case.proposal.plan, actions=actions))
    return case


def recognised_as(kind, confidence):
    guesses = (KindGuess(HOSTILE, HOSTILE, confidence),)
    return Recognition(
        kind=kind,
        confidence=confidence,
        guesses=guesses,
        basis=HOSTILE,
        model="v",
    )


def hostile_cases():
    for name, make_case in CASE_EXAMPLES.items():
        yield name, with_hostile_text(make_case())
    refusal = verdict(ruling=Ruling.REFUSE, reason=HOSTILE)
    yield "refused", with_fields(refused_case(), verdict=refusal)
    yield "recognised", with_fields(referred_case(), recognition=recognised_as(HOSTILE, 90))
    yield "not recognised", with_fields(referred_case(), recognition=recognised_as("", 10))


@pytest.mark.threat("C7")
def test_no_word_from_outside_is_read_as_markup_on_any_card():
    context = CardContext(pause_reason=HOSTILE, is_undoable=True)
    for name, case in hostile_cases():
        for blocks in (case_card(case, context), superseded_card(case)):
            assert read_as_markup(blocks) == [], name
            assert validate(blocks) == [], name
        details = details_view(case, Labels(), {})
        assert live_parts(details) == [], name
        assert validate_view(details) == [], name
        assert not set("<>") & set(notification_text(case)), name


@pytest.mark.threat("C7")
def test_a_group_is_named_by_its_handle_and_nothing_else():
    """The line that names a group in markup takes only a handle."""
    case = replace(proposed(factors=(ApprovalRequirement(HOSTILE, 1),)), owner=HOSTILE)
    lines = read_as_markup(case_card(case))
    assert len(lines) == 1
    referred = replace(referred_case(), owner=HOSTILE)
    lines += read_as_markup(case_card(referred))
    assert len(lines) == 2
    for line in lines:
        handle = line.split("@")[1].split(" ")[0].rstrip(",")
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", handle)
        before_date = line.partition("<!date")[0]
        assert not any(mark in before_date for mark in ("<", "`", "~", ":w"))


# --- lists, notes and answers ----------------------------------------------------------------


def answer_of(case, text):
    """Build an answer with this text wherever a text may come from outside."""
    figure = Figure(label=text, value=text, number=1.0)
    person = Person("T1/UBEN", text)
    offers = (
        Offer(act=Act.PAUSE, scope="kind:low_stock", note=text),
        Offer(act=Act.RAISE, note=text),
        Offer(act=Act.REMIND, row=row(case), person=person),
    )
    return answer(
        case,
        text=text,
        facts=(text, text),
        rows_title=text,
        table=(figure,) * 4,
        table_titles=(text, text),
        is_trend=True,
        offers=offers,
        reading=text,
        left_aside=(text,),
        choices=(text, text),
        read_by=text,
        examples=(text,),
    )


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_from_outside_is_ever_markup_in_a_list(text):
    case = hostile_case(text)
    hostile_answer = answer_of(case, text)
    hostile_home = home(
        case,
        pauses=(replace(PAUSE, description=text),),
        delegations=(replace(DELEGATION, taker_name=text, giver_name=text, kind_title=text),),
        suggestion=text,
    )
    lists = (
        ("message", digest_card(digest(case, pauses=(text,)), permalink)),
        ("message", rest_blocks(digest(case), permalink)),
        ("home", home_view(hostile_home, permalink)["blocks"]),
        ("message", answer_blocks(hostile_answer, permalink, "C:1")),
        ("message", answer_blocks(Answer(text=text, choices=(text, text)), permalink, "C:1")),
        ("modal", question_list_modal(question_list(text))["blocks"]),
    )
    for surface, blocks in lists:
        assert validate(blocks, surface) == []
        # Links to our own cards are live on purpose.
        foreign = [part for part in live_parts(blocks) if "emulator.example" not in part]
        assert foreign == []
    assert "<" not in digest_text(digest(case)) + answer_text(hostile_answer)


def question_list(text):
    question = ReviewedQuestion(text=text, count=2, choice=text)
    partly_read = ReviewedQuestion(text=text, left_aside=(text, text))
    return QuestionListView(failures=(question,), choices=(question,), partly_read=(partly_read,))


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_a_line_is_streamed_as_markdown_only_if_nothing_in_it_is_markup(text):
    assert not is_plain_sentence(text) or text == "a" * 20_000


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("Two wait on you, £12,460.00 together; the oldest since Tue 24 Nov, 10:37.", True),
        ("None of “Running low” (the usual kind) waits – or is late: 40 %.", True),
        ("See evil.example for more.", False),
        ("It is :100: sure.", False),
        ("One, by @ops-leads.", False),
        ("- one", False),
        ("", False),
    ],
)
def test_a_plain_sentence(text, is_plain):
    assert is_plain_sentence(text) is is_plain


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_from_outside_breaks_the_form_of_an_exception_or_a_notice(text):
    kinds = [("low_stock", text or "-")]
    draft = RaiseDraft(
        kind="low_stock",
        note=text,
        reference="C1 1.0",
        message=text,
        required_facts=("product_id",),
        choices=(SubjectChoice(title=text, facts={"product_id": text}),),
    )
    form = raise_form(kinds, draft)
    assert validate_view(form) == []
    assert validate_view(forms.notice(text)) == []


def hostile_lists():
    case = hostile_case(HOSTILE)
    storm = StormView(
        key="k", place="C", title=HOSTILE, source=HOSTILE, rows=(row(case),), open=9, total=9
    )
    hostile_answer = answer_of(case, HOSTILE)
    hostile_digest = digest(case, pauses=(HOSTILE,))
    hostile_home = home(
        case,
        pauses=(replace(PAUSE, description=HOSTILE),),
        delegations=(
            replace(DELEGATION, taker_name=HOSTILE, giver_name=HOSTILE, kind_title=HOSTILE),
        ),
        suggestion=HOSTILE,
        kinds=(("low_stock", HOSTILE),),
    )
    hostile_list = CaseListView(
        key="visible", title="Open cases", rows=(row(case),), page=0, pages=2, total=20
    )
    yield "digest", digest_card(hostile_digest, permalink), digest_text(hostile_digest)
    yield "rest", rest_blocks(hostile_digest, permalink), ""
    yield "home", home_view(hostile_home, permalink)["blocks"], ""
    yield "list", case_list_modal(hostile_list, permalink)["blocks"], ""
    group = CaseGroup(act=GroupAct.REJECT, cases=(case,) * 12, checksum="0" * 64)
    yield "group", group_form(group, [("low_stock", HOSTILE)])["blocks"], ""
    outcome = GroupOutcome(act=GroupAct.REJECT, successes=(), refusals=(("EX-1", HOSTILE),))
    yield "outcome", group_outcome(outcome)["blocks"], ""
    yield "storm", storm_card(storm, permalink), escape_mrkdwn(storm_headline(storm))
    yield "answer", answer_blocks(hostile_answer, permalink, "C:1"), answer_text(hostile_answer)
    choices = Answer(text=HOSTILE, choices=(HOSTILE, HOSTILE))
    yield "choices", answer_blocks(choices, permalink, "C:1"), answer_text(choices)
    yield "questions", question_list_modal(question_list(HOSTILE))["blocks"], ""
    yield "copy", copy_blocks(HOSTILE, ""), ""
    yield "inactive card", inactive_card_blocks("EX-1", ""), inactive_card_text("EX-1")


@pytest.mark.threat("C7")
@pytest.mark.parametrize(
    ("name", "blocks", "text"), [pytest.param(*one, id=one[0]) for one in hostile_lists()]
)
def test_no_word_from_outside_is_read_as_markup_in_any_list(name, blocks, text):
    assert read_as_markup(blocks) == []
    surfaces = {
        "home": "home",
        **dict.fromkeys(("list", "group", "outcome", "questions"), "modal"),
    }
    assert validate(blocks, surfaces.get(name, "message")) == []
    assert not set("<>") & set(text)


@pytest.mark.threat("C7")
def test_no_word_from_outside_is_read_as_markup_in_a_note():
    person = replace(ANA, name=HOSTILE)
    case = proposed(actions=(hostile_action(action()),))
    version = CardSnapshot.of(case)
    snooze = commands.Snooze(
        by=asker(person),
        snapshot=version,
        until=NOW + timedelta(hours=1),
        reason=HOSTILE,
    )
    hand_over = commands.HandOver(
        by=asker(BEN),
        snapshot=version,
        to=ANA.id,
        progress=HOSTILE,
        remains=HOSTILE,
    )
    for command in (snooze, hand_over):
        entries = decide(case, command, NOW).entries
        after = fold_all(case, entries)
        note = note_of(after, entries)
        assert mrkdwn_texts(note_blocks(note, lambda channel, ts: "")) == []
        assert not set("<>") & set(note_text(note))
    with_precedents = with_fields(case, recommendation=hostile_recommendation())
    assert mrkdwn_texts(details_view(with_precedents, Labels(), {})) == []


@pytest.mark.threat("C7")
def test_no_word_from_outside_is_read_as_markup_in_a_form():
    case = proposed(actions=(hostile_action(action()),))
    views = (
        forms.approve_form(case),
        forms.undo_form(case),
        forms.settle_form(case),
        forms.notice(HOSTILE),
    )
    for view in views:
        assert read_as_markup(view) == []
        assert validate_view(view) == []
