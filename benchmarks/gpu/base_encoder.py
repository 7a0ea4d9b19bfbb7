"""Makes an encoder of BERT-base's size with random weights: for throughput, nothing else."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from benchmarks.gpu.results import parser_of

HEAD_WIDTH = 64


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--encoder", type=Path, required=True, help="whose tokenizer it gets")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    args = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.encoder)
    config = AutoConfig.for_model(
        "bert",
        vocab_size=len(tokenizer),
        hidden_size=args.width,
        num_hidden_layers=args.layers,
        num_attention_heads=args.width // HEAD_WIDTH,
        intermediate_size=4 * args.width,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(args.work / "base")
    tokenizer.save_pretrained(args.work / "base")


if __name__ == "__main__":
    main()
