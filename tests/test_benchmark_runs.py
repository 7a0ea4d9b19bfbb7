"""Every benchmark at its smallest: that it ends, and that its table has its rows and figures.

What the figures are is another matter, but for their being possible.
"""

import gzip
import json
import math
import re
import shutil
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.util import minibatch

from benchmarks.speed.__main__ import PARTS
from spacy_ner_plus.data.formats.column_tags import read_tags, write_tags
from tests import tiny
from tests.forked import python
from tests.killing import needs_fork
from tests.pipeline.samples import initialized_nlp, read_sentences, shake_head

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
N_TRAIN, N_TEST, SENTENCES_A_DOC, N_DOCUMENTS = 24, 8, 4, 8

Bounds = tuple[float, float]
PERCENT, SHARE, MINUTES, AMOUNT = (0.0, 100.0), (0.0, 1.0), (0.0, 5.0), (0.0, math.inf)
POSITIVE = (0.01, math.inf)


@dataclass(frozen=True)
class Start:
    """How a benchmark is started, and the table that it prints then.

    arguments (str): In a folder that holds what `prepared` makes.
    rows (Dict[str, Tuple[Bounds, ...]]): How a line begins, as a regular expression in which a
        blank is any white space, and the bounds of each figure that follows.
    """

    arguments: str
    rows: dict[str, tuple[Bounds, ...]]


def rows(*names: str, figures: tuple[Bounds, ...]) -> dict[str, tuple[Bounds, ...]]:
    return dict.fromkeys(names, figures)


LIMITS = ("limit fp32", r"limit fp32, window \d+", "limit bf16", r"limit bf16, window \d+")
SYSTEMS = ("ner_plus fp32", "ner_plus fp32 unpacked", "ner_plus bf16", "ner_plus bf16 unpacked",
           "ner_plus onnx fp32", "ner_plus onnx int8", r"transformers\.pipeline",
           r"spaCy ner \+ spacy-transformers")  # fmt: skip
TRAINED = ("plain loop fp32", "plain loop bf16", "ner_plus fp32", "ner_plus bf16", SYSTEMS[-1])
STAGES = ("spaCy tokenizer", "wordpieces", "align, windows, packing", "encode", "pool and head",
          "decode", "probabilities", "write to Doc", "the rest")  # fmt: skip
