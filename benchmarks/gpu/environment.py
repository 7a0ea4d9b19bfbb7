"""The machine, its GPU, and what is installed."""

import torch

from benchmarks.gpu.results import parser_of, save
from benchmarks.speed.machine import describe
from spacy_ner_plus.models.runtime.device import resolve_device, resolve_precision


def main() -> None:
    args = parser_of(__doc__).parse_args()
    device = resolve_device(args.device)
    figures = describe(args.device, torch.get_num_threads())
    figures["precision"] = str(resolve_precision("auto", device))
    figures["torch_cuda"] = torch.version.cuda
    # a first product of matrices: whether the GPU works at all
    ones = torch.ones(64, 64, device=device)
    figures["works"] = bool(((ones @ ones) == 64).all())
    lines = [f"{key}: {value}" for key, value in figures.items() if key != "cpu_flags"]
    save(args.work, "environment", figures, "\n".join(lines))


if __name__ == "__main__":
    main()
