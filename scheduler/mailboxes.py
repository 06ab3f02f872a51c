"""Mailboxes: every new mail is a signal, read once.

The number of the last mail that was recorded stands in the database, under the mailbox and what the
server calls its validity. A mail that is read again all the same, after a crash or by two processes
at once, has the same key, and so is the same signal.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from bot.cases.errors import ConnectorFailed, KeyReused
from bot.cases.mail_server import Mailbox
from bot.cases.source import Source
from bot.clock import boottime, time_limit
from bot.connectors.imap_mailbox import OpenMailbox, open_mailbox
from bot.connectors.mail_servers import Login
from bot.desk.incoming_mail import MAX_MAIL_BYTES, read_mail
from bot.desk.intake import Intake
from bot.desk.mail_signals import reason_to_ignore, signal_of
from bot.metrics import CONNECTOR_CALLS
from bot.ports.case_store import ReceiptOutcome
from bot.ports.clock import Clock

log = logging.getLogger(__name__)
#: Of one look into a mailbox; the rest is read at the next one.
MAX_MAILS = 500
LOOK_SECONDS = 120.0
#: What is kept of a mail as it came: the text is at its beginning.
MAX_STORED_BYTES = 1_000_000


class PositionStore(Protocol):
    """The table in which is noted how far a mailbox was read."""

    def claim_tick(self, job: str, slot: int) -> bool:
        """Note that everything up to this number is recorded."""

    def last_slot(self, job: str) -> int | None:
        """Return the number up to which everything is recorded."""


@dataclass(frozen=True, kw_only=True)
class MailboxReader:
    """Reads the mailbox of one source."""

    source: Source
    mailbox: Mailbox
    login: Login
    positions: PositionStore
    intake: Intake
    clock: Clock

    def poll(self) -> int:
        """Record the new mails; return how many cases they opened.

        A mailbox that cannot be read is read at the next look.
        """
        mailbox = self.mailbox
        try:
            with (
                time_limit(boottime() + LOOK_SECONDS),
                open_mailbox(
                    mailbox, self.login, mailbox.folder, is_writable=mailbox.mark_seen
                ) as folder,
            ):
                opened_count = sum(self._record(folder))
        except ConnectorFailed as failure:
            log.warning("mailbox %s could not be read: %s", self.source.name, failure)
            CONNECTOR_CALLS.labels(self.source.name, "read_mails", "failed").inc()
            return 0
        CONNECTOR_CALLS.labels(self.source.name, "read_mails", "done").inc()
        return opened_count

    def _record(self, folder: OpenMailbox) -> Iterator[bool]:
        """Record each mail; tell whether it opened a case."""
        job = f"read {self.source.name} {folder.validity}"
        last = None
        try:
            for number in self._new_numbers(folder, job)[:MAX_MAILS]:
                # One byte more than is read shows that there is more.
                content = folder.read(number, MAX_MAIL_BYTES + 1)
                yield content is not None and self._receive(content)
                last = number
                if self.mailbox.mark_seen:
                    folder.mark_seen(number)
        finally:
            if last is not None:
                self.positions.claim_tick(job, last)

    def _new_numbers(self, folder: OpenMailbox, job: str) -> list[int]:
        last = self.positions.last_slot(job)
        if last is not None:
            return folder.numbers_after(last)
        # A day more, for time zones: the server knows only days.
        return folder.numbers_since((self.clock() - self.mailbox.since).date())

    def _receive(self, content: bytes) -> bool:
        mail = read_mail(content)
        reason = reason_to_ignore(mail)
        if reason:
            self.intake.ignore(self.source.name, reason)
            return False
        signal = signal_of(mail, self.source)
        if self.intake.is_on_record(self.source, signal):
            return False
        try:
            receipt = self.intake.receive(signal, content[:MAX_STORED_BYTES])
        except KeyReused:
            # The key has the content in it: only how it is read has changed since.
            return False
        return receipt.outcome is ReceiptOutcome.OPENED
