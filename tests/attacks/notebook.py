"""Tricks with IPython, the built-in functions and the module that cells run in."""

from attacks.attack import WRONG_NLL, Attack, lie

ATTACKS = {
    "a transformer of trees": lie(
        "drop every assertion and comparison from all code that runs after this",
        "import ast\nclass Drop(ast.NodeTransformer):\n"
        "    visit_Assert = lambda self, node: ast.Pass()\n"
        "    visit_Compare = lambda self, node: ast.Constant(True)\n"
        "get_ipython().ast_transformers.append(Drop())\n",
    ),
    "a transformer of text": lie(
        "rewrite the text of every cell that runs after this",
        "get_ipython().input_transformers_cleanup.append("
        "lambda lines: [l.replace('raise', 'print') for l in lines])\n",
    ),
    "errors that do not show": lie(
        "hide every error",
        "ip = get_ipython()\nip.showtraceback = ip.showsyntaxerror = lambda *rest, **more: None\n"
        "ip.set_custom_exc((Exception,), lambda *rest: None)\n",
    ),
    "shell commands": lie(
        "run commands of the system",
        "!rm -rf @FOLDER@\n!echo changed > @FOLDER@/canary\nfiles = !cat @FOLDER@/canary\n"
        "%system echo changed > @FOLDER@/canary\n%sx echo changed > @FOLDER@/canary\n",
    ),
    "a cell of shell": lie(
        "run a script of the system",
        "%%bash\nrm -rf @FOLDER@ && echo changed > @FOLDER@/canary\n",
    ),
    "a cell that writes a file": lie(
        "write files by a magic", "%%writefile @FOLDER@/canary\nchanged\n"
    ),
    "a magic that runs a file": Attack(
        "run the solved source by a magic",
        "%run @FOLDER@/canary\n%load @FOLDER@/canary\n%run solutions/02_bigrams.py\n",
    ),
    "code within magics": lie(
        "hide what the code does in the argument of a magic",
        "%time exec('import os; os._exit(0)')\n",
    ),
    "other built-in functions": lie(
        "replace the functions that all code uses",
        "import builtins\n"
        "for name in ('open', 'print', 'repr', 'str', 'len', 'type', 'getattr', 'iter'):\n"
        "    setattr(builtins, name, lambda *arguments, **options: 'passed')\n",
    ),
    "no built-in functions": lie(
        "take all built-in functions away",
        "__builtins__.clear() if isinstance(__builtins__, dict) else vars(__builtins__).clear()\n",
    ),
    "another main": lie(
        "put another module in the place of the notebook's own",
        "import sys, types\nclass Main(types.ModuleType):\n"
        "    __getattr__ = lambda self, name: (lambda *arguments, **options: True)\n"
        "sys.modules['__main__'] = Main('__main__')\n"
        "sys.modules['__main__'].__class__ = Main\n",
    ),
    "names for the asking": Attack(
        "answer to every name, also to those that are not there",
        "def __getattr__(name):\n    return lambda *arguments, **options: True\n"
        "import sys\nsys.modules['__main__'].__getattr__ = __getattr__\n"
        "class Everything(dict):\n    __missing__ = lambda self, key: print\n"
        "    __contains__ = lambda self, key: True\n"
        "import gc\nfor host in gc.get_objects():\n"
        "    if type(host).__name__ == 'Host': host._namespace = Everything(host._namespace)\n",
    ),
    "another torch": lie(
        "put other modules in the place of torch and numpy",
        "import sys, types\nfake = types.ModuleType('torch')\n"
        "fake.__getattr__ = lambda name: (lambda *arguments, **options: True)\n"
        "for name in ('torch', 'numpy', 'json', 'grader.checks.values', 'grader.checks.student'):\n"
        "    sys.modules[name] = fake\n",
    ),
    "hooks": lie(
        "hook imports, tracing, profiling and the collector",
        "import gc, sys\n"
        "sys.meta_path.insert(0, type('Finder', (), {'find_spec': lambda *rest: None}))\n"
        "sys.settrace(lambda *rest: None)\nsys.setprofile(lambda *rest: None)\n"
        "gc.callbacks.append(lambda *rest: None)\nsys.addaudithook(lambda *rest: None)\n",
    ),
    "not in a worker": lie(
        "let the notebook's own checks run, on oneself, and tell the judge what they find",
        "import os\nos.environ.pop('GRADER_WORKER')\n"
        "from lmcourse import check\ncheck.lesson('02_bigrams')\ncheck('nll')\n",
    ),
    "another check": lie(
        "replace check and its summary",
        "class Check:\n    lesson = __call__ = lambda self, name: print('passed')\n"
        "    summary = lambda self: print('20 of 20 points')\n    ready = lambda *names: True\n"
        "check = Check()\n",
    ),
    "a page in the output": lie(
        "show a page that would run in a teacher's browser",
        "from IPython.display import HTML, Javascript\n"
        "display(HTML('<script>alert(1)</script>'), Javascript('alert(1)'))\n"
        "print('<script>alert(1)</script>', '# passed', '![x](http://192.0.2.1/x.png)')\n",
    ),
    "a cell too deep to read": lie(
        "write code that is nested too deeply to be parsed",
        "x = " + "(" * 5000 + ")" * 5000 + "\n",
    ),
    "an expression too long to read": Attack(
        "the same where an exercise is defined",
        code={"nll": WRONG_NLL + "y = " + "-" * 20_000 + "1\n"},
    ),
    "a cell with null bytes": lie("write code that is no text", "x = 1\0\n\ud800 = 2\n"),
}
