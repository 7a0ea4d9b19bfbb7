"""Labelling configurations of Label Studio: which tag labels which text of a task's data."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Tags that label stretches of text, and the tags of such texts.
_TEXTS = {"text": "Text", "hypertext": "HyperText", "paragraphs": "Paragraphs"}
_TAGS = {
    "labels": "Labels",
    "hypertextlabels": "HyperTextLabels",
    "paragraphlabels": "ParagraphLabels",
}
# The names of Label Studio's own template for named entities.
FROM_NAME, TO_NAME, TEXT_FIELD = "label", "text", "text"


@dataclass(frozen=True)
class TextTag:
    """A tag that shows a text.

    kind (str): The tag, in small letters. field (str): The key of task data. text_key (str): Of
        dialogues, where each paragraph has its text.
    """

    name: str
    kind: str
    field: str
    text_key: str = "text"


@dataclass(frozen=True)
class LabelsTag:
    """A tag that labels stretches of a text.

    type (str): What results of it are called. text (TextTag): What it labels.
    """

    name: str
    type: str
    text: TextTag


def read_config(path: Path) -> list[LabelsTag]:
    """The tags of a labelling configuration that label stretches of text.

    RAISES (ValueError): It is no configuration, or has none that can be read, and what to do.
    """
    try:
        root = ET.fromstring(path.read_text("utf8"))
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}: correct ls_config.") from None
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is no labelling configuration of Label Studio (XML): {error}."
        ) from None
    elements = list(root.iter())
    texts = {
        one.attrib["name"]: one
        for one in elements
        if one.tag.lower() in _TEXTS and one.attrib.get("name")
    }
    tags = []
    for element in elements:
        named = element.attrib.get("toName", "").split(",")
        if element.tag.lower() in _TAGS and (found := [one for one in named if one in texts]):
            text = _text_tag(path, texts[found[0]])
            tags.append(LabelsTag(element.attrib.get("name", ""), element.tag.lower(), text))
    if not tags:
        raise ValueError(
            f"{path} has no tag that labels stretches of a text (Labels, HyperTextLabels or "
            "ParagraphLabels with toName): give the configuration of the project."
        )
    return tags


def chosen_tag(path: Path, label_fields: tuple[str, ...]) -> LabelsTag:
    """The tag that labels, of a labelling configuration.

    RAISES (ValueError): It has none of these names, or they label several texts.
    """
    tags = read_config(path)
    if missing := [one for one in label_fields if one not in [tag.name for tag in tags]]:
        named = ", ".join(tag.name for tag in tags)
        raise ValueError(f"{path} has no labelling tag {missing[0]!r}, but {named}.")
    tags = [tag for tag in tags if not label_fields or tag.name in label_fields]
    if len({tag.text for tag in tags}) > 1:
        named = ", ".join(f"{tag.name} (of {tag.text.field})" for tag in tags)
        raise ValueError(f"{path} labels several texts, {named}: say with label_field which.")
    return tags[0]


def _text_tag(path: Path, element: ET.Element) -> TextTag:
    name, value = element.attrib["name"], element.attrib.get("value", "")
    where = f"{path}: <{element.tag} name={name!r}>"
    if element.attrib.get("valueType", "text") == "url":
        raise ValueError(
            f"{where} loads its texts from addresses, which is not done here: put the texts "
            "themselves into the tasks' data."
        )
    if element.attrib.get("encoding", "none") != "none":
        raise ValueError(
            f"{where} has texts in {element.attrib['encoding']}: decode them in the tasks first, "
            "and take 'encoding' out."
        )
    if not value.startswith("$") or not value[1:].replace("_", "").replace("-", "").isalnum():
        raise ValueError(
            f"{where} has value={value!r}, but only a key of the task's data ($key) can be read."
        )
    text_key = element.attrib.get("textKey", "text")
    return TextTag(name, element.tag.lower(), value[1:], text_key)


def written_config(labels: Mapping[LabelsTag, Iterable[str]]) -> str:
    """A labelling configuration, as one for Label Studio's settings.

    labels (Mapping[LabelsTag, Iterable[str]]): The labels of each tag.
    """
    root = ET.Element("View")
    shown: set[str] = set()
    for tag, names in labels.items():
        control = ET.SubElement(root, _TAGS[tag.type], name=tag.name, toName=tag.text.name)
        for name in names:
            ET.SubElement(control, "Label", value=name)
        if tag.text.name not in shown:
            shown.add(tag.text.name)
            value = f"${tag.text.field}"
            ET.SubElement(root, _TEXTS[tag.text.kind], name=tag.text.name, value=value)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"
