"""Something to play with: a function's arguments as sliders and menus."""

from collections.abc import Callable
from typing import Any


def play(function: Callable[..., Any], **controls: Any) -> None:
    """Show `function` with one control per argument, and call it again whenever one moves.

    Parameters
    ----------
    function : prints or plots something; its return value is ignored
    controls : per argument, what `ipywidgets.interact` takes: a range `(low, high, step)` for a
        slider, a list for a menu, a string for a text box. The first call uses the middle of a
        range and the first entry of a list.

    Without ipywidgets the function is called once, and a line says how to call it by hand.
    """
    first = {name: _first(control) for name, control in controls.items()}
    try:
        from ipywidgets import interact
    except ImportError:
        function(**first)
        call = ", ".join(f"{name}={value!r}" for name, value in first.items())
        print(f"(No sliders here. Call it yourself: {function.__name__}({call}))")
        return

    def shown(**arguments: Any) -> None:
        function(**arguments)

    interact(shown, **controls)


def _first(control: Any) -> Any:
    if isinstance(control, tuple):
        low, high = control[:2]
        whole = isinstance(low, int) and isinstance(high, int)
        return (low + high) // 2 if whole else (low + high) / 2
    return control[0] if isinstance(control, list) else control
