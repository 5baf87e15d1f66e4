"""What the course's notebooks import."""

from numpy_basics.checks import check

__all__ = ["check"]
