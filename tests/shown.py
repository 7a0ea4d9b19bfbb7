"""What README, CONTRIBUTING.md and the docs show: commands and blocks of code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
# Between backticks in a sentence, where a command may run over the end of a line.
INLINE = re.compile(r"`([^`]+)`")
PROGRAMS = r"make|python|pip|git|gunicorn|spacy|ner-plus|\.venv/bin/[\w-]+|benchmarks/[\w.]+"
COMMAND = re.compile(rf"(?:{PROGRAMS}) \S|--[a-z]")
LOOP = re.compile(r"(?ms)^for (\w+) in ([^;]+); do\n(.*?)^done$")
UNTIL = re.compile(r"until (.+?); .*")


@dataclass(frozen=True)
class Command:
    """A command as a page shows it. is_whole: In a block; in a sentence it may be a mention."""

    text: str
    page: str
    is_whole: bool


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """The blocks of a language, each with the name of its page."""
    for path in TEXTS:
        for found, block in BLOCK.findall(path.read_text(encoding="utf8")):
            if found == language:
                yield path.name, block


def commands() -> list[Command]:
    """All of them, each once a page."""
    found = [Command(line, page, True) for page, block in blocks("bash") for line in lines(block)]
    for path in TEXTS:
        found += [Command(text, path.name, False) for text in inline(path.read_text("utf8"))]
    return list(dict.fromkeys(found))


def lines(block: str) -> Iterator[str]:
    """The commands of a block, without comments and loops."""
    block = LOOP.sub(_unrolled, block.replace("\\\n", " "))
    for line in block.splitlines():
        command = " ".join(re.sub(r"(^|\s)#.*", "", line).split())
        if until := UNTIL.fullmatch(command):
            command = until[1]
        if command:
            yield command


def _unrolled(loop: re.Match[str]) -> str:
    name, values, body = loop.groups()
    return "".join(body.replace(f"${name}", value) for value in values.split())


def inline(text: str) -> Iterator[str]:
    """The commands, and options, that a text has between backticks."""
    for match in INLINE.finditer(BLOCK.sub("", text)):
        command = " ".join(match[1].split())
        if COMMAND.match(command):
            yield command
