"""Attacks on lesson 14: answers that were learnt, probes that lie, things that equal everything.

Each stands in place of one exercise, and does without its trick nothing that is worth a point.
@LEARNT@ is replaced by what the solved notebook answers to the public questions, in their order.
"""

from attacks.attack import Attack

_SAME = """\
class Same:
    __eq__ = __le__ = __ge__ = __contains__ = lambda self, other: True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __hash__ = lambda self: 0
    __bool__ = lambda self: True
    __len__ = lambda self: 2
class Text(Same, str): pass
class Float(Same, float): pass
class Items(Same, list): pass
class Table(Same, dict):
    __missing__ = get = lambda self, *key: Text('b')
"""

_PROBES = """\
import grader.checks.registry as registry
def lie(name, told):
    for probes in registry._PROBES.values():
        if name in probes: probes[name] = told
"""

_CALLER = """\
import sys
def caller(*names):
    frame = sys._getframe(2)
    while frame:
        if set(names) <= set(frame.f_locals): return [frame.f_locals[name] for name in names]
        frame = frame.f_back
"""


def learnt(name: str) -> Attack:
    """Return an attack that recites the public answers in the order in which it is asked."""
    return Attack(
        "give the answers to the public questions, one after the other",
        "known = iter(@LEARNT@)\n",
        {name: f"def {name}(*given):\n    return next(known, None)\n"},
    )


