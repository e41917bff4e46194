"""How the manual is built: `tox -e docs`, or `sphinx-build -W docs build/docs`."""

from mcstudy import __version__

project = "mcstudy"
author = "The mcstudy authors"
copyright = author
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"mcstudy {__version__}"
myst_heading_anchors = 3
# Signatures read as they are called: `size=None`, not the address of a default.
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
napoleon_google_docstring = False
