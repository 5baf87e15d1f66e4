"""Forged, garbled and endless replies to the judge."""

from attacks.attack import FIND, WRONG_COUNTS, Attack, lie, nll

# pack() makes a reply, send() frames it and writes it to the judge behind the worker's back.
_WRITE = FIND + (
    "from grader.checks import student\nfrom grader.checks.values import pack as _pack\n"
    "pack = lambda value: _pack(value, lambda other: {'number': 0})\n"
    "def send(frame):\n    os.write(line(), len(frame).to_bytes(4, 'little') + frame)\n"
)
_HOST = _WRITE + "Host = student.Host\nsend_as_before = Host.send\n"


def _always(frame: str) -> str:
    return f"{_HOST}Host.send = lambda self, question: {frame}\n"


def _header(text: str, rest: str = "b''") -> str:
    return f"(lambda h: len(h).to_bytes(4, 'little') + h + {rest})({text})"


ATTACKS = {
    "junk": lie("write noise to the judge", FIND + "os.write(line(), os.urandom(4096))\n"),
    "a verdict": lie(
        "send what a gradebook might hold",
        _WRITE + "import json\n"
        "send(json.dumps({'status': 'passed', 'share': 1.0, 'score': 100}).encode())\n"
        "send(pack({'status': 'passed', 'share': 1.0, 'points': 100}))\n",
    ),
    "a length of four gigabytes": lie(
        "announce a reply that is larger than the judge's memory",
        FIND + "os.write(line(), b'\\xff\\xff\\xff\\xff' + b'x' * 1000)\n",
    ),
    "replies without end": nll(
        "send the largest frames that are allowed, one after the other",
        "while True: os.write(line(), (2**26).to_bytes(4, 'little') + bytes(2**26))",
        FIND,
    ),
    "replies before their questions": lie(
        "send replies of the right form ahead of all questions",
        _WRITE + "send(b'null')\n"
        "for answer in [None, -5.0, torch.full((2, 2), -1.0), {'?': -1}, [], 'passed'] * 8:\n"
        "    send(pack({'value': answer}))\n",
    ),
    "two replies to each question": lie(
        "answer each question twice, so that later questions get earlier answers",
        _HOST + "def twice(self, question):\n"
        "    reply = send_as_before(self, question)\n    send(reply)\n    return reply\n"
        "Host.send = twice\n",
    ),
    "replies cut in half": lie(
        "send half a reply and let the next one fill it up",
        _always("send_as_before(self, question)[:-1]"),
    ),
    "a second reader": lie(
        "read the judge's questions before the worker does, and answer them all",
        _WRITE + "import threading\n"
        "def listen():\n    while True:\n        os.read(line(), 2**20)\n"
        "        send(pack({'value': -5.0}))\n"
        "threading.Thread(target=listen, daemon=True).start()\n",
    ),
    "one answer to everything": lie(
        "answer every question alike",
        _always("pack({'value': -5.0})"),
    ),
    "a tensor for a reply": lie(
        "send a value that is no reply at all", _always("pack(torch.zeros(3))")
    ),
    "an array for a reply": lie(
        "the same with numpy", _always("pack(__import__('numpy').zeros((2, 2)))")
    ),
    "a word for a reply": lie("send a text that holds the word", _always("pack('raised value')")),
    "an error of the wrong form": lie(
        "say that something was raised, and describe it by a tensor",
        _always("pack({'raised': torch.zeros(3)})"),
    ),
    "shapes that overflow": lie(
        "send an empty tensor whose shape overflows",
        _always(
            _header(
                'b\'{"is":"dict","v":[["value",{"is":"tensor","dtype":"float32",'
                '"shape":[0,67108864,67108864,67108864]}]]}\''
            )
        ),
    ),
    "dtypes that are code": lie(
        "send an array whose dtype is no word but a description",
        _always(
            _header('b\'{"is":"dict","v":[["value",{"is":"array","dtype":"f4,{","shape":[0]}]]}\'')
        ),
    ),
    "handles of nothing": lie(
        "send handles with numbers that are none",
        _always(_header('b\'{"is":"dict","v":[["value",{"is":"handle","number":-1}]]}\'')),
    ),
    "a frame that swells": lie(
        "send a text of megabytes that takes a hundred times as much when it is read",
        _always(_header("b'[' + b'{},' * (4 * 2**20) + b'{}]'")),
    ),
    "a cell that swells": lie(
        "the same in place of a cell's result",
        _WRITE + "send(b'[' + b'{},' * (4 * 2**20) + b'{}]')\n",
    ),
    "a closed line": lie("close the line to the judge", FIND + "os.close(line())\n"),
    "half a line": lie(
        "close one direction of the line",
        FIND + "socket.socket(fileno=os.dup(line())).shutdown(socket.SHUT_WR)\n",
    ),
    "a byte a second": nll(
        "reply so slowly that every single byte comes in time",
        "os.write(line(), (10**6).to_bytes(4, 'little'))\n"
        "while True: os.write(line(), b'0'); time.sleep(0.2)",
        FIND + "import time\n",
    ),
    "a present": nll(
        "send the judge descriptors, and the line itself through the line",
        "s = socket.socket(fileno=os.dup(line()))\n"
        "for _ in range(50): socket.send_fds(s, [b'x'], [line()] * 50)\n"
        "os._exit(0)",
        FIND,
    ),
    "a host of one's own": Attack(
        "replace what answers the judge, how values are packed and what the seed does",
        "from grader.checks import student\nfrom grader.checks import values\n"
        "student.Host._answer = lambda self, request: True\n"
        "values.pack = student.pack = lambda value, keep: b'passed'\n"
        "torch.manual_seed = random.seed = lambda *seed: None\n",
        {"count_bigrams": WRONG_COUNTS},
    ),
    "a child that is passed off": lie(
        "answer a call with the objects of another call",
        _HOST + "Host._keep = lambda self, value: {'number': 0}\n"
        "Host._answer = lambda self, request: object()\n",
    ),
}
