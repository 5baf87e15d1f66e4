"""The cells of a submission as HTML that harms nobody who opens it.

HTML comes from three places alone, a list of harmless tags in Markdown, formulas, and the colours
of code; all else is text. Links lose their address, since a page that is opened with an
instructor's rights leads nowhere.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from io import StringIO
from itertools import islice
from typing import Any

from bleach.sanitizer import Cleaner
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape
from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer

from grader.formats.formula import mathml

MAX_TOKENS = 40_000
"""Of one page's code are coloured; the rest is plain."""
MAX_LINE = 2_000
"""Characters of a line of code that is coloured: the lexer can take quadratic time for a line."""
MAX_PROSE_WORK = 100_000_000
"""Markdown takes up to quadratic time: the squares of its cells' lengths may add up to this."""
MAX_TEX = 50_000
"""Characters of one page's formulas that are set; the rest stay as they were written."""

_HEADINGS = [f"h{level}" for level in range(1, 7)]
_BLOCKS = ["p", "br", "hr", "pre", "blockquote", "ul", "ol", "li", "details", "summary"]
_INLINE = ["strong", "em", "b", "i", "s", "del", "code", "sub", "sup"]
_TABLE = ["table", "thead", "tbody", "tr", "th", "td"]
_CLEANER = Cleaner(
    tags=frozenset([*_HEADINGS, *_BLOCKS, *_INLINE, *_TABLE]), attributes={}, strip=True
)
_FORMULA = re.compile(r"\$\$[^$]+\$\$|\$[^\s$](?:[^$\n]*[^\s$])?\$(?!\d)")
_SET = re.compile("\ue000(\\d{1,6})\ue001")  # stands for a formula while tags are looked through


def _markdown() -> MarkdownIt:
    """Return what renders Markdown as Jupyter does, but for formulas and pictures.

    A picture becomes its text: the student would choose where it is loaded from.
    """
    made = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    made.inline.ruler.before("escape", "formula", _formula)
    made.add_render_rule("formula", _formula_html)
    made.add_render_rule("image", lambda _, tokens, i, *rest: str(escape(tokens[i].content)))
    return made


def _formula(state: StateInline, silent: bool) -> bool:
    """Find a formula, in which no sign is Markdown's."""
    found = _FORMULA.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("formula", "", 0).content = found[0]
    state.pos = found.end()
    return True


def _formula_html(
    _: Any, tokens: Sequence[Token], i: int, options: OptionsDict, env: dict[str, Any]
) -> str:
    """Return what stands for a formula that can be set, and as it was written, any other."""
    written = tokens[i].content
    html = mathml(written.strip("$"), block=written.startswith("$$")) if env["sets"] else None
    if html is None:
        return str(escape(written))
    env["formulas"].append(html)
    return f"\ue000{len(env['formulas']) - 1}\ue001"


_MARKDOWN = _markdown()


class Budget:
    """How much of one page may still be rendered; what is beyond that is plain text.

    The page says the same on every machine, so this counts what is to do, and no seconds.
    """

    def __init__(self) -> None:
        self._tokens = MAX_TOKENS
        self._prose = MAX_PROSE_WORK
        self._tex = MAX_TEX

    def html(self, cell: dict[str, Any]) -> Markup:
        """Return a cell's source as HTML."""
        source = cell["source"]
        if cell["cell_type"] == "code":
            tokens, html = _code(source) if self._tokens > 0 else (0, _plain(source))
            self._tokens -= tokens
            return html if self._tokens >= 0 else _plain(source)
        self._prose -= len(source) ** 2
        self._tex -= sum(map(len, _FORMULA.findall(source)))
        return _prose(source, self._tex >= 0) if self._prose >= 0 else _plain(source)


# A class's notebooks are mostly the same cells.
@lru_cache(512)
def _prose(source: str, sets_formulas: bool = True) -> Markup:
    env: dict[str, Any] = {"formulas": [], "sets": sets_formulas}
    try:
        html = _CLEANER.clean(_MARKDOWN.render(source, env))
    except (ValueError, RecursionError):  # nested deeper than anybody writes
        return _plain(source)
    formulas: list[Markup] = env["formulas"]
    # Of a stand-in that the student typed, nothing is left.
    number = len(formulas)
    return Markup(  # noqa: S704
        _SET.sub(lambda at: formulas[int(at[1])] if int(at[1]) < number else "", html)
    )


class _Lexer(PythonLexer):  # type: ignore[misc] # Pygments has no types
    """Pygments' lexer without its rules for docstrings, which stay strings.

    Those look for quotes beyond all blank lines that follow, at each of them.
    """

    tokens = {  # noqa: RUF012 - as the base class has it
        **PythonLexer.tokens,
        "root": [
            rule
            for rule in PythonLexer.tokens["root"]
            if not (isinstance(rule, tuple) and rule[0].startswith(r"^(\s*)"))
        ],
    }


_LEXER, _FORMATTER = _Lexer(), HtmlFormatter(cssclass="highlight")


@lru_cache(512)
def _code(source: str) -> tuple[int, Markup]:
    """Return the number of tokens in a cell, and the cell in colours, if those are not too many."""
    if any(len(line) > MAX_LINE for line in source.splitlines()):
        return 0, _plain(source)
    tokens = list(islice(_LEXER.get_tokens(source), MAX_TOKENS + 1))
    html = StringIO()
    if len(tokens) <= MAX_TOKENS:
        _FORMATTER.format(tokens, html)
    return len(tokens), Markup(html.getvalue())  # noqa: S704


def _plain(source: str) -> Markup:
    return Markup('<div class="highlight"><pre>{}</pre></div>').format(source)
