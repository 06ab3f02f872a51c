"""The tools, called by the SDK's own client: over stdio with a real process, and over HTTP."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

import httpx
import httpx2
import pytest
import uvicorn
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from handlers.programs import mcp_server
from handlers.programs.client import AsyncCountersign
from handlers.programs.mcp_server import ApiTokenVerifier, build_http_app, build_server
from tests.fakes.approval_server import TOKEN, problem
from tests.servers import free_port

ASK = {
    "action": "pay_refund",
    "arguments": {"order": "A-17", "amount": 80},
    "summary": "Refund £80",
}
TOOLS = {
    "request_approval": False,
    "wait_for_decision": True,
    "report_outcome": False,
    "list_my_cases": True,
    "get_case": True,
    "raise_exception": False,
    "find_precedents": True,
}


def told(result):
    """Return the words of a result."""
    return "".join(block.text for block in result.content)


@pytest.fixture
def tools(server):
    return build_server(lambda: AsyncCountersign(server.url, TOKEN))


def with_client(target, story):
    async def run():
        async with Client(target) as client:
            return await story(client)

    return asyncio.run(run())


def stdio(server, **environment):
    return stdio_client(
        StdioServerParameters(
            command=sys.executable,
            args=["-m", "bot", "mcp"],
            env={"COUNTERSIGN_URL": server.url, "COUNTERSIGN_TOKEN": TOKEN, **environment},
        )
    )


async def refund(client, server):
    """Ask, wait for an edited yes, act, report: what agents do."""
    asked = await client.call_tool("request_approval", ASK)
    approval_id = asked.structured_content["id"]
    assert asked.structured_content["next"].startswith("Do not act. Call wait_for_decision")
    timer = threading.Timer(0.2, lambda: server.decide(approval_id, "edited", amount=50))
    timer.start()
    decision = await client.call_tool("wait_for_decision", {"approval_id": approval_id})
    assert decision.structured_content["arguments"] == {"order": "A-17", "amount": 50}
    assert decision.structured_content["is_edited"]
    assert decision.structured_content["decided_by"] == ["Ben Okafor"]
    report = {"approval_id": approval_id, "outcome": "done", "detail": "Paid 50"}
    done = await client.call_tool("report_outcome", report)
    return done.structured_content


def test_an_agent_asks_waits_and_reports_over_stdio(server):
    result = with_client(stdio(server), lambda client: refund(client, server))
    assert (result["state"], result["outcome"]) == ("done", "Paid 50")
    assert server.only()["report"] == {"outcome": "done", "detail": "Paid 50"}


def test_tools_say_what_they_take_and_that_none_decides(tools):
    async def list_tools(client):
        return (await client.list_tools()).tools

    listed = {tool.name: tool for tool in with_client(tools, list_tools)}
    assert {name: tool.annotations.read_only_hint for name, tool in listed.items()} == TOOLS
    assert not any(tool.annotations.destructive_hint for tool in listed.values())
    for tool in listed.values():
        assert tool.title
        assert tool.description.endswith(".")
        assert tool.output_schema
        for name, schema in tool.input_schema["properties"].items():
            assert schema.get("description"), f"{tool.name}: {name}"
    asks = listed["request_approval"].input_schema
    assert set(asks["required"]) == {"action", "arguments", "summary"}
    assert {one["type"] for one in asks["properties"]["arguments"]["additionalProperties"]["anyOf"]}


def test_whoever_waits_hears_that_it_goes_on(server, tools, monkeypatch):
    monkeypatch.setattr(mcp_server, "PROGRESS_SECONDS", 1)

    async def story(client):
        asked = await client.call_tool("request_approval", ASK)
        approval_id, heard = asked.structured_content["id"], []

        async def hear(progress, total, message):
            heard.append((total, message))
            server.decide(approval_id, "rejected", reason="she was paid on Monday")

        arguments = {"approval_id": approval_id, "seconds": 50}
        decision = await client.call_tool("wait_for_decision", arguments, progress_callback=hear)
        return heard, decision.structured_content

    heard, decision = with_client(tools, story)
    assert heard == [(50.0, "Nobody has decided yet")]
    assert (decision["state"], decision["arguments"]) == ("rejected", None)
    assert decision["next"] == (
        "Do not act, and do not ask for the same again. "
        "Ben Okafor rejected it: she was paid on Monday."
    )


def test_a_wait_ends_in_time_and_says_to_call_again(server, tools):
    async def story(client):
        asked = await client.call_tool("request_approval", ASK)
        arguments = {"approval_id": asked.structured_content["id"], "seconds": 0}
        return await client.call_tool("wait_for_decision", arguments)

    result = with_client(tools, story)
    assert result.structured_content["state"] == "pending"
    assert not result.is_error


def test_cases_are_read_and_raised(server, tools):
    async def story(client):
        evidence = [{"title": "Order", "facts": {"total": 80}}]
        options = {
            "amount": {"value": "80.00", "currency": "GBP"},
            "evidence": evidence,
            "on_behalf_of": "mia",
            "expires": "4h",
            "idempotency_key": "task-9",
        }
        first = await client.call_tool("request_approval", ASK | options)
        again = await client.call_tool("request_approval", ASK | options)
        assert first.structured_content == again.structured_content
        cases = await client.call_tool("list_my_cases", {"state": "pending"})
        case = await client.call_tool("get_case", {"case_id": "EX-1"})
        signal = {"kind": "low_stock", "subject": "product:3", "title": "Cups are low"}
        raised = await client.call_tool("raise_exception", signal | {"facts": {"left": 2}})
        precedents = await client.call_tool("find_precedents", {"text": "cups ran out"})
        return [one.structured_content for one in (cases, case, raised, precedents)]

    cases, case, raised, precedents = with_client(tools, story)
    assert [one["id"] for one in cases["cases"]] == ["EX-1"]
    assert case == {"id": "EX-1", "kind": "approval"}
    assert raised == {"case": "EX-99", "outcome": "opened"}
    assert precedents["precedents"][0]["text"] == "cups ran out"
    approval = server.only()
    assert approval["evidence"] == [{"title": "Order", "facts": {"total": 80}}]
    assert (approval["on_behalf_of"], approval["expires"]) == ("mia", "4h")
    assert server.signals[0]["facts"] == {"left": 2}


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("request_approval", ASK | {"action": "close_account"}, "ask the operator to allow it"),
        ("wait_for_decision", {"approval_id": "EX-404"}, "There is no such approval. Check the id"),
        ("get_case", {"case_id": "EX-404"}, "There is no such case"),
        ("request_approval", ASK | {"arguments": {"of": {"a": 1}}}, "arguments"),
        ("wait_for_decision", {"approval_id": "EX-1", "seconds": 9999}, "less than or equal"),
        ("approve", {"approval_id": "EX-1"}, "Unknown tool"),
    ],
)
def test_what_goes_wrong_is_told_as_a_sentence(server, tools, tool, arguments, words):
    result = with_client(tools, lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    assert words in told(result)
    assert "Traceback" not in told(result)


def test_stdio_needs_a_token_and_says_where_from():
    result = subprocess.run(
        [sys.executable, "-m", "bot", "mcp"],
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "countersign tokens make" in " ".join(result.stderr.split())
    assert result.stdout == ""


# --- over HTTP ------------------------------------------------------------------------------------


@contextlib.contextmanager
def listening_app(server):
    port = free_port()
    public_url = f"http://127.0.0.1:{port}/mcp"
    config = uvicorn.Config(
        build_http_app(server.url, public_url=public_url), log_config=None, loop="asyncio"
    )
    running = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", port))
    thread = threading.Thread(target=running.run, args=[[listener]], daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.005)
    yield public_url
    running.should_exit = True
    thread.join(60)


@pytest.fixture
def address(server):
    with listening_app(server) as public_url:
        yield public_url


def over_http(address, token, story):
    async def run():
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=120) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            return await story(client)

    return asyncio.run(run())


def test_an_agent_asks_waits_and_reports_over_http(server, address):
    result = over_http(address, TOKEN, lambda client: refund(client, server))
    assert result["state"] == "done"


def test_each_caller_speaks_with_its_own_token(server, address):
    """A token that was revoked meanwhile is refused by the API, whatever is remembered here."""
    over_http(address, TOKEN, lambda client: client.list_tools())

    async def story(client):
        server.faults.append(problem(401, "the token was revoked"))
        return await client.call_tool("list_my_cases", {})

    result = over_http(address, TOKEN, story)
    assert result.is_error
    assert "The token was revoked" in told(result)


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer cs_wrong"}, {"Authorization": "Basic eDp5"}]
)
def test_without_a_valid_token_it_is_401_and_says_where_to_read(server, address, headers):
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = httpx.post(address, json=request, headers=headers, timeout=60)
    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    metadata_url = challenge.split('resource_metadata="')[1].rstrip('"')
    assert metadata_url == address.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    document = httpx.get(metadata_url, timeout=60).json()
    assert document == {
        "resource": address,
        "resource_name": "Countersign",
        "bearer_methods_supported": ["header"],
    }


def test_a_page_of_another_site_cannot_call_it(server, address):
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
    for forged in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        answer = httpx.post(address, json=request, headers=headers | forged, timeout=60)
        assert answer.status_code in {403, 421}


def test_the_api_is_asked_about_a_token_once_a_minute(server):
    now = 0.0
    verifier = ApiTokenVerifier(server.url, clock=lambda: now)

    def is_valid(token):
        return asyncio.run(verifier.verify_token(token)) is not None

    assert is_valid(TOKEN)
    assert is_valid(TOKEN)
    assert len(server.requests) == 1
    now = mcp_server.TOKEN_SECONDS + 1
    assert is_valid(TOKEN)
    assert len(server.requests) == 2
    assert not is_valid("cs_wrong")
    assert not is_valid("cs_wrong")
    assert len(server.requests) == 4
    server.faults.append(problem(403, "it may not list cases"))
    assert is_valid("cs_narrow")


def test_the_command_serves_http(server):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "mcp", "--http", f"127.0.0.1:{port}"],
        env={"PATH": os.environ["PATH"], "COUNTERSIGN_URL": server.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert f"Serving http://127.0.0.1:{port}/mcp" in process.stderr.readline()
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        address = f"http://127.0.0.1:{port}/mcp"
        tools = over_http(address, TOKEN, lambda client: client.list_tools()).tools
    finally:
        process.terminate()
        process.wait(60)
        process.stderr.close()
    assert {tool.name for tool in tools} == set(TOOLS)
