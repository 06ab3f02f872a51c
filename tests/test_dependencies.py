"""Nothing is installed that is not named with its hash."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HASH = re.compile(r"sha256:[0-9a-f]{64}")


def test_every_file_of_every_locked_package_has_a_hash():
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    packages = [package for package in lock["package"] if "registry" in package["source"]]
    assert len(packages) > 50
    for package in packages:
        files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        assert files, package["name"]
        for file in files:
            assert HASH.fullmatch(file["hash"]), (package["name"], file)
    # The only one that comes from somewhere else is the product.
    others = [package["name"] for package in lock["package"] if package not in packages]
    assert others == ["countersign"]


def test_the_installer_is_installed_by_hash_alone():
    text = (ROOT / ".uv-requirements.txt").read_text()
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and line[0] != "#"]
    assert lines
    for line in lines:
        assert "==" in line
        assert HASH.search(line)
    makefile = (ROOT / "Makefile").read_text()
    assert "--require-hashes -r .uv-requirements.txt" in makefile
    for line in makefile.splitlines():
        if "$(UV) sync" in line:
            assert "--frozen" in line


def test_the_list_of_what_is_installed_names_every_direct_dependency():
    command = ["make", "-s", "sbom"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    bom = json.loads((ROOT / "artifacts" / "sbom.cdx.json").read_text())
    assert bom["bomFormat"] == "CycloneDX"
    names = {component["name"] for component in bom["components"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = {
        re.split(r"[\[<>=~; ]", item)[0].lower().replace(".", "-")
        for item in project["dependencies"]
    }
    assert direct <= {name.lower() for name in names}


IMPORT_ALL = """
import importlib, pkgutil, sys
from importlib import metadata
shipped = set(sys.argv[1].split())
unshipped = {
    name
    for name, owners in metadata.packages_distributions().items()
    if not {owner.lower().replace("_", "-").replace(".", "-") for owner in owners} & shipped
}
class Absent:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in unshipped:
            raise ModuleNotFoundError(f"{name} is not shipped", name=name)
sys.meta_path.insert(0, Absent)
for room in ("bot", "handlers", "knowledge", "scheduler"):
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, f"{room}."):
        if ".migrations." in module.name or module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            print(module.name, error)
"""
#: For tests of other people's apps, who have pytest.
PYTEST_PLUGIN = "bot.emulator.pytest_plugin pytest is not shipped"


@pytest.mark.proof
def test_the_program_imports_nothing_that_only_its_tests_install():
    uv = Path(sys.executable).parent / "uv"
    options = ["--quiet", "--frozen", "--no-dev", "--all-extras", "--no-hashes", "--no-annotate"]
    requirements = subprocess.run(
        [uv, "export", *options, "--no-header", "--no-emit-project"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    shipped = re.findall(r"^[a-z0-9-]+", requirements, re.MULTILINE)
    assert "sqlalchemy" in shipped
    assert "pytest" not in shipped
    program = [sys.executable, "-c", IMPORT_ALL, " ".join(["countersign", *shipped])]
    output = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    assert output.splitlines() == [PYTEST_PLUGIN]
