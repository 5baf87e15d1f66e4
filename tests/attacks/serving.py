"""Attacks on lesson 12: services that know the questions, or forge what a probe tells.

Each stands in place of one exercise, and does without its trick nothing that is worth a point.
"""

from attacks.attack import Attack

_WRONG_APP = """
async def _say(send, status, text):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})

"""

ATTACKS = {
    "a service that answers only the public requests": Attack(
        "answer with what the public requests were answered with, by their place in the order",
        "learnt = @LEARNT:create_app@\n",
        {
            "create_app": _WRONG_APP + "def create_app(model, who, allow):\n"
            "    async def app(scope, receive, send):\n"
            "        status, text = learnt.pop(0) if learnt else (500, '')\n"
            "        await _say(send, status, text)\n"
            "    return app\n"
        },
    ),
    "keys that were learnt": Attack(
        "say what the solved notebook says to the public headers",
        "learnt = dict(@LEARNT:authenticate@)\n",
        {
            "authenticate": "def authenticate(header, keys, now, scope):\n"
            "    return learnt.get((header, now, scope), (500, ''))\n"
        },
    ),
    "a bucket that knows the test's clock": Attack(
        "give the answers of the public bucket at its times, one after the other",
        "learnt = dict(@LEARNT:TokenBucket@)\n",
        {
            "TokenBucket": "class TokenBucket:\n"
            "    def __init__(self, capacity, per_second, now):\n"
            "        self.sizes, self.asked = (capacity, per_second, now), ()\n"
            "    def take(self, cost, now):\n"
            "        self.asked += ((cost, now),)\n"
            "        return learnt.get((self.sizes, self.asked), -1.0)\n"
        },
    ),
    "texts that were learnt": Attack(
        "redact the public texts by heart",
        "learnt = dict(@LEARNT:redact@)\n",
        {"redact": "def redact(text):\n    return learnt.get(text, '')\n"},
    ),
    "a text that equals all": Attack(
        "return a text of a class that says it is equal to anything",
        "class Same(str):\n    __eq__ = lambda self, other: True\n    __hash__ = str.__hash__\n",
        {"redact": "def redact(text):\n    return Same('')\n"},
    ),
    "a probe that lets everybody in": Attack(
        "replace the probes that ask `authenticate` by ones that say what is hoped for",
        "import grader.checks.registry as registry\n"
        "for probes in registry._PROBES.values():\n"
        "    for name in ('let_in', 'compared', 'table_after'):\n"
        "        if name in probes:\n"
        "            probes[name] = lambda _, f, *asked: [[200, 'ana'] for _ in asked[-1]]\n",
        {"authenticate": "def authenticate(header, keys, now, scope):\n    return 500, ''\n"},
    ),
    "a client that was never sent": Attack(
        "replace the exchange with the app by one that tells of a service without fault",
        "import json\nimport lmcourse.checks.serve.endpoint as endpoint\n"
        "async def exchange(app, request):\n"
        "    text = json.dumps({'choices': [{'text': 'right'}], 'model': 'right', 'usage': {}})\n"
        "    return dict(status=200, headers={}, body=text, events=[], read=0, late=0)\n"
        "endpoint.exchange = exchange\n",
        {"create_app": "def create_app(model, who, allow):\n    return 'an app'\n"},
    ),
    "a service that never ends": Attack(
        "hold the judge up with an answer that is sent for ever",
        "",
        {
            "create_app": "def create_app(model, who, allow):\n"
            "    async def app(scope, receive, send):\n"
            "        await send({'type': 'http.response.start', 'status': 500, 'headers': []})\n"
            "        while True:\n"
            "            part = {'type': 'http.response.body', 'body': b'x', 'more_body': True}\n"
            "            await send(part)\n"
            "    return app\n"
        },
    ),
    "a service that ends the process": Attack(
        "take the event loop and the worker down, so that no case can fail",
        "",
        {
            "create_app": "import asyncio\n"
            "def create_app(model, who, allow):\n"
            "    async def app(scope, receive, send):\n"
            "        asyncio.get_running_loop().stop()\n"
            "        raise SystemExit(0)\n"
            "    return app\n"
        },
    ),
    "events that claim to be closed": Attack(
        "replace what knows whether the model was left open",
        "import lmcourse.checks.serve.streaming as streaming\n"
        "streaming._Pieces.closed = property(lambda self: True, lambda self, value: None)\n"
        "streaming._Pieces.taken = property(lambda self: 1, lambda self, value: None)\n",
        {"stream": "async def stream(pieces, name):\n    yield 'data: [DONE]\\n'\n"},
    ),
    "rows without end": Attack(
        "give the judge, who is the model, more rows than it can read",
        "",
        {
            "Batcher": "class Batcher:\n"
            "    def __init__(self, slots): self.tickets = 0\n"
            "    def add(self, ids, max_tokens):\n"
            "        self.tickets += 1\n        return self.tickets\n"
            "    def rows(self): return [[7] * 1000] * 1000\n"
            "    def take(self, new): return [(1, token, True) for token in new]\n"
            "    def leave(self, ticket): pass\n"
        },
    ),
    "a batcher that makes up what the model says": Attack(
        "write answers without asking the model, in no step at all",
        "",
        {
            "Batcher": "class Batcher:\n"
            "    def __init__(self, slots): self.open = []\n"
            "    def add(self, ids, max_tokens):\n"
            "        self.open += [len(self.open)]\n        return self.open[-1]\n"
            "    def rows(self): return [[0]] if self.open else []\n"
            "    def take(self, new):\n"
            "        told, self.open = [(t, 0, True) for t in self.open for _ in range(4)], []\n"
            "        return told\n"
            "    def leave(self, ticket): pass\n"
        },
    ),
    "models that were always closed once": Attack(
        "replace the counter of how often a model was closed",
        "import lmcourse.checks.serve.swapping as swapping\n"
        "swapping.Model.closed = property(lambda self: 1, lambda self, value: None)\n",
        {
            "HotSwap": "from contextlib import nullcontext\n"
            "class HotSwap:\n"
            "    def __init__(self, model): self.model = model\n"
            "    def use(self): return nullcontext(self.model)\n"
            "    def swap(self, load): self.model = load()\n"
        },
    ),
}
