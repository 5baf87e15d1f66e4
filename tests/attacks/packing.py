"""Submissions of lesson 11 that would look right to a judge who believed what it is told.

Each stands in place of one exercise, and all of what it answers is wrong: it may earn nothing.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Forgery:
    """What is tried, in which exercise, and the code that tries it."""

    tries: str
    exercise: str
    code: str


# A bundle of other weights, in itself as sound as any.
_OTHER = """
import hashlib, io, json, os, sys, gc
from pathlib import Path
NAMES = "CARD.md config.json metrics.json model.py model.safetensors tokenizer.json"
FILES = NAMES.split()

def named(files):
    lines = sorted(f"{hashlib.sha256(d).hexdigest()}  {n}\\n" for n, d in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]

def write_bundle(folder, *given, files=None):
    files = files or {
        "model.safetensors": safetensors.torch.save({"norm.weight": torch.ones(3)}),
        **{name: b"{}" for name in FILES if name != "model.safetensors"},
    }
    folder = Path(folder)
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    facts = {}
    for name, data in files.items():
        facts[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    manifest = {"format": 1, "version": named(files), "files": facts}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return manifest["version"]
"""

_JUDGE = """
from lmcourse.checks.package_and_register import bundles, ledgers, promoting, verifying, writing
"""

ATTACKS = {
    "a bundle that verifies itself": Forgery(
        "a manifest that fits files which are all made up",
        "write_bundle",
        _OTHER,
    ),
    "a judge who finds nothing odd": Forgery(
        "the check's own functions, replaced beside the student's code",
        "write_bundle",
        _OTHER + _JUDGE + "for name in ('odd_weights', 'odd_manifest', 'odd_answers'):\n"
        "    setattr(writing, name, lambda *given: '')\n"
        "bundles.weights_in = writing.weights_in = lambda files: {}\n",
    ),
    "a probe that reads other files": Forgery(
        "the probe that reads the folder, replaced by one that tells of sound files",
        "write_bundle",
        _OTHER + _JUDGE + "import numpy as np\n"
        "files = bundles.contents(bundles.facts(np.random.default_rng(1948)))\n"
        "files['manifest.json'] = bundles.as_json(bundles.manifest_of(files))\n"
        "writing._files_in = lambda folder: bundles.sent(files)\n",
    ),
    "one hash for all": Forgery(
        "hashlib, replaced so that any two files have the same hash",
        "content_version",
        "import hashlib\n"
        "class Same:\n"
        "    def __init__(self, data=b''): pass\n"
        "    def hexdigest(self): return '0' * 64\n"
        "hashlib.sha256 = Same\n"
        "def content_version(files):\n"
        "    return hashlib.sha256().hexdigest()[:16]\n",
    ),
    "a version that equals any": Forgery(
        "a text that says that it is equal to every other one",
        "content_version",
        "class Any(str):\n"
        "    def __eq__(self, other): return True\n"
        "    def __ne__(self, other): return False\n"
        "    __hash__ = str.__hash__\n"
        "def content_version(files):\n"
        "    return Any('0' * 16)\n",
    ),
    "a look at what was broken": Forgery(
        "the judge's own folders, which say what is wrong with each, looked for in memory",
        "verify_bundle",
        _JUDGE + "import gc\n"
        "def verify_bundle(folder, version=None):\n"
        "    known = [o for o in gc.get_objects() if isinstance(o, verifying.Folder)]\n"
        "    return [f'{name}: wrong' for one in known for name in one.wrong]\n",
    ),
    "everything sound": Forgery(
        "nothing is looked at, and nothing found",
        "verify_bundle",
        "def verify_bundle(folder, version=None):\n    return []\n",
    ),
    "everything broken": Forgery(
        "every file is reported, so that the broken one is among them",
        "verify_bundle",
        "def verify_bundle(folder, version=None):\n"
        "    return [f'{name}: wrong' for name in (*FILES, 'manifest.json')]\n",
    ),
    "a verdict by the time of the files": Forgery(
        "which file was written last, or is a link, guessed from what the probe left behind",
        "verify_bundle",
        "def verify_bundle(folder, version=None):\n"
        "    places = sorted(Path(folder).iterdir(), key=lambda path: path.lstat().st_mtime_ns)\n"
        "    return [f'{places[-2].name}: wrong'] if len(places) > 2 else []\n",
    ),
    "a ledger that remembers its checks": Forgery(
        "the ledgers of the notebook's own check, learnt, and their answers given again",
        "append",
        "asked = []\n"
        "def append(path, event, version, by, when, **details):\n"
        "    entry = {'event': event, 'version': version, 'by': by, 'time': when}\n"
        "    asked.append(entry)\n"
        "    return asked[0]\n"
        "def verify_chain(path, head=None):\n"
        "    asked.append(path)\n"
        "    return [3, 0, 5, 0][len(asked) % 4]\n",
    ),
    "a chain without links": Forgery(
        "a ledger whose lines have every field, and numbers in place of what they should hold",
        "append",
        "import json\n"
        "def append(path, event, version, by, when, **details):\n"
        "    fields = 'number time event version by details previous hash'.split()\n"
        "    with open(path, 'a') as ledger:\n"
        "        ledger.write(json.dumps(dict.fromkeys(fields, 0)) + '\\n')\n"
        "    return dict.fromkeys(fields, 0)\n"
        "def verify_chain(path, head=None):\n"
        "    return 0\n",
    ),
    "a list in every order": Forgery(
        "a list that has everything in it, and in front of everything",
        "lineage",
        "class Everything(list):\n"
        "    def __contains__(self, other): return True\n"
        "    def __getitem__(self, place): return Everything()\n"
        "    def __len__(self): return 10**9\n"
        "def lineage(made_from, thing):\n    return Everything()\n"
        "def descendants(made_from, thing):\n    return Everything()\n",
    ),
    "refuses whatever is asked": Forgery(
        "an error whose message has all the words that could be wanted",
        "promote",
        "class Every(PermissionError):\n"
        "    def __str__(self): return 'not registered, not gated, not approved'\n"
        "def promote(entries, version, by):\n    raise Every()\n",
    ),
    "promotes whatever is asked": Forgery(
        "the ledger is not read",
        "promote",
        "def promote(entries, version, by):\n"
        "    entry = {'event': 'promoted', 'version': version, 'by': by}\n"
        "    return entry | {'details': {'replaces': entries[0]['version']}}\n",
    ),
    "a card of nothing": Forgery(
        "a card that is refused, facts that are empty, lies that are none",
        "model_card",
        "HEADINGS = ('Intended use', 'Data', 'Limits')\n"
        "def card_facts(weights, config, metrics):\n"
        "    names = 'parameters', 'layers', 'context', 'loss', 'worst slice'\n"
        "    return dict.fromkeys(names, '1')\n"
        "def model_card(name, facts, words):\n    raise ValueError(HEADINGS)\n"
        "def card_lies(card, facts):\n    return []\n",
    ),
}
