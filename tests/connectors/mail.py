"""Real mail servers on loopback: SMTP that can misbehave, and IMAP."""

import contextlib
import socket
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import imapclient
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from bot.cases.mail_server import MailServer
from tests.servers import free_port
from tests.waiting import wait_until

HOST = "localhost"
LOGIN = {"MAIL_USER": "desk", "MAIL_PASSWORD": "s3cret"}
IMAP_LOGIN = ("demouser", "demopass")


@dataclass
class PostOffice:
    """Takes mails as a server on the Internet does, or fails at the stage that ``fault`` names."""

    fault: str = ""
    #: Where every accepted mail is filed.
    sent: "ImapServer | None" = None
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        is_right = data.password == LOGIN["MAIL_PASSWORD"].encode()
        return AuthResult(success=is_right, handled=False)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self._fail_at(server, "EHLO")
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        answer = self._fail_at(server, "MAIL")
        envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self._fail_at(server, "RCPT")
        envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = self._fail_at(server, "TEXT")
        if answer:
            return answer
        self.raw.append(envelope.original_content)
        self.mails.append(message_from_bytes(envelope.original_content, policy=policy.default))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        if self.sent:
            self.sent.append(envelope.original_content, "Sent")
        return self._fail_at(server, "CONFIRMATION") or "250 2.0.0 queued"

    def _fail_at(self, server, stage):
        name, _, fault = self.fault.partition(":")
        if name != stage:
            return None
        if fault == "drop":
            server.transport.abort()
            return "421 gone"
        return fault


class PostController(Controller):
    def factory(self):
        return DroppingSmtp(self.handler, **self.SMTP_kwargs)


class DroppingSmtp(SMTP):
    """Also drops the connection at commands for which handlers have no hook."""

    async def smtp_DATA(self, arg):
        if self.event_handler.fault == "DATA:drop":
            self.transport.abort()
            return
        if self.event_handler.fault.startswith("DATA:"):
            await self.push(self.event_handler.fault.removeprefix("DATA:"))
            return
        await super().smtp_DATA(arg)


@dataclass
class Certificates:
    """An authority, and certificates for this machine and for another one."""

    folder: Path

    def __post_init__(self):
        authority = trustme.CA()
        self.authority = str(self.folder / "authority.pem")
        authority.cert_pem.write_to_path(self.authority)
        for name in (HOST, "elsewhere.example"):
            key = authority.issue_cert(name)
            key.private_key_and_cert_chain_pem.write_to_path(str(self.folder / f"{name}.pem"))

    def path(self, name: str = HOST) -> str:
        return str(self.folder / f"{name}.pem")

    def context(self, name: str = HOST):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(name))
        return context


@contextlib.contextmanager
def running_post_office(certificates, *, security="starttls", certificate=HOST, **options):
    """Run a post office; yield it with the port on which it listens."""
    office = PostOffice()
    context = certificates.context(certificate)
    if security == "starttls":
        options = {"tls_context": context, "require_starttls": True, **options}
    controller = PostController(
        office,
        hostname=HOST,
        port=free_port(),
        ssl_context=context if security == "tls" else None,
        authenticator=office.authenticate,
        auth_require_tls=security == "starttls",
        **options,
    )
    controller.start()
    try:
        yield office, controller.port
    finally:
        controller.stop()


@dataclass
class ImapServer:
    """A real IMAP server in a process of its own."""

    port: int
    process: subprocess.Popen
    postman: imapclient.IMAPClient | None = None

    @contextlib.contextmanager
    def client(self):
        with imapclient.IMAPClient("127.0.0.1", self.port, ssl=False) as client:
            client.login(*IMAP_LOGIN)
            yield client

    def append(self, content: bytes, folder: str = "INBOX") -> None:
        # To log in takes the server longer than all else, so one login is for all mails.
        if self.postman is None:
            self.postman = imapclient.IMAPClient("127.0.0.1", self.port, ssl=False)
            self.postman.login(*IMAP_LOGIN)
        self.postman.append(folder, content)

    def server(self, certificates, **changes) -> MailServer:
        fields = {
            "host": HOST,
            "port": self.port,
            "security": "starttls",
            "ca_file": certificates.authority,
            "username_env": "IMAP_USER",
            "password_env": "IMAP_PASSWORD",
        }
        return MailServer(**{**fields, **changes})


@contextlib.contextmanager
def running_imap(certificates, *backend: str):
    """Run an IMAP server until the end of the block."""
    port = free_port()
    command = [
        sys.executable, "-c", "import sys; from pymap.main import main; sys.exit(main())",
        "--host", "127.0.0.1", "--port", str(port),
        "--cert", certificates.path(), "--key", certificates.path(),
        "--no-service", "managesieve", "--no-service", "admin",
        *(backend or ("dict", "--demo-data")),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_port(port, process)
        yield ImapServer(port, process)
    finally:
        process.kill()
        process.wait()


def _wait_for_port(port: int, process: subprocess.Popen) -> None:
    def listens() -> bool:
        assert process.poll() is None, "the IMAP server did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    wait_until(listens, "the IMAP server")
