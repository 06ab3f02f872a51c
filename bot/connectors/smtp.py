"""Mails as actions: shown whole, sent once, and never taken back.

Until the text of the mail goes over the wire nothing has happened, and after the server's yes it
has. In between nobody knows: the mail is looked for in the mailbox of sent mails, or a person is
asked. It is never sent again without proof that it was not sent.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from bot import sockets
from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused, WorldMoved
from bot.cases.evidence import list_changes
from bot.cases.expressions import render
from bot.cases.mail_server import MailSecurity
from bot.cases.plan import Action, Idempotency
from bot.clock import boottime, seconds_left, time_limit, utc_now
from bot.connectors.imap_mailbox import open_mailbox
from bot.connectors.mail_message import (
    Mail,
    message_id,
    read_address,
    read_domain,
    read_subject,
    require_allowed,
    write_mail,
)
from bot.connectors.mail_servers import Login, tls_context
from bot.connectors.parameters import convert_parameters
from bot.connectors.smtp_system import MAIL_SUBJECT, MAIL_TEXT, MAIL_TO, MailAction, SmtpSystem
from bot.connectors.specs import prepare_action, short_name
from bot.ports.connector import NOTHING, EffectStatus

MAX_DETAIL = 120
GO_AHEAD = 354
_FIRST_DOT = re.compile(rb"^\.", re.MULTILINE)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class SmtpConnector:
    """Sends the declared mails of one system."""

    def __init__(self, system: SmtpSystem, login: Login, sent_login: Login) -> None:
        """``sent_login`` is for the mailbox of sent mails."""
        self._system = system
        self._login = login
        self._sent_login = sent_login
        self._sender = read_address(system.sender)
        self._domains = frozenset(map(read_domain, system.domains))

    @property
    def timeout(self) -> timedelta:
        return self._system.timeout

    def look_up(
        self,
        query: str,
        parameters: ScalarMapping,
        limit: int,
    ) -> list[dict[str, Scalar]]:
        """Refuse: a mail server is asked for no evidence."""
        raise ConnectorFailed(f"{self._system.name} answers no questions")

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Write the mail.

        Its snapshot is the mail itself, so it is approved as it is sent.
        """
        spec = self._find_spec(action)
        if words:
            # Nobody would have read it.
            raise ConnectorFailed("a mail is approved whole, so no earlier step may fill it")
        values = convert_parameters(parameters, spec.parameters)
        draft = prepare_action(
            spec,
            system=self._system.name,
            connector=self._system.connector,
            parameters=values,
            snapshot=_snapshot(self._compose(spec, values)),
        )
        if self._system.sent_mailbox is None:
            return draft
        return replace(draft, idempotency=Idempotency.MARKER)

    def precondition(self, action: Action) -> ScalarMapping:
        """Write the mail again, as it would be sent now."""
        return _snapshot(self._compose(self._find_spec(short_name(action)), action.parameters))

    def execute(self, action: Action, key: str) -> str:
        """Send the mail that was approved."""
        spec = self._find_spec(short_name(action))
        if spec.version != action.version:
            versions = f"version {spec.version} now, version {action.version} was approved"
            raise WorldMoved(f"{action.name} is {versions}")
        mail = self._compose(spec, action.parameters)
        reasons = list_changes(action.precondition, _snapshot(mail))
        if reasons:
            raise WorldMoved("; ".join(reasons))
        content = write_mail(mail, key=key, now=utc_now())
        with self._time_limit():
            if seconds_left() <= 0:
                raise ConnectorFailed("no time was left to send it", retryable=True)
            self._send(mail, content)
        return f"sent to {', '.join(one.text for one in mail.recipients)}"

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look for the mail among those that were sent."""
        mailbox_spec = self._system.sent_mailbox
        if mailbox_spec is None:
            return EffectStatus.UNKNOWN
        mail = self._compose(self._find_spec(short_name(action)), action.parameters)
        try:
            with (
                self._time_limit(),
                open_mailbox(mailbox_spec, self._sent_login, mailbox_spec.folder) as mailbox,
            ):
                is_there = mailbox.has_message(message_id(mail, key))
        except ConnectorFailed:
            return EffectStatus.UNKNOWN
        if is_there:
            return EffectStatus.LANDED
        return EffectStatus.ABSENT if mailbox_spec.complete else EffectStatus.UNKNOWN

    def undo(
        self,
        action: Action,
        key: str,
        undo_key: str,
    ) -> str:
        """Refuse: a mail that was sent has arrived."""
        raise ConnectorFailed("a mail that was sent cannot be taken back")

    def find_problems(self) -> list[str]:
        """Log in, and send nothing."""
        try:
            with self._time_limit(), self._connection():
                return []
        except ConnectorFailed as failure:
            return [str(failure)]

    def _time_limit(self) -> AbstractContextManager[None]:
        return time_limit(boottime() + self.timeout.total_seconds())

    def _find_spec(self, action: str) -> MailAction:
        try:
            return self._system.actions[action]
        except KeyError:
            raise ConnectorFailed(f"{self._system.name} has no action {action!r}") from None

    def _compose(self, spec: MailAction, parameters: ScalarMapping) -> Mail:
        """Fill the templates, and check what came of them.

        Raises:
            ConnectorFailed: a recipient or the subject is not allowed.
        """
        recipients = tuple(read_address(render(one, parameters)) for one in spec.to)
        for recipient in recipients:
            require_allowed(recipient, self._domains)
        return Mail(
            sender=self._sender,
            sender_name=self._system.sender_name,
            recipients=recipients,
            subject=read_subject(render(spec.subject, parameters)),
            text=render(spec.text, parameters),
        )

    def _send(self, mail: Mail, content: bytes) -> None:
        """Hand the mail to the server.

        Raises:
            ConnectorFailed: it surely was not sent.
            OutcomeUnknown: the server may have it.
        """
        with self._connection() as connection:
            with self._nothing_sent():
                self._offer(connection, mail)
            try:
                # A dot alone would end the mail.
                connection.send(_FIRST_DOT.sub(b"..", content) + b".\r\n")
                code, reply = connection.getreply()
            except (smtplib.SMTPException, OSError) as failure:
                raise OutcomeUnknown(
                    f"{self._system.name} has the mail and did not confirm it:"
                    f" {type(failure).__name__}"
                ) from None
            self._judge(code, reply)

    @contextmanager
    def _connection(self) -> Iterator["_Connection"]:
        """Connect, in private and logged in."""
        with self._nothing_sent():
            connection = _Connection(self._system, self._sender.domain)
        try:
            with self._nothing_sent():
                connection.prepare(self._login)
            yield connection
        finally:
            # The mail is sent or not by now, whatever the farewell.
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _offer(self, connection: "_Connection", mail: Mail) -> None:
        """Name sender and recipients, until the server waits for the text."""
        options = ["SMTPUTF8", "BODY=8BITMIME"] if mail.needs_utf8 else []
        self._require(connection.mail(mail.sender.text, options), {250})
        for recipient in mail.recipients:
            # One no is a no to all: half of the recipients is not what was approved.
            self._require(connection.rcpt(recipient.text), {250, 251})
        self._require(connection.docmd("DATA"), {GO_AHEAD})

    def _require(self, answer: tuple[int, bytes], codes: set[int]) -> None:
        code, reply = answer
        if code not in codes:
            raise self._refusal(code, reply)

    def _judge(self, code: int, reply: bytes) -> None:
        """Read the answer to the whole mail."""
        if 200 <= code < 300:
            return
        if 400 <= code < 600:
            raise self._refusal(code, reply)
        raise OutcomeUnknown(f"{self._system.name} answered {code}, which says nothing")

    def _refusal(self, code: int, reply: bytes) -> ConnectorFailed:
        text = _UNPRINTABLE.sub(" ", reply.decode("ascii", "replace"))[:MAX_DETAIL].strip()
        reason = f"{self._system.name} refused the mail: {code} {text}"
        if 500 <= code < 600:
            return SystemRefused(reason)
        return ConnectorFailed(reason, retryable=400 <= code < 500)

    @contextmanager
    def _nothing_sent(self) -> Iterator[None]:
        """Tell every failure inside as one after which nothing was sent."""
        name = self._system.name
        try:
            yield
        except smtplib.SMTPAuthenticationError as failure:
            # 454 is "not now".
            is_temporary = 400 <= failure.smtp_code < 500
            reason = f"{name} does not accept the login"
            raise ConnectorFailed(reason, retryable=is_temporary) from None
        except smtplib.SMTPResponseException as failure:
            is_temporary = 400 <= failure.smtp_code < 500
            reason = f"{name} is not available: {failure.smtp_code}"
            raise ConnectorFailed(reason, retryable=is_temporary) from None
        except smtplib.SMTPNotSupportedError as failure:
            raise ConnectorFailed(f"{name} cannot do it: {failure}"[:MAX_DETAIL]) from None
        except ssl.SSLCertVerificationError as failure:
            reason = f"the certificate of {name} is not valid: {failure.verify_message}"
            raise ConnectorFailed(reason) from None
        except (smtplib.SMTPException, OSError) as failure:
            reason = f"{name} cannot be reached: {type(failure).__name__}"
            raise ConnectorFailed(reason, retryable=True) from None


class _Connection(smtplib.SMTP):
    """A connection that ends at the time limit of the call."""

    def __init__(self, system: SmtpSystem, own_name: str) -> None:
        self._system = system
        # With a name of its own it asks no name server for one.
        super().__init__(system.host, system.port, local_hostname=own_name)

    def prepare(self, login: Login) -> None:
        """Begin TLS, and log in."""
        self.ehlo_or_helo_if_needed()
        if self._system.security is MailSecurity.STARTTLS:
            self.starttls(context=tls_context(self._system))
            self.ehlo_or_helo_if_needed()
        if login.username:
            self.login(login.username, login.password)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = sockets.connect(host, port)
        if self._system.security is not MailSecurity.TLS:
            return connection
        return tls_context(self._system).wrap_socket(connection, server_hostname=host)


def _snapshot(mail: Mail) -> dict[str, Scalar]:
    return {
        MAIL_TO: ", ".join(one.text for one in mail.recipients),
        MAIL_SUBJECT: mail.subject,
        MAIL_TEXT: mail.text,
    }
