"""Formulas as MathML, which browsers show without a script and without a network."""

import html
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from grader.formats.formula import mathml

_LOG = logging.getLogger(__name__)


def _visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_set(node, block=False))
    raise nodes.SkipNode


def _visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    # What is too wide for a phone is scrolled, by keys as well.
    self.body.append(f'<div class="formula" tabindex="0">{_set(node, block=True)}</div>')
    raise nodes.SkipNode


def _set(node: nodes.Element, *, block: bool) -> str:
    tex = node.astext()
    formula = mathml(tex, block=block)
    if formula is None:
        _LOG.warning("this formula cannot be set: %s", tex, location=node)
        return f"<code>{html.escape(tex)}</code>"
    return formula


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the renderer `mathml`, for `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
