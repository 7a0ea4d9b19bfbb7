"""The part of `ner-plus project smoke` that runs in the clean environment.

It is a script of its own:

    python -I smoke_trial.py PACKAGE SENTENCES OUTPUT

Imports nothing but the standard library before the sockets are blocked.
"""

import socket
import sys
from pathlib import Path
from typing import Any, NoReturn


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


def main(package: str, sentences: Path, output: Path) -> None:
    """Load a pipeline by package name, print the entities of sentences and write a page of them."""
    block_sockets()
    import spacy

    from spacy_ner_plus import render_entities
    from spacy_ner_plus.pipeline.entity_sources import source_of

    nlp = spacy.load(package)
    if not Path(nlp.path or "").is_relative_to(sys.prefix):
        sys.exit(f"{package} was loaded from {nlp.path}, not from the clean environment.")
    print(f"Loaded {package} {nlp.meta['version']} by name, with sockets blocked\n")
    texts = [line for line in sentences.read_text(encoding="utf8").splitlines() if line.strip()]
    docs = list(nlp.pipe(texts))
    source, n_found = source_of(nlp), 0
    for doc in docs:
        print(doc.text)
        for span, probability in source.scored(doc):
            print(f"    {span.label_:<12} {probability:.2f}  {span.text}")
            n_found += 1
    output.write_text(render_entities(docs, source.spans_key, page=True), encoding="utf8")
    if not n_found:
        sys.exit(f"{package} found no entity in {sentences}.")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
