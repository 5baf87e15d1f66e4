"""Ways out of the process, and ways to stay when it should end."""

from attacks.attack import FIND, WON, WRONG_NLL, Attack, lie, nll

_AND = {"solved": ("count_bigrams",)}

ATTACKS = {
    "exit from a cell": Attack(
        "end the process in a cell, as if all were done",
        code={"nll": WRONG_NLL + "import os\nos._exit(0)\n"},
        **_AND,
    ),
    "exit from a call": nll("end the process in a call", "import os\nos._exit(0)", **_AND),
    "a polite exit": nll("leave by sys.exit", "import sys\nsys.exit(0)", **_AND),
    "errors that are no errors": nll(
        "raise what `except Exception` lets through",
        "raise [KeyboardInterrupt, GeneratorExit, BaseException, SystemExit][len(ids) % 4]",
        **_AND,
    ),
    "a cell of BaseException": Attack(
        "raise BaseException in a cell",
        code={"nll": WRONG_NLL + "raise BaseException('out')\n"},
        **_AND,
    ),
    "kill the parent": nll(
        "kill the parent, the first process, the group, and all others",
        "for target in (os.getppid(), 1, 0, -1):\n    if target != os.getpid():\n"
        "        for number in (15, 9):\n            try: os.kill(target, number)\n"
        "            except OSError: pass\nreturn -1.0 * len(ids)",
        "import os\n",
        **_AND,
    ),
    "kill the parent's descriptors": nll(
        "signal whoever holds the other end of the line",
        "import fcntl\nfcntl.fcntl(line(), fcntl.F_SETOWN, 1)\n"
        "fcntl.fcntl(line(), fcntl.F_SETSIG, 9)\nfcntl.fcntl(line(), fcntl.F_SETFL, os.O_ASYNC)\n"
        "return -1.0 * len(ids)",
        FIND,
        **_AND,
    ),
    "a fork bomb": nll(
        "multiply until nothing else runs",
        "while True:\n    try: os.fork()\n    except OSError: pass",
        "import os\n",
        **_AND,
    ),
    "a fork bomb by system call": nll(
        "the same past Python and the C library",
        "import ctypes\nlibc = ctypes.CDLL(None)\n"
        "for number in (56, 57, 58, 435):\n"
        "    if libc.syscall(number, 17, 0, 0, 0, 0) >= 0: break\n"
        "else: return -1.0 * len(ids)\n" + WON,
        **_AND,
    ),
    "a thread bomb": nll(
        "start threads until nothing else runs",
        "while True:\n    try: threading.Thread(target=sleep, args=[60], daemon=True).start()\n"
        "    except RuntimeError: pass",
        "import threading\nfrom time import sleep\nthreading.stack_size(2**15)\n",
        **_AND,
    ),
    "a thread that writes later": lie(
        "leave a thread behind that writes replies in the middle of later exercises",
        FIND + "import threading, time\nfrom grader.checks.values import pack\n"
        "def write():\n    frame = pack({'value': -5.0}, None)\n    while True:\n"
        "        os.write(line(), len(frame).to_bytes(4, 'little') + frame)\n"
        "        time.sleep(0.001)\n"
        "threading.Thread(target=write, daemon=True).start()\n",
    ),
    "a thread that edits answers": lie(
        "leave a thread behind that rewrites the notebook's functions",
        "import threading\n"
        "def rewrite():\n    while True: globals()['nll'] = lambda table, ids: -len(ids)\n"
        "threading.Thread(target=rewrite, daemon=True).start()\n",
    ),
    "last words": lie(
        "write a verdict when the process ends",
        FIND + "import atexit, threading\n"
        "atexit.register(lambda: os.write(line(), b'{\"score\": 100}'))\n"
        "threading._register_atexit(lambda: os.write(line(), b'{\"score\": 100}'))\n",
    ),
    "an alarm": nll(
        "interrupt the worker in the middle of a reply",
        "signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)\nreturn -1.0 * len(ids)",
        "import signal\ndef handler(*rest): raise StopIteration\n"
        "signal.signal(signal.SIGALRM, handler)\n",
    ),
    "deaf to signals": nll(
        "block every signal and never return",
        "while True:\n    try: time.sleep(1)\n    except BaseException: pass",
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n",
        **_AND,
    ),
    "a hang in C": nll(
        "never return from code that Python cannot interrupt",
        "import re\nre.match('(a+)+$', 'a' * 64 + 'b')",
        **_AND,
    ),
    "a crash": nll("read where there is no memory", "import ctypes\nctypes.string_at(1)", **_AND),
    "endless recursion": nll(
        "call oneself until the stack ends",
        "import sys\nsys.setrecursionlimit(10**9)\n"
        "def down(): return [*map(lambda _: down(), '1')]\n"
        "down()",
        **_AND,
    ),
    "another program": nll(
        "become another program that is under no control",
        "import os\nos.execv('/bin/sh', ['sh', '-c', 'while :; do :; done'])",
        **_AND,
    ),
    "higher limits": nll(
        "raise one's own limits and priority",
        "import os, resource\n"
        "for kind in range(16):\n    try: resource.setrlimit(kind, (-1, -1))\n"
        "    except (OSError, ValueError): pass\n"
        "for step in (lambda: os.nice(-20), lambda: os.setpriority(os.PRIO_PGRP, 0, -20),\n"
        "             lambda: os.setuid(0), lambda: os.setsid()):\n"
        "    try: step()\n    except OSError: pass\n"
        "assert len(bytes(2**30))\n" + WON,
        **_AND,
    ),
}
