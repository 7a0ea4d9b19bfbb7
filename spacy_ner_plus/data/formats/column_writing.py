"""Records as column files: tokens and tags."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ...records import TextRecord, check_tidy, keys_of
from ...tags import Span
from .column_comments import COMMENTS, comments_of
from .column_tags import column_scheme, read_tags, write_tags
from .complete import open_places
from .token_layers import in_layers, lost_of_span, solid_tokens
from .white_space_after import written_space
from .written import Written, keys_of_tokens

WRITTEN_LAYOUTS = ("tsv", "uner", "germeval", "conllu")
PLUS_SUFFIXES = frozenset([".conllu", ".conllup"])
_LAYERS = {"germeval": 2}
# Of records and of spans: what columns hold, or what is refused where they would say otherwise.
_HELD = ("text", "spans", "tokens", "unknown", "annotated_labels")
_HELD_OF_SPANS = ("start", "end", "label", "text", "status")


@dataclass(frozen=True)
class _Sentence:
    """A sentence of a record.

    words: Its tokens but white space. gaps: The white space behind each, but the last of the text.
    before: That before the text, if it is the first. layers: The tags, as many in each as words.
    comments: The comment lines before it.
    n_joined: Entities that the tags do not tell from the one before.
    """

    words: list[str]
    gaps: list[str]
    before: str
    layers: list[list[str]]
    comments: list[str]
    n_joined: int

    @property
    def text(self) -> str:
        """From its first token to its last."""
        return "".join(a + b for a, b in zip(self.words, self.gaps, strict=True))[
            : -len(self.gaps[-1]) or None
        ]


def write_columns(
    records: Iterable[TextRecord],
    path: Path,
    layout: str | None = None,
    scheme: str = "BIO",
    layers: int | None = None,
    marks: bool = True,
) -> Written:
    """Write records as tokens and tags.

    records (Iterable[TextRecord]): With tokens. Those that are white space are left out.
    path (Path): The file.
    layout (str): "tsv": a token and its tags; of the text, white space becomes one space between
        any two tokens. "uner": the text of each sentence too; white space between sentences becomes
        one space. "germeval": the same with token numbers and two layers of tags. "conllu": CoNLL-U
        Plus, with all white space in MISC. None for that in a file of such a suffix, else "tsv".
        Comment lines, see column_comments, are in all but the first.
    scheme (str): Of the tags: see column_scheme. IO does not tell entities that touch.
    layers (int): The columns of tags; entities that nest are in several: in their own, if their
        meta says which, else outer ones in the first. None for 2 in "germeval", else 1.
    marks (bool): Mark where records start. Without, as in GermEval 2014's own files, each sentence
        is a record to who reads them.
    RAISES (ValueError): A record of which columns would say something else, and why.
    """
    if layout is None:
        layout = "tsv" if PLUS_SUFFIXES.isdisjoint(path.suffixes) else "conllu"
    if layout not in WRITTEN_LAYOUTS:
        raise ValueError(f"Layout {layout!r} can't be written: use one of {WRITTEN_LAYOUTS}.")
    n_layers = _LAYERS.get(layout, 1) if layers is None else layers
    if n_layers < 1 or (layout == "uner" and n_layers > 1):
        raise ValueError(f"Layout {layout!r} can't have {n_layers} layers of tags.")
    if not isinstance(marks, bool):
        raise ValueError(f"marks must be true or false, got {marks!r}.")
    scheme = column_scheme(scheme)
    lost: Counter[str] = Counter()
    n_written = 0
    with path.open("w", encoding="utf8", newline="\n") as file:
        if layout == "conllu":
            file.write(f"# global.columns = ID FORM {_names(n_layers)} MISC\n")
        for number, record in enumerate(records, start=1):
            try:
                sentences, n_repeated = _sentences(record, scheme, n_layers)
                _check_marks(sentences, marks=marks)
                blocks = ["\n".join(lines) + "\n" for lines in _lines(sentences, layout)]
            except ValueError as error:
                raise ValueError(f"Record {number}, {record.text[:60]!r}: {error}") from None
            holds_id = marks and _holds_id(record, layout)
            lost.update(_lost(record, sentences, layout, n_layers, holds_id=holds_id))
            lost["repeated spans"] += n_repeated
            lost["borders of entities that touch"] += sum(one.n_joined for one in sentences)
            if sentences:
                opening = _opening(record, layout, n_layers) if marks else ""
                text = opening + "\n".join(blocks)
                # a blank line parts sentences; GermEval's files have none in the end
                parted = "\n" * bool(n_written) + text if layout == "germeval" else text + "\n"
                file.write(parted)
                n_written += 1
    return Written(n_written, +lost)


def _names(n_layers: int) -> str:
    return " ".join(["NE", *(f"NE{i}" for i in range(2, n_layers + 1))])


def _check_marks(sentences: Sequence[_Sentence], *, marks: bool) -> None:
    if not marks and len(sentences) > 1:
        raise ValueError(
            f"it has {len(sentences)} sentences, which without marks would be as many records: "
            "leave marks on, or write a sentence a record."
        )


def _opening(record: TextRecord, layout: str, n_layers: int) -> str:
    if layout == "tsv":
        return "\t".join(["-DOCSTART-", *["O"] * n_layers]) + "\n\n"
    return (f"# newdoc id = {record.id}" if _holds_id(record, layout) else "# newdoc") + "\n"


def _holds_id(record: TextRecord, layout: str) -> bool:
    """An id is the rest of a line."""
    id = record.id
    is_line = isinstance(id, str) and id == id.strip() != "" and not set(id) & set("\r\n\t")
    return is_line and layout != "tsv"


def _sentences(record: TextRecord, scheme: str, n_layers: int) -> tuple[list[_Sentence], int]:
    _check_complete(record)
    solid = solid_tokens(record)
    spans, n_repeated = in_layers(record, n_layers)
    for label in {label for layer in spans for _, _, label in layer}:
        _check(label)
        check_tidy("its label", label)
    ends = [*(token.start for token in solid[1:]), len(record.text)]
    gaps = [record.text[one.end : end] for one, end in zip(solid, ends, strict=False)]
    words = [record.text[token.start : token.end] for token in solid]
    comments: dict[int, list[str]] = {}
    for start, line in comments_of(record):
        comments.setdefault(start, []).append(line)
    sentences = []
    for first, last in pairwise([*_starts(record), len(solid)]):
        layers, n_joined = [], 0
        for layer in spans:
            found = [(s - first, e - first, label) for s, e, label in layer if first <= s < last]
            tags, n = _tagged(found, last - first, scheme)
            layers.append(tags)
            n_joined += n
        before = "" if first else record.text[: solid[0].start]
        its = comments.get(solid[first].start, [])
        sentences.append(
            _Sentence(words[first:last], gaps[first:last], before, layers, its, n_joined)
        )
    return sentences, n_repeated


def _tagged(spans: list[Span], n_words: int, scheme: str) -> tuple[list[str], int]:
    """The tags, and how many entities they join to the one before."""
    tags = write_tags(spans, n_words, scheme)
    return tags, len(spans) - len(read_tags(tags, scheme)) if scheme == "IO" else 0


def _starts(record: TextRecord) -> list[int]:
    """Where sentences start among the tokens but white space."""
    starts = []
    n_solid, is_start = 0, True
    for token in record.tokens or ():
        # one that starts with white space starts with the word behind it
        is_start = is_start or token.sentence_start is True
        if not record.text[token.start : token.end].isspace():
            if is_start:
                starts.append(n_solid)
            n_solid += 1
            is_start = False
    return starts


def _check_complete(record: TextRecord) -> None:
    if record.tokens is not None and (places := list(open_places(record))):
        raise ValueError(
            f"its annotation is not complete, and columns have no tag for that: "
            f"{', '.join(places)}. Complete it, leave the record out, or write .jsonl or "
            ".spacy."
        )


def _lines(sentences: list[_Sentence], layout: str) -> Iterator[list[str]]:
    for number, sentence in enumerate(sentences, start=1):
        for word in sentence.words:
            _check(word)
            if word != word.strip() or word == "-DOCSTART-":
                raise ValueError(f"columns can't hold the token {word!r}.")
        rows = [[*row] for row in zip(sentence.words, *sentence.layers, strict=True)]
        if layout == "tsv":
            yield ["\t".join(row) for row in rows]
            continue
        text = sentence.text
        if layout == "conllu":
            parts = zip(sentence.words, sentence.gaps, strict=True)
            text = "".join(word + " " * (gap != "") for word, gap in parts).removesuffix(" ")
            _add_misc(rows, sentence, is_last=number == len(sentences))
        _check(text, "\r\n")
        is_plain = layout == "germeval" and text == " ".join(sentence.words)
        numbered = ("\t".join([str(i), *row]) for i, row in enumerate(rows, start=1))
        yield [*sentence.comments, *([] if is_plain else [f"# text = {text}"]), *numbered]


def _add_misc(rows: list[list[str]], sentence: _Sentence, *, is_last: bool) -> None:
    """The white space around each token, as a column."""
    for i, (row, gap) in enumerate(zip(rows, sentence.gaps, strict=True)):
        before = "" if i else sentence.before
        row.append(written_space(before, gap, is_last=is_last and i == len(rows) - 1))


def _lost(
    record: TextRecord, sentences: list[_Sentence], layout: str, n_layers: int, *, holds_id: bool
) -> list[str]:
    """What a record has and columns have not, by name."""
    parts = (" ".join(s.words) if layout == "tsv" else s.text for s in sentences)
    is_whole = " ".join(parts) == record.text or (layout == "conllu" and sentences)
    lost = [] if is_whole else ["white space"]
    lost += ["records without tokens"] * (not sentences)
    row = record.to_json()
    held = (*_HELD, "id") if holds_id and sentences else _HELD
    lost += [key for key in keys_of(TextRecord) if key not in (*held, "meta") and key in row]
    lost += _lost_meta(record, sentences, layout)
    lost += _lost_starts(record)
    lost += keys_of_tokens(record)
    for span in record.spans or ():
        lost += lost_of_span(span, _HELD_OF_SPANS, n_layers)
        lost += [f"{span.status} spans"] * (not span.is_accepted)
    return lost + sorted(record.other)


def _lost_meta(record: TextRecord, sentences: list[_Sentence], layout: str) -> list[str]:
    """Meta but for comment lines, and those of these that stand before no sentence."""
    comments = comments_of(record)
    n_written = 0 if layout == "tsv" else sum(len(one.comments) for one in sentences)
    others = record.meta.keys() - ({COMMENTS} if comments else set())
    return ["meta"] * bool(others) + ["comment lines"] * (len(comments) - n_written)


def _lost_starts(record: TextRecord) -> Iterator[str]:
    """Columns say of each word whether a sentence starts with it, and that one does with the first.

    White space before a word is part of it, as in _starts.
    """
    is_first, known = True, []
    for token in record.tokens or ():
        known.append(token.sentence_start)
        if not record.text[token.start : token.end].isspace():
            if is_first and True not in known and False in known:
                yield "first words that start no sentence"
            elif not is_first and True not in known and None in known:
                yield "unknown sentence starts"
            is_first, known = False, []


def _check(value: str, forbidden: str = "\t\r\n") -> None:
    if any(char in value for char in forbidden):
        raise ValueError(f"columns can't hold {value!r}, for its tabs or line breaks.")
