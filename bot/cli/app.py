"""All commands with their help.

The module of a command is imported when the command runs.
"""

import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_install_completion_arguments

from bot.cases.errors import CountersignError, Refusal
from bot.clock import monotonic
from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from importlib import metadata

    from bot import settings
    from bot.cli import machine_faults, terminal
else:
    # It looks through what is installed.
    metadata = LazyModule("importlib.metadata")
    # Help needs no settings.
    settings = LazyModule("bot.settings")
    # A command that prints no tables needs no library for them.
    terminal = LazyModule("bot.cli.terminal")
    # It knows the errors of databases.
    machine_faults = LazyModule("bot.cli.machine_faults")

#: What the program passes to its commands: only then is ``.env`` read, and by no test or library.
READS_ENV_FILE = object()
#: The demo reports the time to its first card, imports included.
STARTED_AT = monotonic()


class LazyCommand(TyperCommand):
    """A command whose module is imported when it runs."""

    def __init__(
        self, name: str, target: str, help_text: str, *, may_begin_with_dash: bool = False
    ) -> None:
        """Take the function as ``target``, written ``module:function``.

        ``may_begin_with_dash``: its arguments may, so an unknown option is one of them.
        """
        super().__init__(name, help=help_text, rich_markup_mode=None)
        self._target = target
        self._settings = {"ignore_unknown_options": may_begin_with_dash}

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Import the command, and let it parse the arguments."""
        if parent is not None and parent.find_root().obj is READS_ENV_FILE:
            settings.add_env_file()
            settings.limit_threads()
        return self.load().make_context(info_name, args, parent, **extra)

    def load(self) -> Any:
        """Return the command that Typer makes of the function."""
        module, _, function = self._target.partition(":")
        single = typer.Typer(
            add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
        )
        add = single.command(self.name, help=self.help, context_settings=self._settings)
        add(getattr(_import(module), function))
        return get_command(single)


def _import(name: str) -> Any:
    """Import a module without garbage collection.

    Imports make hundreds of thousands of objects that all stay. Full collections would walk over
    them a dozen times meanwhile, a fifth of the whole import.
    """
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return import_module(name)
    finally:
        # Later collections pass them over.
        gc.freeze()
        gc.enable()


def group(name: str, help_text: str, commands: list[TyperCommand | TyperGroup]) -> TyperGroup:
    """Return a group, which shows its help when called without a command."""
    return TyperGroup(
        name=name,
        help=help_text,
        commands=commands,
        no_args_is_help=True,
        rich_markup_mode=None,
    )


class ListingGroup(TyperGroup):
    """A group that lists when it is called without a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``list`` before options that are not the group's own."""
        if not args or args[0] == "--json":
            args = ["list", *args]
        return super().parse_args(ctx, args)


