"""Addresses and logins of mail servers, for sending and for reading."""

import ipaddress
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from bot.cases.constraints import OptionalEnvironmentName

Hostname = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
Port = Annotated[int, Field(ge=1, le=65_535, strict=True)]


class MailSecurity(StrEnum):
    """How a connection to a mail server is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    #: In plain text: on this machine only.
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """One mail server and the login there. Secrets are only named."""

    host: Hostname
    port: Port
    security: MailSecurity = MailSecurity.TLS
    #: A file with certificates of an authority of our own; empty for those of the machine.
    ca_file: str = ""
    username_env: OptionalEnvironmentName = ""
    password_env: OptionalEnvironmentName = ""

    def __post_init__(self) -> None:
        if self.security is MailSecurity.NONE and not is_loopback(self.host):
            raise ValueError("security: none is for a server on this machine; say tls or starttls")
        if bool(self.username_env) != bool(self.password_env):
            raise ValueError("a login needs both username_env and password_env")

    def secret_names(self) -> tuple[str, ...]:
        """Return the names of the secrets of the login."""
        return (self.username_env, self.password_env) if self.username_env else ()

    def tls_context(self) -> ssl.SSLContext:
        """Create a context that checks certificate and host name."""
        return ssl.create_default_context(cafile=self.ca_file or None)


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password; empty for none."""

    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Login(…)"


def is_loopback(host: str) -> bool:
    """Tell whether this host can only be the machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
