"""Build the documentation: ``python docs/site/build.py [FOLDER]``.

A link that leads nowhere ends the build.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import drawing
import pages
import pictures
import source_pages
from sphinx.cmd.build import main as build

DOCS = Path(__file__).parent.parent
PROJECT = DOCS.parent
SITE = Path(__file__).parent
DEFAULT_FOLDER = PROJECT / ".cache" / "site"
#: No pages.
_LEFT_OUT = frozenset({"site", "examples", "deploy"})
#: The page whose walks lead to the source.
_WITH_SOURCE = Path("architecture.md")
_FETCH = re.compile(r"<(?:script|img|link|iframe)\b[^>]*?(?:src|href)=\"((?:https?:)?//[^\"]+)")
_PICTURE = re.compile(r"^!\[[^\]]*\]\(pictures/[^)]+\)", re.MULTILINE)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def write_source(folder: Path) -> None:
    """Write every page into a folder, as Sphinx reads them."""
    current = _current_pictures(folder.parent)
    sources = dict(_pages(has_current_pictures=current is not None))
    for path in sorted(folder.rglob("*.md")):
        if path.relative_to(folder) not in sources:
            path.unlink()
    for path, content in sources.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # What has not changed is not built again.
        if not target.exists() or target.read_text(encoding="utf-8") != content:
            target.write_text(content, encoding="utf-8")
    for picture in DOCS.rglob("*.png"):
        target = folder / picture.relative_to(DOCS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, target)
    for picture in current.glob("*.png") if current else ():
        shutil.copyfile(picture, folder / pictures.FOLDER.relative_to(DOCS) / picture.name)


def _current_pictures(cache: Path) -> Path | None:
    """Return the folder of today's pictures, or None."""
    fresh = cache / "pictures"
    for folder in (pictures.FOLDER, fresh):
        if pictures.is_current(folder):
            return folder
    if not pictures.can_take():
        return None
    try:
        pictures.take(fresh)
    except pictures.Error as failure:
        print(f"the pictures could not be taken again: {failure}", file=sys.stderr)
        return None
    return fresh


def _pages(*, has_current_pictures: bool) -> Iterator[tuple[Path, str]]:
    for path in sorted(DOCS.rglob("*.md")):
        place = path.relative_to(DOCS)
        if place.parts[0] not in _LEFT_OUT:
            text = drawing.draw(path.read_text(encoding="utf-8"))
            if place == _WITH_SOURCE:
                yield from source_pages.pages(text)
                text = source_pages.link_names(text)
            text = _inside(path, text)
            yield place, text if has_current_pictures else _with_age(text)
    yield Path("index.md"), pages.index(DOCS)
    yield from pages.generated()


def _inside(path: Path, text: str) -> str:
    """Keep only the words of a link to what is no page."""

    def replace(match: re.Match[str]) -> str:
        mark, words, target, _ = match.groups()
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        place = (path.parent / target).resolve()
        is_page = place.suffix in {".md", ".png"} and place.is_relative_to(DOCS)
        if is_page and place.relative_to(DOCS).parts[0] not in _LEFT_OUT:
            return match[0]
        if not place.exists():
            raise SystemExit(f"{path.relative_to(PROJECT)}: there is no {target}")
        return words if not mark else ""

    return _LINK.sub(replace, text)


def _with_age(text: str) -> str:
    """Say below each picture that it may show an earlier page."""
    return _PICTURE.sub(r"\g<0>\n\n*Taken before the last change of the page.*", text)


def _fetches(site: Path) -> Iterator[str]:
    """Iterate over what a page would load from another machine."""
    for path in site.rglob("*.html"):
        for address in _FETCH.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: {address}"


def main(folder: Path) -> int:
    """Build the site, and return the code with which the program ends."""
    source, site = folder / "source", folder / "html"
    source.mkdir(parents=True, exist_ok=True)
    write_source(source)
    arguments = ["-c", SITE, "-d", folder / "doctrees", "-W", "--keep-going", "-q", source, site]
    code: int = build([str(argument) for argument in ["-b", "html", *arguments]])
    fetches = sorted(_fetches(site))
    if fetches:
        print("\n".join(["these pages fetch something from elsewhere:", *fetches]))
        return 1
    if not code:
        print(f"{site}/index.html")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FOLDER))
