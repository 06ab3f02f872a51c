"""Take the steps of the Dockerfile in clean roots, and run what comes out of them.

``python -m tests.deploy.clean_root`` needs root, debootstrap and Debian's packages, and takes some
minutes. It is for machines without a container engine: each stage is a Debian of its own, each RUN
runs in it, each COPY copies what ``.dockerignore`` lets through. The last stage is then started as
an engine would start it: as its user, on a root that cannot be written, with /tmp and the volume.
"""

import argparse
import fnmatch
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser

from bot.clock import monotonic
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = ROOT / "docs/deploy/Dockerfile"
MIRROR = "http://deb.debian.org/debian"
#: Of this machine, so that the packages of a closed network can be fetched.
NETWORK_FILES = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/ssl/certs/ca-certificates.crt",
)
#: Where this machine says from where packages come.
NETWORK_VARIABLES = ("PIP_", "UV_", "SSL_", "HTTP", "http", "NO_PROXY", "no_proxy")


@dataclass
class Stage:
    """One stage of the image, as a folder that is a root."""

    folder: Path
    arguments: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0"
    directory: str = "/"
    settings: dict[str, Any] = field(default_factory=dict)

    def run(self, command: list[str], *, user: str = "0", **options: Any) -> Any:
        """Run a command in this root."""
        network = {
            name: text for name, text in os.environ.items() if name.startswith(NETWORK_VARIABLES)
        }
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **network, **self.arguments}
        return subprocess.run(
            [
                *("chroot", f"--userspec={user}:{user}", str(self.folder)),
                *(
                    "env",
                    "-i",
                    *(f"{a}={b}" for a, b in {**environment, **self.environment}.items()),
                ),
                *("sh", "-c", f"cd {self.directory} && exec {shlex.join(command)}"),
            ],
            check=True,
            **options,
        )


@contextmanager
def mounted(kind: list[str], place: Path) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *kind, str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def make_base(image: str, folder: Path, base: Path) -> None:
    """Make the root that FROM names: a Debian without anything."""
    distribution, _, release = image.partition(":")
    assert distribution == "debian", f"only a Debian can be made here, not {image}"
    if not base.exists():
        subprocess.run(
            ["debootstrap", "--variant=minbase", release.removesuffix("-slim"), str(base), MIRROR],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    subprocess.run(["cp", "--archive", f"{base}/.", str(folder)], check=True)


def copy_network_files(folder: Path) -> None:
    """Let this root reach what this machine reaches."""
    for name in NETWORK_FILES:
        if Path(name).exists():
            target = folder / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, target)


def ignored() -> list[str]:
    return (ROOT / ".dockerignore").read_text().split()


def is_in_context(path: str) -> bool:
    """Say whether a path is sent to the engine, by the last line that speaks of it."""
    let_through = True
    for line in ignored():
        pattern = line.lstrip("!").removeprefix("**/")
        parts = path.split("/")
        names = parts if "**" in line else [parts[0]]
        if any(fnmatch.fnmatch(name, pattern) for name in names):
            let_through = line.startswith("!")
    return let_through


def copy_from_context(sources: list[str], target: Path) -> None:
    for source in sources:
        origin = ROOT / source
        if not is_in_context(source) or not origin.exists():
            raise SystemExit(f"COPY {source}: .dockerignore leaves it out, or it is not there")
        files = (
            [origin] if origin.is_file() else [one for one in origin.rglob("*") if one.is_file()]
        )
        for file in files:
            if not is_in_context(str(file.relative_to(ROOT))):
                continue
            place = target / (file.name if origin.is_file() else file.relative_to(origin))
            place.parent.mkdir(parents=True, exist_ok=True)
            # A link keeps what it leads to, as in an image.
            shutil.copy(file, place, follow_symlinks=False)


def build(folder: Path) -> Stage:
    """Take every step; return the last stage."""
    stages: list[Stage] = []
    names: dict[str, Stage] = {}
    parser = DockerfileParser(path=str(DOCKERFILE), env_replace=False)
    for step in parser.structure:
        instruction, value = step["instruction"], step["value"]
        stage = stages[-1] if stages else None
        if instruction == "COMMENT":
            continue
        print(f"{instruction} {value[:100]}", flush=True)
        if instruction == "FROM":
            image, _, name = value.partition(" AS ")
            stage = Stage(folder / f"stage{len(stages)}")
            stage.folder.mkdir()
            make_base(image, stage.folder, folder / "base")
            stages.append(stage)
            names[name] = stage
            continue
        assert stage is not None
        take(instruction, value, stage=stage, names=names)
    return stages[-1]


