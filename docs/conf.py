"""The documentation site: `sphinx-build -W -b html docs docs/_build`."""

import matplotlib as mpl

import truly_sparse

mpl.use("agg")
project = "truly sparse ensembles"
version = release = truly_sparse.__version__
copyright = "the authors of truly sparse ensembles"
extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/*.py", "gallery/README.txt"]
html_theme = "alabaster"
html_theme_options = {"description": "No dense weight matrix and no mask, at any time", "page_width": "1100px"}
nitpicky = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# The site is read offline, too: nothing is fetched from elsewhere but the formulas' typesetter.
plot_formats = ["svg"]
plot_html_show_source_link = False
plot_html_show_formats = False
autodoc_typehints = "none"
napoleon_use_ivar = True
napoleon_google_docstring = False
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "min_reported_time": 1e9,
    "abort_on_example_error": True,
}
