"""The files of docs/deploy, by the linters of their formats, and beside what the program has."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser
from ruamel.yaml import YAML

from bot import settings
from tests.deploy import clean_root

ROOT = clean_root.ROOT
DEPLOY = ROOT / "docs/deploy"
KUBERNETES = DEPLOY / "kubernetes"
BIN = Path(sys.executable).parent
#: Of other programs.
FOREIGN = re.compile("POSTGRES_|PATH$|PYTHON")
VARIABLE = re.compile(r"\b(?:COUNTERSIGN|SLACK)_[A-Z_]+\b")


def read(path: Path):
    return YAML(typ="safe", pure=True).load(path.read_text())


def lint(*command: object) -> None:
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_dockerfile_is_clean():
    lint(BIN / "hadolint", clean_root.DOCKERFILE)


def test_the_composition_is_valid():
    lint(
        BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yml"
    )


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(KUBERNETES.glob("*.yml")) if path.name != "kustomization.yml"],
    ids=lambda path: path.stem,
)
def test_each_kubernetes_object_is_valid(path):
    lint(BIN / "kubernetes-validate", "--strict", path)


def test_the_customization_names_every_file_but_the_example_of_a_secret():
    named = set(read(KUBERNETES / "kustomization.yml")["resources"])
    files = {path.name for path in KUBERNETES.glob("*.yml")}
    assert files - named == {"kustomization.yml", "secret.example.yml"}
    assert named <= files


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_the_unit_is_valid(tmp_path):
    unit = tmp_path / "countersign.service"
    # The program is not installed there on this machine.
    text = (DEPLOY / "countersign.service").read_text()
    unit.write_text(text.replace("/opt/countersign/bin/countersign", "/bin/true"))
    lint("systemd-analyze", "verify", unit)


def test_every_variable_is_a_setting():
    known = set(settings.NAMES)
    for path in filter(Path.is_file, DEPLOY.rglob("*")):
        names = set(VARIABLE.findall(path.read_text()))
        unknown = {name for name in names if name.removesuffix("_FILE") not in known}
        assert unknown == set(), path.name


def test_every_copied_file_is_in_the_context_and_secrets_are_not():
    steps = DockerfileParser(path=str(clean_root.DOCKERFILE), env_replace=False).structure
    copies = [step["value"].split()[:-1] for step in steps if step["instruction"] == "COPY"]
    sources = [source for copy in copies if not copy[0].startswith("--") for source in copy]
    assert {"bot", "pyproject.toml"} <= set(sources)
    assert [one for one in sources if not clean_root.is_in_context(one)] == []
    for path in (
        ".env",
        ".git/config",
        "tests/world.py",
        "bot/__pycache__/x.pyc",
        ".countersign/x",
    ):
        assert not clean_root.is_in_context(path), path


def test_a_stop_has_longer_than_the_program_takes():
    limit = settings.WorkerSettings.model_fields["stop_for"].default
    composition = read(DEPLOY / "compose.yml")
    grace = composition["services"]["first"]["stop_grace_period"]
    pod = read(KUBERNETES / "bot.yml")["spec"]["template"]["spec"]
    unit = (DEPLOY / "countersign.service").read_text()
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    for seconds in (int(grace.removesuffix("s")), pod["terminationGracePeriodSeconds"], int(stop)):
        assert seconds > limit


def test_nothing_runs_as_root_or_writes_to_its_root():
    composition = read(DEPLOY / "compose.yml")
    for name in ("first", "second", "migration"):
        service = composition["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    pod = read(KUBERNETES / "bot.yml")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    for container in (*pod["containers"], *pod["initContainers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"]
    steps = DockerfileParser(path=str(clean_root.DOCKERFILE), env_replace=False).structure
    users = [step["value"] for step in steps if step["instruction"] == "USER"]
    assert users == [str(pod["securityContext"]["runAsUser"])]
