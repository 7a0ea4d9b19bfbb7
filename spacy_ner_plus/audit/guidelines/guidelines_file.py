"""The file of guidelines: Markdown that people write, with decisions and parts made of the data.

A decision is a fenced block of TOML. A part made of the data stands between two comments, of which
the first has a digest: a part that somebody has changed is theirs.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from .decision import Decision, check_topics, read_block

OVERVIEW, LABEL, QUESTION = "overview", "label", "question"
_START = re.compile(rf"<!-- data (?:({OVERVIEW}|{QUESTION})|{LABEL} (\".*\")) ([0-9a-f]{{8}}) -->")
_END = "<!-- /data -->"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})\s*(\S*)")


@dataclass(frozen=True, slots=True)
class Prose:
    """What a person has written, or may.

    text (str): Whole lines.
    """

    text: str


@dataclass(frozen=True, slots=True)
class DataPart:
    """What was made of the data.

    kind (str): OVERVIEW, LABEL or QUESTION, which belongs to the next decision.
    label (Optional[str]): Of LABEL, the entity type.
    text (str): Whole lines, without the comments around them.
    digest (str): Of the text that was written.
    line (int): Where it starts.
    """

    kind: str
    label: str | None
    text: str
    digest: str
    line: int = 0

    @property
    def is_ours(self) -> bool:
        """Whether nobody has changed it."""
        return self.digest == digest(self.text)


@dataclass(frozen=True, slots=True)
class DecisionBlock:
    """A decision.

    text (str): Its lines, with those around it.
    decision (Decision): What they say.
    """

    text: str
    decision: Decision


Segment = Prose | DataPart | DecisionBlock


def digest(text: str) -> str:
    """What tells whether a part was changed; blanks at the end of lines don't count."""
    lines = [line.rstrip() for line in text.strip().split("\n")]
    return sha256("\n".join(lines).encode("utf8")).hexdigest()[:8]


def data_part(kind: str, text: str, label: str | None = None) -> DataPart:
    """A part as it is made of the data."""
    return DataPart(kind, label, text, digest(text))


def render(segments: Iterable[Segment]) -> str:
    """The file's text."""
    return "".join(map(_render, segments))


def _render(segment: Segment) -> str:
    if not isinstance(segment, DataPart):
        return segment.text
    name = segment.kind
    if segment.label is not None:
        # nothing in a label can end the comment
        name += " " + json.dumps(segment.label, ensure_ascii=False).replace(">", "\\u003e")
    return f"<!-- data {name} {segment.digest} -->\n{segment.text}{_END}\n"


@dataclass(frozen=True)
class Guidelines:
    """The decisions of a file.

    path (str): The file.
    decisions (List[Decision]): In its order, undecided ones too.
    """

    path: str
    decisions: list[Decision]


def read_guidelines(path: Path) -> Guidelines:
    """The decisions of a file.

    RAISES (ValueError): What is wrong in which line, and what to do; or there is none.
    """
    segments = parse(read_text(path), str(path))
    decisions = [segment.decision for segment in segments if isinstance(segment, DecisionBlock)]
    if not decisions:
        raise ValueError(
            f"{path} has no decision: each is a block between ```toml and ```, as ner-plus "
            "guidelines writes it."
        )
    return Guidelines(str(path), decisions)


def read_text(path: Path) -> str:
    """What is in a file of guidelines. RAISES ValueError: There is none, or it is no UTF-8."""
    if not path.is_file():
        what = "is a folder: name a Markdown file in it" if path.is_dir() else "is not there"
        raise ValueError(f"The file of guidelines {path} {what}.")
    try:
        return path.read_text(encoding="utf8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: byte {error.start + 1} is not UTF-8. Convert the file to UTF-8 first."
        ) from None


def parse(text: str, path: str) -> list[Segment]:
    """A file's text in parts, of which `render` makes the same text.

    path (str): What errors call it.
    RAISES ValueError: What is wrong in which line, and what to do.
    """
    segments = list(_merged(_Reader(text, path).segments()))
    blocks = (segment.decision for segment in segments if isinstance(segment, DecisionBlock))
    check_topics(blocks, path)
    return segments


def _merged(segments: Iterator[Segment]) -> Iterator[Segment]:
    """Lines of prose together."""
    lines: list[str] = []
    for segment in segments:
        if isinstance(segment, Prose):
            lines.append(segment.text)
            continue
        if lines:
            yield Prose("".join(lines))
            lines = []
        yield segment
    if lines:
        yield Prose("".join(lines))


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.path = path
        self.at = 0

    def segments(self) -> Iterator[Segment]:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.startswith(("<!-- data", _END)):
                yield self._data_part(line)
            elif fence := _FENCE.match(line):
                yield self._fenced(fence[1], fence[2])
            else:
                self.at += 1
                yield Prose(f"{line}\n")

    def _data_part(self, line: str) -> DataPart:
        start = _START.fullmatch(line.rstrip())
        if start is None:
            raise self._error(
                self.at,
                f"{line.strip()!r} does not start a part made of the data. Restore the line as it "
                f'was written, or remove all from it to "{_END}"',
            )
        first = self.at + 1
        end = next((i for i in range(first, len(self.lines)) if self._ends(i)), None)
        if end is None or self.lines[end].startswith("<!-- data"):
            raise self._error(self.at, f'the part made of the data has no end: add "{_END}"')
        label = None if start[2] is None else self._label(start[2])
        self.at = end + 1
        text = "".join(f"{one}\n" for one in self.lines[first:end])
        kind = LABEL if start[1] is None else start[1]
        return DataPart(kind, label, text, start[3], first)

    def _label(self, quoted: str) -> str:
        try:
            return str(json.loads(quoted))
        except ValueError:
            raise self._error(self.at, f"{quoted} is no entity type in quotes") from None

    def _ends(self, i: int) -> bool:
        return self.lines[i].startswith((_END, "<!-- data"))

    def _fenced(self, fence: str, language: str) -> Segment:
        first = self.at + 1
        closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}\s*")
        end = next(
            (i for i in range(first, len(self.lines)) if closing.fullmatch(self.lines[i])), 0
        )
        if not end:
            raise self._error(self.at, f"this block has no end: add a line of {fence}")
        text = "".join(f"{one}\n" for one in self.lines[self.at : end + 1])
        source = "\n".join(self.lines[first:end])
        if language.lower() == "toml":
            self.at = end + 1
            return DecisionBlock(text, read_block(source, self.path, first + 1))
        if re.search(r"^\s*rule\s*=", source, re.MULTILINE):
            raise self._error(self.at, f"a block with a rule must start with {fence}toml")
        self.at = end + 1
        return Prose(text)

    def _error(self, at: int, message: str) -> ValueError:
        return ValueError(f"{self.path}, line {at + 1}: {message}.")


def block(decision: Decision, source: str) -> DecisionBlock:
    """A decision as a new block. source (str): Its TOML."""
    fence = "```"
    return DecisionBlock(f"{fence}toml\n{source}{fence}\n", decision)
