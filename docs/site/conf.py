"""Configure Sphinx for a site that is readable offline."""

from importlib.metadata import version as version_of

project = "Countersign"
author = "The Countersign founders"
release = version = version_of("countersign")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["attrs_inline"]
# Links to headings are checked as those between pages are.
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"Countersign {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
# There is no year to name: the licence lies beside the code.
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
# Nothing is fetched from elsewhere: a page opened from a disk is complete.
html_theme_options = {"top_of_page_buttons": []}
# Code in pages is often a fragment: a query with three dots, JSON with comments.
highlight_language = "none"
nitpicky = True
# Where a page leaves out a level of headings, nothing is lost.
suppress_warnings = ["myst.header"]
