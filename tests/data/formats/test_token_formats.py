"""One text with emoji, right-to-left writing and Windows line ends, through each format."""

from dataclasses import replace

import pytest

from spacy_ner_plus.data.formats.record_files import read, write
from spacy_ner_plus.records import SpanRecord, TextRecord, TokenRecord

WORDS = ["👩‍🔬", "Anna", "גר", "ב", "ת\u00a0א", "e\u0301t", "😀"]
GAPS = [" ", "\r\n", " ", "", "  ", "\t\r\n", ""]


def mixed():
    text, tokens = "\u3000", []
    for i, (word, gap) in enumerate(zip(WORDS, GAPS, strict=True)):
        tokens.append(TokenRecord(len(text), len(text) + len(word), i in (0, 2)))
        text += word + gap
    place = [(token.start, token.end) for token in tokens]
    spans = (
        SpanRecord(*place[0], "E😀"),
        SpanRecord(*place[1], "PER"),
        SpanRecord(place[4][0], place[5][1], "מקום"),
        SpanRecord(*place[6], "E😀"),
    )
    return TextRecord(text, id="é 😀", spans=spans, tokens=tuple(tokens))


def solid(record):
    """Without tokens of white space, and without the texts of spans, which their places tell."""
    spans = tuple(replace(span, text=None) for span in record.spans)
    tokens = [one for one in record.tokens or () if record.text[one.start : one.end].strip()]
    starts = [i for i, one in enumerate(tokens) if one.sentence_start]
    places = tuple(TokenRecord(one.start, one.end) for one in tokens)
    return replace(record, spans=spans, tokens=places if record.tokens else None), starts


@pytest.mark.parametrize(
    ("format", "name", "options"),
    [
        ("columns", "a.conllu", {"layout": "conllu"}),
        ("columns", "a.conllu", {"layout": "conllu", "scheme": "BIOES", "layers": 2}),
        ("hf", "a.jsonl", {}),
        ("hf", "a.parquet", {}),
        ("table", "a.csv", {}),
        ("table", "a.tsv", {}),
    ],
)
def test_a_mixed_text_is_the_same_again(format, name, options, tmp_path):
    record = mixed()
    write(
        [record, TextRecord("x", tokens=(TokenRecord(0, 1, True),))],
        tmp_path / name,
        format,
        **options,
    )
    quoting = {"quoting": "rfc4180"} if format == "table" else {}
    found, _ = read(tmp_path / name, format, **quoting)
    again, starts = solid(found)
    wanted, _ = solid(record)
    if format == "table":  # which has no tokens
        assert again == replace(wanted, tokens=None)
    else:
        assert again == wanted
        # white space on top is of the first sentence, and starts it
        assert {0, 2} >= set(starts) >= {2}
