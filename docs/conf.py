"""The documentation site: `make docs`."""

import sys
from pathlib import Path

import matplotlib as mpl

import truly_sparse

mpl.use("agg")
sys.path.insert(0, str(Path(__file__).parent / "extensions"))
project = "truly sparse ensembles"
version = release = truly_sparse.__version__
copyright = "the authors of truly sparse ensembles"
extensions = [
    "accessible",
    "architectures",
    "claims",
    "findings",
    "matplotlib.sphinxext.plot_directive",
    "links",
    "mathml",
    "myst_parser",
    "presets",
    "numpydoc",
    "settings",
    "sphinx.ext.autodoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_build",
    "gallery",
    "pictures",
    "examples/*.py",
    "sg_execution_times.rst",
    "examples/sg_*",
]
html_theme = "furo"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
# Charts are drawn by a library of which the site has a copy; see extensions/claims.py.
html_js_files = ["site.js", "claims.js"]
html_show_sourcelink = html_copy_source = False
# Our own names must lead somewhere; those of other packages are not looked up, the site is built without a network.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!truly_sparse).*")]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
# The README's table and the benchmark's report are parts of pages, and have no title of their own there.
suppress_warnings = ["myst.header"]
plot_formats = ["svg"]
plot_html_show_source_link = plot_html_show_formats = False
plot_rcparams = {"figure.facecolor": "white", "font.size": 9}
plot_apply_rcparams = True
plot_working_directory = str(Path(__file__).parent / "pictures")
autodoc_typehints = "none"
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "abort_on_example_error": True,
    "capture_repr": ("_repr_html_",),
    "download_all_examples": False,
}
