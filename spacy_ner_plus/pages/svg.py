"""matplotlib's figures as SVG elements of the page."""

import io
import re
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from markupsafe import Markup

from ..support.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
STYLE = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's font
    "svg.hashsalt": "spacy_ner_plus",  # the same file from the same figures
    "text.parse_math": False,  # a label may hold dollar signs
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.edgecolor": "#8a929c",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.labelcolor": "#1c2024",
    "text.color": "#1c2024",
    "xtick.color": "#4d5560",
    "ytick.color": "#1c2024",
    "xtick.major.size": 0,
    "xtick.major.pad": 6,
    "ytick.major.size": 0,
    "ytick.major.pad": 6,
    "grid.color": "#e3e6ea",
    "legend.frameon": False,
}


def style() -> Any:
    """The context in which plots are drawn. RAISES ValueError: If matplotlib is not installed."""
    return require("matplotlib", "evaluate").rc_context(STYLE)


def axes(width: float, height: float, margins: tuple[float, float, float, float]) -> "Axes":
    """Axes of a new figure; width, height and margins (left, right, bottom, top) are in pixels."""
    figure = require("matplotlib.figure", "evaluate").Figure(
        figsize=(width / 72, height / 72), dpi=72, facecolor="none"
    )
    left, right, bottom, top = margins
    box = (left, bottom, width - left - right, height - bottom - top)
    made: Axes = figure.add_axes(
        (box[0] / width, box[1] / height, box[2] / width, box[3] / height), facecolor="none"
    )
    return made


def element(
    figure: "Figure", name: str, title: str, description: str, box: list[float] | None = None
) -> Markup:
    """A figure as <svg>, with what a screen reader says of it.

    name (str): Its id, and before all ids in it, so that several may be on one page.
    box (List[float]): For scripts, as its data-box: where the axes begin and end (x, y, x, y), in
        the units of its viewBox.
    """
    file = io.StringIO()
    with warnings.catch_warnings():
        # The page's fonts draw the text, not those that matplotlib measures it with.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=nothing)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(file.getvalue())
    for style in root.findall(f"{{{SVG}}}defs/{{{SVG}}}style/.."):
        root.remove(style)  # it is about all elements of a page
    for node in root.iter():
        _rename(node, name)
    width, height = root.get("viewBox", "").split()[2:]
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib |= {
        "id": name,
        "class": "plot",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-description",
        "style": f"max-width: {1.2 * float(width):.0f}px; aspect-ratio: {width} / {height}",
    }
    if box is not None:
        root.set("data-box", " ".join(f"{number:.2f}" for number in box))
    for place, (tag, text) in enumerate([("title", title), ("desc", description)]):
        made = ElementTree.Element(f"{{{SVG}}}{tag}")
        made.set("id", f"{name}-{'title' if tag == 'title' else 'description'}")
        made.text = text
        root.insert(place, made)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def shown(label: str, most: int = 22) -> str:
    """A label short enough for a plot, of characters that XML allows."""
    label = "".join(c if c.isprintable() else "\ufffd" for c in label)
    if len(label) <= most:
        return label
    half = most // 2
    return f"{label[:half]}…{label[half + 1 - most :]}"


def _rename(node: ElementTree.Element, name: str) -> None:
    """Make ids the plot's own, and leave fonts to the page."""
    for key, value in node.attrib.items():
        if key == "id":
            node.set(key, f"{name}-{value}")
        elif key == f"{{{XLINK}}}href":
            node.set(key, value.replace("#", f"#{name}-"))
        elif key == "clip-path":
            node.set(key, value.replace("url(#", f"url(#{name}-"))
        elif key == "style" and node.tag == f"{{{SVG}}}text":
            node.set(key, re.sub(r"font(-family)?: ([\d.]+px)?[^;]*", _size, value))


def _size(match: re.Match[str]) -> str:
    return f"font-size: {match[2]}" if match[2] else ""
