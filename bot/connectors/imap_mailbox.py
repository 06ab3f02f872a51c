"""A mailbox over IMAP, within the time limit of the call."""

import imaplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import imapclient
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from bot import sockets
from bot.cases.errors import ConnectorFailed
from bot.cases.mail_server import MailSecurity, MailServer
from bot.connectors.mail_servers import Login, tls_context

# What a lost connection, a refusal or an answer that is no IMAP raises.
_FAILURES = (IMAPClientError, OSError, imaplib.IMAP4.error, ValueError)


@contextmanager
def open_mailbox(
    server: MailServer, login: Login, folder: str, *, is_writable: bool = False
) -> Iterator["OpenMailbox"]:
    """Log in and open a folder.

    Nothing is changed there unless it is writable.


    Raises:
        ConnectorFailed: it cannot be opened, or fails inside.
    """
    try:
        with _Client(server) as client:
            if server.security is MailSecurity.STARTTLS:
                client.starttls(tls_context(server))
            if login.username:
                client.login(login.username, login.password)
            yield OpenMailbox(client, folder, is_writable=is_writable)
    except LoginError:
        raise ConnectorFailed(f"{server.host} does not accept the login") from None
    except CapabilityError as failure:
        raise ConnectorFailed(f"{server.host} cannot do it: {failure}") from None
    except ssl.SSLCertVerificationError as failure:
        reason = f"the certificate of {server.host} is not valid: {failure.verify_message}"
        raise ConnectorFailed(reason) from None
    except _FAILURES as failure:
        reason = f"{server.host} cannot be read: {type(failure).__name__}"
        raise ConnectorFailed(reason, retryable=True) from None


class OpenMailbox:
    """One open folder."""

    def __init__(self, client: "_Client", folder: str, *, is_writable: bool) -> None:
        self._client = client
        answer: dict[bytes, Any] = client.select_folder(folder, readonly=not is_writable)
        #: Numbers of mails hold as long as this is the same.
        self.validity = int(answer.get(b"UIDVALIDITY", 0))

    def has_message(self, message_id: str) -> bool:
        """Look for a mail by its Message-ID."""
        return bool(self._client.search(["HEADER", "Message-ID", message_id]))

    def numbers_after(self, number: int) -> list[int]:
        """List the numbers of the mails after this one, in order."""
        # The protocol answers "from here on" with the last mail even where it comes before.
        numbers = self._client.search(["UID", f"{number + 1}:*"])
        return sorted(one for one in numbers if one > number)

    def numbers_since(self, day: date) -> list[int]:
        """List the numbers of mails since this day, in order."""
        return sorted(self._client.search(["SINCE", day]))

    def read(self, number: int, max_bytes: int) -> bytes | None:
        """Read the beginning of a mail; None where it is gone.

        It is not marked as seen.
        """
        answer = self._client.fetch([number], [f"BODY.PEEK[]<0.{max_bytes}>"])
        for name, value in answer.get(number, {}).items():
            if name.startswith(b"BODY[") and isinstance(value, bytes):
                return value
        return None

    def mark_seen(self, number: int) -> None:
        """Mark a mail as seen."""
        self._client.add_flags([number], [imapclient.SEEN])


class _Client(imapclient.IMAPClient):  # type: ignore[misc]
    """A client whose socket ends at the time limit."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        super().__init__(server.host, server.port, ssl=server.security is MailSecurity.TLS)

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Connection(self._server)


class _Connection(imaplib.IMAP4):
    def __init__(self, server: MailServer) -> None:
        self._server = server
        super().__init__(server.host, server.port)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        connection = sockets.connect(self._server.host, self._server.port)
        if self._server.security is not MailSecurity.TLS:
            return connection
        return tls_context(self._server).wrap_socket(connection, server_hostname=self._server.host)
