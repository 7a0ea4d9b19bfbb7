"""Make small trained pipelines with the installed version of this package, for later ones to load.

python make.py FOLDER           write FOLDER/<version>/<kind>, each with what it finds in TEXTS
python make.py --check FOLDER   compare that, to the last bit, with what the installed version finds

It takes nothing from this repository, so that any version can run it, and downloads nothing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, product
from pathlib import Path
from typing import Any

import spacy
import torch
from packaging.version import Version
from spacy.language import Language
from spacy.strings import StringStore
from spacy.tokenizer import Tokenizer
from spacy.training import Example
from spacy.util import fix_random_seed, minibatch
from thinc.api import Adam
from tokenizers import Tokenizer as PieceTokenizer
from tokenizers import models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

import spacy_ner_plus

EXPECTED = "expected.json"
WIDTH, WINDOW = 16, 32
# A relative name: what is saved shall name no folder of the machine it was made on.
ENCODER = {"name": "cased", "window": WINDOW, "overlap": 8, "precision": "fp32", "device": "cpu"}
HEAD = {"dropout": 0.0, "head_lr_scale": 20.0, "device": "cpu"}

PEOPLE = ["Anna Berg", "Tom", "Lea Hill", "Omar", "Ines"]
PLACES = ["Oslo", "New Delhi", "Lima", "Cape Town"]
FRUITS = ["a mango", "a lemon", "plums"]
STRANGERS = ["Hanna", "Tomas Hill", "Ida", "Berg", "Olma Town", "Li"]
FAR_PLACES = ["Rome", "Old Delhi", "Cape Ines", "Malmo", "Lea"]
TEMPLATES = [
    "{person} lives in {place}.",
    "Yesterday {person} flew from {place} to the sea.",
    "In {place} it rained, said {person}.",
    "We met {person} near {place}, by the old mill.",
]
FRUIT_TEMPLATES = ["{person} ate {fruit} in {place}.", "In {place} {fruit} is what {person} sells."]
PLAIN = ["It rained by the sea.", "We live near the old mill.", "Nobody sells it."]

# What was learned, what was not, no text, no words, other scripts, and more than one window.
TEXTS = [
    "Anna Berg lives in New Delhi.",
    "In Lima it rained, said Omar. Yesterday Tom flew from Oslo to the sea.",
    "Tomas Hill lives in Rome, near Malmo.",
    "",
    " \n ",
    "It rained.",
    "We met  Ines near Cape  Town.",
    "ANNA BERG MET tom IN new delhi",
    "Ida 😀 lives in Zürich, 北京 and Lima.",
    "Lea Hill ate a mango in Oslo.",
    " ".join(f"We met {person} near {place}." for person, place in zip(PEOPLE, cycle(PLACES))),
]

Found = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not arguments.check:
        make_all(arguments.folder.resolve())
    elif folders := saved_in(arguments.folder.resolve()):
        sys.exit(sum(map(is_the_same, folders)) < len(folders))
    else:
        parser.error(f"There are no saved pipelines in {arguments.folder}.")


# What saved pipelines find


def saved_in(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.rglob(EXPECTED))


def is_the_same(folder: Path) -> bool:
    """Whether a pipeline finds exactly what it found when it was saved; prints how far it is."""
    expected, found = read_expected(folder), find(spacy.load(folder))
    if spans(found) != spans(expected):
        answer = "other entities"
    else:
        pairs = zip(probabilities(found), probabilities(expected), strict=True)
        largest = max(abs(new - old) for new, old in pairs)
        answer = f"probabilities differ by up to {largest:.1g}" if largest else "the same"
    print(f"{folder.parent.name}/{folder.name}: {answer}")
    return found == expected


def read_expected(folder: Path) -> Found:
    """What the pipeline in a folder found when it was saved."""
    content: Found = json.loads((folder / EXPECTED).read_text(encoding="utf8"))
    return content


def find(nlp: Language) -> Found:
    """The entities of each text: start and end (characters), label, and all of the probability."""
    return [
        {
            "text": text,
            "ents": [[e.start_char, e.end_char, e.label_, e._.probability] for e in nlp(text).ents],
        }
        for text in TEXTS
    ]


def spans(found: Found) -> list[list[Any]]:
    return [[doc["text"], *(ent[:3] for ent in doc["ents"])] for doc in found]


def probabilities(found: Found) -> list[float]:
    return [ent[3] for doc in found for ent in doc["ents"]]


# Making and saving them


def kinds_of(version: str) -> list[str]:
    """The kinds that a version can make."""
    return [kind for kind, (since, _) in KINDS.items() if Version(since) <= Version(version)]


def make_all(folder: Path) -> None:
    version = spacy_ner_plus.__version__
    with tempfile.TemporaryDirectory() as workplace:
        os.chdir(workplace)
        save_encoder(Path("cased"), lowercase=False)
        save_encoder(Path("uncased"), lowercase=True)
        for kind in kinds_of(version):
            save(KINDS[kind][1](), folder / version / kind)
        os.chdir(folder)


def save(nlp: Language, folder: Path) -> None:
    folder.mkdir(parents=True)
    nlp.to_disk(folder)
    # without the thousand words of English that each pipeline has anyway
    StringStore(nlp.get_pipe("ner_plus").labels).to_disk(folder / "vocab" / "strings.json")
    found = find(spacy.load(folder))
    lines = ",\n".join(json.dumps(doc, ensure_ascii=False) for doc in found)
    (folder / EXPECTED).write_text(f"[\n{lines}\n]\n", encoding="utf8", newline="\n")
    print(f"{folder}: {len(probabilities(found))} entities")


def bilou_crf() -> Language:
    return trained(add_ner_plus(blank()))


def bio_softmax() -> Language:
    return trained(add_ner_plus(blank(), tag_scheme="BIO", model={"use_crf": False}))


def word_forms() -> Language:
    return trained(add_ner_plus(blank(), model={"name": "uncased", "pooling": "mean"}))


def calibrated() -> Language:
    nlp = trained(add_ner_plus(blank(), threshold={"PERSON": 0.4}))
    unknown = sentences(TEMPLATES, person=STRANGERS, place=FAR_PLACES)
    nlp.get_pipe("ner_plus").calibrate(examples(nlp, unknown))
    return nlp


def grown() -> Language:
    nlp = trained(add_ner_plus(blank()))
    nlp.get_pipe("ner_plus").add_label("FRUIT")
    data = sentences(FRUIT_TEMPLATES, person=PEOPLE, place=PLACES, fruit=FRUITS)
    return learn(nlp, examples(nlp, data))


def token_tagger() -> Language:
    tok2vec = {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": None,
        "width": WIDTH,
        "depth": 2,
        "embed_size": 50,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
    }
    return trained(add_token_tagger(blank(), tok2vec))


def shared_encoder() -> Language:
    nlp = blank()
    encoder = {"@architectures": "spacy_ner_plus.Transformer.v1", "width": WIDTH, "lr_scale": 1.0}
    nlp.add_pipe("tok2vec", config={"model": {**ENCODER, **encoder}})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": WIDTH, "upstream": "*"}
    return trained(add_token_tagger(nlp, listener))


def onnx() -> Language:
    bilou_crf().to_disk("original")
    command = [sys.executable, "-m", "spacy", "ner-plus", "export", "original", "exported"]
    subprocess.run(command, check=True)
    return spacy.load("exported")


# The first version that can make each kind, and what makes it.
KINDS: dict[str, tuple[str, Callable[[], Language]]] = {
    "bilou-crf": ("0.1.0", bilou_crf),
    "bio-softmax": ("0.1.0", bio_softmax),
    "word-forms": ("0.1.0", word_forms),
    "calibrated": ("0.2.0", calibrated),
    "grown": ("0.2.0", grown),
    "token-tagger": ("0.2.0", token_tagger),
    "shared-encoder": ("0.2.0", shared_encoder),
    "onnx": ("0.3.0", onnx),
}


# Pipelines and what they learn


def blank() -> Language:
    """An English pipeline with a short tokenizer: spaCy's own would make each folder large."""
    nlp = spacy.blank("en")
    nlp.tokenizer = Tokenizer(
        nlp.vocab,
        prefix_search=re.compile(r"^[\"(]").search,
        suffix_search=re.compile(r"[\").,]$").search,
        infix_finditer=re.compile(r"-").finditer,
        url_match=re.compile(r"^https?://").match,
    )
    return nlp


