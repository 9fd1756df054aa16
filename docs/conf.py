"""Sphinx's settings: ``sphinx-build -W docs FOLDER`` makes the site."""

project = "pytest-torchgraph"
html_title = project
html_theme = "furo"
html_show_sphinx = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]
pygments_dark_style = "github-dark"  # furo's own underlines every name of a module
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["pictures"]
myst_heading_anchors = 3
autodoc_typehints = "none"  # the signature in the text has them; types of PyTorch lie outside of this site
autodoc_member_order = "bysource"
