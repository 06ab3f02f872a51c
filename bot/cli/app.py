"""All commands with their help.

The module of a command is imported when the command runs.
"""

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_install_completion_arguments

from bot.cases.errors import CountersignError, Refusal
from bot.cli.terminal import err
from bot.clock import monotonic

#: The demo reports the time to its first card, imports included.
STARTED_AT = monotonic()


class LazyCommand(TyperCommand):
    """A command whose module is imported when it runs."""

    def __init__(self, name: str, target: str, help_text: str) -> None:
        """Take the function as ``target``, written ``module:function``."""
        super().__init__(name, help=help_text, rich_markup_mode=None)
        self._target = target

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Import the command, and let it parse the arguments."""
        return self.load().make_context(info_name, args, parent, **extra)

    def load(self) -> Any:
        """Return the command that Typer makes of the function."""
        module, _, function = self._target.partition(":")
        single = typer.Typer(
            add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
        )
        single.command(self.name, help=self.help)(getattr(import_module(module), function))
        return get_command(single)


def group(name: str, help_text: str, commands: list[TyperCommand | TyperGroup]) -> TyperGroup:
    """Return a group, which shows its help when called without a command."""
    return TyperGroup(
        name=name,
        help=help_text,
        commands=commands,
        no_args_is_help=True,
        rich_markup_mode=None,
    )


LEDGER = group(
    "ledger",
    "Verify, export and sign the ledger.",
    [
        LazyCommand(
            "verify",
            "bot.cli.ledger:verify",
            "Check every leaf, link, root, signature and rule, and the projection against the "
            "ledger.",
        ),
        LazyCommand(
            "export",
            "bot.cli.ledger:export",
            "Write the ledger, the checkpoints, the public key and the verifier into a folder for "
            "an auditor.",
        ),
        LazyCommand(
            "checkpoint",
            "bot.cli.checkpoint:checkpoint",
            "Sign the ledger as it is now, and print the note.",
        ),
        LazyCommand(
            "acknowledge",
            "bot.cli.ledger:acknowledge",
            "Let the bot go on after a backup was restored: you have compared what was lost with "
            "the systems of record.",
        ),
        LazyCommand(
            "replay",
            "bot.cli.ledger:replay",
            "Fold the ledger again and compare every case with the projection.",
        ),
    ],
)
MEMORY = group(
    "memory",
    "Precedents: fill, rebuild, train and review what the bot remembers.",
    [
        LazyCommand(
            "rebuild",
            "bot.cli.memory_training:rebuild",
            "Make precedents and their index again from the ledger. Cut short, it goes on where it "
            "stopped.",
        ),
        LazyCommand(
            "train",
            "bot.cli.memory_training:train",
            "Learn again from what people decided and confirmed. The bot does this by itself when "
            "there is enough that is new.",
        ),
        LazyCommand(
            "learn",
            "bot.cli.memory_import:learn",
            "Take a team's past into memory as precedents. Again changes nothing; `memory forget` "
            "takes a batch back.",
        ),
        LazyCommand("forget", "bot.cli.memory_import:forget", "Take an imported past back, whole."),
        LazyCommand(
            "status",
            "bot.cli.memory:status",
            "What is remembered, by kind and batch; whether the index agrees; what was learned.",
        ),
        LazyCommand(
            "review",
            "bot.cli.memory:review",
            "Every case that was not recognised and that nobody has named yet: most at stake "
            "first.",
        ),
    ],
)
PASSKEY = group(
    "passkey",
    "Passkeys: who may add one, which there are, and taking one away.",
    [
        LazyCommand(
            "invite",
            "bot.cli.passkeys:invite",
            "Make a link by which one person adds a passkey. Hand it to them yourself: whoever "
            "opens it first has it.",
        ),
        LazyCommand("list", "bot.cli.passkeys:list_passkeys", "Which passkeys there are."),
        LazyCommand(
            "remove",
            "bot.cli.passkeys:remove",
            "Take one away, lost or stolen. What it approved and is not carried out yet is asked "
            "again.",
        ),
    ],
)
COUNTERSIGN = group(
    "",
    "Countersign puts each business exception in front of the right manager as one card, and "
    "proves what was done.",
    [
        LazyCommand(
            "demo",
            "bot.cli.demo:demo",
            "The whole thing on this machine: emulator, sample company, bot. No account, key or "
            "network.",
        ),
        LazyCommand(
            "run",
            "bot.cli.run:run",
            "Run the bot against Slack (or what SLACK_API_URL names) until it is stopped.",
        ),
        LazyCommand(
            "check",
            "bot.cli.check:check",
            "Read every playbook and setting, and say what is missing. Starts nothing.",
        ),
        LazyCommand(
            "try",
            "bot.cli.try_playbook:try_file",
            "See what the bot would do, without a case: a playbook's signal on live data, or each "
            "signal of a file up to its card.",
        ),
        LazyCommand(
            "manifest",
            "bot.cli.manifest:manifest",
            "Print the Slack app manifest as JSON, for the Slack CLI.",
        ),
        LazyCommand(
            "init",
            "bot.cli.init:init",
            "Copy the sample playbooks, policy, systems and sources, and list what to set in the "
            "environment.",
        ),
        LazyCommand(
            "doctor",
            "bot.cli.doctor:doctor",
            "What is wrong, and what to do about it: settings, Slack, parked work, the ledger.",
        ),
        LazyCommand("unpark", "bot.cli.doctor:unpark", "Let parked work be tried again."),
        LazyCommand("case", "bot.cli.case:case", "One case with its trail."),
        LazyCommand(
            "questions",
            "bot.cli.questions:questions",
            "What people asked and the bot did not understand, or did not answer well: what to "
            "teach it next.",
        ),
        LEDGER,
        MEMORY,
        PASSKEY,
    ],
)


def main() -> None:
    """Run the command of the arguments.

    An error of ours is printed without a traceback, and ends with status 1.
    """
    COUNTERSIGN.params.extend(get_install_completion_arguments())
    try:
        COUNTERSIGN()
    except Refusal as refusal:
        err.print(str(refusal), style="red", markup=False)
        sys.exit(1)
    except CountersignError as failure:
        err.print(f"{type(failure).__name__}: {failure}", style="red", markup=False)
        sys.exit(1)
