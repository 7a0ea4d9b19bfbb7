"""What the fuzz suite draws: texts, tokenisations, annotation, labels.

A document is drawn as a recipe of plain values, so that a finding prints as something that can be
pasted into a test, and so that hypothesis can shrink it. Numbers in a recipe are taken modulo
what is there: every recipe can be cooked.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from spacy_ner_plus.records import tidy_label
from tests import tiny
from tests.text.hard_texts import HARD_TEXTS

PAGE = 16  # every Unicode block begins and ends on a multiple of 16
ASSETS = Path(__file__).parents[2] / "assets"

# Characters that have broken tokenizers: NUL and other controls, joiners, marks of direction,
# byte order marks, spaces of all kinds, marks that combine, noncharacters, private ones.
TRICKY = [
    *"\x00\x01\x07\x08\x0b\x0c\x1b\x1c\x1d\x1e\x1f\x7f\x85\xa0\xad",
    *"\u0300\u0301\u0323\u034f\u061c\u115f\u1160\u17b4\u180e\u2000\u2003\u2009",
    *"\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f",
    *"\u2060\u2066\u2067\u2069\u206f\u3000\u3164\ufe0e\ufe0f\ufeff\uffa0\ufff9\ufffc\ufffd",
    *"\ufdd0\ufffe\uffff\U0001fffe\U0010ffff\ue000\U000f0000\U0010fffd",
    *"\U000e0001\U000e0020\U000e0067\U000e007f\U0001f1e8\U0001f3fd\U0001d173",
    *" \n\t\r-'.,[]#▁Ġ_",
    *"ıİßẞŉǰΐﬃﷺ½Ⅷ㎏①",
]
SPECIAL_TEXTS = [
    "[SEP]", "[CLS]", "[PAD]", "[MASK]", "[UNK]", "<s>", "</s>", "<pad>", "<unk>", "<mask>",
    "<|endoftext|>", "##a", "▁a", "Ġa", "👩\u200d👩\u200d👧", "🇨🇭🇩🇪", "\r\n", "%s{0}\\u0000",
]  # fmt: skip
SPLITS = ("spacy", "words", "chars", "whole", "spaces", "halves")


@dataclass(frozen=True)
class Mark:
    """Annotation of a token range. kind: "entity", "blocked" or "missing"; label: an index."""

    kind: str
    start: int
    length: int
    label: int = 0


@dataclass(frozen=True)
class Recipe:
    """A document.

    words: The text in parts. split: How it is tokenised: by spaCy's rules, into these words (every
    other with a space behind it), characters, not at all, at spaces only, or into pairs of
    characters. merges: token and number of tokens to retokenise as one. splits: token and place at
    which to retokenise it as two. marks: annotation; those that overlap earlier ones are left out.
    outside: whether other tokens are O, not missing. marks_first: annotate before retokenising.
    """

    words: tuple[str, ...]
    split: str = "spacy"
    merges: tuple[tuple[int, int], ...] = ()
    splits: tuple[tuple[int, int], ...] = ()
    marks: tuple[Mark, ...] = ()
    outside: bool = True
    marks_first: bool = False


@cache
def pages() -> tuple[int, ...]:
    """The first code point of each run of 16 in which one is assigned, or a noncharacter."""
    return tuple(
        start
        for start in range(0, 0x110000, PAGE)
        if any(unicodedata.category(chr(start + i)) not in ("Cn", "Cs", "Co") for i in range(PAGE))
        or (start & 0xFFF0) == 0xFFF0
    )


def page_samples() -> list[str]:
    """A character of each page, or a few of them, in words: all Unicode blocks in short texts."""
    words = []
    for start in pages():
        chars = (chr(start + i) for i in range(PAGE))
        good = [char for char in chars if unicodedata.category(char) != "Cs"]
        assigned = [char for char in good if unicodedata.category(char) != "Cn"] or good
        words.append("".join(assigned[:: max(1, len(assigned) // 3)]))
    return [" ".join(words[i : i + 100]) for i in range(0, len(words), 100)]


@cache
def real_texts(folder: str | None = None) -> tuple[str, ...]:
    """Lines of real text: a part of the repository's corpora, or of the files in a folder."""
    if folder is not None:
        lines = [line for path in _text_files(Path(folder)) for line in _lines(path)]
        if not lines:
            raise ValueError(f"{folder} holds no text: .txt, .tsv, .conll, .json, .jsonl or .md.")
        return tuple(lines)
    found = [*tiny.OTHER_SCRIPTS, *HARD_TEXTS]
    for path in sorted(ASSETS.glob("*/dev.tsv")):
        blocks = path.read_text(encoding="utf8").split("\n\n")
        found += [
            " ".join(line.split("\t")[0] for line in block.splitlines()) for block in blocks[:300]
        ]
    return tuple(found)


