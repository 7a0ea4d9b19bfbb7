"""Docstrings in spaCy's form -> Markdown, for the page of the Python API.

griffe knows Google's, NumPy's and Sphinx's forms only. Here a field (`name (Type): text`, or
`RETURNS (Type): text`) becomes an item of a list. All else stays text.
"""

import re
from typing import Any

import griffe

OUTCOME = re.compile(r"(?P<name>RETURNS|YIELDS|RAISES)(?: \(?(?P<type>.+?)\)?)?:(?P<text>\s.*)")
FIELD = re.compile(r"(?P<name>[*\w]+(?:, [*\w]+)*)(?: \((?P<type>.+?)\))?:(?P<text>\s.*)")
ITEM = "- **"
CODE_OR_MARKUP = re.compile(r"(`+[^`]+`+)|([_<[])")


class SpacyDocstrings(griffe.Extension):
    """Rewrites every docstring once the package has been read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of one object of the package."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value, _names_in(obj))


def to_markdown(docstring: str, names: set[str]) -> str:
    """A docstring in spaCy's form as Markdown.

    names (Set[str]): What its fields may be called: the parameters and attributes.
    RETURNS (str): The Markdown.
    """
    paragraphs = re.split(r"\n\s*\n", docstring.strip())
    return "\n\n".join(_paragraph(paragraph, names) for paragraph in paragraphs)


def _names_in(obj: griffe.Object) -> set[str]:
    names = {parameter.name for parameter in getattr(obj, "parameters", ())}
    return names | set(obj.members) if obj.is_class else names


def _paragraph(paragraph: str, names: set[str]) -> str:
    if paragraph.startswith(">>> "):
        return f"```pycon\n{paragraph}\n```"
    if paragraph.startswith(("    ", "```")):
        return paragraph  # code
    text = "\n".join(_item(line, names) or line for line in paragraph.splitlines())
    if not text.startswith(ITEM):
        text = text.replace(f"\n{ITEM}", f"\n\n{ITEM}", 1)  # or the list would be part of the text
    return CODE_OR_MARKUP.sub(lambda match: match[1] or f"\\{match[2]}", text)


def _item(line: str, names: set[str]) -> str | None:
    """The item of a list that a field becomes; None for a line that begins none."""
    if field := OUTCOME.match(line):
        name = field["name"].capitalize()
    elif (field := FIELD.match(line)) and names.issuperset(field["name"].split(", ")):
        name = field["name"]
    else:
        return None
    kind = f" `{field['type']}`" if field["type"] else ""
    return f"{ITEM}{name}**{kind}:{field['text']}"
