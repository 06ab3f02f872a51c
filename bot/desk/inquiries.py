"""Ask somebody about a case, and take their answer."""

from dataclasses import dataclass

from bot.cases.actor import CaseId, Surface, UserId, is_person
from bot.cases.approval import either, is_colleague
from bot.cases.askable_facts import AskableFact, askable_facts
from bot.cases.caller import Caller
from bot.cases.case import Case
from bot.cases.commands import AskQuestion, Command, DecisionKind, GiveAnswer
from bot.cases.decide import decide, record_refusal
from bot.cases.errors import BadRequest, ChatFailed, NotEligible, NotNow, Refusal
from bot.cases.inquiries import find_inquiry, must_be_answerable
from bot.cases.inquiry import Addressee, AnswerType, Inquiry
from bot.desk.decision_path import WHO_IS_NOT_KNOWN, DecisionPath, Request
from bot.desk.effects import change
from bot.desk.retry import retry_on_conflict
from bot.ports.case_store import Change
from bot.ports.directory import Directory

# The name of an answer in the ledger's refusals.
ATTEMPT = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryRequest:
    """The content of the form that asks."""

    addressee: Addressee
    #: The account of the colleague, where one is asked.
    colleague: str = ""
    text: str
    answer_type: AnswerType
    options: tuple[str, ...] = ()
    #: The fact of the playbook that the answer gives; empty for none.
    fact: str = ""
    #: Tells one submitted form from another.
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryReply:
    """An answer as a person gives it."""

    case_id: CaseId
    #: The number of the inquiry.
    inquiry: int
    by: UserId
    surface: Surface


@dataclass(frozen=True, kw_only=True)
class Inquiries:
    """Asks and answers, on the path of all decisions."""

    path: DecisionPath
    directory: Directory

    def ask(self, request: Request, question: InquiryRequest) -> Case:
        """Ask the question; it leaves through the outbox."""

        def command(case: Case, caller: Caller) -> Command:
            to = self._addressee(case, question)
            self._must_fit(case, question)
            return AskQuestion(
                caller,
                request.snapshot,
                to=to,
                to_name=self._name(to),
                question=question.text,
                answer_type=question.answer_type,
                options=question.options,
                fact=question.fact,
                key=question.key,
            )

        return self.path.decide_on_case(DecisionKind.ASK, request, command)

    def answer(self, reply: InquiryReply, text: str) -> Case:
        """Record the answer, once.

        Raises:
            Refusal: somebody else is asked, it is answered, or the case no longer waits.
        """

        def attempt() -> Case:
            case = self.path.cases.case(reply.case_id)
            caller = self._caller(case, reply)
            try:
                command = GiveAnswer(by=caller, inquiry=reply.inquiry, text=text)
                decision = decide(case, command, self.path.clock())
            except Refusal as refusal:
                self._record_refusal(reply, caller, refusal)
                raise
            playbook = self.path.library.playbook(case.kind)
            return self.path.cases.commit(change(case, decision, playbook))

        with self.path.priority:
            return retry_on_conflict(attempt)

    def choose(self, reply: InquiryReply, place: int) -> Case:
        """Answer with the option at this place."""
        inquiry = find_inquiry(self.path.cases.case(reply.case_id), reply.inquiry)
        options = inquiry.options if inquiry else ()
        return self.answer(reply, options[place] if place < len(options) else "")

    def open(self, reply: InquiryReply) -> tuple[Case, Inquiry]:
        """Read the inquiry for a form, while this person may answer it."""
        case = self.path.cases.case(reply.case_id)
        caller = self._caller(case, reply)
        try:
            return case, must_be_answerable(case, reply.inquiry, caller)
        except Refusal as refusal:
            self._record_refusal(reply, caller, refusal)
            raise

    def _addressee(self, case: Case, question: InquiryRequest) -> str:
        """Return the account or group that is asked.

        An account is a colleague's.
        """
        if question.addressee is Addressee.OWNER:
            return self.path.library.playbook(case.kind).owners.business
        if question.addressee is Addressee.REQUESTER:
            account = case.signal.requester or ""
            if not is_person(account):
                raise BadRequest("nobody raised this by hand; ask somebody else", field="whom")
            return self._must_be_colleague(account, field="whom")
        if not question.colleague:
            raise BadRequest("choose a colleague", field="to")
        return self._must_be_colleague(question.colleague, field="to")

    def _must_be_colleague(self, account: str, *, field: str) -> str:
        try:
            person = self.directory.person(account)
        except NotEligible:
            person = None
        if person is None or not is_colleague(person):
            raise BadRequest("choose a member of this workspace", field=field)
        return account

    def _name(self, to: str) -> str:
        if is_person(to):
            return self.directory.person(to).name
        return either([to])

    def _must_fit(self, case: Case, question: InquiryRequest) -> None:
        """Refuse a fact that may not be asked for, or another type."""
        if not question.fact:
            return
        fact = self._fact(case, question.fact)
        if fact is None:
            raise BadRequest("that is known already, or not used by the plan", field="fact")
        if fact.is_number and question.answer_type is not AnswerType.NUMBER:
            raise BadRequest(f"{fact.label} is a number: ask for a number", field="type")

    def _fact(self, case: Case, name: str) -> AskableFact | None:
        playbook = self.path.library.playbook(case.kind)
        for fact in askable_facts(playbook, case):
            if fact.name == name:
                return fact
        return None

    def _caller(self, case: Case, reply: InquiryReply) -> Caller:
        """Read the person with the group that is asked.

        Raises:
            NotEligible: the directory knows no such person.
            NotNow: the directory cannot be read.
        """
        inquiry = find_inquiry(case, reply.inquiry)
        handles = [inquiry.to] if inquiry and not is_person(inquiry.to) else []
        try:
            return Caller(
                person=self.directory.person(reply.by, fresh=True),
                surface=reply.surface,
                groups=self.directory.groups(handles, fresh=True),
            )
        except NotEligible as failure:
            refusal: Refusal = failure
        except ChatFailed as failure:
            refusal = NotNow(f"{WHO_IS_NOT_KNOWN} ({failure.error})")
        self._record_refusal(reply, Caller.by_account(reply.by, reply.surface), refusal)
        raise refusal

    def _record_refusal(self, reply: InquiryReply, caller: Caller, refusal: Refusal) -> None:
        def write() -> None:
            case = self.path.cases.case(reply.case_id)
            outcome = record_refusal(
                case,
                caller,
                attempt=ATTEMPT,
                revision=case.proposal.revision,
                refusal=refusal,
                now=self.path.clock(),
            )
            change = Change(before=case, entries=outcome.entries, after=outcome.case)
            self.path.cases.commit(change)

        retry_on_conflict(write)
