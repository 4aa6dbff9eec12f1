"""What the theme leaves out for those who hear a page: its captions of the navigation are headings, but of no level."""

from typing import Any

from sphinx.application import Sphinx

TREE = "furo_navigation_tree"


def _level(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    del app, page, template, doctree
    if TREE in context:
        context[TREE] = context[TREE].replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Sphinx) -> dict[str, bool]:
    """Change the navigation after the theme has made it."""
    app.connect("html-page-context", _level, priority=900)
    return {"parallel_read_safe": True}
