"""Tiny tokenizers and encoders, made here, so that no test needs a hub."""

from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForTokenClassification,
    PretrainedConfig,
    PreTrainedTokenizerFast,
)

CORPUS = Path(__file__).parent.parent / "assets" / "bc5cdr-columns" / "train.tsv"
OTHER_SCRIPTS = [
    "北京是中华人民共和国的首都。东京都港区",
    "السلام عليكم يا محمد في القاهرة",
    "שלום עולם ירושלים",
    "नमस्ते दुनिया दिल्ली",
    "Zürich café naïve Ångström e\u0301le\u0301ve",
    "😀 👩‍👩‍👧 🇨🇭 emoji",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 .,;:!?-'\"()[]/@#%&*+=<>_",
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@cache
def sample_texts(n: int = 400) -> list[str]:
    """The first sentences of the sample corpus, and a line in each of several scripts."""
    sentences: list[list[str]] = [[]]
    for line in CORPUS.read_text(encoding="utf8").split("\n"):
        if line:
            sentences[-1].append(line.split("\t")[0])
        elif len(sentences) == n:
            break
        else:
            sentences.append([])
    return [" ".join(words) for words in sentences] + OTHER_SCRIPTS


def wordpiece(*, lowercase: bool = True) -> Tokenizer:
    """BERT's kind: words split at punctuation, "##" pieces."""
    tokenizer = Tokenizer(models.WordPiece())
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    counts = _count_words(tokenizer)
    chars = sorted(set("".join(counts)))
    starts = [*chars, *_most_frequent(counts, 300), *(word[:3] for word in sorted(counts))]
    vocabulary = dict.fromkeys([*SPECIAL, *starts])
    vocabulary |= dict.fromkeys(f"##{part}" for part in [*chars, *_most_frequent_parts(counts)])
    ids = {piece: i for i, piece in enumerate(vocabulary)}
    tokenizer.model = models.WordPiece(vocab=ids, unk_token="[UNK]")
    return _with_special(tokenizer)


def byte_bpe(*, trim_offsets: bool = True) -> Tokenizer:
    """GPT-2's and RoBERTa's kind: bytes, with the space before a word in its first piece."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    merges = _learn_merges(_count_words(tokenizer))
    pieces = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    pieces += [left + right for left, right in merges]
    ids = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer.model = models.BPE(vocab=ids, merges=merges)
    _with_special(tokenizer)
    # trimmed or not is decided here: RoBERTa's offsets leave the space out, GPT-2's do not
    tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=trim_offsets), tokenizer.post_processor]
    )
    return tokenizer


def unigram() -> Tokenizer:
    """SentencePiece's kind, as in XLM-R and DeBERTa-v3: pieces may run over several words."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    counts = _count_words(tokenizer)
    chars = sorted(set("".join(counts)))
    parts = [*_most_frequent(counts, 300), *_most_frequent_parts(counts), "北京", "人民共和国"]
    scores = dict.fromkeys(SPECIAL, 0.0) | dict.fromkeys(chars, -10.0)
    scores |= {part: -12.0 + 0.5 * len(part) for part in parts if len(part) > 1}
    unknown = SPECIAL.index("[UNK]")
    tokenizer.model = models.Unigram(list(scores.items()), unk_id=unknown, byte_fallback=False)
    return _with_special(tokenizer)


# The trainers of the tokenizers library give another vocabulary each time, and with it another
# random encoder: so the vocabularies are made here.


def _count_words(tokenizer: Tokenizer) -> Counter[str]:
    """What the tokenizer's own splitting makes of the sample texts."""
    counts: Counter[str] = Counter()
    for text in sample_texts():
        normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
        counts.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    return counts


def _most_frequent(counts: Counter[str], n: int) -> list[str]:
    return sorted(counts, key=lambda part: (-counts[part], part))[:n]


def _most_frequent_parts(counts: Counter[str], n: int = 150) -> list[str]:
    parts: Counter[str] = Counter()
    for word, count in counts.items():
        for size in (2, 3, 4):
            parts.update({word[i : i + size]: count for i in range(1, len(word) - size + 1)})
    return _most_frequent(parts, n)


def _learn_merges(counts: Counter[str], n: int = 200) -> list[tuple[str, str]]:
    """Byte-pair encoding's merges (Sennrich et al. 2016), ties in alphabetic order."""
    words = {tuple(word): count for word, count in counts.items()}
    merges: list[tuple[str, str]] = []
    for _ in range(n):
        pairs: Counter[tuple[str, str]] = Counter()
        for symbols, count in words.items():
            for pair in pairwise(symbols):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged: dict[tuple[str, ...], int] = {}
        for symbols, count in words.items():
            word = _merge(symbols, best)
            merged[word] = merged.get(word, 0) + count
        words = merged
    return merges


def _merge(symbols: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    if pair not in set(pairwise(symbols)):
        return symbols
    out: list[str] = []
    i = 0
    while i < len(symbols):
        if symbols[i : i + 2] == pair:
            out.append("".join(pair))
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return tuple(out)


TOKENIZERS = {
    "wordpiece": wordpiece,
    "wordpiece-cased": lambda: wordpiece(lowercase=False),
    "byte-bpe": byte_bpe,
    "byte-bpe-untrimmed": lambda: byte_bpe(trim_offsets=False),
    "unigram": unigram,
}

FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": {"pad_token_id": 1, "tokenizer": "byte-bpe"},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "deberta-v2": {
        "tokenizer": "unigram",
        "relative_attention": True,
        "position_biased_input": False,
        "pos_att_type": ["p2c", "c2p"],
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_buckets": 32,
    },
    "xlm-roberta": {"pad_token_id": 1, "tokenizer": "unigram"},
    "electra": {"embedding_size": 16},
    "mpnet": {"pad_token_id": 1},
    "modernbert": {"tokenizer": "byte-bpe", "global_attn_every_n_layers": 2, "local_attention": 32},
}


