"""`settings-table`: every setting of a fit, read from the package."""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from truly_sparse.estimators.fit_config import AUTOMATIC, SETTINGS
from truly_sparse.estimators.presets import BEST, PAPER
from truly_sparse.training.settings import Setting


def possible(name: str, one: Setting) -> str:
    """Return what a setting may be."""
    kind = one.type_text().strip("{}").replace('"', "`") if one.choices else one.wanted()
    return kind + (", or `auto`" if name in AUTOMATIC else "")


class SettingsTable(SphinxDirective):
    """A table of one row per setting."""

    def run(self) -> list[nodes.Node]:
        """Write the table as text and let the page's own parser read it."""
        lines = [
            '| setting | may be | `"paper"` | `"best"` | what it is |',
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{name}` | {possible(name, one)} | {PAPER.get(name, '–')} | {BEST.get(name, '–')} | {one.text} |"
            for name, one in SETTINGS.items()
        ]
        container = nodes.container()
        self.state.nested_parse(StringList(lines), self.content_offset, container)
        return container.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("settings-table", SettingsTable)
    return {"parallel_read_safe": True}
