"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "09_scale",
    Question("todo", hint="Reread.", explain="Because."),
)
