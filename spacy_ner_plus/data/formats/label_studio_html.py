"""The text of HTML as a browser has it, and the XPaths of its places.

Label Studio says of a region in HTML in which text nodes it starts and ends (XPath) and at which
UTF-16 unit of them (code points in some versions); and, in `globalOffsets`, after how many code
points of all text nodes, where a `<br>` counts one. See RichTextRegion.js, domManager.ts and
selection-tools.js of HumanSignal/label-studio, web/libs/editor/src. What a browser does with tags
that are left out is done here for those that are left out in practice: cells, rows, list items,
paragraphs, `tbody`.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from .label_studio_text import RegionPlace, in_utf16, squashed, units_before

_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
# Taken out with all that is in them before the text is shown.
_REMOVED = frozenset({"script", "iframe"})
# Their text is counted, but no one sees it.
_HIDDEN = frozenset({"style", "title", "template", "noscript"})
_HEAD = frozenset({"base", "link", "meta", "style", "title"})
_CELLS = frozenset({"td", "th"})
_GROUPS = frozenset({"tbody", "thead", "tfoot"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _HEADINGS | frozenset(
    "address article aside blockquote caption center dd details dialog dir div dl dt fieldset"  # noqa: SIM905
    " figcaption figure footer form header hgroup hr li main menu nav ol option p pre section"
    " summary table tbody tfoot thead tr ul".split()
)
_CLOSE_PARAGRAPH = _BLOCKS - {"caption", "option", "tbody", "tfoot", "thead", "tr"}
# A start tag closes an open element of these, unless one of those is between.
_CLOSES = {
    "li": ({"li"}, {"ul", "ol", "menu"}),
    "dt": ({"dt", "dd"}, {"dl"}),
    "dd": ({"dt", "dd"}, {"dl"}),
    "option": ({"option"}, {"select", "datalist"}),
    "td": (_CELLS, {"table"}),
    "th": (_CELLS, {"table"}),
    "tr": ({"tr", "caption", "colgroup"}, {"table"}),
    **dict.fromkeys(_GROUPS, (_GROUPS | {"caption", "colgroup"}, {"table"})),
}


@dataclass
class _Node:
    """Text between tags.

    path (str): Its XPath below the body. start (int): Where it is in the text; -1 if it is hidden.
    before (int): Code points, and line breaks, of the nodes before it.
    """

    path: str
    before: int
    start: int = -1
    content: str = ""

    @property
    def end(self) -> int:
        return self.start + len(self.content)


@dataclass
class _Element:
    name: str
    path: str
    n_children: dict[str, int] = field(default_factory=dict)
    # The text node that goes on if more text comes.
    open_text: _Node | None = None

    def child(self, name: str) -> str:
        """The path of the next child of a name."""
        self.n_children[name] = self.n_children.get(name, 0) + 1
        return f"{self.path}/{name}[{self.n_children[name]}]"


class HtmlText(HTMLParser):
    """The text of HTML: what its text nodes have, one after the other.

    Line breaks stand for `<br>`, and between blocks, as tabs do between cells, where there is no
    white space already.

    text (str): The text.
    """

    labels_key = "hypertextlabels"

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self._parts: list[str] = []
        self._n_chars = 0
        self._last = ""
        self._gap = ""
        self._n_before = 0
        self._nodes: list[_Node] = []
        self._elements: dict[str, int] = {}
        self._open = [_Element("body", "")]
        self._n_skipped, self._is_head, self._in_body = 0, False, False
        self._after_pre = False
        self.feed(html.replace("\r\n", "\n").replace("\r", "\n"))
        self.close()
        self.text = "".join(self._parts)
        self._by_path = {node.path: node for node in self._nodes}
        self._shown = [node for node in self._nodes if node.start >= 0 and node.content]
        self._starts = [node.start for node in self._shown]
        self._befores = [node.before for node in self._shown]

    # ------------------------------------------------------------------ from places to characters

    def find(self, value: dict[str, Any]) -> RegionPlace | None:
        """Where a region is: the first of the ways to read it that fits the text it has."""
        stated = value.get("text")
        for stretch in self._readings(value):
            start, end = stretch
            covered = self.text[start:end]
            if covered and (not isinstance(stated, str) or squashed(covered) == squashed(stated)):
                return RegionPlace(start, end, covered)
        return None

    def _readings(self, value: dict[str, Any]) -> Iterator[tuple[int, int]]:
        for position in (_characters_in, _as_it_is):
            start = self._at(value.get("start"), value.get("startOffset"), position)
            end = self._at(value.get("end"), value.get("endOffset"), position)
            if start is not None and end is not None:
                yield start, end
        offsets = value.get("globalOffsets")
        if isinstance(offsets, dict):
            start = self._after(offsets.get("start"), is_start=True)
            end = self._after(offsets.get("end"), is_start=False)
            if start is not None and end is not None:
                yield start, end

    def _at(self, path: Any, offset: Any, position: Callable[[str, int], int]) -> int | None:
        if not isinstance(path, str) or type(offset) is not int or offset < 0:
            return None
        steps = path.lower().rstrip("/").split("/")
        path = "/".join(f"{one}[1]" if one and not one.endswith("]") else one for one in steps)
        node = self._by_path.get(path)
        if node is None:
            number = self._elements.get(path) if offset == 0 else None
            nodes = [] if number is None else self._nodes[number:]
            return next((one.start for one in nodes if one.start >= 0), None)
        at = position(node.content, offset)
        return node.start + at if node.start >= 0 and at <= len(node.content) else None

    def _after(self, n_before: Any, *, is_start: bool) -> int | None:
        """The character after as many code points of text nodes."""
        if type(n_before) is not int or not self._shown:
            return None
        i = bisect_right(self._befores, n_before if is_start else n_before - 1) - 1
        if i < 0:
            return None
        at = n_before - self._shown[i].before
        if is_start and at == len(self._shown[i].content) and i + 1 < len(self._shown):
            return self._shown[i + 1].start
        return self._shown[i].start + at if at <= len(self._shown[i].content) else None

    # ------------------------------------------------------------------ from characters to places

    def value(self, start: int, end: int) -> dict[str, Any]:
        """The place of characters. RAISES ValueError: They start or end between text nodes."""
        first, last = self._node_at(start), self._node_at(end - 1)
        return {
            "start": first.path,
            "startOffset": units_before(first.content, start - first.start),
            "end": last.path,
            "endOffset": units_before(last.content, end - last.start),
            "globalOffsets": {
                "start": first.before + start - first.start,
                "end": last.before + end - last.start,
            },
        }

    def _node_at(self, at: int) -> _Node:
        i = bisect_right(self._starts, at) - 1
        if i < 0 or at >= self._shown[i].end:
            raise ValueError(
                f"character {at} stands between elements of the HTML, where no region can start or "
                "end: correct the span."
            )
        return self._shown[i]

    # ---------------------------------------------------------------------------- as HTML is read

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """A start tag."""
        self._after_pre = False
        if self._n_skipped or tag in _REMOVED:
            self._n_skipped += tag in _REMOVED
            return
        if tag in ("html", "head", "body"):
            self._is_head = tag == "head"
            self._in_body = self._in_body or tag == "body"
            return
        is_in_head = self._is_head or not self._in_body
        if is_in_head and tag in _HEAD:
            self._n_skipped += tag not in _VOID
            return
        self._is_head, self._in_body = False, True
        self._close_for(tag)
        self._imply_for(tag)
        if tag in _VOID:
            self._void(tag)
        else:
            self._push(tag)
            self._after_pre = tag in ("pre", "textarea", "listing")

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        """HTML knows no `<div/>`: it is a start tag."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """An end tag."""
        self._after_pre = False
        if self._n_skipped:
            self._n_skipped -= tag in _REMOVED or tag in _HEAD
            return
        if tag == "head":
            self._is_head = False
        elif tag in ("br", "p") and all(one.name != tag for one in self._open):
            self.handle_starttag(tag, [])
            if tag == "p":
                self._pop("p")
        elif any(one.name == tag for one in self._open[1:]):
            self._pop(tag)

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._n_skipped:
            return
        if self._after_pre:
            self._after_pre, data = False, data.removeprefix("\n")
        if not self._in_body:
            # white space before the body is none of it
            data = data.lstrip()
            self._in_body = data != ""
        if not data or (self._is_head and data.isspace()):
            return
        parent = self._open[-1]
        node = parent.open_text
        if node is None:
            node = parent.open_text = _Node(parent.child("text()"), self._n_before)
            self._nodes.append(node)
            if not any(one.name in _HIDDEN for one in self._open):
                node.start = self._start_of_node(data)
        node.content += data
        self._n_before += len(data)
        if node.start >= 0:
            self._add(data)

    def _start_of_node(self, data: str) -> int:
        if self._gap and self._n_chars and not self._last.isspace() and not data[0].isspace():
            self._add(self._gap)
        self._gap = ""
        return self._n_chars

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self._n_chars += len(text)
        self._last = text[-1]

    def _close_for(self, tag: str) -> None:
        """Close what a start tag ends."""
        if tag in _CLOSE_PARAGRAPH:
            self._close({"p"}, {"button", "table", "td", "th", "caption"})
        if tag in _HEADINGS and self._open[-1].name in _HEADINGS:
            self._pop(self._open[-1].name)
        if tag in _CLOSES:
            if tag == "tr" or tag in _GROUPS:
                self._close(_CELLS, {"table"})
            if tag in _GROUPS:
                self._close({"tr"}, {"table"})
            self._close(*_CLOSES[tag])

    def _close(self, names: Any, barriers: Any) -> None:
        for one in reversed(self._open[1:]):
            if one.name in barriers:
                return
            if one.name in names:
                self._pop(one.name)
                return

    def _imply_for(self, tag: str) -> None:
        if tag in _CELLS and self._open[-1].name in (*_GROUPS, "table"):
            self._imply_for("tr")
            self._push("tr")
        elif tag == "tr" and self._open[-1].name == "table":
            self._push("tbody")

    def _void(self, tag: str) -> None:
        parent = self._open[-1]
        parent.open_text = None
        self._elements[parent.child(tag)] = len(self._nodes)
        if tag == "br":
            self._n_before += 1
            if not any(one.name in _HIDDEN for one in self._open):
                self._add("\n")
                self._gap = ""
        elif tag in _BLOCKS:
            self._gap = "\n"

    def _push(self, tag: str) -> None:
        parent = self._open[-1]
        parent.open_text = None
        path = parent.child(tag)
        self._elements[path] = len(self._nodes)
        self._open.append(_Element(tag, path))
        self._part(tag)

    def _pop(self, tag: str) -> None:
        """Close elements up to the innermost of a name."""
        while self._open[-1].name != tag:
            self._part(self._open.pop().name)
        self._part(self._open.pop().name)

    def _part(self, tag: str) -> None:
        """Words before and after a block are not one."""
        if tag in _BLOCKS:
            self._gap = "\n"
        elif tag in _CELLS:
            self._gap = self._gap or "\t"


def _characters_in(content: str, n_units: int) -> int:
    """Characters of as many UTF-16 units; more than there are if they end within one."""
    head = in_utf16(content, 0, n_units)
    return len(content) + 1 if head is None else len(head)


def _as_it_is(content: str, n_characters: int) -> int:
    return n_characters


def looks_like_html(text: str) -> bool:
    """Whether a text begins with a tag and ends with one."""
    text = text.strip()
    return _BEGINS.match(text) is not None and text.endswith(">") and "</" in text


_BEGINS = re.compile(r"<(!doctype|!--|[a-z][a-z0-9]*)\b", re.IGNORECASE)
