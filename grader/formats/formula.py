"""TeX as MathML, which a browser sets without a script.

What a student wrote is untrusted. The converter's own text is not used, since it lets `<script>`
through: its tree is written again, with the elements and attributes that are listed here.
"""

import re
from collections.abc import Iterator
from html import unescape
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

MAX_TEX = 600
"""Characters of a formula that is converted; the longest of a course's has a few hundred."""

THIN = "0.167em"
"""TeX's thin space."""
_CHOICES = {
    "accent": {"true", "false"},
    "columnalign": {"left", "center", "right"},
    "display": {"inline", "block"},
    "displaystyle": {"true", "false"},
    "fence": {"true", "false"},
    "form": {"prefix", "infix", "postfix"},
    "largeop": {"true", "false"},
    "mathvariant": {"normal"},
    "movablelimits": {"true", "false"},
    "scriptlevel": {"0", "1", "2"},
    "separator": {"true", "false"},
    "stretchy": {"true", "false"},
}
_LENGTHS = {"linethickness", "lspace", "maxsize", "minsize", "rspace", "width"}
_LENGTH = re.compile(r"-?\d{1,2}(\.\d{1,3})?(em)?")
_CHILDREN = {
    **dict.fromkeys(("mfrac", "mroot", "msub", "msup", "munder", "mover"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}
_ELEMENTS = frozenset(
    {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mstyle", "msqrt", "mtable", "mtr", "mtd"}
    | _CHILDREN.keys()
)
# A short macro can stand for a text without end.
_DEFINES = re.compile(r"\\(?:def|let|newcommand|newenvironment|renew|provide|Declare)")


def mathml(tex: str, *, block: bool) -> Markup | None:
    """Return a formula as MathML, or None for what is too long or cannot be converted."""
    if len(tex) > MAX_TEX or _DEFINES.search(tex):
        return None
    try:
        return _written(convert_to_element(tex, display="block" if block else "inline"))
    except Exception:  # whatever it raises, among them StopIteration and IndexError
        return None


def _written(element: Element) -> Markup:
    """Return an element as HTML.

    Raises
    ------
    ValueError
        For an element that is not listed or not whole, or a command that the converter does not
        know.
    """
    text = unescape(element.text or "")
    whole = len(element) == _CHILDREN.get(element.tag, len(element))
    if element.tag not in _ELEMENTS or not whole or "\\" in text:
        raise ValueError(f"this cannot be set: {element.tag} {text}")
    attributes = Markup("").join(
        Markup(' {}="{}"').format(name, value)
        for name, value in element.attrib.items()
        if value in _CHOICES.get(name, ()) or (name in _LENGTHS and _LENGTH.fullmatch(value))
    )
    within = Markup("").join(map(_written, _spaced(element)))
    # The tag is one of ours.
    return Markup("<{0}{1}>{2}{3}</{0}>").format(element.tag, attributes, escape(text), within)


def _spaced(element: Element) -> Iterator[Element]:
    """Yield an element's children, with the space that TeX sets around a function's name."""
    before: Element | None = None
    for child in element:
        pair = [] if before is None or element.tag in _CHILDREN else [before, child]
        if any(map(_is_function, pair)) and not any(each.tag in ("mo", "mspace") for each in pair):
            yield Element("mspace", width=THIN)
        yield child
        before = child


def _is_function(element: Element) -> bool:
    """Whether an element is the name of a function, such as ln, or one with an index."""
    if element.tag in _CHILDREN and len(element):
        return _is_function(element[0])
    return element.tag == "mi" and len(unescape(element.text or "")) > 1
