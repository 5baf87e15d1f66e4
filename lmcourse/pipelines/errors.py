"""What is said of a pipeline that cannot be read: where, and why not."""


class Refused(ValueError):
    """A pipeline is not one of this subset, or is wrong: `file`, `line` (from 1) and a sentence."""

    def __init__(self, file: str, line: int, sentence: str):
        super().__init__(f"{file}:{line}: {sentence}")
        self.file = file
        self.line = line
        self.sentence = sentence
