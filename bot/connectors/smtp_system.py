"""The declaration of a mail server as a system: mails as actions.

A mail is plain text. Its recipients are in domains that the file lists, whoever fills them in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from bot.cases.constraints import KEYED, Text
from bot.cases.errors import ConnectorFailed
from bot.cases.expressions import placeholders
from bot.cases.mail_server import MailServer, Port
from bot.cases.plan import Idempotency
from bot.connectors.mail_servers import Login
from bot.connectors.specs import ActionSpec, Secrets, SystemSpec, Timeout
from bot.lazy_module import LazyModule
from bot.ports.chat import Chat
from bot.ports.connector import Connector

if TYPE_CHECKING:
    from bot.connectors import mail_message, smtp
else:
    # Only who sends mails loads the libraries for them.
    mail_message = LazyModule("bot.connectors.mail_message")
    smtp = LazyModule("bot.connectors.smtp")

MAX_RECIPIENTS = 20
MAX_MAIL_TEXT = 10_000
#: The snapshot of a mail: what is approved is these three, letter by letter.
MAIL_TO, MAIL_SUBJECT, MAIL_TEXT = "mail_to", "mail_subject", "mail_text"
_SNAPSHOT = frozenset({MAIL_TO, MAIL_SUBJECT, MAIL_TEXT})


@dataclass(frozen=True, kw_only=True)
class MailAction(ActionSpec):
    """One mail: templates over the parameters.

    ``{mail_to}``, ``{mail_subject}`` and ``{mail_text}`` may stand in what people read.
    """

    #: Addresses, or templates of one address each.
    to: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    #: A template of the subject.
    subject: Text
    #: A template of the text.
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_MAIL_TEXT)]
    target: Text = "mail:{mail_to}"
    summary: Text = "Write to {mail_to}: “{mail_subject}”"
    preview: Text = "{mail_to} gets a mail, “{mail_subject}”:\n{mail_text}"

    def __post_init__(self) -> None:
        ActionSpec.__post_init__(self)
        if self.returns:
            raise ValueError("a mail returns no facts")
        clashes = sorted(_SNAPSHOT & set(self.parameters))
        if clashes:
            raise ValueError(f"{', '.join(clashes)} is part of every mail; rename the parameter")
        for template in (*self.to, self.subject, self.text):
            missing = sorted(set(placeholders(template)) - set(self.parameters))
            if missing:
                raise ValueError(f"the mail names {', '.join(missing)}, which is no parameter")
        if self.amount and self.amount not in self.parameters:
            raise ValueError(f"amount names {self.amount}, which is no parameter")

    @property
    def reversible(self) -> bool:
        return False

    @property
    def says_refusals(self) -> bool:
        return True

    @property
    def idempotency(self) -> Idempotency:
        # By itself. With a mailbox in which it can be looked for the connector says more.
        return Idempotency.NONE


@dataclass(frozen=True, kw_only=True)
class SentMailbox(MailServer):
    """The mailbox in which the mail server files what it sends."""

    #: The port; IMAP over TLS has 993.
    port: Port = 993
    #: The folder with sent mails.
    folder: Text = "Sent"
    #: The server files a mail before it confirms it, so what is not there was not sent. Without
    #: this a mail that is not there may still have been sent, and a person is asked.
    complete: bool = False


@dataclass(frozen=True, kw_only=True)
class SmtpSystem(MailServer, SystemSpec):
    """A mail server that takes mails of one sender."""

    connector: Literal["smtp"] = "smtp"
    #: The port; SMTP over TLS has 465.
    port: Port = 465
    #: How long one call may take in all.
    timeout: Timeout = timedelta(seconds=15)
    #: The address of the sender.
    sender: Text
    #: The name that people see beside the address.
    sender_name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,60}$")] = ""
    #: The only domains to which mails may go. A subdomain is listed by itself.
    domains: Annotated[tuple[Text, ...], Field(min_length=1, max_length=200)]
    #: Where a mail is looked for after a lost answer; without it a person is asked.
    sent_mailbox: SentMailbox | None = None
    #: The actions by name.
    actions: Annotated[Mapping[str, MailAction], KEYED]

    def __post_init__(self) -> None:
        MailServer.__post_init__(self)
        try:
            mail_message.read_address(self.sender)
            for domain in self.domains:
                mail_message.read_domain(domain)
        except ConnectorFailed as error:
            raise ValueError(str(error)) from None

    def secret_names(self) -> tuple[str, ...]:
        names = MailServer.secret_names(self)
        return (*names, *self.sent_mailbox.secret_names()) if self.sent_mailbox else names

    def connect(self, secrets: Secrets, chat: Chat) -> Connector:
        sent_login = Login.of(self.sent_mailbox, secrets) if self.sent_mailbox else Login()
        return smtp.SmtpConnector(self, Login.of(self, secrets), sent_login)

    def find_problems(self, secrets: Secrets) -> list[str]:
        """Ask the mail server whether it is there and takes the login."""
        return smtp.SmtpConnector(self, Login.of(self, secrets), Login()).find_problems()
