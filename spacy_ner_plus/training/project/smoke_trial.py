"""The part of `ner-plus project smoke` that runs in the clean environment.

It is a script of its own:

    python -I smoke_trial.py PACKAGE SENTENCES OUTPUT

Imports nothing but the standard library before the sockets are blocked.
"""

import socket
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from spacy.tokens import Doc

# displaCy's page colours by label; here every label has its probability in it.
PALETTE = ("#7aecec", "#bfeeb7", "#feca74", "#ff9561", "#aa9cfc", "#c887fb", "#9cc9cc", "#ddd")


def refuse(*args: Any, **kwargs: Any) -> NoReturn:
    """Stands in place of what opens sockets."""
    raise OSError("Sockets are blocked: a packaged pipeline must load and run without network.")


class BlockedSocket(socket.socket):
    """Stands in for socket.socket. A class, because other modules derive their own from it."""

    __init__ = refuse


def block_sockets() -> None:
    """Let every attempt of this process to open a connection or to look up a host fail."""
    socket.socket = BlockedSocket  # type: ignore[misc]
    for name in ("create_connection", "create_server", "socketpair", "getaddrinfo"):
        setattr(socket, name, refuse)
    for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        setattr(socket, name, refuse)


def make_page(docs: "list[Doc]") -> str:
    """HTML page of the documents by displaCy, each entity's label followed by its probability."""
    from spacy import displacy

    labels = sorted({ent.label_ for doc in docs for ent in doc.ents})
    colors: dict[str, str] = {}
    records = []
    for doc in docs:
        ents = []
        for ent in doc.ents:
            label = escape(f"{ent.label_} {ent._.probability:.2f}")  # displaCy escapes texts only
            colors[label.upper()] = PALETTE[labels.index(ent.label_) % len(PALETTE)]
            ents.append({"start": ent.start_char, "end": ent.end_char, "label": label})
        records.append({"text": doc.text, "ents": ents, "title": None})
    return displacy.render(
        records, style="ent", manual=True, page=True, jupyter=False, options={"colors": colors}
    )


def main(package: str, sentences: Path, output: Path) -> None:
    """Load a pipeline by package name, print the entities of sentences and write a page of them."""
    block_sockets()
    import spacy

    nlp = spacy.load(package)
    if not Path(nlp.path or "").is_relative_to(sys.prefix):
        sys.exit(f"{package} was loaded from {nlp.path}, not from the clean environment.")
    print(f"Loaded {package} {nlp.meta['version']} by name, with sockets blocked\n")
    texts = [line for line in sentences.read_text(encoding="utf8").splitlines() if line.strip()]
    docs = list(nlp.pipe(texts))
    for doc in docs:
        print(doc.text)
        for ent in doc.ents:
            print(f"    {ent.label_:<12} {ent._.probability:.2f}  {ent.text}")
    output.write_text(make_page(docs), encoding="utf8")
    if not any(doc.ents for doc in docs):
        sys.exit(f"{package} found no entity in {sentences}.")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
