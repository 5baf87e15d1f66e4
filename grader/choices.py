"""What the command line offers to choose from, apart so that it need not import what it offers."""

SANDBOX_MODES = ("bwrap", "none")
EXPORT_FORMATS = (
    *("csv", "junit", "canvas", "moodle", "nbgrader", "gradescope", "github"),
    "gradescope-autograder",
)
