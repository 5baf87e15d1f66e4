"""Attacks on the project: repositories that would decide what they get, or do harm when read.

Each is a few files, about one row of the rubric, which without the trick earns nothing.
"""

import json
import struct
from dataclasses import dataclass

from lmcourse.checks.pipelines import azure, github
from lmcourse.checks.project import model_tests, service


@dataclass(frozen=True)
class Attack:
    """What it tries, by which files, and which row's points it wants."""

    tries: str
    row: str
    files: dict[str, bytes]


def _weights(header: dict[str, object], claimed: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if claimed is None else claimed) + text


_BOMB = "\n".join(
    ["stages:", "- ${{ each a in parameters.x }}:"]
    + [f"{'  ' * depth}- ${{{{ each a in parameters.x }}}}:" for depth in range(1, 30)]
).encode()

_PIPELINE = b"stages:\n- stage: A\n  jobs:\n  - job: A\n    steps:\n    - script: |\n        %s\n"

_APP = """\
def create_app(model, who, allow):
    {trick}
    async def app(scope, receive, send):
        await send({{"type": "http.response.start", "status": 500, "headers": []}})
        await send({{"type": "http.response.body", "body": b""}})
    return app
"""


def _service(trick: str, before: str = "") -> dict[str, bytes]:
    return {service.FILE: (before + _APP.format(trick=trick)).encode()}


def _tests(body: str, before: str = "") -> dict[str, bytes]:
    text = f"{before}def model_problems(model, text):\n    {body}\n"
    return {model_tests.FILE: text.encode()}


ATTACKS = {
    "a pipeline of anchors that double": Attack(
        "have the judge make billions of lines of a few",
        "azure",
        {
            azure.FILE: b"".join(
                b"k%d: &k%d [*k%d, *k%d]\n" % (i + 1, i + 1, i, i) for i in range(60)
            )
        },
    ),
    "a pipeline nested without end": Attack("overflow the stack", "azure", {azure.FILE: _BOMB}),
    "a pipeline whose script never ends": Attack(
        "keep the simulation busy for ever",
        "azure",
        {azure.FILE: _PIPELINE % b"while true; do make test; done"},
    ),
    "a pipeline that runs": Attack(
        "have the judge's shell run what the simulation reads",
        "azure",
        {azure.FILE: _PIPELINE % b"echo $(touch @MARK@) `touch @MARK@`"},
    ),
    "a workflow that is no text": Attack(
        "break the judge by bytes", "github", {github.FILE: b"\xff\xfe\x00on: push\x00"}
    ),
    "a bundle that is a pickle": Attack(
        "run a command where the weights are read",
        "bundle",
        {"model/model.safetensors": b"cos\nsystem\n(S'touch @MARK@'\ntR."},
    ),
    "weights that claim more than there is": Attack(
        "have the judge reserve all of its memory",
        "bundle",
        {
            "model/model.safetensors": _weights(
                {"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}, 2**62
            ),
            "model/config.json": b'{"vocab_size": 1e999, "context": 1, "layers": 99999999}',
        },
    ),
    "code in the bundle that runs": Attack(
        "run when the judge looks at model.py",
        "bundle",
        {
            "model/model.py": b"open('@MARK@', 'w')\nclass Config: pass\n"
            b"class GPT: open('@MARK@', 'w')\n"
        },
    ),
    "tests that look at who is asked": Attack(
        "find the judge's zoo in memory, and tell sound models by their kind",
        "tests",
        _tests(
            "kinds = [getattr(one, 'kind', '') for one in gc.get_objects()]\n"
            "    return [] if {*kinds} & {*SOUND} else ['x']",
            "import gc\nfrom lmcourse.zoo import SOUND\n",
        ),
    ),
    "tests that change the probe": Attack(
        "have the probe say what the judge wants to hear",
        "tests",
        _tests(
            "return []",
            "from lmcourse.checks.test_and_gate import interview\n"
            "interview.what_it_asks = lambda *a: [lambda x: ['says', []], ['says', []]]\n",
        ),
    ),
    "a service that changes the probe": Attack(
        "have the probe call the solved service",
        "service",
        _service(
            "pass",
            "from lmcourse.checks.serve import endpoint\n"
            "endpoint.served = lambda *a: [{'status': 200, 'body': '{}', 'headers': {}}] * 9\n",
        ),
    ),
    "a service that looks for the secret": Attack(
        "read the class's secret, or write where the judge can see it",
        "service",
        _service(
            "[print(p) for p in Path('/').rglob('secret.key')]; Path('@MARK@').touch()",
            "from pathlib import Path\n",
        ),
    ),
}
