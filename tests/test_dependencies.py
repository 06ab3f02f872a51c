"""Nothing is installed that is not named with its hash."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

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
