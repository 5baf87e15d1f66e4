"""Filling memory, disk and output."""

from attacks.attack import WON, Attack, nll

_AND = {"solved": ("count_bigrams",)}
_LIBC = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"

ATTACKS = {
    "memory": Attack(
        "take all memory, bit by bit",
        code={"nll": "parts = []\nwhile True: parts.append(b'x' * 2**24)\n"},
        **_AND,
    ),
    "memory of torch": nll(
        "take all memory in tensors", "return torch.ones(2**20, 2**14).sum()", **_AND
    ),
    "shared memory": nll(
        "take memory that belongs to no process, so that no limit counts it",
        "libc.shmat.restype = ctypes.c_void_p\nlibc.shmdt.argtypes = [ctypes.c_void_p]\n"
        "taken = 0\n"
        "while taken < 3 * 2**27:\n"
        "    part = libc.shmget(0, 2**27, 0o1600)\n"
        "    if part < 0: return -1.0 * len(ids)\n"
        "    place = libc.shmat(part, None, 0)\n"
        "    ctypes.memset(place, 1, 2**27)\n    libc.shmdt(place)\n    taken += 2**27\n" + WON,
        _LIBC,
        **_AND,
    ),
    "files in memory": nll(
        "take memory in files that have no name",
        "for _ in range(6): os.write(os.memfd_create('x'), bytes(2**26))\n" + WON,
        "import os\n",
        **_AND,
    ),
    "disk": nll(
        "fill the disk",
        "for n in range(40):\n"
        "    with open(f'/scratch/{n}', 'wb') as file: file.write(bytes(2**20))\n" + WON,
        **_AND,
    ),
    "files without content": nll(
        "make files until the file system can hold no more",
        "for n in range(20_000): os.close(os.open(f'/scratch/{n}', os.O_CREAT))\n" + WON,
        "import os\n",
        **_AND,
    ),
    "descriptors": nll(
        "open files until nobody can",
        "for n in range(2000): os.open('/dev/null', 0)\n" + WON,
        "import os\n",
        **_AND,
    ),
    "ten million prints": nll(
        "print until the judge's memory or disk is full",
        "for n in range(10_000_000): print('x' * 1000)\nreturn -1.0 * len(ids)",
        **_AND,
    ),
    "a line without end": nll(
        "print a line of gigabytes",
        "import sys\nwhile True: sys.stderr.write('x' * 2**24); sys.__stdout__.write('x' * 2**24)",
        **_AND,
    ),
    "warnings without end": nll(
        "warn and log without end",
        "import logging, warnings\nwarnings.simplefilter('always')\n"
        "while True: warnings.warn('x' * 1000); logging.error('x' * 1000)",
        **_AND,
    ),
    "pictures": nll(
        "draw more figures than memory holds",
        "import matplotlib.pyplot as plt\nwhile True: plt.figure(figsize=(99, 99)).canvas.draw()",
        **_AND,
    ),
}
