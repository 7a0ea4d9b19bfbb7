"""HTML files that show themselves without any network request: one environment and one look."""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import figures


@cache
def environment(package: str) -> Environment:
    """Templates of a package; those of this room, such as macros.html, are there too.

    package (str): The full name of the package that the templates lie in.
    """
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader(__package__, "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        percent=figures.percent,
        decimals=figures.decimals,
        count=figures.count,
        size=figures.size,
        interval=figures.interval,
        name=figures.last_part,
    )
    return made


def style() -> Markup:
    """The style sheet of all pages."""
    return Markup(static(__package__, "style.css"))


def static(package: str, name: str) -> str:
    """A file that lies in a package."""
    return (files(package) / name).read_text(encoding="utf8")


def embedded(data: Any) -> Markup:
    """JSON for a script element: no text in it can end the element or open a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def script_hash(script: str) -> str:
    """What a page's Content-Security-Policy allows to run: this script and no other."""
    digest = hashlib.sha256(script.encode("utf8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
