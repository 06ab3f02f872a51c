"""Notes of the sample company's people on last year's cases."""

from dataclasses import dataclass

from bot.cases.entries import RejectReason


@dataclass(frozen=True, kw_only=True)
class KindNotes:
    """The notes that people leave on cases of one kind."""

    approval: str
    #: On a case that was settled without a plan.
    resolution: str
    wrong_plan: str
    already_handled: str
    wrong_facts: str

    def rejections(self) -> tuple[tuple[RejectReason, str], ...]:
        """Return the reasons to reject, each with its note."""
        return (
            (RejectReason.WRONG_PLAN, self.wrong_plan),
            (RejectReason.ALREADY_HANDLED, self.already_handled),
            (RejectReason.NOT_WORTH_IT, ""),
            (RejectReason.WRONG_FACTS, self.wrong_facts),
        )


#: Those who govern say why something may run alone, and somebody why one run was wrong.
PROMOTION_NOTE = "we would have decided the same"
MISTAKE_NOTE = "she had given that evening away, and nobody had told the rota"

NOTES = {
    "booking_no_cover": KindNotes(
        approval="agreed with the shift lead",
        resolution="the guest moved to an evening with cover",
        wrong_plan="already works a double shift that day",
        already_handled="a colleague swapped shifts this morning",
        wrong_facts="the guest does not need this any more",
    ),
    "invoice_no_order": KindNotes(
        approval="checked against the delivery note",
        resolution="the supplier sent a corrected invoice",
        wrong_plan="this order belongs to another invoice",
        already_handled="paid by card when it was delivered",
        wrong_facts="the order was placed by phone and is not in the system",
    ),
    "lead_cold": KindNotes(
        approval="worth another call",
        resolution="called them and agreed a date",
        wrong_plan="they asked for a call after their season",
        already_handled="spoke to them this morning",
        wrong_facts="the last call was never entered",
    ),
    "low_stock": KindNotes(
        approval="enough for the weekend",
        resolution="borrowed two cases from another venue",
        wrong_plan="the usual supplier is closed that day",
        already_handled="ordered by phone this morning",
        wrong_facts="the count in the system is old",
    ),
    "renewal_due": KindNotes(
        approval="we hardly use it",
        resolution="agreed last year's price with the supplier",
        wrong_plan="we still need it for the summer season",
        already_handled="notice went out by post last week",
        wrong_facts="it is used more often than the system says",
    ),
    "service_note_open": KindNotes(
        approval="please close it this week",
        resolution="repaired, and the note is closed",
        wrong_plan="this one is for maintenance, not for the shift lead",
        already_handled="fixed yesterday; the note was left open",
        wrong_facts="the note is about another venue",
    ),
    "shipment_mismatch": KindNotes(
        approval="the customer confirmed what is missing",
        resolution="the missing cases came a day later",
        wrong_plan="the customer asked us to send the rest, not to claim",
        already_handled="the driver brought the rest this morning",
        wrong_facts="the warehouse had counted the wrong pallet",
    ),
    "task_no_evidence": KindNotes(
        approval="please send the photo today",
        resolution="saw it done, and added the photo",
        wrong_plan="somebody else did this task",
        already_handled="the photo is in the team chat",
        wrong_facts="this task needs no photo any more",
    ),
}
