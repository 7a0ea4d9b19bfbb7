"""The page: a template for each section, named by its key, with styles and script within."""

from markupsafe import Markup

from ...pages import html
from ..audit_schema import AuditFindings
from ..sections import SECTIONS

SCRIPT = "audit.js"


def render_audit(findings: AuditFindings, *, has_review: bool = False) -> str:
    """The page as HTML.

    has_review (bool): Whether there is a review.jsonl to speak of.
    """
    known = {*findings.sections, *findings.absent}
    script = html.static(__package__, SCRIPT)
    return (
        html.environment(__package__)
        .get_template("audit.html")
        .render(
            findings=findings,
            sections={its.key: its.title for its in SECTIONS if its.key in known},
            has_review=has_review,
            style=Markup(f"{html.style()}\n{html.static(__package__, 'audit.css')}"),
            script=Markup(script),
            script_hash=html.script_hash(script),
        )
    )
