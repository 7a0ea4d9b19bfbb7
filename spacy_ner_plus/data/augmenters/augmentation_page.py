"""A page with documents before and after their augmentation."""

from markupsafe import Markup
from spacy.tokens import Doc

from ...annotation.displacy_page import render_entities
from ...pages import html
from .augmentation import Augmentation


def render_changes(done: Augmentation, spans_key: str | None) -> str:
    """The page as HTML.

    spans_key (str): Show doc.spans[spans_key]; None for doc.ents.
    """

    def shown(doc: Doc | None) -> Markup | None:
        return None if doc is None else Markup(render_entities(doc, spans_key))

    return (
        html.environment(__package__)
        .get_template("augmentation_page.html")
        .render(
            output=done.output.name,
            rows=done.rows(),
            changes=[(shown(one.before), shown(one.after)) for one in done.changes],
            n_changed=done.n_changed,
            sections={"changes": "Before and after", "counts": "Counts"},
            style=html.style(),
            script="",
            script_hash=html.script_hash(""),
        )
    )
