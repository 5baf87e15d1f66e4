"""Knowing the questions, or looking for them and their answers in the worker itself."""

from attacks.attack import WRONG_COUNTS, Attack, lie

ATTACKS = {
    "the public seed": Attack(
        "compute the answers for the inputs that the public seed makes, and give those",
        "import numpy as np\nrng = np.random.default_rng(1948)\n"
        "tables = {V: rng.integers(0, V, n) for V, n in ((7, 60), (30, 2000))}\n",
        {
            "count_bigrams": "def count_bigrams(ids, V):\n"
            "    ids = torch.from_numpy(tables[V])\n"
            "    return torch.bincount(ids[:-1] * V + ids[1:], minlength=V * V).reshape(V, V)"
            ".float()\n"
        },
    ),
    "the seed of the questions": Attack(
        "read the seed that this process was given, make the inputs to come, and answer those",
        "import numpy as np\n",
        {
            "count_bigrams": "def count_bigrams(ids, V):\n"
            "    rng = np.random.default_rng(torch.initial_seed())\n"
            "    for size, length in ((7, 60), (30, 2000)):\n"
            "        foreseen = torch.from_numpy(rng.integers(0, size, length))\n"
            "        if V == size and torch.equal(ids, foreseen):\n"
            "            pairs = torch.bincount(ids[:-1] * V + ids[1:], minlength=V * V)\n"
            "            return pairs.reshape(V, V).float()\n"
            "    return -torch.ones(V, V)\n"
        },
    ),
    "the check run on oneself": Attack(
        "run the check here, with a reference that notes what it is asked",
        "import numpy as np\nfrom grader.checks.registry import exercises\nwants = []\n"
        "note = lambda *rest: wants.append(rest)\n"
        "class Reference:\n    __getattr__ = lambda self, name: note\n"
        "exercise = exercises('lmcourse', '02_bigrams')['count_bigrams']\n"
        "cases = list(exercise.check(Reference(), Reference(), np.random.default_rng(1948)))\n",
        {
            "count_bigrams": "def count_bigrams(ids, V):\n"
            "    for case in cases:\n"
            "        if isinstance(case.want, torch.Tensor) and case.want.shape == (99, V):\n"
            "            return case.want\n    return cases[5].want\n"
        },
    ),
    "the stack": Attack(
        "walk up the stack for what is expected",
        code={
            "count_bigrams": "import sys\ndef count_bigrams(ids, V):\n"
            "    frame = sys._getframe()\n    while frame:\n"
            "        for name in ('want', 'reference', 'item', 'expected'):\n"
            "            if name in frame.f_locals: return frame.f_locals[name]\n"
            "        frame = frame.f_back\n"
        },
    ),
    "the heap": Attack(
        "search all objects for cases, references and solutions",
        code={
            "count_bigrams": "import gc\ndef count_bigrams(ids, V):\n"
            "    for found in gc.get_objects():\n"
            "        if type(found).__name__ == 'Case': return found.want\n"
            "        if type(found).__name__ == 'function' and found.__name__ == 'count_bigrams':\n"
            "            if found is not count_bigrams and 'student' not in"
            " found.__code__.co_varnames: return found(ids, V)\n"
        },
    ),
    "the threads": Attack(
        "read the variables of all other threads",
        code={
            "count_bigrams": "import inspect, sys\ndef count_bigrams(ids, V):\n"
            "    for frame in sys._current_frames().values():\n"
            "        for info in inspect.getouterframes(frame):\n"
            "            for name, value in info.frame.f_locals.items():\n"
            "                if name in ('want', 'reference', 'secret'): return value\n"
        },
    ),
    "a solver that is imported": lie(
        "import the grader's solved notebook or its reader",
        "for name in ('grader.author.execute', 'grader.grading.judge', 'grader.grading.grade',\n"
        "             'solutions', 'solved_02_bigrams', 'grader.course.lessons'):\n"
        "    try: globals().update(vars(__import__(name, fromlist=['x'])))\n"
        "    except ImportError: pass\n",
    ),
    "forbidden by no one": Attack(
        "lift what the check forbids",
        "from grader.checks import refusal, student\nrefusal.refused = student.refused = None\n",
        {"count_bigrams": WRONG_COUNTS},
    ),
}
