"""Settings in files: ``.env``, and secrets in files of their own.

Nothing here reads the environment: the variables are passed.
"""

from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

#: A secret is read from the file that the variable with this ending names.
FILE_SUFFIX = "_FILE"


def read_env_file(path: Path) -> dict[str, str]:
    """Read lines of ``NAME=value``.

    A name in a value is not replaced.

    Raises:
        ValueError: a line cannot be read; the text names file and line, never the value.
    """
    variables = {}
    with path.open(encoding="utf-8") as lines:
        for binding in parse_stream(lines):
            text = binding.original.string
            # Empty lines before a line count as a part of it.
            empty_lines = text[: len(text) - len(text.lstrip())].count("\n")
            place = f"{path}:{binding.original.line + empty_lines}"
            if binding.error:
                raise ValueError(f"{place}: cannot be read; write NAME=value")
            if binding.key and binding.value is None:
                raise ValueError(f"{place}: {binding.key} has no value; write {binding.key}=value")
            if binding.key:
                variables[binding.key] = binding.value or ""
    return variables


def add_missing(variables: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return what the variables lack: those that are set win."""
    return {
        name: text
        for name, text in more.items()
        if not {name, f"{name}{FILE_SUFFIX}", name.removesuffix(FILE_SUFFIX)} & variables.keys()
    }


def read_secret(name: str, variables: Mapping[str, str]) -> str:
    """Return a secret, or the text of the file that ``NAME_FILE`` names.

    Raises:
        ValueError: both are set, or the file cannot be read.
    """
    file_variable = f"{name}{FILE_SUFFIX}"
    secret, path = variables.get(name, ""), variables.get(file_variable, "")
    if not name or not path:
        return secret
    if secret:
        raise ValueError(f"set either {name} or {file_variable}, not both")
    try:
        # An editor or `echo` ends a file with a new line, which is no part of the secret.
        secret = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{file_variable}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file_variable}: {path} is no text") from None
    if not secret:
        raise ValueError(f"{file_variable}: {path} is empty")
    return secret
