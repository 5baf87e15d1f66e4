"""Names that strangers chose, of people and files, as other people may read them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable


def printable(name: str) -> str:
    r"""Return a name with what cannot be seen in it written out, and accents in one spelling.

    Control characters become "\n", marks that show nothing or turn the text around "\u202e".
    """
    return "".join(
        character.encode("unicode_escape").decode() if _is_hidden(character) else character
        for character in unicodedata.normalize("NFC", name)
    )


def person(name: str) -> str:
    r"""Return a name as `printable` does, with the spaces that nobody sees as "\x20" too.

    Those are at an end, or after another one.
    """
    return re.sub(r"^ | $|(?<= ) ", r"\\x20", printable(name))


def apart(names: Iterable[str]) -> dict[str, str]:
    """Return what to call each of `names`, which are all different: no two alike.

    That is `person`, but where two differ in how accents are encoded alone, the one that is not
    in the usual form (NFC) has all but ASCII written out.
    """
    names = list(names)
    alike = Counter(map(person, names))
    return {
        name: person(name)
        if alike[person(name)] == 1 or unicodedata.is_normalized("NFC", name)
        else name.encode("unicode_escape").decode()
        for name in names
    }


# What renderers ignore or leave blank, beside what Unicode's categories say.
_BLANK = frozenset(
    chr(code)
    for first, last in (
        *((0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800)),
        *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0000, 0xE0FFF)),
    )
    for code in range(first, last + 1)
)


def _is_hidden(character: str) -> bool:
    """Return whether nobody sees a character, or it is the one that begins what is written out."""
    kind = unicodedata.category(character)
    return (
        kind in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or (kind == "Zs" and character != " ")
        or character in _BLANK
        or character == "\\"
    )
