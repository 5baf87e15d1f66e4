"""Values of no good kind, size or behaviour."""

from attacks.attack import WRONG_COUNTS, Attack, counts, nll

_PACK = "from grader.checks import student\nfrom grader.checks import values\n"

ATTACKS = {
    "a generator": counts("return a generator that never ends", "while True: yield V"),
    "an object that reduces to code": counts(
        "return an object that runs code where it is unpickled",
        "return Bomb()",
        "class Bomb:\n    def __reduce__(self):\n"
        "        return eval, (\"open('@FOLDER@/canary', 'w').write('changed')\",)\n",
    ),
    "ten gigabytes by strides": counts(
        "return a tensor of a few bytes that says it has ten billion",
        "return torch.zeros(1).as_strided((10**5, 10**5), (0, 0))",
    ),
    "ten gigabytes, part by part": counts(
        "return a list of tensors that are small each",
        "return [torch.zeros(2**20).expand(2**4, 2**20)] * 100",
    ),
    "not a number": nll("return NaN and hope that no comparison fails", "return float('nan')"),
    "tables of NaN": counts("the same in a tensor", "return torch.full((V, V), float('nan'))"),
    "infinity": nll(
        "return infinity, to make a tolerance infinite",
        "return float('inf')",
    ),
    "the wrong dtypes": Attack(
        "return strings, complex numbers and truth values in place of numbers",
        code={
            "nll": "def nll(table, ids):\n    return complex(0, 1)\n",
            "count_bigrams": "def count_bigrams(ids, V):\n    return (-torch.ones(V, V)).bool()\n",
            "sample_next": "def sample_next(probs):\n    return '0'\n",
        },
    ),
    "a view that changes later": counts(
        "return a view of numbers that a thread goes on changing",
        "table = -torch.ones(V, V)\n"
        "threading.Thread(target=change, args=[table], daemon=True).start()\n"
        "return table.T[:].view(V, V)",
        "import threading\ndef change(table):\n    while True: table.sub_(1)\n",
    ),
    "too many keys": Attack(
        "return a dict too large to compare",
        code={
            "count_ngrams": "def count_ngrams(text, n):\n    return dict.fromkeys(range(300_000))"
        },
    ),
    "keys that collide": Attack(
        "send the judge a set of integers of one hash, which takes it n² steps to make",
        _PACK + "import json\n"
        "many = json.dumps([k * (2**61 - 1) for k in range(190_000)])\n"
        'head = (\'{"is":"dict","v":[["value",{"is":"set","v":\' + many + \'}]]}\').encode()\n'
        "student.Host.send = lambda self, frame: len(head).to_bytes(4, 'little') + head\n",
        {"count_bigrams": WRONG_COUNTS},
    ),
    "strings that collide": Attack(
        "send a list of digits that a check turns into colliding integers itself",
        code={
            "sample_next": "def sample_next(probs):\n    return -1\n"
            "long = [str(k * (2**61 - 1)) for k in range(150_000)]\n"
            "import grader.checks.registry as c\n"
            "c._COMMON['repeat'] = lambda *rest: long\n"
        },
    ),
    "a number that makes a huge table": Attack(
        "draw character 2**34, so that the judge counts up to it",
        code={"sample_next": "def sample_next(probs):\n    return 2**34\n"},
    ),
    "a list within itself": counts(
        "return a list that is its own part", "x = []\nx.append(x)\nreturn x"
    ),
    "a thousand lists deep": counts(
        "return a value that is nested too deeply to be walked through",
        "x = []\nfor _ in range(100_000): x = [x]\nreturn x",
    ),
    "huge integers": nll(
        "return an integer with too many digits to be written", "return -(10**100_000)"
    ),
    "large integers": nll("return integers too large for a float", "return -(10**4000)"),
    "a gigabyte of text": nll(
        "return a text that fills the judge's memory", "return long", "long = 'x' * 2**28\n"
    ),
    "half a character": Attack(
        "return texts that no file can hold",
        code={
            "quiz": "".join(f"answer_{n} = chr(0xD800) + chr(0) + chr(27)\n" for n in range(1, 7))
        },
    ),
    "sparse, quantised and meta": Attack(
        "return tensors that have no numbers of the usual kind",
        code={
            "count_bigrams": "def count_bigrams(ids, V):\n"
            "    return [torch.eye(V).to_sparse(), torch.ones(V, V, device='meta')]\n",
            "nll": "def nll(table, ids):\n"
            "    return torch.quantize_per_tensor(torch.ones(1), 1.0, 0, torch.quint8)\n",
        },
    ),
    "arrays of objects": nll(
        "return numpy arrays of objects and records",
        "return np.array([print, exit], dtype=object)",
        "import numpy as np\n",
    ),
    "attributes that block": counts(
        "return an object whose attributes never come",
        "return Slow()",
        "import time\nclass Slow:\n    def __getattribute__(self, name):\n        time.sleep(60)\n",
    ),
    "attributes that raise": counts(
        "return an object whose attributes raise what ends a process",
        "return Angry()",
        "class Angry:\n    @property\n    def sum(self): raise SystemExit(0)\n"
        "    @property\n    def shape(self): raise GeneratorExit\n",
    ),
    "an error that cannot be printed": nll(
        "raise an error whose text, name and class raise errors, or lie",
        "raise Odd",
        "class Meta(type):\n    __name__ = property(lambda self: 'passed\\x1b[2J' * 10)\n"
        "    def __repr__(self): raise SystemExit\n"
        "class Odd(Exception, metaclass=Meta):\n"
        "    def __str__(self): raise BaseException('no')\n    __repr__ = __str__\n",
    ),
    "an error with a huge name": nll(
        "raise an error whose name and text are many megabytes",
        "raise type('E' * 2**24, (Exception,), {})('<script>' * 2**21)",
    ),
    "an error that names a status": nll(
        "raise errors named like what the grader itself raises",
        "raise type(['Lost', 'NotDefined', 'Raised', 'Outcome'][len(ids) % 4], (Exception,), {})()",
    ),
    "a page in an error": nll(
        "raise an error whose text is a script, a formula and control characters",
        "raise ValueError('<script>alert(1)</script>\\x00\\x1b]0;x\\x07\\r\\n=cmd|calc\\u202e')",
    ),
}