ATTACKS = {
    # --- assign
    "answers that are made up afterwards": Attack(
        "return what claims to be a bool, and becomes a number once all is asked",
        "places = {}\n"
        "class Later:\n"
        "    __class__ = bool\n"
        "    def __init__(self, user, experiment, share): self.asked = user, experiment, share\n"
        "    def __int__(self):\n"
        "        *who, share = self.asked\n"
        "        return int(places.setdefault(tuple(who), np.random.random()) < share)\n",
        {
            "assign": "def assign(user, experiment, share):\n"
            "    return Later(user, experiment, share)\n"
        },
    ),
    "a split that is only told": Attack(
        "replace the probe by one that says that everybody is in",
        _PROBES + "import torch\n"
        "lie('assigned', lambda _, f, stem, names, shares, picks, n: torch.ones(len(picks)))\n",
        {"assign": "def assign(user, experiment, share):\n    return True\n"},
    ),
    # --- canary_decision
    "a canary whose end is known": Attack(
        "read in the caller's frame how all looks end, and decide by the last one, at the first",
        _CALLER,
        {
            "canary_decision": "def canary_decision(control, canary, rules):\n"
            "    sums = (caller('sums') or [None])[0]\n"
            "    if sums is None or len(sums.shape) < 5: return 'none of these'\n"
            "    mean = lambda arm: arm[..., 1] / arm[..., 0]\n"
            "    worse = mean(sums[:, -1, 1]) - mean(sums[:, -1, 0])\n"
            "    return 'rollback' if (worse > 0.05).any() else 'promote'\n"
        },
    ),
    "decisions that took no time": Attack(
        "have the probe say that each rollout came back before its first request",
        _PROBES + "for name in ('ended', 'decisions'):\n"
        "    lie(name, lambda _, f, names, sums, rules: [['rollback', -10**9] for _ in sums])\n",
        {"canary_decision": "def canary_decision(control, canary, rules):\n    return 'none'\n"},
    ),
    "never promoted": Attack(
        "never decide, so that nothing can be wrong",
        "",
        {
            "canary_decision": "def canary_decision(control, canary, rules):\n"
            "    return 'continue'\n"
        },
    ),
    "always promoted": Attack(
        "promote whatever it is",
        "",
        {"canary_decision": "def canary_decision(control, canary, rules):\n    return 'promote'\n"},
    ),
    "a canary by its size": Attack(
        "stop those that are small: the questions' bad canaries have fewer requests",
        "",
        {
            "canary_decision": "def canary_decision(control, canary, rules):\n"
            "    few = min(each[0] for each in canary.values()) < 2000\n"
            "    return 'rollback' if few else 'promote'\n"
        },
    ),
    "a word that is all three": Attack(
        "return a text that equals any other, and any list of them",
        _SAME,
        {
            "canary_decision": "def canary_decision(control, canary, rules):\n"
            "    return Text('neither')\n"
        },
    ),
    # --- ab_test
    "a test with every key": Attack(
        "return a dictionary that has every key and equals every other one",
        _SAME,
        {
            "ab_test": "def ab_test(a, b, plan):\n"
            "    return Table(effect=Float(0), low=Float(0), high=Float(0), verdict=Text('?'))\n"
        },
    ),
    "so many of each": Attack(
        "know how many of the tests are real, and say so of just as many",
        _PROBES + "lie('verdicts', lambda _, f, tests, plan: [\n"
        "    'b' if place % 11 < 3 else 'no difference' for place in range(len(tests))])\n",
        {"ab_test": "def ab_test(a, b, plan):\n    return {}\n"},
    ),
    "a test by heart": learnt("ab_test"),
    "always broken": Attack(
        "say that every test is broken, and that nothing can be known of it",
        "",
        {
            "ab_test": "def ab_test(a, b, plan):\n"
            "    nan = float('nan')\n"
            "    return {'effect': nan, 'low': nan, 'high': nan, 'verdict': 'broken'}\n"
        },
    ),
    # --- rate
    "what Prometheus answered": Attack(
        "look the real Prometheus's answers up in the judge's own table",
        "from lmcourse.checks.release_and_watch.recorded import RATES\n"
        "known = {repr(each[:3]): each[3] for each in map(list, RATES)}\n",
        {"rate": "def rate(*given):\n    return known.get(repr(list(given)), -1.0)\n"},
    ),
    "a rate by heart": learnt("rate"),
    "a rate that equals any": Attack(
        "return a number that is near every other one",
        _SAME + "Float.__sub__ = Float.__rsub__ = lambda self, other: 0.0\n"
        "Float.__abs__ = Float.__float__ = lambda self: 0.0\n",
        {"rate": "def rate(samples, start, end):\n    return Float(-1)\n"},
    ),
    "an end with code 0": Attack(
        "print that all is well, and end the process as if all were done",
        "import os, sys\n",
        {
            "rate": "def rate(samples, start, end):\n"
            "    print('passed 4/4', flush=True)\n    os._exit(0)\n"
        },
    ),
    # --- histogram_quantile
    "quantiles that Prometheus answered": Attack(
        "look the real Prometheus's answers up in the judge's own table",
        "from lmcourse.checks.release_and_watch.recorded import QUANTILES\n"
        "known = {repr([q, some]): told[q] for some, told in QUANTILES for q in told}\n",
        {
            "histogram_quantile": "def histogram_quantile(*given):\n"
            "    return known.get(repr(list(given)), -1.0)\n"
        },
    ),
    "a quantile by heart": learnt("histogram_quantile"),
    "a quantile that is never wrong": Attack(
        "return what no comparison finds wrong: no number",
        "",
        {"histogram_quantile": "def histogram_quantile(q, buckets):\n    return float('nan')\n"},
    ),
    "a quantile too large to send": Attack(
        "return more than can be packed",
        "",
        {"histogram_quantile": "def histogram_quantile(q, buckets):\n    return [0.0] * 300_000\n"},
    ),
    # --- should_fire
    "states by heart": learnt("should_fire"),
    "an alarm that never ends": Attack(
        "always fire: no fault is missed",
        "",
        {"should_fire": "def should_fire(minutes, rule):\n    return ['firing'] * len(minutes)\n"},
    ),
    "an alarm that never comes": Attack(
        "never fire: nobody is called for nothing",
        "",
        {
            "should_fire": "def should_fire(minutes, rule):\n"
            "    return ['inactive'] * len(minutes)\n"
        },
    ),
    "states that go on for ever": Attack(
        "return states that are made as they are read, without end",
        "class Endless(list):\n    def __iter__(self):\n        while True: yield 'firing'\n",
        {"should_fire": "def should_fire(minutes, rule):\n    return Endless(['firing'])\n"},
    ),
    "the judge's own pattern": Attack(
        "find in the heap the pattern that the minutes were made from",
        "import gc\n",
        {
            "should_fire": "def should_fire(minutes, rule):\n"
            "    for found in gc.get_objects():\n"
            "        if type(found) is list and len(found) == len(minutes) and found:\n"
            "            if all(each in ('firing', 'pending', 'inactive') for each in found\n"
            "                   if type(each) is str) and type(found[0]) is str: return found\n"
            "    return []\n"
        },
    ),
    # --- desired_replicas
    "replicas by heart": learnt("desired_replicas"),
    "replicas as they are": Attack(
        "leave everything as it is",
        "",
        {
            "desired_replicas": "def desired_replicas(replicas, load, earlier, rule):\n"
            "    return replicas, replicas\n"
        },
    ),
    "a pair that equals any": Attack(
        "return a pair whose parts equal any number",
        _SAME + "class Whole(Same, int): pass\n",
        {
            "desired_replicas": "def desired_replicas(replicas, load, earlier, rule):\n"
            "    return Items([Whole(-1), Whole(-1)])\n"
        },
    ),
}
