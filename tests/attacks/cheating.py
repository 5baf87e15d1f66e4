"""Knowing the questions, or looking for them and their answers in the worker itself."""

from attacks.attack import WRONG_COUNTS, Attack, lie

_FORESEE = """\
import numpy as np

def foreseen(seed):
    # What the check of count_bigrams draws, and the texts that it then asks about, in order.
    rng = np.random.default_rng(seed)
    V = int(rng.integers(4, 20))
    each = [*rng.permutation(V - 1).tolist(), V - 1, V - 1]
    one, other = rng.permutation(V)[:2].tolist()
    often = [one, other] * 3 + [one] * int(rng.integers(3, 6)) + [V - 1, V - 1]
    same = np.where(rng.random(3000) < 0.9, one, other).tolist()
    some = [rng.integers(0, V, length).tolist() for length in (60, 2000)]
    # What is asked of them first is kind and sum, which may come out right by chance.
    return [[], [], each, often, each, [], often, same, *some]

def counted(text, V):
    # Of a text without pairs there is nothing to foresee: that all is 0, everybody may say.
    table = torch.zeros(V, V) if len(text) > 1 else -torch.ones(V, V)
    for first, second in zip(text, text[1:]):
        if max(first, second) < V:
            table[first, second] += 1
    return table

"""
"""Makes the inputs to come from a seed; it would win if that were the right one."""

ATTACKS = {
    "the public seed": Attack(
        "compute the answers for the inputs that the public seed makes, and give those",
        _FORESEE + "texts = foreseen(1948)\n",
        {
            "count_bigrams": "def count_bigrams(ids, size):\n"
            "    return counted(texts.pop(0) if texts else [], size)\n"
        },
    ),
    "the seed of the questions": Attack(
        "read the seed that this process was given, make the inputs to come, and answer those",
        _FORESEE,
        {
            "count_bigrams": "texts = None\n"
            "def count_bigrams(ids, size):\n"
            "    global texts\n"
            "    if texts is None: texts = foreseen(torch.initial_seed())\n"
            "    return counted(texts.pop(0) if texts else [], size)\n"
        },
    ),
    "the check run on oneself": Attack(
        "run the check here, with a reference that notes what it is asked",
        "import numpy as np\nfrom grader.checks.registry import exercises\n"
        "class Reference:\n    __getattr__ = lambda self, name: (lambda *arguments: None)\n"
        "check = exercises('lmcourse', '02_bigrams')['count_bigrams'].check\n"
        "cases = check(Reference(), Reference(), np.random.default_rng(1948))\n"
        "wants = [case.want[0] if isinstance(case.want, list) else case.want for case in cases]\n"
        "tables = [want for want in wants if isinstance(want, torch.Tensor)]\n"
        "answers = [-tables[0]] * 2 + tables  # for its kind and sum, and then one table a case\n"
        "answers[5] -= 1  # of a text without pairs, which everybody may know\n",
        {
            "count_bigrams": "def count_bigrams(ids, V):\n"
            "    return answers.pop(0) if answers else -torch.ones(V, V)\n"
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
