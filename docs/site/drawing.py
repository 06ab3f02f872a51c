"""Drawings of floors, from the Mermaid text that GitHub draws itself.

The program that draws Mermaid is a script of some megabytes from elsewhere; our one drawing is a
stack of floors, which needs boxes alone.
"""

import html
import re
from dataclasses import dataclass, field

_BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FLOOR = re.compile(r'subgraph \w+\["([^"]+)"\]')
_BOX = re.compile(r'(\w+)[\[(]+"([^"]+)"[\])]+')
_OUTSIDE = "<-->"


@dataclass(slots=True)
class _Floor:
    title: str = ""
    boxes: list[str] = field(default_factory=list)
    is_outside: bool = False


def draw(text: str) -> str:
    """Replace each drawing of a page by boxes in HTML."""
    return _BLOCK.sub(lambda match: _as_html(_floors(match[1])), text)


def _floors(drawing: str) -> list[_Floor]:
    """Read the floors from the highest to the lowest."""
    top, floors, bottom = _Floor(is_outside=True), list[_Floor](), _Floor(is_outside=True)
    is_open = False
    for line in drawing.splitlines():
        floor = _FLOOR.search(line)
        if floor:
            floors.append(_Floor(floor[1]))
            is_open = True
            continue
        boxes = [label for _, label in _BOX.findall(line)]
        if line.strip() == "end":
            is_open = False
        elif _OUTSIDE in line:
            (bottom if floors else top).boxes += boxes
        elif is_open:
            floors[-1].boxes += boxes
        else:
            floors += [_Floor(boxes=[label]) for label in boxes]
    return [floor for floor in (top, *floors, bottom) if floor.boxes]


def _as_html(floors: list[_Floor]) -> str:
    rows = "\n".join(map(_floor_html, floors))
    return f'```{{raw}} html\n<div class="floors" role="img">\n{rows}\n</div>\n```'


def _floor_html(floor: _Floor) -> str:
    title = f"<span>{html.escape(floor.title)}</span>" if floor.title else ""
    boxes = "".join(f"<b>{html.escape(label)}</b>" for label in floor.boxes)
    outside = ' class="outside"' if floor.is_outside else ""
    return f"<div{outside}>{title}<p>{boxes}</p></div>"
