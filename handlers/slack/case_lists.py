"""The buttons of lists: open a card, list all, decide on many."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from slack_bolt import Ack, App

from bot.cases.entries import RejectReason
from bot.cases.errors import BadRequest, ChatFailed, Refusal
from bot.desk.case_lists import CaseLists
from bot.desk.group_decisions import GroupDecisions
from bot.ports.library import Library
from bot.views.case_list import GroupAct, GroupOutcome
from handlers.cards import ids
from handlers.cards.case_list import case_list_modal, group_form, group_outcome
from handlers.cards.forms import notice
from handlers.cards.text import Json
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import ButtonPress, FormSubmission, person_id
from handlers.slack.listeners import button_listener, error_text, form_listener
from handlers.slack.services import SlackServices

BuildView = Callable[[str, str], Json]


def register(app: App, services: SlackServices) -> None:
    """Give every button of a list its listener."""
    controls = ListControls(
        case_lists=services.case_lists,
        groups=services.group_decisions,
        library=services.library,
        chat=services.chat,
    )
    app.action(ids.OPEN)(button_listener(services, controls.open_card))
    app.action(ids.OPEN_LINK)(_acknowledge)
    app.action(ids.SHOW_ALL)(controls.on_show_all)
    app.action(ids.PREVIOUS_PAGE)(controls.on_page)
    app.action(ids.NEXT_PAGE)(controls.on_page)
    app.action(ids.GROUP_REJECT)(controls.on_group_reject)
    app.action(ids.GROUP_NAME)(controls.on_group_name)
    app.action(ids.GROUP_APPROVE)(controls.on_group_approve)
    app.view(ids.GROUP_FORM)(form_listener(controls.decide_group))


def _acknowledge(ack: Ack) -> None:
    # A press on a button that is a link opens the link; Slack wants an answer all the same.
    ack()


@dataclass(frozen=True, kw_only=True)
class ListControls:
    """One method for each button."""

    case_lists: CaseLists
    groups: GroupDecisions
    library: Library
    chat: SlackChat

    def open_card(self, press: ButtonPress) -> str:
        """Have the card of a case drawn, or say where it is."""
        case, card = self.case_lists.open_card(press.person, press.case_id)
        if card is None:
            return f"The card of {case.id} will be in its channel in a moment."
        return f"{case.id} has a card: {self.chat.permalink(card.channel, card.ts)}"

    def on_show_all(self, body: Json, ack: Ack) -> None:
        """Open the first page of a list."""

        def build(person: str, key: str) -> Json:
            first_page = self.case_lists.page(person, key, 0)
            return case_list_modal(first_page, self.chat.permalink)

        self._open(body, build)
        ack()

    def on_page(self, body: Json, ack: Ack) -> None:
        """Show another page in the open window."""
        number, _, key = _value(body).partition(" ")
        page = int(number) if number.isdecimal() else 0
        view = case_list_modal(
            self.case_lists.page(person_id(body), key, page), self.chat.permalink
        )
        self.chat.update_modal(body.get("view") or {}, view)
        ack()

    def on_group_reject(self, body: Json, ack: Ack) -> None:
        """Open the form that rejects the cases of a list."""
        self._open_group(body, GroupAct.REJECT)
        ack()

    def on_group_name(self, body: Json, ack: Ack) -> None:
        """Open the form that names the kind of all."""
        self._open_group(body, GroupAct.NAME_KIND)
        ack()

    def on_group_approve(self, body: Json, ack: Ack) -> None:
        """Open the form that approves the low-risk plans of a list."""
        self._open_group(body, GroupAct.APPROVE)
        ack()

    def _open_group(self, body: Json, act: GroupAct) -> None:
        def build(person: str, key: str) -> Json:
            group = self.groups.preview(person, key, act)
            return group_form(group, self.library.titles())

        self._open(body, build)

    def _open(self, body: Json, build: BuildView) -> None:
        """Open a window, or one that says why there is none."""
        try:
            view = build(person_id(body), _value(body))
        except (Refusal, ChatFailed) as error:
            view = notice(error_text(error, "press"))
        self.chat.open_modal(str(body["trigger_id"]), view)

    def decide_group(self, form: FormSubmission) -> Json:
        """Decide on every case of the form, one by one."""
        act, checksum, case_ids = _parse_group(form.metadata)
        note = form.text(ids.NOTE)
        if not note:
            raise BadRequest("say why; it is recorded with each case", field="note")
        group = self.groups.find(
            form.person,
            act,
            case_ids=case_ids,
            checksum=checksum,
        )
        outcome: GroupOutcome
        match act:
            case GroupAct.REJECT:
                reason = _reason(form)
                outcome = self.groups.reject(
                    group,
                    by=form.person,
                    reason=reason,
                    note=note,
                )
            case GroupAct.NAME_KIND:
                kind = form.text(ids.KIND)
                outcome = self.groups.name_kind(
                    group,
                    by=form.person,
                    kind=kind,
                )
            case GroupAct.APPROVE:
                outcome = self.groups.approve(
                    group,
                    by=form.person,
                    note=note,
                )
            case _:
                assert_never(act)
        return group_outcome(outcome)


def _value(body: Json) -> str:
    return str(body["actions"][0].get("value", ""))


def _reason(form: FormSubmission) -> RejectReason:
    try:
        return RejectReason(form.text(ids.REASON))
    except ValueError:
        raise BadRequest("choose a reason from the list", field="reason") from None


def _parse_group(metadata: str) -> tuple[GroupAct, str, list[str]]:
    """Read what ``group_form`` wrote."""
    act, _, rest = metadata.partition(" ")
    checksum, _, case_ids = rest.partition(" ")
    try:
        return GroupAct(act), checksum, case_ids.split(",")
    except ValueError:
        raise BadRequest("this form is malformed; close it and open it again") from None
