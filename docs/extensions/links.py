"""After a build every link of every page must lead to a file of the site, and its anchor to an element there."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError


class Page(HTMLParser):
    """Where a page points to, and what can be pointed to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of links, pictures, scripts and anchors."""
        del tag
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.targets.append(value)
            elif name == "id" and value:
                self.anchors.add(value)


def broken(folder: Path) -> list[str]:
    """Return what leads nowhere, one line each; addresses of other sites are not asked for."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for target in page.targets:
            if re.match(r"[a-z]+:|//", target):
                continue
            name, _, anchor = target.partition("#")
            name = unquote(name.partition("?")[0])
            whole = (path.parent / name).resolve() if name else path
            if not whole.is_file():
                found.append(f"{path.relative_to(folder)}: {target} is not there")
            elif anchor and whole in pages and unquote(anchor) not in pages[whole].anchors:
                found.append(f"{path.relative_to(folder)}: {target} has no such anchor")
    return found


def _check(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        found = broken(Path(app.outdir).resolve())
        if found:
            raise ExtensionError("broken links:\n" + "\n".join(found))


def setup(app: Sphinx) -> dict[str, bool]:
    """Check when the site is built."""
    app.connect("build-finished", _check, priority=900)
    return {"parallel_read_safe": True}
