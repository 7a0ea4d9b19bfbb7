"""What an audit found as one HTML file, which shows itself without any network request."""

from .audit_page import render_audit

__all__ = ["render_audit"]
