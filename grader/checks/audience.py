"""Who runs this notebook: a person, who can look and click, or a machine."""

import sys

from IPython.core.getipython import get_ipython


def a_person_watches() -> bool:
    """Return whether a person is at the other end: in Jupyter, VS Code, Colab or IPython.

    False in papermill, nbclient, nbval, nbgrader, and outside of IPython.
    """
    shell = get_ipython()
    if shell is None:
        return False
    kernel = getattr(shell, "kernel", None)
    if kernel is None or "google.colab" in sys.modules:
        return True
    # Front ends that can answer input() have a person; those that run notebooks in bulk cannot.
    return bool(kernel.get_parent().get("content", {}).get("allow_stdin", False))
