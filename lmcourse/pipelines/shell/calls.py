"""What a script would do: which commands it calls, in which order, and how it ends.

Nothing is executed: what a command answers is handed in. A script without `set -e` goes on behind a
line that failed, and ends as its last command did: so it is on Azure's agents for Linux, whose
`script` and `bash` run `bash --noprofile --norc FILE`, and it is how many a failing test was lost.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.shell.builtins import (
    UNFOLLOWED,
    bare,
    counted,
    echo,
    exit_status,
    holds,
    printf,
    seconds,
    set_options,
    targets,
)
from lmcourse.pipelines.shell.syntax import Parser
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
)
from lmcourse.pipelines.shell.words import LONGEST, Exit, Ran, Words

MOST = 2000
"""Commands that a script may call before it is taken for one that does not end."""


@dataclass(frozen=True)
class Answer:
    """What a command answers: exit status, lines that it writes, minutes that it takes."""

    status: int = 0
    lines: Sequence[str] = ()
    minutes: float = 0
    stop: bool = False  # the script is ended while the command runs


Caller = Callable[[tuple[str, ...]], Answer]


class _Left(Exception):
    """A loop is left, or with `again` goes on with its next round."""

    def __init__(self, *, again: bool):
        self.again = again


class _Stopped(Exception):
    """Nothing more is done, since there is no end to it, or since someone says so."""


def follow(text: str, variables: Mapping[str, str], caller: Caller, file: str, line: int) -> Ran:
    """Say what the script `text` does. `caller` answers for every command that is no builtin.

    `variables` are the environment; `line` is where the script's first line stands. Raises
    `Refused` for what cannot be followed.
    """
    ran = Ran()
    shell = _Shell(ran, file, dict(variables), caller=caller)
    try:
        shell.script(Parser(text, file, line).whole())
        ran.status = shell.status
    except Exit as end:
        ran.status = end.status
    except _Stopped:
        ran.status = 1
    return ran


@dataclass
class _Shell(Words):
    """One shell's state; `written` is where its output goes."""

    caller: Caller = field(kw_only=True)
    tested: int = 0  # how many conditions we are in: there `set -e` does not count
    written: list[str] | None = None
    loops: int = 0  # how many we are in

    def copy(self) -> "_Shell":
        """Return a shell of its own, as `( )` and the parts of a pipe have one."""
        variables, options = dict(self.variables), set(self.options)
        own = _Shell(self.ran, self.file, variables, options, self.status, caller=self.caller)
        own.tested, own.written = self.tested, self.written
        return own

    def output(self, body: Script) -> list[str]:
        """Return what a script writes that runs in a shell of its own, without `set -e`."""
        own = self.copy()
        lines: list[str] = []
        own.written, own.options = lines, own.options - {"e"}
        self.status = own.subshell(lambda: own.script(body))
        return lines

    def write(self, lines: Sequence[str]) -> None:
        """Write lines to the log, or to where the output goes."""
        (self.ran.lines if self.written is None else self.written).extend(lines)

    def script(self, script: Script) -> None:
        """Run chains; `status` is then the last one's."""
        for chain in script:
            if chain.background:
                own = self.copy()
                own.subshell(lambda chain=chain, own=own: own.chain(chain))  # type: ignore[misc]
                self.status = 0
            else:
                self.chain(chain)

    def subshell(self, work: Callable[[], None]) -> int:
        """Do `work` in this shell, which ends with it; return its status."""
        try:
            work()
        except Exit as end:
            self.status = end.status
        return self.status

    def chain(self, chain: Chain) -> None:
        """Run pipes joined by && and ||."""
        last = len(chain.pipes) - 1
        for place, (sign, pipe) in enumerate(chain.pipes):
            if (sign == "&&" and self.status) or (sign == "||" and not self.status):
                continue
            counts = place == last and not pipe.negated and not self.tested
            self.tested += not counts
            try:
                self.pipe(pipe)
            finally:
                self.tested -= not counts
            if counts and self.status and "e" in self.options:
                raise Exit(self.status)

    def pipe(self, pipe: Pipe) -> None:
        """Run commands of which each reads what the one before it wrote."""
        if len(pipe.commands) == 1:
            self.command(pipe.commands[0], ())
        else:
            given: list[str] = []
            statuses = []
            for place, command in enumerate(pipe.commands):
                own = self.copy()
                lines: list[str] = []
                if place < len(pipe.commands) - 1:
                    own.written = lines
                statuses.append(own.subshell(lambda: own.command(command, given)))  # noqa: B023
                given = lines
            failed = [status for status in statuses if status]
            pipefail = "pipefail" in self.options and failed
            self.status = failed[-1] if pipefail else statuses[-1]
        if pipe.negated:
            self.status = int(not self.status)

    def command(self, command: Command, given: Sequence[str]) -> None:
        """Run one command; `given` are the lines that it reads."""
        match command:
            case Simple():
                self.simple(command, given)
            case Group(body, own, hidden):
                shell = self.copy() if own else self
                kept = shell.written
                shell.written = [] if hidden else kept
                try:
                    if own:
                        self.status = shell.subshell(lambda: shell.script(body))
                    else:
                        shell.script(body)
                finally:
                    shell.written = kept
                if own and self.status and "e" in self.options and not self.tested:
                    raise Exit(self.status)
            case If(clauses, other):
                for test, body in clauses:
                    if self.test(test) == 0:
                        self.script(body)
                        return
                if other is None:
                    self.status = 0
                else:
                    self.script(other)
            case Loop(condition, body, negated):
                status = 0
                while (self.test(condition) == 0) != negated:
                    if self.round(body):
                        return
                    status = self.status
                self.status = status
            case For(name, words, body, line):
                values = self.expand(words, line)
                self.work(sum(map(len, values)), line)
                self.status = self.status if values else 0
                for value in values:
                    self.variables[name] = value
                    if self.round(body):
                        return

    def round(self, body: Script) -> bool:
        """Run a loop's body once; return whether the loop is left."""
        self.count()
        self.loops += 1
        try:
            self.script(body)
        except _Left as left:
            self.status = 0
            return not left.again
        finally:
            self.loops -= 1
        return False

    def test(self, script: Script) -> int:
        """Run a condition; return its status."""
        self.tested += 1
        try:
            self.script(script)
        finally:
            self.tested -= 1
        return self.status

    def count(self) -> None:
        """Take note of a command; a script that calls too many never ends."""
        self.ran.called.append("")
        if len(self.ran.called) > MOST:
            self.ran.endless = True
            raise _Stopped

    def simple(self, command: Simple, given: Sequence[str]) -> None:
        """Run a command of words."""
        self.count()
        given = command.given or given
        kept = self.status
        words = self.expand(command.words, command.line)
        values = {}
        for name, word in command.assignments:
            values[name] = self.one(word, command.line)
        if not words:
            self.variables |= values
            written = (*command.words, *(word for _, word in command.assignments))
            if not any(part.kind == "output" for word in written for part in word):
                self.status = 0
            return
        if self.work(sum(map(len, words)), command.line) > LONGEST:
            raise Refused(self.file, command.line, f"a command is longer than {LONGEST} characters")
        saved = self.written
        if command.hidden:
            self.written = []
        self.status = kept
        try:
            self.call(words, values, given, command.line)
        finally:
            self.written = saved

    def call(
        self, words: list[str], values: dict[str, str], given: Sequence[str], line: int
    ) -> None:
        """Run the builtin or the program `words[0]`."""
        words = bare(words)
        if not words:
            self.status = 0
            return
        name, rest = words[0], words[1:]
        if name in UNFOLLOWED:
            why = UNFOLLOWED[name]
            raise Refused(self.file, line, f"in the script, `{name}` is not followed: {why}")
        if name == "exit":
            raise Exit(exit_status(rest[0]) if rest else self.status)
        if name in {"[", "[[", "test"}:
            self.status = holds(words, self.file, line)
        elif name in {"bash", "sh"} and rest and rest[0].startswith("-") and "c" in rest[0]:
            self.nested(rest, values, line)
        elif name == "set":
            self.options, self.status = set_options(self.options, rest), 0
        elif name in {"export", "readonly", "declare", "local"}:
            for word in rest:
                key, equals, value = word.partition("=")
                if equals:
                    self.variables[key] = value
            self.status = 0
        elif name == "unset":
            for word in rest:
                self.variables.pop(word, None)
            self.status = 0
        elif name in {"break", "continue"} and not rest:
            self.status = 0
            if self.loops:
                raise _Left(again=name == "continue")
        elif name in {"true", ":", "false"}:
            self.status = int(name == "false")
        elif name in {"cd", "pushd", "popd", "wait", "shopt", "umask", "source", ".", "sleep"}:
            if name == "sleep" and rest:
                self.ran.minutes += seconds(rest[0]) / 60
            self.status = 0
        elif name == "seq" and len(rest) == 1:
            self.write(counted((Part("text", f"{{1..{rest[0]}}}"),)))
            self.status = 0
        elif name in {"echo", "printf"}:
            self.write(echo(rest) if name == "echo" else printf(rest))
            self.status = 0
        elif name in {"cat", "tee"} and (name == "tee" or not rest):
            self.write(given)
            self.status = 0
        else:
            self.program(words)

    def program(self, words: list[str]) -> None:
        """Ask what the program answers; make is asked for one target after the other."""
        for place, each in enumerate(targets(words)):
            if place:
                self.count()
            self.ran.called[-1] = " ".join(" ".join(each).split())
            answer = self.caller(tuple(each))
            self.ran.minutes += answer.minutes
            if answer.stop:
                raise _Stopped
            self.write(answer.lines)
            self.status = answer.status
            if self.status:
                return

    def nested(self, rest: list[str], values: dict[str, str], line: int) -> None:
        """Run `bash -c`: a shell of its own, with options of its own."""
        own = self.copy()
        own.variables |= values
        own.options = {"e"} if "e" in rest[0] else set()
        own.tested = 0
        if len(rest) < 2:
            self.status = 2
            return
        body = Parser(rest[1], self.file, line, depth=10).whole()
        self.status = own.subshell(lambda: own.script(body))
