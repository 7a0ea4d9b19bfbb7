"""An agreement as one HTML page, which shows itself without any network request."""

from .agreement_page import render_agreement as render_agreement
