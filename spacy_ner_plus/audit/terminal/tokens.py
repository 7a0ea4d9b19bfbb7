"""The section `tokens` on a terminal."""

from wasabi.util import locale_escape

from ...evaluation.tables import print_table
from ..token_checks import TokenChecks
from .in_context import print_occurrences

SHOWN_EDGES, SHOWN_FORMS, SHOWN_PLACES = 8, 5, 1


def print_tokens(checks: TokenChecks) -> None:
    """Print why spans do not fit tokens, and what other checks found."""
    if checks.misaligned:
        print(f"{checks.misaligned:,} spans do not start and end with tokens. At their edges:")
        rows = [(edge.why, f"{edge.count:,}") for edge in checks.edges[:SHOWN_EDGES]]
        print_table(("Character or place", "Edges"), rows)
        print_occurrences(checks.edges[0].first[:SHOWN_PLACES])
    else:
        print("All spans start and end with tokens.")
    if checks.findings:
        found = [(one.what, f"{one.count:,}", f"{one.in_entities:,}") for one in checks.findings]
        print_table(("Found", "All", "In entities"), found)
    for one in checks.findings:
        forms = ", ".join(f"{form!r} {n:,}" for form, n in list(one.forms.items())[:SHOWN_FORMS])
        print(locale_escape(f"{one.what[0].upper()}{one.what[1:]}: {forms}."))
        print_occurrences(one.first[:SHOWN_PLACES])
    if checks.encoder is None:
        print("No encoder is at hand: --encoder NAME_OR_FOLDER looks at wordpieces, too.")
