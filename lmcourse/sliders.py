"""Something to play with: a function's arguments as sliders and menus."""

import math
from collections.abc import Callable
from typing import Any

from grader.checks.audience import a_person_watches


def play(function: Callable[..., Any], **controls: Any) -> None:
    """Show `function` with one control per argument, and call it again whenever one moves.

    Parameters
    ----------
    function : prints or plots something; its return value is ignored
    controls : per argument, what `ipywidgets.interact` takes: a range `(low, high, step)` for a
        slider, a list for a menu, a string for a text box. The first call uses the middle of a
        range and the first entry of a list. `(low, high, "log")` is a slider for a number of which
        the size counts, such as a rate: ten steps from each power of ten to the next, and in the
        middle is the root of `low * high`.

    Without ipywidgets, or where nobody watches, the function is called once, and a line says how to
    call it by hand.
    """
    interact = _ipywidgets_interact() if a_person_watches() else None
    if interact is None:
        first = {name: _first(control) for name, control in controls.items()}
        function(**first)
        call = ", ".join(f"{name}={value!r}" for name, value in first.items())
        print(f"(In Jupyter or Colab there are sliders here. By hand: {function.__name__}({call}))")
        return

    def shown(**arguments: Any) -> None:
        function(**arguments)

    interact(shown, **{name: _control(control) for name, control in controls.items()})


def _control(control: Any) -> Any:
    """Return what `interact` makes a control of."""
    if not _is_logarithmic(control):
        return control
    from ipywidgets import FloatLogSlider

    low, high = (math.log10(end) for end in control[:2])
    return FloatLogSlider(value=_first(control), base=10, min=low, max=high, step=0.1)


def _is_logarithmic(control: Any) -> bool:
    return isinstance(control, tuple) and control[2:] == ("log",)


def _ipywidgets_interact() -> Callable[..., Any] | None:
    try:
        from ipywidgets import interact
    except ImportError:
        return None
    return interact  # type: ignore[no-any-return]


def _first(control: Any) -> Any:
    if _is_logarithmic(control):
        return math.sqrt(control[0] * control[1])
    if isinstance(control, tuple):
        low, high = control[:2]
        whole = isinstance(low, int) and isinstance(high, int)
        return (low + high) // 2 if whole else (low + high) / 2
    return control[0] if isinstance(control, list) else control
