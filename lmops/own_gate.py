"""A student's own gate, out of their notebook, in the place of `lmops.gate.gate`.

A gate that fails, hangs or says something else than a list of sentences lets nothing pass.
"""

from collections.abc import Mapping
from typing import Any

from lmops.gate import Gate
from lmops.notebooks import Notebook
from lmops.own import SECONDS, NoAnswer, own


def own_gate(notebook: Notebook, seconds: float = SECONDS) -> Gate:
    """Return the function `gate` that a notebook defines, to be asked like `lmops.gate.gate`.

    Raises
    ------
    NoFunction
        If the notebook does not define it.
    """
    ask = own(notebook, "gate", seconds)

    def gate(metrics: Mapping[str, Any], objective: Mapping[str, Any]) -> list[str]:
        try:
            reasons = ask(metrics, objective)
        except NoAnswer as error:
            return [f"your gate gave no answer: {error}"]
        if not isinstance(reasons, list) or not all(isinstance(each, str) for each in reasons):
            return [f"your gate gave no list of sentences, but {reasons!r:.80}"]
        return reasons

    return gate
