"""The commands as a whole: each can be loaded, and help loads none of them."""

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.core import TyperCommand, TyperGroup

from bot.cli.app import COUNTERSIGN, LazyCommand

HEAVY = ("sqlalchemy", "slack_sdk", "langchain", "chromadb", "numpy", "uvicorn")

#: A command as its process runs it, and then the threads in which numpy computes there.
THREADS = """
import contextlib, io, json, sys
import threadpoolctl
from bot.__main__ import main
sys.argv = ["countersign", "manifest"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main()
assert "numpy" not in sys.modules
from knowledge.arrays import np
np.ones((500, 500)) @ np.ones((500, 500))
print(json.dumps([pool["num_threads"] for pool in threadpoolctl.threadpool_info()]))
"""


def lazy_commands(group: TyperGroup = COUNTERSIGN) -> list[LazyCommand]:
    commands: list[LazyCommand] = []
    for command in group.commands.values():
        commands += lazy_commands(command) if isinstance(command, TyperGroup) else [command]
    return commands


@pytest.mark.parametrize("command", lazy_commands(), ids=lambda command: command.name)
def test_every_command_can_be_loaded_and_keeps_its_help(command):
    loaded = command.load()
    assert isinstance(loaded, TyperCommand)
    assert (loaded.name, loaded.help) == (command.name, command.help)


@pytest.mark.parametrize("arguments", [["--help"], ["ledger", "--help"], ["memory"], ["nonsense"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from bot.cli.app import main\n"
        f"sys.argv = ['countersign', *{arguments!r}]\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1]
    assert "bot.cli.app" in modules
    assert [name for name in (*HEAVY, "bot.settings", "bot.wiring") if f"'{name}'" in modules] == []


@pytest.mark.skipif(os.cpu_count() == 1, reason="numpy has one thread anyway")
@pytest.mark.parametrize(
    ("variables", "threads"),
    [({}, 1), ({"OMP_NUM_THREADS": "2"}, 2), ({"OPENBLAS_NUM_THREADS": "2"}, 2)],
    ids=["default", "operator", "operator of the library"],
)
def test_numpy_computes_in_one_thread_unless_the_operator_has_set_a_number(
    variables, threads, tmp_path
):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS")
    others = {name: text for name, text in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        env={**others, "PYTHONPATH": os.getcwd(), **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [threads]


def test_a_passkey_may_begin_with_a_dash():
    (command,) = [command for command in lazy_commands() if command.name == "remove"]
    for passkey in ("-fAB_c", "--Xy", "fAB-"):
        context = command.make_context("remove", [passkey])
        assert context.params == {"passkey": passkey}


def test_the_version_is_that_of_the_package():
    printed = subprocess.run(
        [sys.executable, "-m", "bot", "--version"], capture_output=True, text=True, check=True
    )
    assert printed.stdout == f"countersign {version('countersign')}\n"
