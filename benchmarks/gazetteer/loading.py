"""What loading a component costs, in a process of its own.

python -m benchmarks.gazetteer.loading MODEL/ner_plus_rules
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import spacy

from benchmarks.gazetteer.lists import COMPONENT, table_of

# Phrases that are looked for at once.
BATCH = 10_000


def measure_load(folder: Path) -> None:
    """Print as JSON what loading took, in seconds and MB. folder: Where the component is."""
    nlp = spacy.blank("en")
    nlp.add_pipe(COMPONENT)  # so that all is imported
    nlp("a")
    before = resident()
    started, worked = time.perf_counter(), time.process_time()
    component: Any = nlp.get_pipe(COMPONENT)
    component.from_disk(folder, exclude=["vocab"])
    found = {"seconds": time.perf_counter() - started, "worked": time.process_time() - worked}
    table = table_of(nlp)
    loaded = resident()
    columns = (table.entry_labels, table.entry_rules, table.entry_ids, table.entry_weights)
    for first in range(0, table.n_phrases, BATCH):  # all of the file that finding looks at
        some = table.hashes[first : first + BATCH]
        hits = table.matches(some, np.array([len(some)]))
        entries = table.entries_of(hits.phrases)[1]
        for column in columns:
            column[entries].max(initial=0)
    if before is not None and loaded is not None:
        found |= {"loaded": loaded - before, "used": (resident() or 0) - before}
    print(json.dumps(found))


def resident() -> float | None:
    """MB that this process has in memory."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return None
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    measure_load(Path(sys.argv[1]))
