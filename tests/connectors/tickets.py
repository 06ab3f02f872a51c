"""A ticket system that speaks MCP, for tests: its folder, its declaration, and its checksums."""

import contextlib
import json
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from bot.cases.plan import Idempotency
from bot.clock import boottime, time_limit
from bot.connectors.mcp_conversation import converse
from bot.connectors.mcp_system import McpSystem, ToolAction, ToolCall
from bot.connectors.parameters import ParameterType
from tests.servers import free_port
from tests.waiting import wait_until

SERVER = Path(__file__).with_name("tool_server.py")
CLOSE = {"ticket": 7, "reason": "paid"}


class Tickets:
    """The ticket system on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(status="open", effects=[])

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, str(SERVER), str(self.folder))

    def write(self, **state) -> None:
        (self.folder / "tickets.json").write_text(json.dumps(state))

    @property
    def state(self) -> dict:
        return json.loads((self.folder / "tickets.json").read_text())

    def misbehave(self, fault: str) -> None:
        (self.folder / "fault").write_text(fault)


def checksums(port: int) -> dict[str, str]:
    """Ask the server for the checksums of its tools."""

    async def ask(server):
        return dict(await server.read_checksums())

    system = McpSystem(name="tickets", **address(port))
    with time_limit(boottime() + 60):
        return converse(system, str, ask)


def address(port: int) -> dict:
    return {"url": f"http://127.0.0.1:{port}/mcp", "private_hosts": ("127.0.0.1",)}


def ticket_system(pins: dict[str, str], **changes) -> McpSystem:
    def call(tool, **more):
        return ToolCall(tool=tool, schema=pins.get(tool, ""), **more)

    find = call(
        "find_effect",
        arguments={"request_id": "key"},
        landed_when="found",
        absent_when="found == `false`",
        fields={"closing": "closing"},
    )
    read = call("get_ticket", arguments={"ticket": "ticket"}, fields={"status": "status"})
    close = ToolAction(
        name="close",
        parameters={"ticket": ParameterType.INTEGER, "reason": ParameterType.TEXT},
        target="ticket:{ticket}",
        summary="Close ticket {ticket}",
        preview="ticket {ticket} goes from {status} to closed",
        precondition=read,
        execute=call(
            "close_ticket",
            arguments={"ticket": "ticket", "reason": "reason", "request_id": "key"},
            meta={"example.com/key": "key"},
            landed_when="ok",
            refused_when="refused",
            detail="closing || text",
        ),
        verify=find,
        undo=call(
            "reopen_ticket",
            arguments={"ticket": "ticket", "request_id": "key", "done_id": "done_key"},
            landed_when="ok",
        ),
        declared_idempotency=Idempotency.NATIVE_KEY,
    )
    return McpSystem(
        name="tickets",
        **{
            "lookups": {"ticket": read},
            "actions": {"close": close},
            "timeout": timedelta(seconds=60),
            **changes,
        },
    )


@contextlib.contextmanager
def serving(tickets: Tickets):
    """Serve the tickets over HTTP on loopback; yield the port."""
    port = free_port()
    process = subprocess.Popen(
        [*tickets.command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def listens() -> bool:
        assert process.poll() is None, "the server did not start"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        return False

    try:
        wait_until(listens, "the MCP server")
        yield port
    finally:
        process.kill()
        process.wait()
