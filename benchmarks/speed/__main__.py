"""How fast ner_plus is, beside the bare encoder and beside other libraries with the same encoder.

    python -m benchmarks.speed FOLDER

FOLDER holds train.spacy and test.spacy, or train.tsv and test.tsv, or eng.train and eng.testb of
CoNLL-2003. Five parts, of which --parts takes some:

    training   steps of a tight loop around a Hugging Face model, of `spacy train` with ner_plus,
               and of `spacy train` with spaCy's ner on spacy-transformers
    inference  from raw text to entities with the models of the first part: the bare encoder,
               ner_plus, ner_plus on ONNX Runtime, transformers.pipeline, spaCy's ner
    latency    one short text by itself
    profile    where ner_plus's time goes
    growth     long documents, many documents, many tags

Each system is a process of its own. They take turns, A B C A B C ..., so that what changes on the
machine meets all of them; figures are medians, and ratios are of turns of the same round. Tables go
to the terminal, all figures to speed.json and the plots beside it. Parts that are run later
are added to it.
"""

import argparse
import json
from dataclasses import fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.speed.growing import grow_all
from benchmarks.speed.inference import profile_all, read_all
from benchmarks.speed.latency import time_all
from benchmarks.speed.machine import describe
from benchmarks.speed.progress import Progress
from benchmarks.speed.settings import (
    FULL,
    GPU_WORDS,
    QUICK,
    Amounts,
    Run,
    Settings,
    default_precisions,
    default_threads,
)
from benchmarks.speed.tables import report
from benchmarks.speed.training import train_all

ROOT = Path(__file__).parents[2]
FORMAT = 1
BUSY = 0.5
PARTS = {
    "training": train_all,
    "inference": read_all,
    "latency": time_all,
    "profile": lambda run: {"shapes": profile_all(run)},
    "growth": grow_all,
}


def main() -> None:
    args = parse_args()
    run = Run(make_settings(args), Progress())
    output = run.settings.output
    run.settings.models.mkdir(parents=True, exist_ok=True)
    path = output / "speed.json"
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if figures.get("format") != FORMAT or figures["data"] != run.settings.data.name:
        figures = {"format": FORMAT, "data": run.settings.data.name}
    for name in args.parts:
        # the machine as it was before: its load is part of it
        machine = describe(run.settings.device, run.settings.threads)
        if name == args.parts[0] and machine["load"] > BUSY:
            print(f"The machine is busy (load {machine['load']:.1f}): figures will be too low.")
        started = run.progress.seconds
        part = PARTS[name](run)
        seconds = run.progress.seconds - started
        settings = run.settings.as_json()
        figures[name] = {"machine": machine, "settings": settings, "seconds": seconds, **part}
        path.write_text(json.dumps(figures, indent=1))
    run.progress.start("report")
    text = report({name: figures[name] for name in PARTS if name in figures})
    (output / "speed.txt").write_text(text)
    print(f"\n{text}")
    draw(figures, output, run.progress)
    run.progress.say(f"done: {path}")


def draw(figures: dict[str, Any], output: Path, progress: Progress) -> None:
    if not find_spec("matplotlib"):
        progress.say("no plots: install spacy_ner_plus[bench]")
        return
    from benchmarks.speed.plots import plot_growth, plot_speed

    plot_speed(figures, output)
    plot_growth(figures, output)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, help="folder with training and test data")
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument(
        "--model", type=Path, help="a trained ner_plus pipeline to read with, of the same encoder"
    )
    parser.add_argument("--output", type=Path, default=Path("metrics/speed"))
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="a glance in minutes, not for quoting")
    parser.add_argument("--rounds", type=int, help="turns of each system")
    parser.add_argument("--steps", type=int, help="steps in a turn of training")
    parser.add_argument("--words", type=int, help="words in a turn of inference")
    parser.add_argument("--score-words", type=int, help="words by which F1 is measured")
    parser.add_argument("--reads", type=int, help="of a text in a turn of latency")
    parser.add_argument("--longest", type=int, help="words of the longest document of growth")
    parser.add_argument("--most-docs", type=int, help="documents of the longest stream of growth")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ...")
    parser.add_argument(
        "--precisions",
        nargs="+",
        choices=("fp32", "bf16", "fp16"),
        help="default: what is fast here",
    )
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--lang", default="en", help="of spaCy's tokenizer")
    parser.add_argument(
        "--group", type=int, default=8, help="sentences a document, if a column file marks none"
    )
    parser.add_argument("--batch-words", type=int, default=1000, help="in a batch of training")
    parser.add_argument("--rate", type=float, default=2e-4, help="learning rate of the encoder")
    parser.add_argument(
        "--growth-encoder",
        choices=("tiny", "same"),
        default="tiny",
        help="tiny shows the overhead by itself, same takes hours on a CPU",
    )
    return parser.parse_args()


def make_settings(args: argparse.Namespace) -> Settings:
    amounts = QUICK if args.quick else FULL
    if args.device.startswith("cuda"):
        amounts = replace(amounts, words=GPU_WORDS)
    chosen = {field.name: getattr(args, field.name) for field in fields(Amounts)}
    given = {name: value for name, value in chosen.items() if value is not None}
    return Settings(
        data=args.data.resolve(),
        encoder=args.encoder,
        model=args.model,
        output=args.output,
        device=args.device,
        precisions=tuple(args.precisions or default_precisions(args.device)),
        threads=args.threads,
        lang=args.lang,
        group=args.group,
        batch_words=args.batch_words,
        rate=args.rate,
        growth_encoder=args.growth_encoder,
        amounts=replace(amounts, **given),
    )


if __name__ == "__main__":
    main()
