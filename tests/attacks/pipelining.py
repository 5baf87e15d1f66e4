"""Attacks on lesson 13: files that explode or pretend, answers that refuse or know everything.

`ATTACKS` stand in place of one exercise each, and do without their trick nothing that is worth a
point. `TRICKS` are made to a solved text: they hide a fault, and must lose what the fault costs.
"""

from dataclasses import dataclass

from attacks.attack import Attack


@dataclass(frozen=True)
class Trick:
    """What is tried in the solved text of an exercise, and the cases that it may not pass."""

    tries: str
    exercise: str
    swaps: dict[str, str]
    loses: tuple[str, ...]


def text(tries: str, name: str, written: str, first: str = "") -> Attack:
    """Return an attack whose text `name` is what the expression `written` gives."""
    return Attack(tries, first, {name: f"{name} = {written}\n"})


_GOOD_DAY = r'''
ALL = "test train gate register staging smoke canary production".split()
HEAD = """trigger: {branches: {include: ['*']}}
schedules: [{cron: 0 3 * * *, branches: {include: ['*']}, always: true}]
steps:
"""
def day(*more):
    return HEAD + "".join(f"  - script: make {name}\n" for name in ALL) + "".join(more)
'''

_LINE = "  - script: make test\n"

_WORKFLOW = """on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
"""

_DEPLOYMENT = "apiVersion: apps/v1\\nkind: Deployment\\n"