SPEEDS = (POSITIVE, POSITIVE)
RATIO = (0.0, 10_000.0)
# By part, and by the line under which the rows stand.
SPEED = {
    "training": {
        "Training,": rows(*TRAINED, figures=(*SPEEDS, *3 * [RATIO], POSITIVE)),
    },
    "inference": {
        f"Inference, {shape}": rows(*LIMITS, figures=(*SPEEDS, *6 * [RATIO], POSITIVE))
        | rows(*SYSTEMS, figures=(*SPEEDS, *6 * [RATIO], POSITIVE, PERCENT, AMOUNT))
        for shape in ("documents", "sentences")
    },
    "latency": {"One text by itself": rows(*LIMITS, *SYSTEMS, figures=3 * (POSITIVE,))},
    "profile": {"Where ner_plus's time goes": rows(*STAGES, figures=4 * (PERCENT,))},
    "growth": {
        "One document": rows(r"1,0\d\d", figures=(POSITIVE, POSITIVE)),
        "Stream of short documents": rows("100", figures=4 * (POSITIVE,)),
        "Tags": rows("3", "9", "37", "101", figures=(POSITIVE, PERCENT)),
    },
}
CHANGE = (-100.0, 100.0)
# Of benchmarks/models.py, by the line under which the rows stand.
MODELS = ("phrases of the training data", "BiLSTM-CRF")
SPACY_NER = "spaCy `ner`"
COSTS = (*3 * [PERCENT], AMOUNT, AMOUNT, (1, 1), POSITIVE, POSITIVE, (1, 1), *3 * [AMOUNT])
MODEL_TABLES = {
    "tsv: F1 on test data": rows(*MODELS, SPACY_NER, figures=(PERCENT, PERCENT)),
    "tsv, all sentences, seed 0": rows("BiLSTM-CRF", figures=(*COSTS, SHARE))
    # without probabilities, or without any entity found in so few sentences: no ECE
    | rows(MODELS[0], SPACY_NER, figures=COSTS),
    "tsv, 12 sentences: the BiLSTM, seeds": rows("BiLSTM-CRF", figures=(PERCENT, (0.0, 0.0)))
    | rows("BiLSTM, no CRF", figures=(PERCENT, CHANGE, PERCENT)),
}
# Of benchmarks/nested.py and germeval.py, likewise.
FLAT, BAND, SPANCAT = "flat `ner_plus`", "`biaffine`", "spaCy `spancat`"
WAYS_TO_LEARN = (POSITIVE, POSITIVE, RATIO, AMOUNT)  # without ECE where nothing is found
GAINS = 9 * (CHANGE,)  # three differences, each with its interval
NESTED_TABLES = {
    "Scores on the test data": rows(FLAT, BAND, SPANCAT, figures=7 * (PERCENT,)),
    "ECE before and after": rows(FLAT, SPANCAT, figures=(SHARE, SHARE, *WAYS_TO_LEARN)),
    f"F1 ahead of {SPANCAT}": rows(FLAT, BAND, figures=GAINS),
    f"F1 ahead of {FLAT}": rows(BAND, SPANCAT, figures=GAINS),
    f"{SPANCAT}: what was tried": rows(
        r"rate 100 %(?: \(chosen\))?", figures=(AMOUNT, SHARE, PERCENT)
    ),
}
GERMEVAL_TABLES = {
    "Scores on the test data": rows(FLAT, f"BiLSTM, {BAND}", figures=7 * (PERCENT,)),
    "ECE before and after": rows(FLAT, figures=(SHARE, SHARE, *WAYS_TO_LEARN)),
}
ACTIVE_TABLES = {
    "tsv: F1 on": rows("random", "mnlp", "diverse", figures=3 * (PERCENT,)),
    "Tokens to 95 %": rows("random", figures=(AMOUNT, PERCENT))
    | rows("mnlp", "diverse", figures=(AMOUNT, PERCENT, *3 * [(-math.inf, PERCENT[1])])),
}
COST_TABLES = {
    "Microseconds a token": rows(FLAT, BAND, figures=(POSITIVE, POSITIVE, AMOUNT)),
    "MiB at most": rows(FLAT, BAND, figures=(POSITIVE, POSITIVE, AMOUNT, RATIO)),
    "Entities that are found": rows(FLAT, figures=(AMOUNT, AMOUNT, SHARE))
    | rows(BAND, figures=2 * (AMOUNT, AMOUNT, SHARE)),
}
# Of those whose rows have the same names in several tables.
TABLES = {
    "active_learning.py": ACTIVE_TABLES,
    "models.py": MODEL_TABLES,
    "nested.py": NESTED_TABLES,
    "nested_cost.py": COST_TABLES,
    "germeval.py": GERMEVAL_TABLES,
    "speed": {title: its for tables in SPEED.values() for title, its in tables.items()},
}
FILES = {
    "models.py": ("training/models", {"models.txt", "models.json", "models.svg"}),
    "nested.py": ("training/nested", {"nested.txt", "nested.json"}),
    "germeval.py": ("training/germeval", {"germeval.txt", "germeval.json"}),
    # as docs say
    "speed": ("metrics/speed", {"speed.txt", "speed.json", "speed.svg", "growth.svg"}),
}
CRF_TASKS = (r"loss\+backward", "decode", r"decode\+marginals")
RUNS = {
    "against_hf.py": Start(
        "spacy --encoder encoder --seeds 0 --epochs 1 --batch-words 200",
        rows("huggingface", "ner_plus", figures=(PERCENT, PERCENT, PERCENT, MINUTES)),
    ),
    "bounds.py": Start(
        "model tsv/test.tsv --group 4",
        rows(
            *(
                rf"{name} \d+ {across} {setting}"
                for name, across in (("plain", "0"), ("wrapped", r"\d+"), ("lists", "0"))
                for setting in ("never", "always", "auto")
            ),
            figures=3 * (PERCENT,),
        ),
    ),
    "conll2003.py": Start(
        "conll --encoder encoder --epochs 1 --batch-words 200 --jobs 3",
        rows(
            "BIO, no CRF, no casing",
            "BIO, CRF, casing",
            "BILOU, CRF, casing",
            figures=(PERCENT, PERCENT, MINUTES),
        ),
    ),
    "crf.py": Start(
        "--threads 1 --rounds 1 --tags 9 1001 --most-tokens 300",
        rows(*(rf"9 32 128 {task}" for task in CRF_TASKS), figures=4 * (POSITIVE,))
        | rows(*(rf"1001 1 300 {task}" for task in CRF_TASKS), figures=2 * (POSITIVE,)),
    ),
    "features.py": Start(
        "conll --rounds 1",
        rows(
            "sklearn-crfsuite",
            "ner_plus_features",
            "BIO",
            figures=(PERCENT, PERCENT, AMOUNT, POSITIVE, RATIO),
        ),
    ),
    "forgetting.py": Start(
        "tsv --encoder encoder --seeds 0 --steps 2 2 --batch-words 60 --spacy-steps 2"
        " --spacy-batch-words 60 --jobs 4",
        rows(
            r"ner_plus\.plain",
            r"ner_plus\.rehearse",
            r"ner_plus\.annotated",
            r"ner_plus\.annotated\+rehearse",
            r"spacy\.plain",
            r"spacy\.rehearse",
            figures=(PERCENT, PERCENT, (-100.0, 100.0), PERCENT, MINUTES),
        ),
    ),
    "formats.py": Start(
        "tsv/test.tsv",
        # of the text that is always there, and of this file
        rows(
            *("jsonl = =", "brat = =", "prodigy = =", "table = s", "columns tsv w ="),
            *("spacy, group = =", "doc-json, group = ="),
            figures=(),
        ),
    ),
    "hybrid.py": Start(
        "pubtator --names names.tsv.gz --encoder encoder --documents 6 --seeds 0 --jobs 2"
        ' --settings {"training.max_steps":2,"training.eval_frequency":2}',
        rows(
            "alone",
            *(
                f"{gazetteer} {way}"
                for gazetteer in ("own", "training", "mesh")
                for way in ("rules", "hard", "soft", "learned")
            ),
            figures=(AMOUNT, *5 * (PERCENT,), *3 * (CHANGE,)),
        ),
    ),
    "gazetteer": Start(
        "--phrases 300 --words 200 --docs 60 --checked 60 --matcher-phrases 50 --rounds 1"
        " --methods fork",
        rows(
            "phrases, entries",
            figures=((60, 2_000), (60, 2_000)),
        )
        | rows("words in nlp.vocab, before and after", figures=((1, 2_000), (1, 2_000)))
        | rows("hits in them", figures=((0, 0), (60, 2_000)))
        | rows("build s, by the clock and processor", figures=(AMOUNT, AMOUNT))
        | rows("MB on the disk, and strings of these", figures=(AMOUNT, AMOUNT))
        | rows("load s, by the clock and processor", figures=(AMOUNT, AMOUNT))
        | rows("PhraseMatcher phrases, build s", figures=((50, 50), AMOUNT))
        | rows(
            *(f"words/s, {name}" for name in ("table, of hashes", "table, of Docs", "nlp.pipe")),
            *(f"words/s, {name}" for name in ("pipe of ner_plus_rules", "pipe of entity_ruler")),
            "words/s, PhraseMatcher",
            figures=(POSITIVE, POSITIVE),
        )
        | rows("hits in checked texts, of them wrong", figures=((60, 2_000), (0, 0))),
    ),
    "active_learning.py": Start(
        "tsv --quick --rounds 2 --start 40 --share 0.7 --seeds 0 1 --strategies mnlp diverse"
        " --student mnlp --jobs 3",
        rows("BiLSTM, all", r"BiLSTM, mnlp", figures=(AMOUNT, PERCENT)),
    ),
    "imbalance.py": Start(
        "tsv --encoder encoder --seeds 0 --steps 2 --batch-words 60 --jobs 3",
        rows(
            *("default", "balanced", "smoothing", "focal", "oversampling", "mentions"),
            figures=5 * (PERCENT,),
        ),
    ),
    "levers.py": Start(
        "tsv --encoder encoder --seeds 0 --batch-words 60 --jobs 3 --quick",
        rows(
            *("default", "averages", "consistency", "lr-decay", "characters"),
            *("mix", "context"),
            figures=(PERCENT, PERCENT, CHANGE, MINUTES),
        ),
    ),
    "partial_labels.py": Start(
        "tsv --encoder encoder --seeds 0 --steps 2 --further-steps 2 --start 8 --decisions 9"
        " --batch-words 60 --jobs 3",
        rows("halves.joined", "halves.outside", "halves.full", figures=(PERCENT,))
        | rows("decisions.start", "decisions.none", figures=(PERCENT,))
        | rows("decisions.accepted", "decisions.both", figures=(PERCENT, CHANGE, CHANGE)),
    ),
    "label_errors.py": Start(
        "conll --encoder encoder --folds 2 --epochs 1 --batch-words 60",
        rows("spans, ours", "tokens, cleanlab", "at random", figures=(AMOUNT, AMOUNT)),
    ),
    "models.py": Start(
        "tsv --systems rules bilstm spacy bilstm-no-crf --sizes 12 all"
        " --encoder encoder --seeds 0 --threads 1 --jobs 2 --quick",
        {},  # TABLES has them
    ),
    "nested.py": Start(
        "nested/genia.jsonlines --n-folds 2 --rates 100 --lengthenings 1 --encoder encoder"
        " --systems flat biaffine spancat --jobs 2 --quick",
        {},  # TABLES has them
    ),
    "germeval.py": Start(
        "nested --systems flat bilstm-biaffine --sentences 20 --encoder encoder --jobs 2 --quick",
        {},
    ),
    "nested_cost.py": Start(
        "nested/genia.jsonlines --systems flat biaffine --lengths 60 120 --steps 2"
        " --encoder encoder",
        {},
    ),
    "distil.py": Start(
        "conll --texts one=vectors.txt --texts other=spacy/test.spacy --encoder encoder"
        " --quick --jobs 2",
        rows(
            "teacher",
            "student",
            "distil, data",
            "distil, one",
            "distil, other",
            figures=(PERCENT, PERCENT, MINUTES),
        ),
    ),
    "noise.py": Start(
        "tsv --encoder encoder --seeds 0 --steps 2 --batch-words 60 --jobs 2",
        rows("tsv plain", "tsv typos", figures=7 * (PERCENT,)),
    ),
    "prediction.py": Start(
        "model spacy/test.spacy --documents 1500 --chunk-size 15 --words 5 --kill-at 0.1 0.3"
        " --folder .",
        rows(
            *(rf"resident at {share}% \(\d+ of 100 chunks\):" for share in (10, 50, 100)),
            figures=((50, 50_000),),
        )
        | rows(r"without a break: \d+ s, peak", figures=((50, 50_000),))
        | rows(r"killed with \d+ of 100 chunks done", r"The same bytes\.", figures=()),
    ),
    "processes.py": Start(
        "model spacy/test.spacy --workers 2 --words 100 --rounds 1 --methods fork",
        rows("one process", "fork", figures=(POSITIVE, POSITIVE)),
    ),
    "records.py": Start(
        "tsv/train.tsv tsv/test.tsv --records 30 --rounds 1 --folder .",
        rows(
            *(f"{form} {name}" for form in ("jsonl", "offsets") for name in ("json.loads", "read")),
            *(
                f"{form} {name}"
                for form in ("label-studio", "label-studio export")
                for name in ("raw_decode", "read")
            ),
            "jsonl to label-studio loads and dumps",
            "jsonl to label-studio convert",
            figures=(POSITIVE, RATIO, POSITIVE, POSITIVE),
        )
        | rows(
            "label-studio json.load",
            "label-studio export json.load",
            figures=(POSITIVE, POSITIVE, POSITIVE),
        ),
    ),
    "shared_encoder.py": Start(
        "conll --encoder encoder --width 32 --epochs 1 --batch-words 200 --jobs 2",
        rows("private", figures=(PERCENT, PERCENT, POSITIVE, MINUTES))  # and two that it has not
        | rows("shared", figures=(*4 * [PERCENT], POSITIVE, MINUTES)),
    ),
    "small_data.py": Start(
        "tsv/train.tsv tsv/test.tsv --encoder encoder --texts 6 --test-texts 2 --group 4 --steps 2"
        " --seeds 0",
        rows(
            *(rf"\| 6 \| \d+ \| 250 \| {n} \| \d+ \|" for n in ("2", r"\d+ \(planned\)")),
            figures=(PERCENT,),
        ),
    ),
    "span_scores.py": Start(
        "--rounds 1 --sentences 4 --words 5",
        rows("BIO, 4 labels", r"BILOU, \d+ labels", figures=(POSITIVE, POSITIVE)),
    ),
    "speed": Start(
        "tsv --encoder encoder --rounds 1 --steps 1 --words 60 --score-words 60 --reads 1"
        " --longest 1000 --most-docs 100 --group 4 --batch-words 60 --threads 1"
        " --precisions fp32 bf16",
        {},  # TABLES has them
    ),
    "vector_clusters.py": Start(
        "clusters.tsv --vectors vectors.txt --fine 9 --coarse 3",
        rows(r"20 words in \d+ clusters within [123]", figures=()),
    ),
    "windows.py": Start(
        "model tsv/test.tsv --group 4 --rounds 1 --windows 16 --overlaps 4",
        rows(r"\d+ \d+ \w+(?: unpacked)?", figures=(*3 * [PERCENT], SHARE, POSITIVE)),
    ),
}


