"""Logins and certificates of mail servers."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from bot.cases.mail_server import MailServer


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password; empty for none."""

    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Login(…)"

    @classmethod
    def of(cls, server: MailServer, secrets: Callable[[str], str]) -> "Login":
        """Look up the login of a server; none where it declares none."""
        if not server.username_env:
            return cls()
        return cls(secrets(server.username_env), secrets(server.password_env))


def tls_context(server: MailServer) -> ssl.SSLContext:
    """Create a context that checks certificate and host name."""
    return ssl.create_default_context(cafile=server.ca_file or None)