def save_encoder(folder: Path, family: str = "bert", *, seed: int = 0, **settings: Any) -> Path:
    """Write a random encoder of a family, with a tokenizer, as a Hugging Face model folder."""
    config = _save_tokenizer(folder, family, **settings)
    torch.manual_seed(seed)
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


def save_token_classifier(
    folder: Path,
    tags: list[str] | None,
    family: str = "bert",
    *,
    seed: int = 0,
    scale: float = 1.0,
    **settings: Any,
) -> Path:
    """Write a random token-classification model with these tags, as fine-tuning does.

    tags: Names by row; None for the LABEL_0, LABEL_1 of who gives none.
    scale: Size of the logits.
    """
    names = {}
    if tags is not None:
        names["id2label"] = dict(enumerate(tags))
        names["label2id"] = {tag: row for row, tag in enumerate(tags)}
    config = _save_tokenizer(folder, family, **names, **settings)
    torch.manual_seed(seed)
    model = AutoModelForTokenClassification.from_config(config)
    with torch.no_grad():
        model.classifier.weight.normal_(std=scale / config.hidden_size**0.5)
        model.classifier.bias.normal_()
    model.save_pretrained(folder)
    return folder


def _save_tokenizer(folder: Path, family: str, **settings: Any) -> PretrainedConfig:
    """Write the tokenizer of a family, and give a configuration that goes with it."""
    settings = {**FAMILIES.get(family, {}), **settings}
    tokenizer = TOKENIZERS[settings.pop("tokenizer", "wordpiece")]()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=128,
    ).save_pretrained(folder)
    return AutoConfig.for_model(
        family,
        **{
            "vocab_size": tokenizer.get_vocab_size(),
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 130,
            "pad_token_id": 0,
            "cls_token_id": 2,
            "sep_token_id": 3,
            "bos_token_id": 2,
            "eos_token_id": 3,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            **settings,
        },
    )


def _with_special(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.add_special_tokens(SPECIAL)
    ends = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=ends
    )
    # as found in the wild: a file that would cut what it is given
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=16)
    return tokenizer