ATTACKS = {
    "another pipeline for each situation": text(
        "have the file changed each time that it is asked for: the first is empty, then come right "
        "ones for the situations, which are known, in their order",
        "PIPELINE",
        "day()",
        _GOOD_DAY + "from grader.checks.student import Host\n"
        "class Names(dict):\n"
        "    asked = 0\n"
        "    def __getitem__(self, name):\n"
        "        if name != 'PIPELINE': return dict.__getitem__(self, name)\n"
        "        self.asked += 1\n"
        "        return day() if self.asked > 1 else ''\n"
        "plain = Host._answer\n"
        "def answer(self, request):\n"
        "    if not isinstance(self._namespace, Names):\n"
        "        self._namespace = Names(self._namespace)\n"
        "    return plain(self, request)\n"
        "Host._answer = answer\n",
    ),
    "a pipeline that knows the public situations": text(
        "ask for the public situations' branches and people in a condition, in place of main",
        "PIPELINE",
        "HEAD + ''.join('  - script: make %s\\n    condition: in(variables[%r], %s)\\n' % "
        "(name, 'Build.SourceVersion', known) for name in ALL)",
        _GOOD_DAY + "import numpy as np\n"
        "from grader.checks.run import PUBLIC_SEED\n"
        "from lmcourse.checks.pipelines.situations import situations\n"
        "seen = situations(np.random.default_rng(PUBLIC_SEED))\n"
        "known = ', '.join(sorted({repr(each.start['commit']) for each in seen}))\n",
    ),
    "a pipeline that only says what it does": text(
        "echo the commands in place of calling them, and the agent's commands beside them",
        "PIPELINE",
        "HEAD + ''.join(f'  - script: echo \"##vso[task.complete result=Succeeded]make {n}\"\\n' "
        "for n in ALL)",
        _GOOD_DAY,
    ),
    "an agent that is told other branches": text(
        "overwrite what the run knows, and what it calls, by lines that the agent hears",
        "PIPELINE",
        "HEAD + '  - script: |\\n' + ''.join(f'      echo \"##vso[task.setvariable variable={n}]{v}"
        "\"\\n' for n, v in forged)",
        _GOOD_DAY + "forged = [('Build.SourceBranch', 'refs/heads/main'), ('Agent.JobStatus', "
        "'Succeeded')] + [(f'make {name}', f'make {name}') for name in ALL]\n",
    ),
    "commands hidden in names": text(
        "write the commands into names, which are shown, and into macros of them",
        "PIPELINE",
        "HEAD + ''.join(f'  - script: \"true\"\\n    displayName: $(make {name}); make {name}\\n"
        "    name: make_{name}\\n' for name in ALL)",
        _GOOD_DAY,
    ),
    "keys that look alike": text(
        "write keys and commands with letters of another alphabet that look the same",
        "PIPELINE",
        "day().replace('trigger', 'trigg\\u0435r').replace('make', 'm\\u0430ke')",
        _GOOD_DAY,
    ),
    "a bomb of anchors": text(
        "grow a file of twenty lines to more than memory holds",
        "PIPELINE",
        "'a: &a [x]\\n' + ''.join(f'{chr(98 + n)}: &{chr(98 + n)} [' + "
        "', '.join(['*' + chr(97 + n)] * 9) + ']\\n' for n in range(20)) + day()",
        _GOOD_DAY,
    ),
    "a file without an end to its depth": text(
        "nest lists until who reads them is out of stack", "PIPELINE", "'steps: ' + '[' * 90_000"
    ),
    "a template that includes itself": text(
        "have the file be its own template",
        "PIPELINE",
        "day('  - template: azure-pipelines.yml\\n')",
        _GOOD_DAY,
    ),
    "loops of a template within each other": text(
        "write each in each in each, over a list of lists",
        "PIPELINE",
        "'parameters:\\n  - name: l\\n    type: object\\n    default: [' + 'a, ' * 40 + 'a]\\n' + "
        "'steps:\\n' + ''.join(' ' * 2 * n + '- ${{ each x%d in parameters.l }}:\\n' % n "
        "for n in range(1, 12)) + ' ' * 24 + '- script: make test\\n'",
    ),
    "expressions that double": text(
        "have each variable be the one before it, ten times",
        "PIPELINE",
        "'variables:\\n  v0: ' + 'x' * 90 + '\\n' + ''.join(f'  v{n + 1}: ' + f'$(v{n})' * 10 + "
        "'\\n' for n in range(30)) + day('  - script: echo $(v30)\\n')",
        _GOOD_DAY,
    ),
    "an expression that is deep": text(
        "nest functions in a condition until who evaluates them is out of stack, or of time",
        "PIPELINE",
        "day('    condition: ' + 'and(true, ' * 150 + 'true' + ')' * 150 + '\\n')",
        _GOOD_DAY,
    ),
    "a script that never ends": text(
        "loop in a script, in loops, in each step, and try it again for ever",
        "PIPELINE",
        "HEAD + ('  - script: while true; do for i in {1..900}; do for j in {1..900}; do :; done; "
        "done; done\\n    retryCountOnTaskFailure: 10\\n' * 500)",
        _GOOD_DAY,
    ),
    "a pipeline that is much work in each situation": text(
        "loop a little in each of a hundred steps, in as many situations as there are",
        "PIPELINE",
        "day('  - script: for i in {1..900}; do :; done\\n' * 100)",
        _GOOD_DAY,
    ),
    "a matrix of a million legs": text(
        "have a job run once for each of twenty to the power of five",
        "WORKFLOW",
        "'on: push\\njobs:\\n  a:\\n    strategy:\\n      matrix:\\n' + ''.join(f'        {k}: "
        "[' + ', '.join(map(str, range(20))) + ']\\n' for k in 'bcdef') + "
        "'    runs-on: ubuntu-24.04\\n    steps:\\n      - run: make test\\n'",
    ),
    "steps that pretend": text(
        "name each command in comments, in echo, and behind a test that never holds",
        "WORKFLOW",
        "start + ''.join(f'      - run: |\\n          # make {n}\\n          echo make {n}\\n"
        "          if false; then make {n}; fi\\n          : make {n}\\n' for n in ALL)",
        _GOOD_DAY + f"start = '''{_WORKFLOW}'''\n",
    ),
    "an expression of a workflow without end": text(
        "format texts of formatted texts of formatted texts",
        "WORKFLOW",
        "start + '      - run: echo ${{ ' + \"format('{0}{0}{0}{0}{0}{0}{0}{0}{0}', \" * 40 + "
        "\"'x'\" + ')' * 40 + ' }}\\n'",
        f"start = '''{_WORKFLOW}'''\n",
    ),
    "a Dockerfile of four megabytes": text(
        "have the judge split lines for as long as possible",
        "DOCKERFILE",
        "'FROM python:3.12-slim\\n' + 'RUN pip install a==1.0 && b\\n' * 150_000",
    ),
    "an image that is built upon itself": text(
        "go round in a circle of stages", "DOCKERFILE", "'FROM b AS a\\nFROM a AS b\\nFROM 2\\n'"
    ),
    "an image with a name of megabytes": text(
        "put a long value into a name, thousands of times",
        "DOCKERFILE",
        "'ARG A=' + 'x' * 10_000 + '\\nFROM ' + '$A' * 4_900 + '\\n'",
    ),
    "a million laughs": text(
        "grow a manifest of ten lines to more than memory holds",
        "MANIFESTS",
        "'a: &a [' + 'lol, ' * 9 + 'lol]\\n' + ''.join(f'{chr(98 + n)}: &{chr(98 + n)} [' + "
        "', '.join(['*' + chr(97 + n)] * 9) + ']\\n' for n in range(9))",
    ),
    "a manifest of keys": text(
        "have every key compared with every other one, in each situation",
        "MANIFESTS",
        f"'{_DEPLOYMENT}' + ''.join(chr(0x4e00 + n) + ':\\n' for n in range(6_500))",
    ),
    "amounts beyond all numbers": text(
        "write numbers that cannot be written down again, or are no number at all",
        "MANIFESTS",
        f"'{_DEPLOYMENT}spec: {{replicas: 0x' + 'f' * 9_000 + ', maxSurge: .nan}}\\n'",
    ),
    "documents of every odd kind": text(
        "have lists, mappings and dates where a kind should stand",
        "MANIFESTS",
        "'kind: [Deployment]\\n---\\nkind: {a: b}\\n---\\n2001-01-01\\n'",
    ),
    "stages that are always refused": Attack(
        "raise an error that names everything, so that every circle is found",
        code={
            "ready": "def ready(stages, results):\n"
            "    needs = [need for stage in stages.values() for need in stage['needs']]\n"
            "    raise ValueError([*stages, *needs])\n"
        },
    ),
    "the course's own engine": Attack(
        "have the engine that the lesson shows put the stages in order",
        "import importlib\n",
        {
            "ready": "def ready(stages, results):\n"
            "    from types import SimpleNamespace as Node\n"
            "    graph = importlib.import_module('lmcourse.pipe' + 'lines.graph')\n"
            "    nodes = [Node(name=n, file='', line=1, depends_on=tuple(s['needs']))\n"
            "             for n, s in stages.items()]\n"
            "    before = graph.ordered(nodes)\n"
            "    ends = {n for n, r in results.items() if r != 'running'}\n"
            "    start, skip = [], []\n"
            "    for name, stage in stages.items():\n"
            "        if name not in results and set(stage['needs']) <= ends:\n"
            "            came = [results.get(other) for other in before[name]]\n"
            "            may = {'succeeded': all(r == 'succeeded' for r in came),\n"
            "                   'failed': 'failed' in came, 'always': True}[stage['when']]\n"
            "            (start if may else skip).append(name)\n"
            "    return start, skip\n"
        },
    ),
    "a ready that knows the judge's names": Attack(
        "look up the judge's own graphs by the names that it draws, and answer as it would",
        "import numpy as np\n"
        "from lmcourse.checks.pipelines import stages as judge\n"
        "from lmcourse.checks.pipelines.drawing import STAGES, some\n"
        "known = {}\n"
        "for seed in range(2000):\n"
        "    a, b, c, d, e = some(np.random.default_rng(seed), STAGES, 5)\n"
        "    known[a, b, c] = [a], []\n",
        {
            "ready": "def ready(stages, results):\n"
            "    return known.get(tuple(stages), ([], [])) if not results else ([], [])\n"
        },
    ),
    "a probe that decides": Attack(
        "replace the judge's probes by ones that answer what is hoped for",
        "import grader.checks.registry as registry\n"
        "class Hope(list):\n    __eq__ = lambda self, other: True\n    __hash__ = None\n"
        "for probes in registry._PROBES.values():\n"
        "    for name in ('decisions', 'plans'):\n"
        "        if name in probes:\n"
        "            probes[name] = lambda _, f, asked: Hope(\n"
        "                ['ValueError: ' + ' '.join(one[0]) for one in asked])\n",
        {"ready": "def ready(stages, results):\n    return [], []\n"},
    ),
    "a plan that refuses everything": Attack(
        "raise an error that names everything, so that every circle is found",
        code={
            "plan": "def plan(desired, actual):\n"
            "    needs = [need for each in desired.values() for need in each['needs']]\n"
            "    raise ValueError([*desired, *needs])\n"
        },
    ),
    "a plan that equals any": Attack(
        "return a list, and steps in it, that say they are equal to anything",
        "class Same:\n    __eq__ = lambda self, other: True\n"
        "    __ne__ = lambda self, other: False\n"
        "    __hash__ = lambda self: 0\n    __contains__ = lambda self, other: True\n"
        "class Text(Same, str): pass\nclass Steps(Same, list): pass\n",
        {
            "plan": "def plan(desired, actual):\n"
            "    return Steps([Steps([Text('update'), Text('x')])])\n"
        },
    ),
    "everything is a secret": Attack(
        "report every line of every file of every commit as of every kind",
        code={
            "find_secrets": "def find_secrets(history):\n"
            "    kinds = 'entropy', 'private key', 'token'\n"
            "    return [(n, path, line, kind) for n, files in enumerate(history)\n"
            "            for path in sorted(files)\n"
            "            for line in range(1, files[path].count('\\n') + 2) for kind in kinds]\n"
        },
    ),
    "secrets without end": Attack(
        "report more than can be compared",
        code={
            "find_secrets": "def find_secrets(history):\n"
            "    return [(0, 'x' * 99, n, 'token') for n in range(10**5)]\n"
        },
    ),
}

