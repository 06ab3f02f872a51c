"""What commands load: each process of the bot pays for it in time and memory."""

import gc
import subprocess
import sys
from importlib.metadata import version

import pytest

from bot.cli.app import LazyCommand
from bot.lazy_module import LazyModule, lazy_functions

#: Rare in a bot on SQLite without a chat model: passkeys, systems behind HTTP, questions, files
#: that are not plain YAML, tables for people, and all that the helper or a training needs.
RARE = {
    "alembic",
    "chromadb",
    "click",
    "fido2",
    "httpx",
    "knowledge.language.reading",
    "langchain",
    "numpy",
    "onnxruntime",
    "psycopg",
    "rapidfuzz",
    "rich",
    "ruamel.yaml",
    "scipy",
    "sklearn",
    "sqlalchemy.dialects.postgresql",
    "tantivy",
    "tokenizers",
    "uvicorn.main",
    "watchfiles",
}
TABLES = {"rich"}
ALL_COUNTRIES = {"holidays.countries.france", "holidays.calendars.islamic"}
LOAD_LIBRARY = "from knowledge.library import load; load()"


BUILD_BOT = """
import pathlib, sys, time
from bot import wiring
from bot.cli import run
from bot.demo.environment import sample_settings
settings = sample_settings(pathlib.Path(sys.argv[1]), "http://127.0.0.1:9")
run._migrate_apart(settings)
service = wiring.build_service(settings)
service.knowledge.precedents.start()
search = dict(signal_text="gin", kind="low_stock", channel="C", now=service.clock())
# Nothing was decided yet: it is not opened, and cards say nothing of it.
while service.knowledge.precedents.recall(**search).failure:
    time.sleep(0.02)
service.worker.close()
"""


def modules_after(code, *arguments):
    """Return the names of the modules that another process has after this code."""
    output = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)", *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return set(output.split())


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import bot.cli.app", RARE | {"pydantic", "sqlalchemy", "bot.settings"}),
        ("import bot.cli.run", RARE),
        (f"import bot.cli.run; {LOAD_LIBRARY}", RARE | ALL_COUNTRIES),
        ("import bot.cli.check", RARE - TABLES | {"numpy", "slack_bolt", "bot.wiring"}),
        ("import bot.cli.try_signals", RARE - TABLES | {"slack_bolt", "uvicorn", "bot.wiring"}),
    ],
    ids=["help", "run", "library", "check", "try"],
)
def test_what_few_processes_need_is_not_loaded_by_all(code, unwanted):
    assert modules_after(code) & unwanted == set()


def test_a_bot_on_sqlite_is_built_without_what_few_bots_need(tmp_path):
    unwanted = RARE | ALL_COUNTRIES
    assert modules_after(BUILD_BOT, str(tmp_path)) & unwanted == set()


def test_a_package_in_parts_has_the_names_that_it_would_import():
    code = """
import bot.lazy_module, sys, uvicorn
print(uvicorn.__version__, "uvicorn.main" in sys.modules, "uvicorn.config" in sys.modules)
from uvicorn import Config
from uvicorn.config import Config as the_same
print(Config is the_same, "uvicorn.main" in sys.modules)
from holidays.countries import UnitedKingdom
print(UnitedKingdom().get("2026-12-25"))
try:
    uvicorn.nothing
except AttributeError as error:
    print(error)
"""
    program = [sys.executable, "-c", code]
    output = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert output.splitlines() == [
        f"{version('uvicorn')} False False",
        "True False",
        "Christmas Day",
        "module 'uvicorn' has no attribute 'nothing'",
    ]


def test_http_comes_without_its_command_line():
    loaded = modules_after("import bot.lazy_module, httpx; httpx.Client")
    assert loaded & {"rich", "pygments", "httpx._main"} == set()


def test_chroma_comes_without_the_exporter_of_its_traces():
    loaded = modules_after("import knowledge.memory.chroma_client")
    assert "chromadb" in loaded
    assert loaded & {"grpc", "opentelemetry.exporter"} == set()


def test_functions_of_a_module_are_found_before_it_is_imported():
    sys.modules.pop("colorsys", None)
    with lazy_functions("colorsys", "rgb_to_hsv"):
        from colorsys import rgb_to_hsv
    assert "colorsys" not in sys.modules
    assert rgb_to_hsv(0, 0, b=0) == (0, 0, 0)
    assert rgb_to_hsv is not sys.modules["colorsys"].rgb_to_hsv


def test_functions_of_a_module_that_is_there_are_its_own():
    import colorsys

    with lazy_functions("colorsys", "rgb_to_hsv"):
        from colorsys import rgb_to_hsv
    assert rgb_to_hsv is colorsys.rgb_to_hsv


def test_a_lazy_module_is_the_real_one_once_it_is_used():
    sys.modules.pop("colorsys", None)
    module = LazyModule("colorsys")
    assert "colorsys" not in sys.modules
    assert module.rgb_to_hsv(0, 0, 0) == (0, 0, 0)
    assert module.rgb_to_hsv is sys.modules["colorsys"].rgb_to_hsv


def test_a_lazy_module_that_is_missing_fails_when_it_is_used():
    module = LazyModule("no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        module.anything  # noqa: B018


def test_a_command_that_cannot_be_imported_leaves_garbage_collection_on():
    with pytest.raises(ModuleNotFoundError):
        LazyCommand("lost", "bot.cli.lost:lost", "It is lost.").load()
    assert gc.isenabled()
