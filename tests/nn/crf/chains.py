"""Small linear chains for the tests: tag schemes, modules and hypothesis strategies."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.crf import CRF, Layout, TagDecoder

INF = float("inf")
SCHEMES = ("BIO", "BILOU")
Masks = tuple[Tensor, Tensor, Tensor]


@dataclass
class Scheme:
    """Tag ids of one span label, in the order of `spacy_ner_plus.tags`."""

    first: int
    inside: int
    last: int
    unit: int

    def path(self, n_tokens: int) -> list[int]:
        if n_tokens == 1:
            return [self.unit]
        return [self.first] + [self.inside] * (n_tokens - 2) + [self.last]


def scheme_masks(name: str, n_labels: int) -> Masks:
    prefixes = "BI" if name == "BIO" else "BILU"
    tags = ["O"] + [prefix + str(label) for label in range(n_labels) for prefix in prefixes]

    def follows(before: str, after: str) -> bool:
        if name == "BIO":
            return after[0] != "I" or before[1:] == after[1:]
        if before[0] in "BI":
            return after[0] in "IL" and before[1:] == after[1:]
        return after[0] not in "IL"

    starts = torch.tensor([follows("O", tag) for tag in tags])
    transitions = torch.tensor([[follows(a, b) for b in tags] for a in tags])
    ends = torch.tensor([name == "BIO" or tag[0] not in "BI" for tag in tags])
    return starts, transitions, ends


def scheme_labels(name: str, n_labels: int) -> list[Scheme]:
    if name == "BIO":
        return [Scheme(b, b + 1, b + 1, b) for b in range(1, 2 * n_labels, 2)]
    return [Scheme(b, b + 1, b + 2, b + 3) for b in range(1, 4 * n_labels, 4)]


def unconstrained(n_tags: int) -> Masks:
    some = torch.ones(n_tags, dtype=torch.bool)
    return some, torch.ones(n_tags, n_tags, dtype=torch.bool), some


def randomize(module: TagDecoder, generator: torch.Generator, scale: float) -> TagDecoder:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    return module


def scores_of(module: TagDecoder) -> tuple[Tensor, Tensor, Tensor]:
    """Start, transition and end scores, put together independently of the module."""
    masks = (module.start_mask, module.transition_mask, module.end_mask)
    if isinstance(module, CRF):
        learned = (module.start, module.transition, module.end)
        pairs = zip(masks, learned, strict=True)
        start, transition, end = (torch.where(m, s.double(), -INF) for m, s in pairs)
    else:
        start, transition, end = (torch.where(m, 0.0, -INF).double() for m in masks)
    return start, transition, end


def is_valid(path: list[int], masks: Masks) -> bool:
    starts, transitions, ends = masks
    inner = all(bool(transitions[a, b]) for a, b in pairwise(path))
    return bool(starts[path[0]]) and inner and bool(ends[path[-1]])


@dataclass
class Case:
    """Emissions (N, tags) of some sequences, one after the other."""

    module: TagDecoder
    emissions: Tensor
    lengths: list[int]
    generator: torch.Generator
    scheme: str
    n_labels: int

    @property
    def layout(self) -> Layout:
        return Layout(self.lengths)

    def split(self, flat: Tensor) -> tuple[Tensor, ...]:
        """(N, ...) -> (time, ...) of each sequence."""
        return flat.split(self.lengths)

    def sequences(self) -> Iterator[tuple[int, Tensor]]:
        """Row and emissions (time, tags) of each sequence."""
        yield from enumerate(self.split(self.emissions))

    def random_allowed(self, keep: float = 0.6) -> Tensor:
        return torch.rand(self.emissions.shape, generator=self.generator) < keep


@st.composite
def cases(
    draw: st.DrawFn,
    kinds: tuple[type[TagDecoder], ...] = (TagDecoder, CRF),
    emission_scales: tuple[float, ...] = (0.0, 1.0, 30.0, 300.0, 3000.0),
) -> Case:
    """Up to three short sequences over one scheme. Some have emissions of -inf, never for O, so
    that every sequence has a valid path.
    """
    scheme = draw(st.sampled_from(SCHEMES))
    n_labels = draw(st.integers(0, 2 if scheme == "BIO" else 1))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    kind = draw(st.sampled_from(kinds))
    module = kind(*scheme_masks(scheme, n_labels))
    randomize(module, generator, draw(st.sampled_from((0.0, 1.0, 10.0, 400.0))))
    shape = (sum(lengths), module.n_tags)
    emissions = torch.randn(shape, generator=generator, dtype=torch.float64)
    emissions *= draw(st.sampled_from(emission_scales))
    if draw(st.booleans()):
        emissions[..., 1:][torch.rand(shape, generator=generator)[..., 1:] < 0.2] = -INF
    return Case(module, emissions, lengths, generator, scheme, n_labels)


def random_valid_tags(module: TagDecoder, lengths: list[int], seed: int) -> Tensor:
    """(N,) a valid path of each sequence."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(sum(lengths), module.n_tags, generator=generator) * 3
    return module.decode(noise, Layout(lengths))


def one_hot(tags: Tensor, n_tags: int) -> Tensor:
    return torch.nn.functional.one_hot(tags, n_tags).bool()


@contextmanager
def largest_saved_tensor() -> Iterator[list[int]]:
    """The number of elements of each tensor that autograd keeps."""
    sizes: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield sizes