GRANTS = ListingGroup(
    name="grants",
    help="List what people have approved in advance, with what was used of it; stop it.",
    commands=[
        LazyCommand(
            "list",
            "bot.cli.grants:list_grants",
            "List what is approved in advance now. The same as `countersign grants`.",
        ),
        LazyCommand(
            "stop",
            "bot.cli.grants:stop",
            "Stop what was approved in advance with a case. From then on such plans ask people.",
        ),
    ],
    rich_markup_mode=None,
)
WORKSPACES = group(
    "workspaces",
    "Serve several workspaces of Slack that install the app, each with data of its own.",
    [
        LazyCommand(
            "run",
            "bot.cli.workspaces:run",
            "Run the front door, and one bot for each workspace that has installed the app.",
        ),
        LazyCommand(
            "list",
            "bot.cli.workspaces:list_workspaces",
            "List the workspaces, whether the app is installed there, and what is missing.",
        ),
        LazyCommand(
            "key",
            "bot.cli.workspaces:make_key",
            "Print a new key for COUNTERSIGN_INSTALLATION_KEY.",
        ),
    ],
)
LEDGER = group(
    "ledger",
    "Verify, export and sign the ledger.",
    [
        LazyCommand(
            "verify",
            "bot.cli.ledger:verify",
            "Verify the whole ledger. Checks hashes, signatures and rules, and compares every case "
            "with its entries.",
        ),
        LazyCommand(
            "verify-pack",
            "bot.cli.case_pack:verify_pack",
            "Verify the page of one case that `countersign case --pack` wrote. Needs no database.",
        ),
        LazyCommand(
            "export",
            "bot.cli.ledger:export",
            "Export the ledger for an auditor. Includes checkpoints, public key and verifier.",
        ),
        LazyCommand(
            "checkpoint",
            "bot.cli.checkpoint:checkpoint",
            "Sign the ledger now and print the signed note.",
        ),
        LazyCommand(
            "acknowledge",
            "bot.cli.ledger:acknowledge",
            "Resume after a backup was restored. First compare the missing entries with your "
            "systems.",
        ),
        LazyCommand(
            "rotate-key",
            "bot.cli.rotate_key:rotate_key",
            "Sign with a new key from now on. The old key and the new one both sign the change.",
        ),
        LazyCommand(
            "replay",
            "bot.cli.ledger:replay",
            "Compare every case with the ledger. Recomputes it from its entries.",
        ),
    ],
)
MEMORY = group(
    "memory",
    "Import, rebuild, train and review precedents.",
    [
        LazyCommand(
            "rebuild",
            "bot.cli.memory_training:rebuild",
            "Rebuild precedents and their index from the ledger. If interrupted, run it again to "
            "continue.",
        ),
        LazyCommand(
            "train",
            "bot.cli.memory_training:train",
            "Train on past decisions and labels now. The bot also trains by itself when there are "
            "enough new ones.",
        ),
        LazyCommand(
            "learn",
            "bot.cli.memory_import:learn",
            "Import past cases as precedents. Importing a file twice changes nothing; `memory "
            "forget` removes an import.",
        ),
        LazyCommand("forget", "bot.cli.memory_import:forget", "Remove an imported batch."),
        LazyCommand(
            "status",
            "bot.cli.memory:status",
            "Show precedents, index and trained model.",
        ),
        LazyCommand(
            "review",
            "bot.cli.memory:review",
            "List cases that have no kind yet, most at stake first.",
        ),
    ],
)
PACK = group(
    "pack",
    "Check, try and begin packs: playbooks for one trade, with a company to try them on.",
    [
        LazyCommand(
            "check",
            "bot.cli.pack:check",
            "Check a pack: its files, its queries and plans on its own company, and what it "
            "expects.",
        ),
        LazyCommand(
            "try",
            "bot.cli.pack:try_pack",
            "Show what a pack finds in its own company: cases, cards and plans. Asks no system of "
            "yours.",
        ),
        LazyCommand("new", "bot.cli.pack:new", "Write a new pack that passes its check."),
    ],
)
PASSKEY = group(
    "passkey",
    "Invite people to add a passkey; list and remove passkeys.",
    [
        LazyCommand(
            "invite",
            "bot.cli.passkeys:invite",
            "Create a link with which one person adds a passkey. Give it to them in person: the "
            "first person to open it can use it.",
        ),
        LazyCommand("list", "bot.cli.passkeys:list_passkeys", "List all passkeys."),
        LazyCommand(
            "remove",
            "bot.cli.passkeys:remove",
            "Remove a lost or stolen passkey. Approvals that it signed no longer count for plans "
            "that have not been carried out.",
            # Its id is base64url, which has a dash.
            may_begin_with_dash=True,
        ),
    ],
)
POLICY = group(
    "policy",
    "Show the policy, explain a verdict, and try another policy on past cases.",
    [
        LazyCommand("show", "bot.cli.policy:show", "Show the policy as one page."),
        LazyCommand(
            "names",
            "bot.cli.policy:names",
            "List the names that conditions of rules may use, with types and meanings.",
        ),
        LazyCommand(
            "explain",
            "bot.cli.policy:explain",
            "Explain what policy ruled on a case. Shows what the ruling was made from.",
        ),
        LazyCommand(
            "rules",
            "bot.cli.standing_rules:rules",
            "List the standing rules by which plans run without being asked, with their use.",
        ),
        LazyCommand(
            "backtest",
            "bot.cli.policy:backtest",
            "Try another policy file on past cases. The status is 1 if more wrong plans would "
            "run alone than today.",
        ),
    ],
)
SOURCES = group(
    "sources",
    "List, show and add the products that send signals, and try a request of one.",
    [
        LazyCommand(
            "list",
            "bot.cli.sources:list_sources",
            "List the sources with what they left out, and the products that are known.",
        ),
        LazyCommand(
            "show",
            "bot.cli.sources:show",
            "Show a source or product: how it signs in, its address, how it is read, and what it "
            "left out.",
        ),
        LazyCommand(
            "add",
            "bot.cli.sources:add",
            "Add a product to sources.yml, and say what is still to be done.",
        ),
        LazyCommand(
            "try",
            "bot.cli.try_request:try_request",
            "Read a recorded request as a source would, and preview its card. Opens no case.",
        ),
    ],
)
TOKENS = group(
    "tokens",
    "Make, list and revoke the tokens with which programs sign in.",
    [
        LazyCommand(
            "make",
            "bot.cli.tokens:make",
            "Make a token for a program of programs.yml. It is shown once, and stored as a hash.",
        ),
        LazyCommand("list", "bot.cli.tokens:list_tokens", "List all tokens, without the secrets."),
        LazyCommand(
            "revoke",
            "bot.cli.tokens:revoke",
            "Revoke a token, by the beginning of its id. It is refused from then on.",
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
            "Run a complete demo on this machine. It has a Slack emulator and a sample company, "
            "and needs no account.",
        ),
        LazyCommand(
            "run",
            "bot.cli.run:run",
            "Run the bot until it is stopped.",
        ),
        LazyCommand(
            "send",
            "bot.cli.send:send",
            "Send the rows of a file as signals. What was sent before is not sent twice.",
        ),
        LazyCommand(
            "check",
            "bot.cli.check:check",
            "Check all playbooks and settings. List what is wrong or missing.",
        ),
        LazyCommand(
            "try",
            "bot.cli.try_playbook:try_file",
            "Preview a playbook on live data, or the signals in a file. Opens no case.",
        ),
        LazyCommand(
            "emulator",
            "bot.cli.emulator:emulator",
            "Run a Slack workspace on this machine, for this app or any other. People, groups and "
            "channels come from a YAML file.",
        ),
        LazyCommand(
            "manifest",
            "bot.cli.manifest:manifest",
            "Print the Slack app manifest as JSON.",
        ),
        LazyCommand(
            "init",
            "bot.cli.init:init",
            "Write a library for your company: reads your database, proposes one playbook that "
            "runs on it, and asks the rest. Writes the settings into .env.",
        ),
        LazyCommand(
            "doctor",
            "bot.cli.doctor:doctor",
            "List problems, and what to do about each. Checks settings, parked work and the "
            "ledger.",
        ),
        LazyCommand(
            "replay",
            "bot.cli.replay:replay",
            "Look at past cases again with today's playbooks and policy. Shows what would differ, "
            "and fails if people would have to correct more. Asks no outside system.",
        ),
        LazyCommand(
            "test",
            "bot.cli.playbook_test:run_tests",
            "Test changed playbooks against their examples and the last real cases. Writes JUnit, "
            "or a table for a pull request.",
        ),
        LazyCommand(
            "mcp",
            "bot.cli.mcp:serve_tools",
            "Serve the tools by which agents ask for approvals, over the Model Context Protocol. "
            "It is a client of a running bot.",
        ),
        LazyCommand(
            "migrate",
            "bot.cli.migrate:migrate",
            "Bring the database to this release, and print from where to where. Processes that "
            "start together wait for each other.",
        ),
        LazyCommand(
            "backup",
            "bot.cli.backup:backup",
            "Back up database, checkpoints and library into a new folder while the bot runs.",
        ),
        LazyCommand(
            "restore",
            "bot.cli.backup:restore",
            "Restore a backup into an empty database, after verifying its files and its ledger.",
        ),
        LazyCommand(
            "erase",
            "bot.cli.erase:erase",
            "Make the data of one person unreadable, in the ledger, the memory and Slack. Every "
            "proof stays valid.",
        ),
        LazyCommand("unpark", "bot.cli.doctor:unpark", "Retry parked work."),
        LazyCommand("case", "bot.cli.case:case", "Show a case with its history."),
        LazyCommand(
            "report",
            "bot.cli.report:report",
            "Report what was handled, how fast, how well and at what cost. By kind, team and week.",
        ),
        LazyCommand(
            "approvers",
            "bot.cli.approvers:approvers",
            "Show how groups decide: time, load, and approvals too fast to read. Names nobody; "
            "off until it is set.",
        ),
        LazyCommand(
            "autonomy",
            "bot.cli.autonomy:autonomy",
            "Show what the bot may do alone, why, and what is missing for more. By kind and "
            "action.",
        ),
        LazyCommand(
            "versions",
            "bot.cli.versions:versions",
            "Show which version of each playbook is in force, and how a changed one does.",
        ),
        LazyCommand(
            "questions",
            "bot.cli.questions:questions",
            "List questions without a good answer. The bot did not understand them, or the person "
            "voted the answer down.",
        ),
        LazyCommand(
            "recognition",
            "bot.cli.recognition:recognition",
            "List what is recognised in a month, with the ledger entries that prove it. "
            "recognition.yml says what counts.",
        ),
        GRANTS,
        LEDGER,
        MEMORY,
        PACK,
        PASSKEY,
        WORKSPACES,
        POLICY,
        SOURCES,
        TOKENS,
    ],
)


def _print_version(is_asked_for: bool) -> None:
    """Print the version of the program, and end."""
    if is_asked_for:
        print(f"countersign {metadata.version('countersign')}")
        raise typer.Exit


def _program(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version, and end."
        ),
    ] = False,
) -> None:
    """Hold the options of the program itself."""


def _own_options() -> list[Any]:
    """Return what Typer makes of the options of ``_program``."""
    program = typer.Typer(add_completion=False)
    program.command()(_program)
    return list(get_command(program).params)


def main() -> None:
    """Run the command of the arguments.

    An error of ours, or of the machine, is printed without a traceback, and ends with status 1.
    """
    COUNTERSIGN.params.extend(_own_options())
    COUNTERSIGN.params.extend(get_install_completion_arguments())
    try:
        COUNTERSIGN(obj=READS_ENV_FILE)
    except Refusal as refusal:
        terminal.print_failure(str(refusal))
        sys.exit(1)
    except CountersignError as failure:
        terminal.print_failure(f"{type(failure).__name__}: {failure}")
        sys.exit(1)
    except Exception as failure:
        fault = machine_faults.as_refusal(failure)
        if fault is None:
            raise
        terminal.print_failure(str(fault))
        sys.exit(1)
