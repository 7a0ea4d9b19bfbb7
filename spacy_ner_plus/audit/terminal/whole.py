"""What an audit found, on a terminal: a compact view of each section, and what to look at first."""

from wasabi import msg
from wasabi.util import locale_escape

from ..audit_schema import AuditFindings
from ..sections import SECTIONS


def print_audit(findings: AuditFindings) -> None:
    """Print all sections that were looked at, then the warnings."""
    for section in SECTIONS:
        if section.key in findings.sections:
            msg.divider(section.title)
            section.show(findings.sections[section.key])
    absent = [section for section in SECTIONS if section.key in findings.absent]
    if absent:
        msg.divider("Not looked at")
        for section in absent:
            print(locale_escape(f"{section.title}: {findings.absent[section.key]}."))
    msg.divider("What to look at first")
    for note in findings.notes:
        print(locale_escape(f"Reader: {note}"))
    for number, warning in enumerate(findings.warnings, 1):
        print(locale_escape(f"{number:>2}. {warning.text}"))
    if not findings.warnings:
        print("Nothing stands out.")
