"""The figures as text."""

from collections.abc import Iterable, Sequence
from typing import Any

# Share of the machine that other processes may use without spoiling the figures.
DISTURBED = 0.1


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns aligned by width: the first to the left, the others to the right."""
    lines = [list(columns), *map(list, rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def report(figures: dict[str, Any]) -> str:
    """All parts that have been measured, with the machine of each."""
    parts = {
        "training": training_table,
        "inference": inference_tables,
        "latency": latency_table,
        "profile": profile_tables,
        "growth": growth_tables,
    }
    shown = [
        f"{name.upper()}  {machine_line(figures[name]['machine'])}\n\n{show(figures[name])}"
        for name, show in parts.items()
        if name in figures
    ]
    return "\n\n".join(shown) + "\n"


def machine_line(machine: dict[str, Any]) -> str:
    gpu = machine["gpu"]["name"] if machine["gpu"] else None
    versions = ", ".join(
        f"{package} {machine['packages'][package]}"
        for package in ("torch", "spacy", "transformers", "spacy_ner_plus")
        if package in machine["packages"]
    )
    flags = " ".join(machine["cpu_flags"])
    return (
        f"{gpu or machine['cpu']}, {machine['threads']} threads of {machine['cores']} cores "
        f"({flags}); {versions}; load before {machine['load']:.1f}; {machine['time']}"
    )


def training_table(part: dict[str, Any]) -> str:
    columns = ratio_names(part["systems"])
    head = ["system", "words/s", "pieces/s", *(f"x {name}" for name in columns), "peak MiB"]
    rows = [
        [name, *_speeds(system), *_ratios(system, columns), *_peaks(system)]
        for name, system in part["systems"].items()
    ]
    title = f"Training, {part['steps']} steps, {part['passes_over_data']:.2f} passes over the data"
    return f"{title}\n{table(head, rows)}{_disturbance(part['systems'])}"


def inference_tables(part: dict[str, Any]) -> str:
    tables = [_inference(shape, figures) for shape, figures in part["shapes"].items()]
    return "\n\n".join([f"ner_plus is {part['model']}; others as trained above", *tables])


def _inference(shape: str, figures: dict[str, Any]) -> str:
    columns = ratio_names(figures["systems"])
    head = ["system", "words/s", "pieces/s", *(f"x {name}" for name in columns), "peak MiB"]
    rows = [
        [name, *_speeds(system), *_ratios(system, columns), *_peaks(system), *_found(system)]
        for name, system in figures["systems"].items()
    ]
    title = (
        f"Inference, {shape}: {figures['texts']:,} texts, {figures['words']:,} words a turn; "
        f"F1 over {figures['scored_entities']:,} entities"
    )
    disturbance = _disturbance(figures["systems"])
    return f"{title}\n{table([*head, 'F1', 'entities'], rows)}{disturbance}"


def latency_table(part: dict[str, Any]) -> str:
    """Milliseconds of one text by its number of words."""
    lengths = part["seconds"]
    names = dict.fromkeys(name for medians in lengths.values() for name in medians)
    rows = [
        [name, *(f"{1e3 * own[name]:.1f}" if name in own else "" for own in lengths.values())]
        for name in names
    ]
    head = ["system", *(f"{n} words" for n in lengths)]
    return f"One text by itself, ms (median of {part['reads']})\n{table(head, rows)}"


def profile_tables(part: dict[str, Any]) -> str:
    """Each stage as its share of the run."""
    runs = {
        f"{shape}, {precision}": figures["seconds"]
        for shape, precisions in part["shapes"].items()
        for precision, figures in precisions.items()
    }
    stages = next(iter(runs.values()))
    rows = [
        [stage, *(f"{seconds[stage] / sum(seconds.values()):.1%}" for seconds in runs.values())]
        for stage in stages
    ]
    return f"Where ner_plus's time goes\n{table(['stage', *runs], rows)}"


def growth_tables(part: dict[str, Any]) -> str:
    length = [[f"{row['words']:,}", *_grown(row)] for row in part["length"]]
    documents = [
        [f"{row['docs']:,}", *_grown(row), _resident(row["resident_mib"])]
        for row in part["documents"]
    ]
    tags = [
        [str(row["tags"]), f"{1e6 * row['seconds'] / row['words']:.1f}",
         f"{row['decoding_share']:.1%}"]
        for row in part["tags"]
    ]  # fmt: skip
    head = ["us a word", "peak MiB"]
    rows = {str(i): row for i, row in enumerate(part["length"] + part["documents"] + part["tags"])}
    tables = "\n\n".join(
        [
            f"One document (encoder: {part['encoder']})\n{table(['words', *head], length)}",
            f"Stream of short documents (encoder: {part['encoder']})\n"
            + table(["documents", *head, "resident MiB after 10 %, at the end"], documents),
            f"Tags (the encoder itself)\n{table(['tags', 'us a word', 'decoding'], tags)}",
        ]
    )
    return tables + _disturbance(rows)


def ratio_names(systems: dict[str, Any]) -> list[str]:
    """The baselines that took part."""
    return list(next(iter(systems.values()))["ratios"]) if systems else []


def _speeds(system: dict[str, Any]) -> list[str]:
    return [f"{system['words_per_second']:,.0f}", f"{system['pieces_per_second']:,.0f}"]


def _ratios(system: dict[str, Any], names: list[str]) -> list[str]:
    return [f"{system['ratios'][name]:.2f}" for name in names]


def _peaks(system: dict[str, Any]) -> list[str]:
    gpu = ""
    if system["gpu_peak_mib"]:
        gpu = f" + {system['gpu_peak_mib']:,.0f} GPU, {system.get('gpu_use', 0):.0f} % busy"
    return [f"{system['peak_mib']:,.0f}{gpu}"]


def _found(system: dict[str, Any]) -> list[str]:
    if "f1" not in system:
        return ["", ""]
    return [f"{100 * system['f1']:.2f}", f"{system['entities']:,}"]


def _disturbance(systems: dict[str, Any]) -> str:
    """A warning, if something else was running. systems: those of a table, or its rows."""
    most = max((system["others"] for system in systems.values()), default=0.0)
    if most < DISTURBED:
        return ""
    return (
        f"\nOther processes used up to {most:.0%} of the machine meanwhile: measure again when "
        "nothing else is running."
    )


def _grown(row: dict[str, Any]) -> list[str]:
    return [f"{1e6 * row['seconds'] / row['words']:.1f}", f"{row['peak_mib']:,.0f}"]


def _resident(samples: list[float]) -> str:
    return f"{samples[len(samples) // 10]:,.0f}, {samples[-1]:,.0f}"