def add_ner_plus(nlp: Language, model: dict[str, Any] | None = None, **settings: Any) -> Language:
    nlp.add_pipe("ner_plus", config={**settings, "model": {**ENCODER, **HEAD, **(model or {})}})
    return nlp


def add_token_tagger(nlp: Language, tok2vec: dict[str, Any]) -> Language:
    model = {"@architectures": "spacy_ner_plus.TokenTagger.v1", "tok2vec": tok2vec, **HEAD}
    nlp.add_pipe("ner_plus", config={"model": model})
    return nlp


def trained(nlp: Language) -> Language:
    fix_random_seed(0)
    data = examples(nlp, sentences(TEMPLATES, person=PEOPLE, place=PLACES))
    nlp.initialize(lambda: data)
    return learn(nlp, data)


def learn(nlp: Language, data: list[Example]) -> Language:
    """Go on until nearly all entities are found."""
    optimizer = Adam(5e-4, L2=0.0)
    for epoch in range(100):
        for batch in minibatch(data, 16):
            nlp.update(batch, sgd=optimizer)
        if epoch % 5 == 4 and nlp.evaluate(data)["ents_f"] > 0.97:
            return nlp
    raise ValueError(f"After 100 epochs F1 is still {nlp.evaluate(data)['ents_f']:.3f}.")


def examples(nlp: Language, labelled: Iterable[tuple[str, dict[str, str]]]) -> list[Example]:
    """Examples of sentences with the name of each label, and of some without."""
    found = []
    for text, names in [*labelled, *((text, {}) for text in PLAIN)]:
        starts = {label: text.index(name) for label, name in names.items()}
        entities = [(at, at + len(names[label]), label) for label, at in starts.items()]
        found.append(Example.from_dict(nlp.make_doc(text), {"entities": entities}))
    return found


def sentences(templates: list[str], **names: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each template with each combination of names: the text, and the name of each label."""
    for template, *chosen in product(templates, *names.values()):
        filling = dict(zip(names, chosen, strict=True))
        yield template.format(**filling), {key.upper(): name for key, name in filling.items()}


def save_encoder(folder: Path, *, lowercase: bool) -> None:
    """Write a random BERT whose vocabulary has the words of the sentences, and single letters."""
    tokenizer = piece_tokenizer(lowercase=lowercase)
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    fix_random_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=WINDOW,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(folder)


def piece_tokenizer(*, lowercase: bool) -> PieceTokenizer:
    known = " ".join([*PLAIN, *TEMPLATES, *PEOPLE, *PLACES, *FRUIT_TEMPLATES, *FRUITS])
    words = sorted(set(re.findall(r"\w+|[.,]", known.lower() if lowercase else known)))
    letters = sorted(set("".join(words)))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *letters, *(f"##{c}" for c in letters)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = PieceTokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


if __name__ == "__main__":
    main()
