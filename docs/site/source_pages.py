"""The source of what a page names, to be read without the repository."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

PROJECT = Path(__file__).parents[2]
FOLDER = Path("source")
_NAME = re.compile(r"`((?:bot|handlers|knowledge|scheduler)(?:\.\w+)+)`")


def link_names(text: str) -> str:
    """Make links of the names of modules, classes and functions."""

    def link(match: re.Match[str]) -> str:
        module, rest = _split(match[1])
        if module is None:
            return match[0]
        place = f"#L-{line_of(module, rest)}" if rest else ""
        address = f"{FOLDER.as_posix()}/{_page_name(module)}.html{place}"
        code = f'<code class="docutils literal notranslate"><span class="pre">{match[1]}</span>'
        return f'<a class="reference internal" href="{address}">{code}</code></a>'

    return _NAME.sub(link, text)


def pages(text: str) -> Iterator[tuple[Path, str]]:
    """Iterate over the pages to which those links lead."""
    modules = {module for name in _NAME.findall(text) if (module := _split(name)[0])}
    for module in sorted(modules):
        yield FOLDER / f"{_page_name(module)}.md", _page(module)


def line_of(module: Path, names: tuple[str, ...]) -> int:
    """Return the line of a class or function; 1 for what stands elsewhere."""
    body: list[ast.stmt] = _tree(module).body
    line = 1
    for name in names:
        definition = next((one for one in body if getattr(one, "name", "") == name), None)
        if isinstance(definition, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body, line = definition.body, definition.lineno
    return line


@cache
def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def _split(name: str) -> tuple[Path | None, tuple[str, ...]]:
    """Split a name into its module's file and its place, or None."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        module = PROJECT.joinpath(*parts[:end]).with_suffix(".py")
        if module.exists():
            return module, tuple(parts[end:])
    return None, ()


def _page_name(module: Path) -> str:
    return module.relative_to(PROJECT).with_suffix("").as_posix().replace("/", ".")


def _page(module: Path) -> str:
    formatter = HtmlFormatter(lineanchors="L", cssclass="highlight")
    source = highlight(module.read_text(encoding="utf-8"), PythonLexer(), formatter)
    title = module.relative_to(PROJECT).as_posix()
    head = "---\norphan: true\nnosearch: true\n---"
    body = f'<div class="source-file">\n{source}</div>'
    return f"{head}\n# `{title}`\n\n````{{raw}} html\n{body}\n````\n"
