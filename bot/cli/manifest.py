"""``countersign manifest``, which the Slack CLI calls as a hook."""

from pathlib import Path

from ruamel.yaml import YAML

from bot.cli.terminal import print_json

MANIFEST = Path(__file__).parent.parent.parent / "manifest.yml"


def manifest() -> None:
    print_json(YAML(typ="safe").load(MANIFEST.read_text()))
