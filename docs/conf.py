"""How Sphinx builds the site; `python docs/build.py` calls it once for each language."""

from building import pages

import kerasforecast

project = "kerasforecast"
author = "the kerasforecast authors"
version = release = kerasforecast.__version__
language = "en"
exclude_patterns = []

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nitpicky = False
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
add_module_names = False
maximum_signature_line_length = 80

html_theme = "furo"
pygments_dark_style = "github-dark"  # Furo's own underlines imports, like links
html_title = "kerasforecast"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "static/icon.svg"
html_copy_source = html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
templates_path = ["templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/language.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1d4e89", "color-brand-content": "#1659a5"},
    "dark_css_variables": {"color-brand-primary": "#7db5f0", "color-brand-content": "#7db5f0"},
    "footer_icons": [],
}


def setup(app: object) -> None:
    """Have pages run before they are parsed."""
    app.connect("source-read", pages.read)
    app.connect("html-page-context", pages.finish)
    app.connect("autodoc-process-docstring", pages.docstring, priority=100)  # before napoleon
    app.connect("build-finished", pages.written)
