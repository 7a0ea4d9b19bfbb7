"""README's results: each has a command that prints such a row. Values are not looked at."""

import re

from tests.shown import ROOT, inline
from tests.test_benchmark_runs import RUNS, SPEED, TABLES
from tests.test_shown_runs import PRINTED

# README's results: a command, what stands in the row, and how the rows begin that it prints.
BENCH = "make bench DATA=path"
RESULTS = {
    ("make run", "ner_plus"): ["micro"],
    ("python -m spacy project run all . --vars.corpus bc5cdr-columns", "ner_plus"): ["micro"],
    ("make run", "Calibration error"): ["before", "after"],
    ("python benchmarks/against_hf.py FOLDER --epochs 2", "ner_plus"): ["ner_plus"],
    (
        "python benchmarks/against_hf.py FOLDER --epochs 2",
        "plain Hugging Face token classifier",
    ): ["huggingface"],
    ("python benchmarks/conll2003.py FOLDER", "ner_plus"): ["BILOU, CRF, casing"],
    ("python benchmarks/conll2003.py FOLDER", "ner_plus with BIO tags"): ["BIO, CRF, casing"],
    (
        "python benchmarks/conll2003.py FOLDER",
        "ner_plus with BIO tags, without CRF and casing",
    ): ["BIO, no CRF, no casing"],
    (
        "python benchmarks/models.py FOLDER --vectors VECTORS",
        "BiLSTM-CRF, GloVe of 50 numbers",
    ): ["BiLSTM-CRF"],
    ("python benchmarks/models.py FOLDER --vectors VECTORS", "spaCy `ner`, no encoder"): [
        "spaCy `ner`"
    ],
    ("python benchmarks/forgetting.py assets/bc5cdr-columns", "ner_plus"): [
        r"ner_plus\.annotated\+rehearse"
    ],
    (
        "python benchmarks/forgetting.py assets/bc5cdr-columns",
        "spaCy `ner`, without and with `nlp.rehearse`",
    ): [r"spacy\.plain", r"spacy\.rehearse"],
    ("python benchmarks/nested.py GENIA", "ner_plus_spans"): ["`biaffine`"],
    ("python benchmarks/nested.py GENIA", "ner_plus, outermost entities"): ["flat `ner_plus`"],
    ("python benchmarks/shared_encoder.py FOLDER", "ner_plus, encoder of its own"): ["private"],
    ("python benchmarks/shared_encoder.py FOLDER", "ner_plus and a tagger on one encoder"): [
        "shared"
    ],
    (BENCH, "the bare encoder in fp32, tokenised and packed beforehand"): ["limit fp32"],
    (BENCH, "ner_plus, fp32 / bf16 / int8 on ONNX Runtime"): [
        "ner_plus fp32", "ner_plus bf16", "ner_plus onnx int8"
    ],
    (BENCH, "`transformers.pipeline`, fp32"): [r"transformers\.pipeline"],
    (BENCH, "spaCy `ner` on spacy-transformers, fp32"): [r"spaCy ner \+ spacy-transformers"],
}  # fmt: skip


def shown() -> list[tuple[str, str]]:
    """The command and the name of each row. A table without commands has one in a line above."""
    text = (ROOT / "README.md").read_text(encoding="utf8")
    part = text.partition("[start:results]")[2].partition("[end:results]")[0]
    found = re.findall(r"(?s)\n(Calibration error) .*?\(`(make run)`\)", part)
    found = [(command, name) for name, command in found]
    command = ""
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            command = next((one for one in inline(line) if one.startswith("make ")), command)
        elif len(cells) == 5 and cells[4] not in ("command", "---"):
            command = command if cells[4] == "the same" else cells[4].strip("`")
            found.append((command, cells[1]))
        elif len(cells) == 3 and cells[0] not in ("", "---"):
            found.append((command, cells[0]))
    return found


def printed_by(command: str) -> set[str]:
    """The rows that are looked for where a command is run at its smallest."""
    if command == BENCH:
        return {*SPEED["inference"]["Inference, documents"]}
    if script := re.match(r"python benchmarks/(\S+)", command):
        tables = TABLES.get(script[1], {"": RUNS[script[1]].rows})
        return {row for table in tables.values() for row in table}
    return {row for expected in PRINTED.values() for row in expected}


def test_results_name_commands_that_print_their_rows() -> None:
    assert sorted(shown()) == sorted(RESULTS)
    for (command, _), names in RESULTS.items():
        assert {*names} <= printed_by(command), command
