"""docs/agents.md runs: its Python before a server on loopback, its JSON and its commands by the names in the code."""

import json
import re
from pathlib import Path

import pytest
from langchain_core.tools import tool

from bot import settings
from bot.cli.app import COUNTERSIGN
from handlers.programs.client import AsyncCountersign, Countersign
from handlers.programs.mcp_server import build_server
from tests.fakes.approval_server import TOKEN, ApprovalServer
from tests.fakes.scripted_model import scripted_model

PAGE = (Path(__file__).parent.parent / "docs/agents.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def server():
    server = ApprovalServer()
    server.on_request = lambda approval: server.decide(approval["id"], "approved")
    yield server
    server.stop()


def test_its_python_runs_from_top_to_bottom(server, capsys):
    @tool
    def refund_deposit(booking: str, deposit: float) -> str:
        """Pay it back."""
        return f"paid {deposit:g} for {booking}"

    call = ("refund_deposit", {"booking": "B-19", "deposit": 90})
    names = {"model": scripted_model([call], "Done."), "tools": [refund_deposit]}
    code = blocks("python")
    assert len(code) == 5
    for block in code:
        text = block.replace("https://countersign.example", server.url)
        exec(text.replace("cs_stock-agent_…", TOKEN), names)
    names["client"].close()
    assert capsys.readouterr().out.splitlines() == [
        "Ben Okafor {'booking': 'B-17', 'deposit': 40}",
        "paid 60 for B-18",
        "Ben Okafor 2026-11-27T09:00:00.000000Z",
    ]
    assert names["state"]["messages"][-2].content == "paid 90 for B-19"
    assert [one["state"] for one in server.approvals.values()] == ["done"] * 3


def test_its_configuration_names_a_command_and_settings_that_exist():
    (text,) = blocks("json")
    configuration = json.loads(text)["mcpServers"]["countersign"]
    assert configuration["command"] == "countersign"
    assert configuration["args"][0] in COUNTERSIGN.commands
    assert set(configuration["env"]) <= set(settings.NAMES)
    for command in re.findall(r"countersign (\w+)", PAGE):
        assert command in COUNTERSIGN.commands, command


def test_its_tables_name_every_tool_and_method():
    table = "".join(re.findall(r"^\|.*\|$", PAGE, re.MULTILINE))
    tools = build_server(lambda: AsyncCountersign("http://localhost", TOKEN))._tool_manager
    for name in [one.name for one in tools.list_tools()]:
        assert f"`{name}`" in table, name
    methods = {name for name in vars(Countersign) if not name.startswith("_")}
    for name in methods - {"close", "run", "obtain", "keys", "asynchronous"}:
        assert f"`{name}`" in table, name
    for name in re.findall(r"\(\.\./([\w./]+)\)|\((examples/[\w.]+)\)", PAGE):
        path = name[0] or f"docs/{name[1]}"
        assert (Path(__file__).parent.parent / path).exists(), path