def _text_files(folder: Path) -> list[Path]:
    endings = {".txt", ".tsv", ".conll", ".json", ".jsonl", ".md", ".iob", ".bio"}
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in endings and p.is_file())


def _lines(path: Path, n_bytes: int = 2_000_000) -> list[str]:
    """Lines of a file's beginning; what is no UTF-8 becomes replacement characters."""
    with path.open("rb") as stream:
        text = stream.read(n_bytes).decode("utf8", errors="replace")
    return [line for line in text.splitlines() if line.strip()]


@st.composite
def any_char(draw: st.DrawFn) -> str:
    """A character of a page chosen evenly, so that small blocks come up as often as large ones."""
    start = pages()[draw(st.integers(0, len(pages()) - 1))]
    return chr(start + draw(st.integers(0, PAGE - 1)))


def words(real: tuple[str, ...]) -> st.SearchStrategy[str]:
    """A part of a text: one or more characters."""
    plain = st.text(st.sampled_from("abcdeXYZ019"), min_size=1, max_size=8)
    exotic = st.text(any_char(), min_size=1, max_size=6)
    tricky = st.text(st.sampled_from(TRICKY), min_size=1, max_size=5)
    any_code_point = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
    repeated = st.tuples(
        st.one_of(st.sampled_from(TRICKY), any_char()),
        st.one_of(st.integers(1, 40), st.sampled_from([127, 128, 129, 300, 1000])),
    ).map(lambda pair: pair[0] * pair[1])
    return st.one_of(
        plain, st.just(" "), exotic, tricky, any_code_point, repeated,
        st.sampled_from(SPECIAL_TEXTS), mutated(real),
    )  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, real: tuple[str, ...]) -> str:
    """A real line with a few things done to it."""
    text = real[draw(st.integers(0, len(real) - 1))][:400]  # sampled_from would look at all
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        part = text[start:end]
        new = draw(
            st.one_of(
                st.sampled_from(["", part * 2, part.upper(), part[::-1], part.swapcase()]),
                st.sampled_from(TRICKY),
                any_char(),
            )
        )
        text = text[:start] + new + text[end:]
    return text or " "


def marks(max_size: int = 4) -> st.SearchStrategy[tuple[Mark, ...]]:
    mark = st.builds(
        Mark,
        kind=st.sampled_from(["entity", "entity", "blocked", "missing"]),
        start=st.integers(0, 40),
        length=st.integers(1, 5),
        label=st.integers(0, 600),
    )
    return st.lists(mark, max_size=max_size).map(tuple)


def recipes(real: tuple[str, ...]) -> st.SearchStrategy[Recipe]:
    """Documents of all kinds, from none to a few hundred tokens."""
    pairs = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 4)), max_size=3).map(tuple)
    return st.builds(
        Recipe,
        words=st.lists(words(real), max_size=8).map(tuple),
        split=st.sampled_from(SPLITS),
        merges=pairs,
        splits=pairs,
        marks=marks(),
        outside=st.booleans(),
        marks_first=st.booleans(),
    )


def plain_recipes() -> st.SearchStrategy[Recipe]:
    """Documents of a few digits."""
    return st.builds(
        Recipe,
        words=st.lists(st.sampled_from("0123 "), max_size=5).map(tuple),
        marks=marks(max_size=2),
    )


def labels(min_size: int = 1, max_size: int = 5) -> st.SearchStrategy[list[str]]:
    """Names of entity types: whatever a string can hold, but for white space around it."""
    odd = st.sampled_from(
        ["O", "B-X", "I-X", "U-", "-", "--", " ", "\n", "a b", "\x00", "a\x00b", "😀", "L" * 2000,
         "!PER", "None", "null", "${x}", "{}", "/", "..", "'", '"', "\\", "\u202e", "[x]", "#", "0"]
    )  # fmt: skip
    text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
    names = st.one_of(odd, text).filter(lambda label: tidy_label(label) == label != "")
    return st.lists(names, min_size=min_size, max_size=max_size, unique=True)
