"""How Sphinx makes the course's site: `make site` writes it to build/site."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs/_ext")]

from grader.course.lessons import Course  # noqa: E402

course = Course(ROOT)
decks = str(ROOT / "build/slides")
_repository = course.configuration.repository

project = course.package
html_title = course.package
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "course_map",
    "lesson_pages",
    "mathml",
    "reference_pages",
]
exclude_patterns = ["_ext"]

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathml"

highlight_language = "none"  # what a fence does not call Python is none
default_role = "code"  # as docstrings here use it
autodoc_member_order = "bysource"
autodoc_default_options = {
    "members": True,
    "exclude-members": "model_config",  # pydantic's, in words for its own site
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}
html_copy_source = False
html_use_index = False
html_domain_indices = False
html_show_sourcelink = False
# Pages that have no others below them need no list of these.
html_sidebars = {page: [] for page in ("authors", "comparison", "instructors", "runs", "trust")}
html_theme_options = {
    "icon_links": [{"name": "Repository", "url": _repository, "icon": "fa-brands fa-github"}],
    "navigation_with_keys": True,
    "header_links_before_dropdown": 7,
    "logo": {"text": project},
    "footer_start": [],
    "footer_end": [],
    "search_bar_text": "Search the course",
}
