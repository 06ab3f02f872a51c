"""``countersign check``."""

from bot.cli.terminal import AsJson, print_problems
from bot.preflight import find_problems
from bot.settings import load_offline


def check(as_json: AsJson = False) -> None:
    problems = find_problems(load_offline())
    print_problems(problems, otherwise="Everything is in place.", as_json=as_json)
