"""``countersign check``."""

from bot.cli.rules_status import note_about_rules
from bot.cli.terminal import AsJson, err, print_problems
from bot.preflight import find_problems
from bot.settings import load_offline


def check(as_json: AsJson = False) -> None:
    settings = load_offline()
    problems = find_problems(settings)
    note = note_about_rules(settings)
    if note:
        # Files are checked before they are in force: no mistake, and no other status.
        err.print(f"Note: {note}", markup=False, soft_wrap=True)
    print_problems(problems, otherwise="Everything is in place.", as_json=as_json)
