"""The text of a script -> commands: the part of bash that a pipeline's scripts are written in.

Grammar: "Shell Command Language" (POSIX.1-2017, 2.10), and of bash `[[ ]]`, `&>` and `|&`. What
cannot be followed without running it (`case`, functions, `eval`, arithmetic) is refused.
"""

import re
from dataclasses import dataclass, field
from typing import NoReturn

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.shell.tree import (
    Chain,
    Command,
    For,
    Group,
    If,
    Loop,
    Part,
    Pipe,
    Script,
    Simple,
    Word,
)
from lmcourse.pipelines.source import short

DEEPEST = 20
"""Levels of commands within each other."""

_SPACE = re.compile(r"(?:[ \t\r]|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_PLAIN = re.compile(r"[^\s;&|()<>'\"\\$`#]+|#")
_RESERVED = re.compile(r"(?:if|then|elif|else|fi|for|while|until|do|done|case|function|select|"
                       r"[!{}]|\[\[)(?=[\s;&|()<>]|$)")  # fmt: skip
_REDIRECT = re.compile(r"(?:[0-9]?(?:>>|>&|>\||<<<|<<-|<<|<&|>|<)|&>>|&>)")
_VARIABLE = re.compile(
    r"\$(?:([A-Za-z_][A-Za-z0-9_]*|[?#@*0-9$!])"
    r"|\{([A-Za-z_][A-Za-z0-9_]*|\?)(?:(:?[-+=?])([^{}'\"`$\\]*))?\})"
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_QUOTED = re.compile(r"[^\"\\$`]+")


@dataclass
class Parser:
    """Reads a script; `line` is where its first line stands in `file`."""

    text: str
    file: str
    line: int
    at: int = 0
    depth: int = 0
    waiting: list[tuple[str, bool, list[str]]] = field(default_factory=list)
    _counted: tuple[int, int] = (0, 0)

    def here(self) -> int:
        """Return the line of the file that has been reached."""
        start, lines = self._counted
        if self.at < start:
            start, lines = 0, 0
        self._counted = (self.at, lines + self.text.count("\n", start, self.at))
        return self.line + self._counted[1]

    def refuse(self, sentence: str) -> NoReturn:
        """Raise `Refused` at the place that has been reached."""
        raise Refused(self.file, self.here(), f"in the script, {sentence}")

    def whole(self) -> Script:
        """Return the whole script."""
        script = self.script(frozenset())
        if self.at < len(self.text):
            self.refuse(f"`{short(self.text[self.at : self.at + 20])}` is out of place")
        return script

    def starts(self, sign: str) -> bool:
        """Whether `sign` comes next."""
        return self.text.startswith(sign, self.at)

    def space(self) -> None:
        """Go past spaces, joined lines and a comment."""
        found = _SPACE.match(self.text, self.at)
        if found:
            self.at = found.end()
        comment = _COMMENT.match(self.text, self.at)
        if comment:
            self.at = comment.end()

    def newline(self) -> None:
        """Go past the end of a line, and past the here-documents that begin there."""
        self.at += 1
        for end, tabs, lines in self.waiting:
            while True:
                if self.at >= len(self.text):
                    self.refuse(f"the here-document has no `{short(end)}` at its end")
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[self.at : stop]
                self.at = min(stop + 1, len(self.text))
                line = line.lstrip("\t") if tabs else line
                if line == end:
                    break
                lines.append(line)
        self.waiting.clear()

    def blank(self) -> None:
        """Go past spaces and empty lines."""
        self.space()
        while self.starts("\n"):
            self.newline()
            self.space()

    def reserved(self) -> str:
        """Return the reserved word that comes next, or ""."""
        found = _RESERVED.match(self.text, self.at)
        return found.group() if found else ""

    def expect(self, word: str) -> None:
        """Go past a reserved word that has to come now."""
        self.blank()
        if self.reserved() != word:
            before = short(self.text[self.at : self.at + 20])
            self.refuse(
                f"`{word}` is missing " + (f"before `{before}`" if before else "at the end")
            )
        self.at += len(word)

    def script(self, ends: frozenset[str]) -> Script:
        """Return the chains up to one of the words `ends`, or to the end of the text."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.refuse(f"commands stand more than {DEEPEST} levels within each other")
        chains: list[Chain] = []
        while True:
            self.blank()
            if self.at >= len(self.text) or self.reserved() in ends - {""}:
                break
            if ")" in ends and self.starts(")"):
                break
            chains.append(self.chain())
        self.depth -= 1
        if ends and not chains:
            self.refuse("a command is missing")
        return tuple(chains)

    def chain(self) -> Chain:
        """Return pipes joined by && and ||, and what ends them."""
        pipes = [("", self.pipe())]
        while self.starts("&&") or self.starts("||"):
            sign = self.text[self.at : self.at + 2]
            self.at += 2
            self.blank()
            pipes.append((sign, self.pipe()))
        background = False
        if self.starts(";;"):
            self.refuse("`;;` is out of place")
        if self.starts(";"):
            self.at += 1
        elif self.starts("&"):
            background = True
            self.at += 1
        return Chain(tuple(pipes), background)

    def pipe(self) -> Pipe:
        """Return commands joined by |."""
        negated = False
        line = self.here()
        while self.reserved() == "!":
            negated = not negated
            self.at += 1
            self.space()
        commands = [self.command()]
        self.space()
        while self.starts("|") and not self.starts("||"):
            self.at += 2 if self.starts("|&") else 1
            self.blank()
            commands.append(self.command())
            self.space()
        return Pipe(tuple(commands), negated, line)

    def command(self) -> Command:
        """Return one command, simple or not."""
        self.space()
        word = self.reserved()
        if word in {"case", "function", "select"}:
            self.refuse(f"`{word}` is not followed: write it with `if`, or put it into a Makefile")
        if word == "if":
            return self.condition()
        if word in {"while", "until"}:
            self.at += len(word)
            test = self.script(frozenset({"do"}))
            return Loop(test, self.body("do", "done"), word == "until")
        if word == "for":
            return self.loop()
        if word == "{":
            body = self.body("{", "}")
            return Group(body, own=False, hidden=self.redirects())
        if self.starts("(("):
            self.refuse("arithmetic, `(( ))`, is not followed")
        if self.starts("("):
            self.at += 1
            body = self.script(frozenset({")"}))
            self.close()
            return Group(body, own=True, hidden=self.redirects())
        if word and word != "[[":
            self.refuse(f"`{word}` is out of place")
        return self.simple()

    def close(self) -> None:
        """Go past a closing parenthesis."""
        if not self.starts(")"):
            self.refuse("a `(` is not closed")
        self.at += 1

    def body(self, start: str, end: str) -> Script:
        """Return what stands between two reserved words."""
        self.expect(start)
        found = self.script(frozenset({end}))
        self.expect(end)
        return found

    def redirects(self) -> bool:
        """Go past the redirections behind a group; return whether they hide what it writes."""
        hidden = False
        self.space()
        while found := _REDIRECT.match(self.text, self.at):
            hidden |= self.redirect(found, [])
            self.space()
        return hidden

    def condition(self) -> If:
        """Return an `if` with all that belongs to it."""
        clauses = []
        word = "if"
        while word in {"if", "elif"}:
            self.at += len(word)
            test = self.script(frozenset({"then"}))
            self.expect("then")
            clauses.append((test, self.script(frozenset({"elif", "else", "fi"}))))
            word = self.reserved()
        other = None
        if word == "else":
            self.at += 4
            other = self.script(frozenset({"fi"}))
        self.expect("fi")
        return If(tuple(clauses), other)

    def loop(self) -> For:
        """Return a `for` over words."""
        line = self.here()
        self.at += 3
        self.space()
        name = _PLAIN.match(self.text, self.at)
        if not name or not _ASSIGNMENT.fullmatch(name.group() + "="):
            self.refuse("`for` needs a name, `in`, and words")
        self.at = name.end()
        self.space()
        if not self.text.startswith("in", self.at):
            self.refuse("`for` needs `in`, and words")
        self.at += 2
        words = []
        while True:
            self.space()
            if self.at >= len(self.text) or self.text[self.at] in ";\n":
                break
            words.append(self.word())
        self.at += self.starts(";")
        return For(name.group(), tuple(words), self.body("do", "done"), line)

    def simple(self) -> Simple:
        """Return a command of words, assignments and redirections."""
        line = self.here()
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        given: list[str] = []
        hidden = False
        while True:
            self.space()
            if self.at >= len(self.text):
                break
            redirect = _REDIRECT.match(self.text, self.at)
            if redirect:
                hidden |= self.redirect(redirect, given)
                continue
            if words and self.starts("("):
                self.refuse("functions, `name() { }`, and arrays are not followed")
            if self.text[self.at] in "\n;|)&":
                # Within [[ ]], && and || are words.
                inside = words and words[0] == (Part("text", "[["),)
                closed = inside and words[-1] == (Part("text", "]]"),)
                if not inside or closed or not (self.starts("&&") or self.starts("||")):
                    break
                words.append((Part("text", self.text[self.at : self.at + 2]),))
                self.at += 2
                continue
            word = self.word()
            first = word[0]
            name = _ASSIGNMENT.match(first.text) if first.kind == "text" else None
            if name and not first.quoted and not words:
                rest = (Part("text", first.text[name.end() :], quoted=True), *word[1:])
                if not rest[0].text and self.starts("("):
                    self.refuse("arrays are not followed")
                assignments.append((name.group()[:-1], rest))
            else:
                words.append(word)
        if not words and not assignments and not hidden:
            self.refuse(f"a command is missing before `{short(self.text[self.at : self.at + 20])}`")
        return Simple(tuple(words), tuple(assignments), line, hidden, given)

    def redirect(self, found: re.Match[str], given: list[str]) -> bool:
        """Go past a redirection; return whether it hides what the command writes."""
        sign = found.group()
        self.at = found.end()
        self.space()
        word = self.word()
        target = "".join(part.text for part in word)
        if sign.lstrip("0123456789") in {"<<", "<<-"}:
            # Its lines stand below this one, and come into `given` once this one has ended.
            self.waiting.append((target, sign.endswith("-"), given))
            return False
        if "<" in sign or sign.startswith("2"):
            return False
        return not (sign.endswith(">&") and target in {"1", "2"})

    def word(self) -> Word:
        """Return a word, which ends at a space or a sign."""
        parts: list[Part] = []
        start = self.at
        while self.at < len(self.text):
            sign = self.text[self.at]
            plain = _PLAIN.match(self.text, self.at)
            if plain:
                parts.append(Part("text", plain.group()))
                self.at = plain.end()
            elif sign == "'":
                end = self.text.find("'", self.at + 1)
                if end < 0:
                    self.refuse("a ' has no end")
                parts.append(Part("text", self.text[self.at + 1 : end], quoted=True))
                self.at = end + 1
            elif sign == '"':
                parts += self.quoted()
            elif sign == "\\":
                if self.text[self.at + 1 : self.at + 2] != "\n":
                    parts.append(Part("text", self.text[self.at + 1 : self.at + 2], quoted=True))
                self.at += 2
            elif sign in "$`":
                parts.append(self.dollar(quoted=False))
            else:
                break
        if self.at == start:
            self.refuse(f"`{short(self.text[self.at : self.at + 20])}` is out of place")
        return tuple(parts) or (Part("text", "", quoted=True),)

    def quoted(self) -> list[Part]:
        """Return what stands between double quotes."""
        parts = [Part("text", "", quoted=True)]
        self.at += 1
        while True:
            plain = _QUOTED.match(self.text, self.at)
            if plain:
                parts.append(Part("text", plain.group(), quoted=True))
                self.at = plain.end()
            if self.at >= len(self.text):
                self.refuse('a " has no end')
            sign = self.text[self.at]
            if sign == '"':
                self.at += 1
                return parts
            if sign == "\\":
                after = self.text[self.at + 1 : self.at + 2]
                kept = after if after in '"\\$`' else {"\n": ""}.get(after, "\\" + after)
                parts.append(Part("text", kept, quoted=True))
                self.at += 2
            else:
                parts.append(self.dollar(quoted=True))

    def dollar(self, *, quoted: bool) -> Part:
        """Return a variable, or the output of a command."""
        if self.starts("`"):
            self.refuse("write `$(command)` where backquotes stand")
        if self.starts("$(("):
            self.refuse("arithmetic, `$(( ))`, is not followed")
        if self.starts("$("):
            self.at += 2
            body = self.script(frozenset({")"}))
            self.close()
            return Part("output", quoted=quoted, body=body)
        found = _VARIABLE.match(self.text, self.at)
        if found:
            self.at = found.end()
            name = found[1] or found[2]
            return Part("variable", name, quoted, found[3] or "", found[4] or "")
        if self.starts("${"):
            self.refuse(f"`{short(self.text[self.at : self.at + 20])}` is not followed")
        self.at += 1
        return Part("text", "$", quoted=quoted)