def take(instruction: str, value: str, *, stage: Stage, names: dict[str, Stage]) -> None:
    """Take one step of a stage."""
    match instruction:
        case "ARG":
            name, _, default = value.partition("=")
            stage.arguments[name] = default.strip('"')
        case "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(value))
        case "USER":
            stage.user = value
        case "WORKDIR":
            stage.directory = value
            (stage.folder / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "COPY":
            take_copy(value, stage=stage, names=names)
        case "RUN":
            began_at = monotonic()
            # Again before each: a package that was installed may have written its own.
            copy_network_files(stage.folder)
            stage.run(["sh", "-c", value], user=stage.user)
            print(f"  {monotonic() - began_at:.0f} s", flush=True)
        case "ENTRYPOINT" | "CMD":
            stage.settings[instruction] = json.loads(value)
        case "HEALTHCHECK":
            stage.settings[instruction] = json.loads(value[value.index("CMD ") + 4 :])
        case "VOLUME" | "EXPOSE":
            stage.settings[instruction] = value
        case _:
            raise SystemExit(f"{instruction} is not known here: teach tests/deploy/clean_root.py")


def take_copy(value: str, *, stage: Stage, names: dict[str, Stage]) -> None:
    *sources, target = value.split()
    place = stage.folder / os.path.join(stage.directory, target).lstrip("/")
    if sources[0].startswith("--from="):
        origin = names[sources[0].removeprefix("--from=")].folder / sources[1].lstrip("/")
        subprocess.run(["cp", "--archive", str(origin), str(place)], check=True)
    else:
        copy_from_context(sources, place)


def run_image(stage: Stage) -> None:
    """Start what the image holds, as its user, where only /tmp and the volume can be written."""
    program = stage.settings["ENTRYPOINT"]
    data = stage.folder / stage.settings["VOLUME"].lstrip("/")
    with (
        mounted(["--bind", str(stage.folder)], stage.folder),
        mounted(["-t", "proc", "proc"], stage.folder / "proc"),
        mounted(["-t", "tmpfs", "tmpfs"], stage.folder / "tmp"),
        mounted(["--bind", "/dev"], stage.folder / "dev"),
        mounted(["-t", "tmpfs", "-o", f"uid={stage.user},gid={stage.user}", "tmpfs"], data),
    ):
        subprocess.run(
            ["mount", "-o", "remount,bind,ro", str(stage.folder)],
            check=True,
        )
        for arguments in (["--version"], ["manifest"], ["init", "/data/library"]):
            stage.run([*program, *arguments], user=stage.user, stdout=subprocess.DEVNULL)
            print(f"  countersign {' '.join(arguments)}", flush=True)
        check_health(stage, program)
        # Nothing but the volume and /tmp can be written.
        refused = stage.run(
            ["sh", "-c", "touch /opt/countersign/x 2>&1 || true"],
            user=stage.user,
            stdout=subprocess.PIPE,
        )
        assert b"Read-only" in refused.stdout, refused.stdout
    print(f"size: {size_of(stage.folder / 'opt/countersign')} MB of the program", flush=True)


def check_health(stage: Stage, program: list[str]) -> None:
    """Start the demo, which has the bot and a Slack, and ask the health check of the image."""
    began_at = monotonic()
    log = (stage.folder / "data/log").open("wb")
    inside = ["chroot", f"--userspec={stage.user}:{stage.user}", str(stage.folder)]
    environment = [f"{name}={text}" for name, text in stage.environment.items()]
    command = shlex.join([*program, "demo", "--headless", "--port", "0"])
    bot = subprocess.Popen(
        [
            *inside,
            "env",
            "-i",
            *environment,
            "HOME=/tmp",
            "sh",
            "-c",
            f"cd /data && exec {command}",
        ],
        stdout=log,
        stderr=log,
    )
    try:

        def is_healthy() -> bool:
            assert bot.poll() is None, (stage.folder / "data/log").read_text()
            result = subprocess.run(
                [*inside, "env", "-i", *environment, *stage.settings["HEALTHCHECK"]],
                stderr=subprocess.DEVNULL,
                check=False,
            )
            return result.returncode == 0

        wait_until(is_healthy, "the health check")
        print(f"  healthy after {monotonic() - began_at:.1f} s", flush=True)
    finally:
        bot.terminate()
        bot.wait(60)


def size_of(folder: Path) -> int:
    total = subprocess.run(
        ["du", "--summarize", "--block-size=1M", str(folder)], capture_output=True, check=True
    )
    return int(total.stdout.split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="a folder for the roots; made, and not removed")
    options = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise SystemExit("run it as root, with debootstrap installed: apt install debootstrap")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        began_at = monotonic()
        stage = build(folder)
        print(f"built in {monotonic() - began_at:.0f} s", flush=True)
        run_image(stage)


if __name__ == "__main__":
    main()
