"""The engine's hands: does one step after the other, each job in a folder of its own."""

import html
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from lmcourse.pipelines import messages
from lmcourse.pipelines.model import Step
from lmcourse.pipelines.runs import Approval, Outcome, Start, Where
from lmops.ledger import Ledger
from lmops.pipeline import approvals, process, tasks
from lmops.pipeline.checkout import Repository
from lmops.pipeline.tasks import Failed, Job
from lmops.pipeline.workspace import Workspace

HELD_BACK = re.compile(r"^(GIT_|MAKEFLAGS$|MAKELEVEL$|MFLAGS$|PYTEST_|VIRTUAL_ENV$)")
"""Variables of this process that no script gets: they speak of what runs around it."""


class Secrets:
    """What may stand in no log; each value is shown as `***`."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, value: str) -> None:
        """Hide a value, and each of its lines; also as JSON and HTML write them."""
        for line in filter(None, map(str.strip, value.splitlines())):
            self._values |= {line, json.dumps(line, ensure_ascii=False)[1:-1], html.escape(line)}

    def hide(self, text: str) -> str:
        """Return the text without them."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, "***")
        return text


class Hands:
    """Does what `lmcourse.pipelines.azure.schedule` says is next. Use it in a `with`: all is ended.

    `on_line` is given each line of the log, without secrets. `protected` are the environments into
    which only an approved commit goes; `patience` is how many seconds an approval is waited for.
    """

    def __init__(
        self,
        repository: Repository,
        start: Start,
        workspace: Workspace,
        ledger: Ledger,
        on_line: Callable[[str], None],
        protected: frozenset[str] = frozenset(),
        patience: float = 0.0,
    ):
        self.secrets = Secrets()
        for name in start.secrets:
            self.secrets.add(start.variables.get(name, ""))
        self._repository, self._start, self._workspace = repository, start, workspace
        self._ledger, self._protected, self._patience = ledger, protected, patience
        self._on_line = on_line
        self._log = workspace.log.open("a", encoding="utf-8", errors="replace", buffering=1)
        self._job: Job | None = None
        self._place = ("", "", "")
        self._scripts = 0

    def __enter__(self) -> "Hands":
        return self

    def __exit__(self, *_: object) -> None:
        self._end_job()
        self._log.close()

    # --- What the engine asks -------------------------------------------------------------------

    def approval(self, environment: str, where: Where) -> Approval:
        """Say whether the commit may go into `environment`, by the ledger."""
        if environment.lower() not in {each.lower() for each in self._protected}:
            return Approval("not needed")
        if self._repository.changed:
            self._write(f"{environment} takes commits alone, and not everything is committed")
            return Approval("missing")
        late = time.monotonic() + self._patience
        authors = (*self._repository.authors, self._start.by)
        told = False
        while True:
            lines = self._ledger.entries()
            found = approvals.answer(lines, environment, self._start.commit, authors)
            if found.answer != "missing" or time.monotonic() >= late:
                return found
            if not told:
                self._write(f"{environment} waits for somebody else than {' or '.join(authors)}:")
                self._write(f"    lmops pipeline approve {environment} --by NAME")
                told = True
            time.sleep(0.5)

    def step(self, step: Step, variables: Mapping[str, str], where: Where) -> Outcome:
        """Do a step, and say how it went."""
        begun = time.monotonic()
        job = self._at(where)
        self._write(f"{' '.join(filter(None, (job.name, where.hook)))}: {step.display_name}")
        lines: list[str] = []
        job.write = lambda line: self._take(line, job, lines)
        try:
            if step.kind == "script":
                outcome = self._script(job, step, variables, where)
            else:
                self._task(job, step)
                outcome = Outcome()
        except (Failed, OSError) as error:
            self._write(f"{step.display_name}: {error}")
            outcome = Outcome(status=1, why=self.secrets.hide(str(error)))
        except KeyboardInterrupt:
            outcome = Outcome(status=1, canceled=True)
        if outcome.status or outcome.canceled or outcome.timed_out:
            job.good = False
        return Outcome(
            outcome.status,
            tuple(lines),
            minutes=(time.monotonic() - begun) / 60,
            timed_out=outcome.timed_out,
            canceled=outcome.canceled,
            why=outcome.why,
        )

    # --- Jobs -----------------------------------------------------------------------------------

    def _at(self, where: Where) -> Job:
        """Return the job at work; where another one begins, end it and make the new one's folders.

        Each hook of a deployment is a job of its own.
        """
        place = (where.stage, where.instance, where.hook)
        if self._job is None or self._place != place:
            self._end_job()
            self._workspace.begin_job()
            name = f"{where.stage}.{where.instance}"
            self._place = place
            self._job = Job(self._workspace, name, where.waited_for, self._start.ref, self._write)
        return self._job

    def _end_job(self) -> None:
        """End what the job left running, keep its caches if all went well, remove its folders."""
        job, self._job = self._job, None
        if job is None:
            return
        for group in job.groups:
            process.end(group)
        if job.good:
            tasks.keep_caches(job)
        self._workspace.end_job()

    # --- Steps ----------------------------------------------------------------------------------

    def _script(self, job: Job, step: Step, variables: Mapping[str, str], where: Where) -> Outcome:
        self._scripts += 1
        script = self._workspace.temporary / f"{self._scripts}.sh"
        script.write_text(step.text + "\n", "utf-8")
        folder = job.path(step.working_directory)
        if not folder.is_dir():
            raise Failed(f"there is no folder {step.working_directory!r} to start in")
        ended, group = process.run(
            script,
            folder,
            self._environment(job, step, variables),
            script.with_suffix(".log"),
            job.write,
            where.minutes,
        )
        job.groups.append(group)
        if ended.by == "person":
            return Outcome(ended.status, canceled=True)
        if ended.by == "time limit":
            return Outcome(ended.status, timed_out=True)
        if ended.by == "too much output":
            raise Failed(f"it wrote more than {process.MOST // 2**20} MB, and was ended")
        return Outcome(ended.status)

    def _environment(self, job: Job, step: Step, variables: Mapping[str, str]) -> dict[str, str]:
        """Return what a script sees: variables in capitals, secrets only where `env` names them."""
        secret = {_shell_name(name) for name in self._start.secrets} | self._start.secrets
        own = {
            name: value
            for name, value in os.environ.items()
            if not HELD_BACK.match(name) and name not in secret
        }
        own |= {_shell_name(name): value for name, value in variables.items()}
        own |= {"TF_BUILD": "True", "TMPDIR": str(self._workspace.temporary), **step.env}
        before = [str(path) for path in reversed(job.paths)]
        own["PATH"] = os.pathsep.join([*before, own.get("PATH", os.defpath)])
        return own

    def _task(self, job: Job, step: Step) -> None:
        if step.kind == "checkout":
            if step.text == "self":
                self._repository.copy(self._workspace.sources)
        elif step.kind == "publish":
            tasks.publish(job, step.text, step.inputs)
        elif step.kind == "download":
            if step.text == "current":
                tasks.download(job, step.inputs)
        else:
            tasks.do(step.text, job, step.inputs)

    # --- What is written ------------------------------------------------------------------------

    def _take(self, line: str, job: Job, lines: list[str]) -> None:
        """Take a line of a step's output: for the log, and if it is a command, for the engine."""
        command = messages.parse(line)
        if command is None:
            self._write(line)
            return
        lines.append(line)
        if command.action == "task.prependpath":
            job.paths.append(Path(command.text))
        if command.properties.get("issecret", "").lower() == "true":
            self.secrets.add(command.text)
        elif command.action == "task.logissue":
            self._write(f"{command.properties.get('type', 'warning')}: {command.text}")

    def _write(self, line: str) -> None:
        line = self.secrets.hide(line)
        self._log.write(line + "\n")
        self._on_line(line)


def _shell_name(name: str) -> str:
    """Return a variable's name as scripts see it: Build.Reason is BUILD_REASON."""
    return re.sub(r"[^0-9A-Za-z_]", "_", name).upper()
