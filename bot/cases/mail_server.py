"""Mail servers as files declare them, for sending and for reading."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from bot.cases.constraints import OptionalEnvironmentName, Span, Text

Hostname = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
Port = Annotated[int, Field(ge=1, le=65_535, strict=True)]


class MailSecurity(StrEnum):
    """The protection of a connection to a mail server."""

    TLS = "tls"
    STARTTLS = "starttls"
    #: In plain text: on this machine only.
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """One mail server and the login there. Secrets are only named."""

    #: The name of the server.
    host: Hostname
    #: Its port.
    port: Port
    #: How the connection is protected.
    security: MailSecurity = MailSecurity.TLS
    #: A file with certificates of an authority of our own; empty for those of the machine.
    ca_file: str = ""
    #: The name of the secret with the user's name.
    username_env: OptionalEnvironmentName = ""
    #: The name of the secret with the password.
    password_env: OptionalEnvironmentName = ""

    def __post_init__(self) -> None:
        if self.security is MailSecurity.NONE and not is_loopback(self.host):
            raise ValueError("security: none is for a server on this machine; say tls or starttls")
        if bool(self.username_env) != bool(self.password_env):
            raise ValueError("a login needs both username_env and password_env")

    def secret_names(self) -> tuple[str, ...]:
        """Return the names of the secrets of the login."""
        return (self.username_env, self.password_env) if self.username_env else ()


def is_loopback(host: str) -> bool:
    """Tell whether this host can only be the machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class Mailbox(MailServer):
    """A mailbox over IMAP; every new mail is a signal."""

    #: The port; IMAP over TLS has 993.
    port: Port = 993
    #: The folder that is read.
    folder: Text = "INBOX"
    #: How often it is looked into.
    every: Span = timedelta(minutes=1)
    #: Mails that were read are marked as seen; otherwise nothing is changed there.
    mark_seen: bool = False
    #: Mails that are older are left alone when the mailbox is looked into for the first time.
    since: Span = timedelta(days=1)
