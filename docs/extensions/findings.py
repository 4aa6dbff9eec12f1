"""`what-was-found STUDY`: the sentences of a study's first page, worked out from its committed tables and figures."""

import contextlib
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from truly_sparse.analysis.evidence import Evidence, written
from truly_sparse.analysis.statements import said
from truly_sparse.experiments.configuration import load_config
from truly_sparse.studies.discovery import find, part

ROOT = Path(__file__).parents[2]


class WhatWasFound(SphinxDirective):
    """A list with an item for each topic of which the committed tables say something."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the list; the page is made anew when the study's verdicts change."""
        (name,) = self.arguments
        with contextlib.chdir(ROOT):
            config = load_config(Path(f"config/{name}.yaml"))
            evidence = Evidence(dict(written(find(name), config).frames))
        self.env.note_dependency(str(ROOT / f"results/{name}/tables/{name}_verdicts.csv"))
        items = nodes.bullet_list()
        for sentences in said(part(name, "facts").STATEMENTS, evidence).values():
            if sentences:
                text = " ".join(sentences)
                items += nodes.list_item("", nodes.paragraph(text, text))
        return [items]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("what-was-found", WhatWasFound)
    return {"parallel_read_safe": True}
