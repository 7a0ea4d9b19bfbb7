"""The CRF beside pytorch-crf: loss with gradients, and decoding, on random scores.

    python benchmarks/crf.py [--device cuda] [--output metrics/crf.json]

All systems take turns in every round (A B A B ...); the table has medians in milliseconds.

    loss+backward   the negative log-likelihood of complete annotation, summed over the batch, and
                    the gradients of emissions and all of the CRF's scores
    decode          the best path of each sequence
    decode+marginals  the same, and the probability of each tag of each token, from a
                    forward-backward run of its own. pytorch-crf has no marginals: its figure for
                    decoding alone is beside it.

ner_plus computes in fp64 and keeps to the tag scheme; pytorch-crf computes in fp32 and permits all
transitions. "one piece" is ner_plus without cutting long sequences into chunks, "all pairs" without
leaving forbidden transitions out, as it does with hundreds of tags (--tags 1001 2001). pytorch-crf
is left out there and beyond --peer-tokens tokens: its loss keeps tokens x tags^2 numbers.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torchcrf
from speed.machine import describe
from torch import Tensor

from spacy_ner_plus.models.decoding.entities import make_decoder
from spacy_ner_plus.nn.crf import CRF, Layout, blocks, forward_backward, viterbi
from spacy_ner_plus.nn.crf.chunks import Limits
from spacy_ner_plus.tags import TagScheme

MANY = [f"L{i}" for i in range(500)]
SCHEMES = {9: TagScheme("BIO", list("ABCD")), 37: TagScheme("BILOU", list("ABCDEFGHI")),
           1001: TagScheme("BIO", MANY), 2001: TagScheme("BILOU", MANY)}  # fmt: skip
SHAPES = [(32, 128), (32, 512), (1, 10_000), (1, 100_000)]  # batch, tokens
SHAPES_OF_MANY = [(1, 300)]  # with hundreds of tags
OURS, WHOLE, PAIRS, PEER = "ner_plus", "one piece", "all pairs", "pytorch-crf"
SYSTEMS = (OURS, WHOLE, PAIRS, PEER)
LOSS, DECODE, MARGINALS = "loss+backward", "decode", "decode+marginals"
TASKS = (LOSS, DECODE, MARGINALS)


@dataclass(frozen=True)
class Problem:
    """Random scores and a valid path of some sequences of one length, one after the other.

    emissions: (batch * time, tags); tags: (batch * time,). pytorch-crf gets views of them,
    (batch, time, tags) and (batch, time).
    """

    crf: CRF
    peer: torchcrf.CRF
    batch: int
    emissions: Tensor
    tags: Tensor

    def run(self, system: str, task: str) -> None:
        if system == PEER:
            self._run_peer(task)
            return
        fewest = sys.maxsize if system == PAIRS else blocks.FEWEST_TAGS
        with in_one_piece(system == WHOLE), patch.object(blocks, "FEWEST_TAGS", fewest):
            self._run_ours(task)

    def _run_ours(self, task: str) -> None:
        layout = self._layout()
        if task == LOSS:
            allowed = torch.nn.functional.one_hot(self.tags, self.crf.n_tags).bool()
            emissions = self.emissions.detach().requires_grad_()
            self.crf.loss(emissions, layout, allowed).sum().backward()
            return
        self.crf.decode(self.emissions, layout)
        if task == MARGINALS:
            self.crf.lattice(self.emissions, self._layout()).marginals()

    def _layout(self) -> Layout:
        return Layout([len(self.tags) // self.batch] * self.batch, self.emissions.device)

    def _run_peer(self, task: str) -> None:
        padded = self.emissions.detach().unflatten(0, (self.batch, -1))  # (batch, time, tags)
        if task == LOSS:
            tags = self.tags.unflatten(0, (self.batch, -1))  # (batch, time)
            (-self.peer(padded.requires_grad_(), tags, reduction="sum")).backward()
            return
        with torch.no_grad():
            self.peer.decode(padded)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tags", type=int, nargs="+", choices=SCHEMES, default=[9, 37])
    parser.add_argument("--most-tokens", type=int, default=100_000, help="of one sequence")
    parser.add_argument("--peer-tokens", type=int, default=10_000, help="longest for pytorch-crf")
    parser.add_argument("--output", type=Path, help="JSON")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    machine = describe(args.device, args.threads)
    machine["packages"][PEER] = version(PEER)
    packages = machine["packages"]
    print(f"{machine['cpu']}, {args.threads} threads, {args.device}, torch {packages['torch']}, "
          f"pytorch-crf {packages[PEER]}; medians of {args.rounds} rounds in ms")  # fmt: skip
    rows = []
    for n_tags in args.tags:
        print(f"\n{'tags':>4}{'batch':>6}{'tokens':>8} {'':17}", *(f"{s:>11}" for s in SYSTEMS),
              f"{PEER + ' / ' + OURS:>24}")  # fmt: skip
        for batch, n_tokens in SHAPES_OF_MANY if has_many(n_tags) else SHAPES:
            if n_tokens <= args.most_tokens:
                for row in measure(n_tags, batch, n_tokens, args):
                    print(line(row), flush=True)
                    rows.append(row)
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2))


def measure(
    n_tags: int, batch: int, n_tokens: int, args: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Time all systems and tasks; medians in seconds."""
    problem = make_problem(n_tags, batch, n_tokens, args.device)
    left_out = {WHOLE, PEER} if has_many(n_tags) else {PAIRS}  # nothing is cut, or nothing left out
    if n_tokens > args.peer_tokens:
        left_out.add(PEER)
    systems = [system for system in SYSTEMS if system not in left_out]
    for task in TASKS:
        seconds: dict[str, list[float]] = {system: [] for system in systems}
        for i in range(args.rounds + 1):
            for system in systems:
                elapsed = timed(lambda s=system, t=task: problem.run(s, t), args.device)
                if i > 0:  # the first round warms up
                    seconds[system].append(elapsed)
        yield {
            "tags": n_tags,
            "batch": batch,
            "tokens": n_tokens,
            "task": task,
            "seconds": {system: statistics.median(times) for system, times in seconds.items()},
            "all": seconds,
        }


