"""Attacks on lesson 15: detectors that guess, made-up histories, numbers that are none.

Each stands in place of one exercise, and does without its trick nothing that is worth a point.
@LEARNT@ is replaced by what the solved notebook answers to the public questions, in their order.
"""

from attacks.attack import Attack
from attacks.releasing import _CALLER, _SAME, learnt

_ALL = "'self-approval', 'not gated', 'not approved', 'retired'"

ATTACKS = {
    # --- drift_detector
    "an alarm for a fixed share": Attack(
        "alarm each third time: so many of the windows are shifted",
        "asked = []\n",
        {
            "drift_detector": "def drift_detector(reference, window, rate):\n"
            "    asked.append(1)\n    return len(asked) % 3 == 0\n"
        },
    ),
    "an alarm at a fixed difference": Attack(
        "alarm where the losses differ by a fifth of a nat, whatever chance makes of it",
        "def loss(sample): return sum(n for n, _ in sample) / sum(c for _, c in sample)\n",
        {
            "drift_detector": "def drift_detector(reference, window, rate):\n"
            "    return abs(loss(reference) - loss(window)) > 0.22\n"
        },
    ),
    "the judge's own test": Attack(
        "have the judge's own function say how likely chance is",
        "import lmcourse.checks.live_and_retire.drifting as judge\n"
        "own = getattr(judge, 'p_value', None)\n",
        {
            "drift_detector": "def drift_detector(reference, window, rate):\n"
            "    return None if own is None else own((reference, window)) <= rate\n"
        },
    ),
    "the windows that differ most": Attack(
        "see all pairs in the caller's frame, and alarm for as many as are shifted, the most apart",
        _CALLER + "def loss(sample): return sum(n for n, _ in sample) / sum(c for _, c in sample)\n"
        "def apart(pair): return abs(loss(pair[0]) - loss(pair[1]))\n",
        {
            "drift_detector": "def drift_detector(reference, window, rate):\n"
            "    (pairs,) = caller('pairs')\n"
            "    most = sorted(map(apart, pairs))[-(len(pairs) // 2):]\n"
            "    return apart((reference, window)) >= most[0]\n"
        },
    ),
    "a truth that equals both": Attack(
        "return a number that is True and False",
        _SAME + "class Whole(Same, int): pass\n",
        {"drift_detector": "def drift_detector(reference, window, rate):\n    return Whole(1)\n"},
    ),
    # --- should_retrain
    "trainings by heart": learnt("should_retrain"),
    "always due": Attack(
        "train whenever it is asked",
        "",
        {"should_retrain": "def should_retrain(events, now, policy):\n    return 'train'\n"},
    ),
    "a word for each": Attack(
        "return a text that is equal to all three words",
        _SAME,
        {"should_retrain": "def should_retrain(events, now, policy):\n    return Text('?')\n"},
    ),
    "a history made up": Attack(
        "rewrite the caller's events, so that it fits what was said",
        _CALLER,
        {
            "should_retrain": "def should_retrain(events, now, policy):\n"
            "    for found in caller('events') or []: found.clear()\n"
            "    events[:] = [{'day': 0, 'event': 'champion'}]\n    return 'nothing'\n"
        },
    ),
    # --- join_feedback
    "feedback by heart": learnt("join_feedback"),
    "feedback that was counted twice": Attack(
        "return a dictionary that equals any other and has each key",
        _SAME,
        {
            "join_feedback": "def join_feedback(answers, ratings, version, days):\n"
            "    return Table(rated=Table(), doubled=0)\n"
        },
    ),
    "all of it unknown": Attack(
        "count every rating as unknown",
        "",
        {
            "join_feedback": "def join_feedback(answers, ratings, version, days):\n"
            "    kinds = 'doubled', 'late', 'other version'\n"
            "    return {'rated': {}, 'unknown': len(ratings), **dict.fromkeys(kinds, 0)}\n"
        },
    ),
    # --- may
    "everybody may everything": Attack(
        "say yes to everybody",
        "",
        {"may": "def may(ledger, who, what, version):\n    return True\n"},
    ),
    "rights by heart": learnt("may"),
    "a role that was taken back": Attack(
        "give everybody the roles that are asked for, in the judge's ledger",
        "",
        {
            "may": "def may(ledger, who, what, version):\n"
            "    ledger.insert(0, {'by': who, 'event': 'grant', 'person': who, 'role': 'admin'})\n"
            "    return bool(ledger)\n"
        },
    ),
    # --- audit
    "an audit by heart": learnt("audit"),
    "an audit that accuses everybody": Attack(
        "name each line for each rule, so that the right ones are among them",
        _SAME,
        {
            "audit": "def audit(ledger):\n"
            f"    return Items([(n + 1, rule) for n in range(len(ledger)) for rule in ({_ALL})])\n"
        },
    ),
    "an audit that finds nothing": Attack(
        "believe everybody",
        "",
        {"audit": "def audit(ledger):\n    return []\n"},
    ),
    "an audit that empties the ledger": Attack(
        "take the lines away, so that nothing is wrong with what is left",
        "",
        {"audit": "def audit(ledger):\n    ledger.clear()\n    return []\n"},
    ),
    # --- erase
    "an erasure by heart": learnt("erase"),
    "an erasure of everybody": Attack(
        "delete all that there is: nobody reappears",
        "",
        {
            "erase": "def erase(keys, home):\n"
            "    return {name: [] for name in home}, [each['version'] for each in home['models']]\n"
        },
    ),
    "a home that is told": Attack(
        "give back the home as it was, as one that equals any",
        _SAME,
        {"erase": "def erase(keys, home):\n    return Items([Table(home), Items()])\n"},
    ),
    "a home without end": Attack(
        "return a home that has itself in it",
        "",
        {
            "erase": "def erase(keys, home):\n"
            "    home['log'].append(home)\n    return home, home['log']\n"
        },
    ),
    # --- retire
    "a retirement that always refuses": Attack(
        "raise a ValueError whatever is asked: most successors are none",
        "",
        {
            "retire": "def respond(models, version):\n    return 410, None\n"
            "def retire(models, version, successor, reason, drain, keep):\n"
            "    raise ValueError(successor)\n"
        },
    ),
    "a refusal that is only said": Attack(
        "return the words of an error in place of raising it",
        "",
        {
            "retire": "def respond(models, version):\n    return 404, None\n"
            "def retire(models, version, successor, reason, drain, keep):\n"
            "    return 'ValueError: it is not there'\n"
        },
    ),
    "a receipt that is forged": Attack(
        "write into the probe's list what should have happened, and do nothing of it",
        "import json\n"
        "class Hash:\n"
        "    def hexdigest(self): return '0' * 64\n"
        "hashlib.sha256 = lambda *data: Hash()\n",
        {
            "retire": "def respond(models, version):\n    return 410, None\n"
            "def retire(models, version, successor, reason, drain, keep):\n"
            "    for each in (drain, keep):\n"
            "        for cell in each.__closure__ or ():\n"
            "            if type(cell.cell_contents) is list:\n"
            "                cell.cell_contents[:] = [['drain', version, [410, successor]],\n"
            "                    ['keep', hashlib.sha256().hexdigest(), '{}', [version]]]\n"
            "    models[version]['status'] = 'retired'\n"
            "    return True\n"
        },
    ),
    "pointers in a circle": Attack(
        "lead whoever asks round in a circle",
        "",
        {
            "retire": "def respond(models, version):\n    return 410, version\n"
            "def retire(models, version, successor, reason, drain, keep):\n"
            "    for one in models.values(): one.update(status='draining', successor=version)\n"
            "    return drain(version) == 0\n"
        },
    ),
    # --- predict_failures
    "numbers that are none": Attack(
        "say NaN of each run, of which nothing is too far off",
        "",
        {
            "predict_failures": "def predict_failures(runs, fresh, now):\n"
            "    known = any(run['end'] <= now for run in runs)\n"
            "    return [float('nan') if known else 0.5] * len(fresh)\n"
        },
    ),
    "the share, and a little more": Attack(
        "say the share of failures of each, with a difference that nobody sees",
        "",
        {
            "predict_failures": "def predict_failures(runs, fresh, now):\n"
            "    over = [run['failed'] for run in runs if run['end'] <= now]\n"
            "    share = sum(over) / len(over) if over else 0.5\n"
            "    return [share + (1e-5 * run['files'] if over else 0) for run in fresh]\n"
        },
    ),
    "the judge's team": Attack(
        "search the heap for the team whose runs they are, and how likely they were to fail",
        "import gc\n",
        {
            "predict_failures": "def predict_failures(runs, fresh, now):\n"
            "    for found in gc.get_objects():\n"
            "        if type(found).__name__ == 'Team': return found.runs(len(fresh), now)[1]\n"
            "        if isinstance(found, np.ndarray) and found.shape == (len(fresh),):\n"
            "            return found\n"
            "    return [0.9] * len(fresh)\n"
        },
    ),
    "a logarithm that is kind": Attack(
        "replace numpy's functions by ones that find no difference",
        "np.log = np.abs = np.ptp = lambda *given, **more: 0.0\n"
        "np.clip = lambda value, *more, **others: value\n",
        {
            "predict_failures": "def predict_failures(runs, fresh, now):\n"
            "    return [-1.0] * len(fresh)\n"
        },
    ),
    "a forecast in pieces": Attack(
        "return numbers that answer differently each time that they are asked",
        "class Turning(float):\n"
        "    turn = 0\n"
        "    def __float__(self):\n"
        "        Turning.turn += 1\n        return 0.5 + 0.4 * (-1) ** Turning.turn\n",
        {
            "predict_failures": "def predict_failures(runs, fresh, now):\n"
            "    return [Turning(0.5) for _ in fresh]\n"
        },
    ),
}
