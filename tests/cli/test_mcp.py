"""``countersign mcp``: addresses, and what it needs; the tools themselves are tests/handlers/programs/test_mcp_server.py."""

import pytest

from bot.cases.errors import Refusal
from bot.cli import mcp


def test_an_address_is_a_host_and_a_port():
    assert mcp.parse_address("127.0.0.1:8090") == ("127.0.0.1", 8090)
    assert mcp.parse_address("[::1]:8090") == ("::1", 8090)


@pytest.mark.parametrize(
    "text", ["8090", ":8090", "localhost", "localhost:", "localhost:0", "x:99999", "x:²"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(Refusal, match=r"must be an address like 127\.0\.0\.1:8090"):
        mcp.parse_address(text)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(mcp, "find_spec", lambda name: None)
    with pytest.raises(Refusal, match=r"pip install 'countersign\[mcp\]'"):
        mcp.serve_tools()