_FIRST_LOGIN = "      - run: make gate\n      - run: make login\n"

TRICKS = {
    "a login that is only told": Trick(
        "write `make login` where nothing calls it",
        "WORKFLOW",
        {_FIRST_LOGIN: _FIRST_LOGIN.replace("make login", "echo make login # make login")},
        ("the cloud asks who is there",),
    ),
    "rights for what is only told": Trick(
        "name a target of the cloud where the tests run, so that they may have its token",
        "WORKFLOW",
        {
            "      contents: read\n    steps:": "      contents: read\n"
            "      id-token: write\n    steps:",
            "      - run: make test": "      - run: echo make login make register && make test",
        },
        ("a test is poisoned, and takes the job's token",),
    ),
    "a production that is spelt out": Trick(
        "call canary and production by a variable, and let two runs do so at once",
        "WORKFLOW",
        {
            "    concurrency:\n      group: production\n      cancel-in-progress: false\n": "",
            "make canary": "C=canary; make $C",
            "make production": "P=production; make $P",
        },
        ("two changes within a minute",),
    ),
    "a secret in capitals": Trick(
        "ask for a stored key by a name that the judge may not know",
        "WORKFLOW",
        {
            "      - run: make test": "      - run: make test\n        env:\n"
            "          KEY: ${{ SECRETS.KEY }}"
        },
        ("somebody copies all stored secrets",),
    ),
    "a group that never waits": Trick(
        "have a number that is never the same in the name of the group",
        "WORKFLOW",
        {"group: production": "group: production-${{ github['sha'] }}-${{ GITHUB.RUN_ID }}"},
        ("two changes within a minute",),
    ),
    "an environment that looks alike": Trick(
        "deploy to an environment of another name, which nobody has to approve",
        "PIPELINE",
        {"environment: production": "environment: pr\u043educti\u043en"},
        ("nobody approves", "somebody rejects it", "only the author approves"),
    ),
    "a stage that comes later": Trick(
        "call a later stage as the base without a version is called, which so looks pinned",
        "DOCKERFILE",
        {
            "FROM python:3.12-slim AS build": "FROM python AS build",
            "FROM python:3.12-slim\n": "FROM python:3.12-slim AS python\n",
        },
        ("it is built again in a year: the bases",),
    ),
}
