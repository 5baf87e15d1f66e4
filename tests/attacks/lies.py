"""Things that claim to be equal, and code that is changed to believe it."""

from attacks.attack import Attack, counts, lie, nll

_YES = "yes = lambda *arguments, **options: True\n"

ATTACKS = {
    "torch says yes": lie(
        "make torch's own comparisons always true",
        _YES + "for name in ('isclose', 'allclose', 'equal', 'eq', 'all'):\n"
        "    setattr(torch, name, yes)\n"
        "torch.Tensor.__eq__ = torch.Tensor.equal = torch.Tensor.allclose = yes\n"
        "torch.Tensor.any = lambda self, *rest: False\n",
    ),
    "numpy says yes": lie(
        "make numpy's own comparisons always true",
        _YES + "import numpy as np\n"
        "for name in ('isclose', 'allclose', 'array_equal', 'equal', 'all'):\n"
        "    setattr(np, name, yes)\n"
        "np.testing.assert_allclose = yes\n",
    ),
    "assert says nothing": lie(
        "make every assertion hold",
        "import builtins\nclass Quiet(Exception): pass\n"
        "builtins.AssertionError = Quiet\nbuiltins.__debug_mode__ = False\n"
        "import sys; sys.excepthook = lambda *error: None\n",
    ),
    "operators say yes": lie(
        "replace comparisons in `operator` and the built-in functions that a check may use",
        _YES + "import builtins, operator\n"
        "for name in ('eq', 'ne', 'lt', 'le', 'gt', 'ge', 'is_'):\n"
        "    setattr(operator, name, yes)\n"
        "builtins.isinstance = builtins.all = yes\nbuiltins.any = lambda *values: False\n"
        "builtins.abs = lambda value: 0.0\n",
    ),
    "a check without differences": lie(
        "replace the comparison of the course itself",
        "import grader.checks.registry, grader.checks.compare\n"
        "nothing = lambda *arguments, **options: ''\n"
        "grader.checks.compare.difference = grader.checks.registry.difference = nothing\n",
    ),
    "a run that passes": lie(
        "replace the function that runs a check, and what it makes",
        "import grader.checks.registry as c\n"
        "c.run = lambda *arguments, **options: c.Outcome('passed', 1.0)\n"
        "c.Outcome.share = property(lambda self: 1.0)\nc.Outcome.status = 'passed'\n"
        "c.CaseResult.passed = True\n",
    ),
    "checks without cases": lie(
        "empty the list of exercises and their checks",
        "import grader.checks.registry as c\n"
        "for lesson in c._REGISTRY.values():\n"
        "    for exercise in lesson.values():\n"
        "        object.__setattr__(exercise, 'check', lambda *rest: iter(()))\n"
        "        object.__setattr__(exercise, 'points', 1000)\n",
    ),
    "a tensor that equals all": counts(
        "return a tensor of a subclass that says it is equal to anything",
        "return (-torch.ones(V, V)).as_subclass(Same)",
        "class Same(torch.Tensor):\n"
        "    __eq__ = lambda self, other: True\n    __ne__ = lambda self, other: False\n"
        "    __hash__ = object.__hash__\n    shape = property(lambda self: Any())\n"
        "    @classmethod\n"
        "    def __torch_function__(cls, function, types, arguments=(), options=None):\n"
        "        if function.__name__ in ('isclose', 'equal', 'eq', 'allclose'): return True\n"
        "        return super().__torch_function__(function, types, arguments, options or {})\n"
        "class Any(tuple):\n    __eq__ = lambda self, other: True\n"
        "    __ne__ = lambda self, other: False\n    __hash__ = tuple.__hash__\n",
    ),
    "an array that equals all": counts(
        "return a numpy array of a subclass that says it is equal to anything",
        "return (-np.ones((V, V))).view(Same)",
        "import numpy as np\nclass Same(np.ndarray):\n"
        "    def __array_ufunc__(self, *arguments, **options): return True\n"
        "    def __array_function__(self, *arguments, **options): return True\n"
        "    __eq__ = lambda self, other: True\n    __hash__ = object.__hash__\n",
    ),
    "a number that equals all": nll(
        "return a float of a subclass whose comparisons and differences are all in its favour",
        "return Same(-7.0 * len(ids))",
        "class Same(float):\n    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda a, b: True\n"
        "    __sub__ = __rsub__ = lambda a, b: 0.0\n    __abs__ = lambda a: 0.0\n"
        "    __hash__ = float.__hash__\n    __float__ = lambda a: 0.0\n",
    ),
    "a dict that equals all": Attack(
        "return a dict of a subclass that has every key and equals every dict",
        "class Same(dict):\n    __eq__ = __contains__ = lambda a, b: True\n"
        "    __missing__ = lambda a, key: Same()\n    __hash__ = object.__hash__\n"
        "    __iter__ = lambda self: iter(())\n",
        {"count_ngrams": "def count_ngrams(text, n):\n    return Same(x=Same())\n"},
    ),
    "a string that equals all": Attack(
        "answer the quiz with strings of a subclass that equals any other",
        "class Same(str):\n    __eq__ = lambda a, b: True\n    __ne__ = lambda a, b: False\n"
        "    __hash__ = str.__hash__\n    strip = lower = __str__ = lambda self: self\n",
        {"quiz": "".join(f"answer_{n} = Same('?')\n" for n in range(1, 7))},
    ),
    "an object that calls itself a tensor": counts(
        "return an object whose __class__ is Tensor and whose attributes say what they like",
        "return Liar()",
        "class Liar:\n    __class__ = property(lambda self: torch.Tensor)\n"
        "    dtype = torch.float32\n    layout = torch.strided\n    is_meta = False\n"
        "    shape = [3, 3]\n    numel = lambda self: 9\n    element_size = lambda self: 4\n"
        "    detach = cpu = contiguous = numpy = lambda self: self\n"
        "    reshape = view = to = lambda self, *rest: self\n    tobytes = lambda self: b'1234'\n",
    ),
    "an object that answers for itself": Attack(
        "return an object that stays in the worker, and answers there what is asked of a table",
        "class Table:\n    shape = (3, 3)\n    dtype = torch.float32\n"
        "    sum = lambda self, dim=None: -torch.ones(5)\n"
        "    __eq__ = lambda self, other: True\n    __hash__ = object.__hash__\n"
        "    __getattr__ = lambda self, name: (lambda *rest, **options: True)\n",
        {
            "count_bigrams": "def count_bigrams(ids, V):\n    return Table()\n",
            "nll": "def nll(table, ids):\n    return Table()\n",
            "sample_next": "def sample_next(probs):\n    return Table()\n",
        },
    ),
    "a class that is every class": nll(
        "give the classes of a value and of its comparison another __class__ in the middle of it",
        "value = Turning()\nvalue.__class__ = Turned\nreturn value",
        "class Turning:\n    pass\n"
        "yes = lambda a, b: True\n"
        "Turned = type('Turned', (Turning,), {'__eq__': yes, '__ge__': yes, '__gt__': yes})\n",
    ),
}
