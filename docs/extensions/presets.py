"""`preset-table`: the settings in which the estimators' two presets differ, read from the package."""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from truly_sparse.estimators.presets import BEST, PAPER


class PresetTable(SphinxDirective):
    """A table of three columns, one row per setting that is not the same."""

    def run(self) -> list[nodes.Node]:
        """Write the table as text and let the page's own parser read it."""
        rows = [
            (name, PAPER[name], BEST[name])
            for name in PAPER
            if name != "epochs" and PAPER[name] != BEST[name]
        ]
        lines = ['| setting | `"paper"` | `"best"` |', "|---|---|---|"]
        lines += [f"| `{name}` | {paper} | {best} |" for name, paper, best in rows]
        container = nodes.container()
        self.state.nested_parse(StringList(lines), self.content_offset, container)
        return container.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("preset-table", PresetTable)
    return {"parallel_read_safe": True}
