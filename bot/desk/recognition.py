"""The recognition of a month, posted to one channel with its cases.

An alphabetical list without sums: it invites nobody to a race.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.entries import Entry
from bot.cases.errors import BadRequest, ChatFailed, NotEligible
from bot.cases.hours import Hours
from bot.cases.identity import Identities
from bot.cases.merit_rules import Merit, MeritRules
from bot.cases.merits import Award, find_awards
from bot.desk.case_texts import count_noun, join_words
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.connector import EffectStatus
from bot.ports.directory import Directory
from bot.ports.ledger_cases import LedgerCases
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic

MONTH_FORMAT = "%Y-%m"
#: Slack shows no longer text in one block.
MAX_TEXT_LENGTH = 2_800
MAX_CASES_NAMED = 5
#: A summary that could not be requested for so long is no news any more.
MAX_DELAY = timedelta(days=14)
#: Awards of the day before count towards the caps of the first day.
MARGIN = timedelta(days=2)
FOOTER = (
    "In alphabetical order, from what the ledger proves. Approvals and their speed do not count."
)
DEEDS: Mapping[Merit, tuple[str, str]] = {
    Merit.HAND_OVER: ("hand-over that held", "hand-overs that held"),
    Merit.RESOLUTION: ("case brought to its end", "cases brought to their end"),
    Merit.CHECK: ("check in time", "checks in time"),
    Merit.TRAINING: ("training completed", "trainings completed"),
    Merit.REFERRAL: ("referral that was approved", "referrals that were approved"),
    Merit.CORRECTION: ("correction that worked", "corrections that worked"),
}


@dataclass(frozen=True, kw_only=True)
class MonthlyAwards:
    """Finds the awards of a month in the ledger."""

    cases: CaseStore
    ledger: LedgerCases
    rules: MeritRules
    identities: Identities
    #: On whose clock a month begins.
    hours: Hours

    def find(self, month: str, now: datetime) -> list[Award]:
        """Return the awards whose proof is of this month, like 2026-11."""
        if not self.rules.is_on:
            return []
        awards = find_awards(
            self._histories(month), self.rules, identities=self.identities, now=now
        )
        return [award for award in awards if self.month_of(award.at) == month]

    def month_of(self, at: datetime) -> str:
        """Return the month of a moment."""
        return f"{self.hours.local(at):{MONTH_FORMAT}}"

    def _histories(self, month: str) -> Iterable[Sequence[Entry]]:
        for case_id in self.ledger.cases_since(read_month(month) - MARGIN):
            yield self.cases.entries(case_id)


@dataclass(frozen=True, kw_only=True)
class RecognitionSummary:
    """Posts the recognition of each month."""

    awards: MonthlyAwards
    directory: Directory
    outbox: Outbox
    chat: Chat
    clock: Clock

    def enqueue_due(self) -> int:
        """Request the summary of the month before, once.

        Return how many were requested.
        """
        rules, now = self.awards.rules, self.clock()
        if not rules.is_on or not rules.channel:
            return 0
        hours = self.awards.hours
        today = hours.local(now).date()
        first = today.replace(day=1)
        # What was proved on the last day counts only when it has stood.
        due_at = hours.digest_time(first) + rules.stands_for
        if not due_at <= now < due_at + MAX_DELAY:
            return 0
        month = f"{first - timedelta(days=1):{MONTH_FORMAT}}"
        slot = int(month.replace("-", ""))
        message = recognition_message(month, now)
        return int(self.outbox.enqueue_once("recognition", slot, message))

    def run(self, message: LeasedMessage) -> None:
        """Post the summary of a month, unless nobody is in it."""
        month = str(message.payload["month"])
        channel = self.awards.rules.channel
        text = self.summary(month) if channel else ""
        # An attempt that lost its reply may have posted it.
        is_needed = bool(text) and (
            self.chat.find_message(channel, message.key) is not EffectStatus.LANDED
        )
        if is_needed:
            self.chat.send(channel, text, message.key)
        self.outbox.finish(message)

    def summary(self, month: str) -> str:
        """Word the recognition of a month; empty where nothing counts."""
        awards = [award for award in self.awards.find(month, self.clock()) if award.counts]
        names = {award.person: self._name(award.person) for award in awards}
        return summarise(month, awards, names)

    def _name(self, account: str) -> str:
        try:
            return self.directory.person(account).name
        except (NotEligible, ChatFailed):
            # Whoever has left did it all the same.
            return "Somebody who has left"


def read_month(month: str) -> datetime:
    """Read a month like 2026-11 as its first moment, in UTC.

    Raises:
        BadRequest: it is no month.
    """
    try:
        return datetime.strptime(f"{month} +0000", f"{MONTH_FORMAT} %z")
    except ValueError:
        raise BadRequest(f"{month[:20]!r} is no month like 2026-11", field="month") from None


def recognition_message(month: str, now: datetime) -> OutboxMessage:
    """Request the summary of a month."""
    return OutboxMessage(
        topic=Topic.RECOGNITION,
        key=f"recognition:{month}",
        case_id="",
        run_at=now,
        payload={"month": month},
    )


def summarise(month: str, awards: Sequence[Award], names: Mapping[str, str]) -> str:
    """List by name what each person did; empty where nobody did anything."""
    if not awards:
        return ""
    by_person: dict[str, list[Award]] = {}
    for award in awards:
        by_person.setdefault(award.person, []).append(award)
    people = sorted(by_person, key=lambda person: (names[person].casefold(), person))
    lines = [f"{names[person]}: {_describe_deeds(by_person[person])}." for person in people]
    title = f"Recognition for {read_month(month):%B %Y}"
    return "\n".join([title, *_fitting(lines), FOOTER])


def _describe_deeds(awards: Sequence[Award]) -> str:
    parts = []
    for merit, (singular, plural) in DEEDS.items():
        case_ids = [award.case_id for award in awards if award.merit is merit]
        if case_ids:
            deeds = count_noun(len(case_ids), singular, plural)
            parts.append(f"{deeds} ({_name_cases(case_ids)})")
    return join_words(parts)


def _name_cases(case_ids: Sequence[str]) -> str:
    unique_ids = list(dict.fromkeys(case_ids))
    rest = len(unique_ids) - MAX_CASES_NAMED
    text = ", ".join(unique_ids[:MAX_CASES_NAMED])
    return f"{text} and {rest} more" if rest > 0 else text


def _fitting(lines: Sequence[str]) -> list[str]:
    """Cut the lines to one message, and count what is left out."""
    result: list[str] = []
    length = 0
    for number, line in enumerate(lines):
        length += len(line) + 1
        if length > MAX_TEXT_LENGTH:
            rest = len(lines) - number
            result.append(f"{count_noun(rest, 'more person', 'more people')}: see the export.")
            break
        result.append(line)
    return result