def has_many(n_tags: int) -> bool:
    """Whether the CRF leaves forbidden transitions out."""
    return n_tags >= blocks.FEWEST_TAGS


def line(row: dict[str, Any]) -> str:
    seconds = row["seconds"]
    cells = (f"{1000 * seconds[s]:11.1f}" if s in seconds else f"{'-':>11}" for s in SYSTEMS)
    ratio = f"{seconds[PEER] / seconds[OURS]:24.1f}" if PEER in seconds else f"{'-':>24}"
    return " ".join([f"{row['tags']:4}{row['batch']:6}{row['tokens']:8} {row['task']:17}",
                     *cells, ratio])  # fmt: skip


def make_problem(n_tags: int, batch: int, n_tokens: int, device: str) -> Problem:
    torch.manual_seed(0)
    crf = make_decoder(SCHEMES[n_tags], use_crf=True)
    assert isinstance(crf, CRF)
    peer = torchcrf.CRF(n_tags, batch_first=True)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_()
    crf.to(device)
    emissions = 3 * torch.randn(batch * n_tokens, n_tags, device=device)
    layout = Layout([n_tokens] * batch, emissions.device)
    tags = crf.decode(torch.randn_like(emissions), layout)
    return Problem(crf, peer.to(device), batch, emissions, tags)


@contextmanager
def in_one_piece(whole: bool) -> Iterator[None]:
    """Turn chunks off."""
    modules = (viterbi, forward_backward)
    before = [module.LIMITS for module in modules]
    for module in modules:
        module.LIMITS = Limits(1, 0.0, 0) if whole else module.LIMITS
    yield
    for module, limits in zip(modules, before, strict=True):
        module.LIMITS = limits


def timed(run: Callable[[], None], device: str) -> float:
    """Seconds, all that a GPU has to do included."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    wait()
    started = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
