"""What a program reads of the output is not broken into lines."""

import subprocess
import sys

LONG = "word " * 60


def test_a_failure_is_one_line_for_a_program():
    code = f"from bot.cli import terminal; terminal.print_failure({LONG!r} + 'end')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == f"{LONG}end\n"