# Those that have tests of their own, and where.
ELSEWHERE = {
    "gpu": "tests/test_gpu_script.py",
    "gpu.sh": "tests/test_gpu_script.py",
    "llm.py": "tests/test_llm_benchmark.py",
}


def startable() -> set[str]:
    """What the folder of benchmarks has that can be started."""
    modules = (path for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text())
    packages = (path.parent for path in BENCHMARKS.glob("*/__main__.py"))
    return {path.name for path in (*modules, *packages, *BENCHMARKS.glob("*.sh"))}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, a pipeline and a corpus in three forms: conll, tsv and spacy."""
    folder = tmp_path_factory.mktemp("benchmarks")
    tiny.save_encoder(folder / "encoder", max_position_embeddings=300)
    nlp = initialized_nlp(folder / "encoder", n=20)
    shake_head(nlp.get_pipe("ner_plus"))
    nlp.to_disk(folder / "model")
    sentences = read_sentences(N_TRAIN + 2 * N_TEST)
    dev = N_TRAIN + N_TEST
    vectors = [f"word{i} {i % 7} {i % 3} 1.5\n" for i in range(20)]
    (folder / "vectors.txt").write_text("".join(vectors), encoding="utf8")
    write_corpus(folder, "train", "eng.train", sentences[:N_TRAIN])
    write_corpus(folder, "dev", "eng.testa", sentences[N_TRAIN:dev])
    write_corpus(folder, "test", "eng.testb", sentences[dev:])
    write_nested(folder / "nested", sentences)
    write_documents(folder / "pubtator")
    with gzip.open(folder / "names.tsv.gz", "wt", encoding="utf8") as names:
        names.write("D1\tHypotension\tLow Blood Pressure|Hypotensions\tC14.907\nD2\tWater\t\tD01\n")
    return folder


def write_documents(folder: Path) -> None:
    """Some of the documents of BC5CDR."""
    folder.mkdir()
    for part in ("train", "dev", "test"):
        text = (ROOT / "assets" / "bc5cdr" / f"{part}.pubtator").read_text(encoding="utf8")
        documents = text.split("\n\n")[:N_DOCUMENTS]
        (folder / f"{part}.pubtator").write_text("\n\n".join(documents) + "\n", encoding="utf8")


def write_corpus(
    folder: Path, name: str, conll_name: str, sentences: list[tuple[list[str], list[str]]]
) -> None:
    for kind in ("conll", "tsv", "spacy"):
        (folder / kind).mkdir(exist_ok=True)
    tsv, conll, docs = "", "", []
    for document in minibatch(sentences, SENTENCES_A_DOC):
        conll += "-DOCSTART- -X- -X- O\n\n"
        words, tags, starts = [], [], []
        for own_words, own_tags in document:
            pairs = list(zip(own_words, own_tags, strict=True))
            tsv += "".join(f"{word}\t{tag}\n" for word, tag in pairs) + "\n"
            conll += "".join(f"{word} {word[-1]} X {tag}\n" for word, tag in pairs) + "\n"
            words += own_words
            tags += own_tags
            starts += [i == 0 for i in range(len(pairs))]
        docs.append(Doc(spacy.blank("en").vocab, words=words, ents=tags, sent_starts=starts))
    (folder / "tsv" / f"{name}.tsv").write_text(tsv, encoding="utf8")
    (folder / "conll" / conll_name).write_text(conll, encoding="utf8")
    DocBin(docs=docs).to_disk(folder / "spacy" / f"{name}.spacy")


def write_nested(folder: Path, sentences: list[tuple[list[str], list[str]]]) -> None:
    """Sentences in which the last token of each longer entity is an entity of its own.

    They are in a file as that of GENIA, and in files as those of GermEval 2014.
    """
    folder.mkdir()
    rows, columns = [], []
    for i, (words, tags) in enumerate(sentences):
        outer = read_tags(tags, "BIO")
        inner = [(end - 1, end, "Head") for start, end, _ in outer if end > start + 1]
        spans = [*outer, *inner]
        mentions = [{"start": start, "end": end, "entity_type": x} for start, end, x in spans]
        document = f"document-{i // SENTENCES_A_DOC}"
        rows.append({"tokens": words, "doc_id": document, "entity_mentions": mentions})
        inner_tags = write_tags(inner, len(words), "BIO")
        lines = enumerate(zip(words, tags, inner_tags, strict=True), start=1)
        columns.append("".join("\t".join((str(n), *line)) + "\n" for n, line in lines))
    (folder / "genia.jsonlines").write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    dev, test = N_TRAIN, N_TRAIN + N_TEST
    parts = {"train": columns[:dev], "dev": columns[dev:test], "test": columns[test:]}
    for name, own in parts.items():
        (folder / f"NER-de-{name}.tsv").write_text("\n".join(own), encoding="utf8")


def figures_of(printed: str, name: str) -> list[list[float]]:
    """The figures of the rows that begin so. What is no number is left out, nan among it."""
    found = []
    for line in printed.splitlines():
        line = " ".join(line.split())
        if match := re.match(rf"{name}(?= |$)", line):
            parts = re.findall(r"-?(?:inf|[\d,]+(?:\.\d+)?)", line[match.end() :])
            found.append([float(part.replace(",", "")) for part in parts])
    return found


def check(printed: str, expected: dict[str, tuple[Bounds, ...]]) -> None:
    for name, bounds in expected.items():
        lines = figures_of(printed, name)
        assert lines, f"no row {name!r} in\n{printed}"
        for figures in lines:
            assert len(figures) == len(bounds), f"{name!r} has {figures} in\n{printed}"
            for figure, (least, most) in zip(figures, bounds, strict=True):
                assert least <= figure <= most and math.isfinite(figure), (name, figures)


def test_every_benchmark_has_a_run() -> None:
    assert startable() == {*RUNS, *ELSEWHERE}
    assert all((ROOT / path).exists() for path in ELSEWHERE.values())


def test_every_part_of_speed_has_rows() -> None:
    assert list(SPEED) == list(PARTS)


@needs_fork
@pytest.mark.slow
def test_run_that_fails_leaves_its_log(tmp_path: Path) -> None:
    script = str(BENCHMARKS / "imbalance.py")
    status, printed = python(
        [script, "nowhere", "--encoder", "none", "--output", "."], cwd=tmp_path
    )
    assert status == 1
    assert "default, seed 0: exit status 1; see default-0.log" in printed
    assert "nowhere/train.tsv" in (tmp_path / "default-0.log").read_text(encoding="utf8")


def test_rows_are_looked_at() -> None:
    printed = "F1      dev   test\nours   93.9  1,089.40\n  theirs  nan 5"
    check(printed, {"ours": (PERCENT, AMOUNT), "theirs": (PERCENT,)})
    for wrong in ({"their": ()}, {"ours": (PERCENT,)}, {"ours": (PERCENT, PERCENT)}):
        with pytest.raises(AssertionError):
            check(printed, wrong)


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_benchmark_prints_its_table(name: str, prepared: Path, tmp_path: Path) -> None:
    printed = run(name, prepared, tmp_path / "work")
    check(printed, RUNS[name].rows)
    for title, expected in TABLES.get(name, {}).items():
        check(under(title, printed), expected)
    if name in FILES:
        folder, files = FILES[name]
        assert {path.name for path in (tmp_path / "work" / folder).iterdir()} >= files


def run(name: str, prepared: Path, folder: Path) -> str:
    """Run a benchmark in a copy of what is prepared. RETURNS (str): What it printed."""
    shutil.copytree(prepared, folder)
    is_script = name.endswith(".py")
    start = [str(BENCHMARKS / name)] if is_script else ["-m", f"benchmarks.{name}"]
    status, printed = python([*start, *RUNS[name].arguments.split()], cwd=folder)
    assert status == 0, printed
    return printed


def under(title: str, printed: str) -> str:
    """The lines from a title to the next blank one."""
    lines = printed.splitlines()
    [start] = [i for i, line in enumerate(lines) if line.startswith(title)]
    return "\n".join(takewhile(bool, lines[start:]))
