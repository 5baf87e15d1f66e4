"""The checks of the lessons, a module each."""
