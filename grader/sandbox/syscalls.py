"""The system calls that a notebook may make, and their numbers on each kind of processor.

The list is what the solved lessons, threads, files in the scratch folder, asyncio, torch, numpy and
matplotlib were seen to need, and what does the same under another name. A call belongs here only if
what it keeps in the kernel is bounded: by the process's memory, by its descriptors, or by itself.
"""

# name, number on x86_64, number on aarch64; "-" where there is no such call
_ALLOWED = """
# memory
brk                  12  214
mmap                  9  222
mprotect             10  226
munmap               11  215
mremap               25  216
madvise              28  233
msync                26  227
# files and folders
openat              257   56
open                  2    -
close                 3   57
close_range         436  436
read                  0   63
readv                19   65
pread64              17   67
preadv              295   69
write                 1   64
writev               20   66
pwrite64             18   68
pwritev             296   70
lseek                 8   62
ftruncate            77   46
truncate             76   45
fallocate           285   47
fadvise64           221  223
fsync                74   82
fdatasync            75   83
flock                73   32
fcntl                72   25
ioctl                16   29
dup                  32   23
dup2                 33    -
dup3                292   24
fstat                 5   80
stat                  4    -
lstat                 6    -
newfstatat          262    -
statx               332  291
statfs              137   43
fstatfs             138   44
access               21    -
faccessat           269   48
faccessat2          439  439
readlink             89    -
readlinkat          267   78
getdents64          217   61
getcwd               79   17
chdir                80   49
fchdir               81   50
mkdir                83    -
mkdirat             258   34
rmdir                84    -
unlink               87    -
unlinkat            263   35
rename               82    -
renameat            264   38
renameat2           316  276
link                 86    -
linkat              265   37
symlink              88    -
symlinkat           266   36
chmod                90    -
fchmod               91   52
fchmodat            268   53
umask                95  166
utimensat           280   88
getxattr            191    8
lgetxattr           192    9
fgetxattr           193   10
listxattr           194   11
llistxattr          195   12
flistxattr          196   13
# waiting
poll                  7    -
ppoll               271   73
select               23    -
pselect6            270   72
epoll_create1       291   20
epoll_ctl           233   21
epoll_wait          232    -
epoll_pwait         281   22
pipe2               293   59
socketpair           53  199
sendto               44  206
recvfrom             45  207
getsockname          51  204
getpeername          52  205
getsockopt           55  209
shutdown             48  210
# threads
clone                56  220
futex               202   98
set_robust_list     273   99
rseq                334  293
sched_yield          24  124
sched_getaffinity   204  123
gettid              186  178
exit                 60   93
exit_group          231   94
prctl               157  167
arch_prctl          158    -
# signals
rt_sigaction         13  134
rt_sigprocmask       14  135
rt_sigreturn         15  139
rt_sigpending       127  136
sigaltstack         131  132
restart_syscall     219  128
kill                 62  129
tgkill              234  131
pause                34    -
alarm                37    -
getitimer            36  102
setitimer            38  103
# clocks
clock_gettime       228  113
clock_getres        229  114
clock_nanosleep     230  115
nanosleep            35  101
gettimeofday         96  169
time                201    -
times               100  153
# who and where
getpid               39  172
getppid             110  173
getpgid             121  155
getpgrp             111    -
getsid              124  156
getuid              102  174
geteuid             107  175
getgid              104  176
getegid             108  177
getresuid           118  148
getresgid           120  150
getgroups           115  158
getpriority         140  141
getrlimit            97  163
prlimit64           302  261
getrusage            98  165
sysinfo              99  179
uname                63  160
capget              125   90
getcpu              309  168
getrandom           318  278
"""

# What people try, and so should get "Operation not permitted" for. All other calls answer that they
# do not exist, and whoever can do without falls back.
_REFUSED = """
fork                 57    -
vfork                58    -
execve               59  221
execveat            322  281
socket               41  198
"""


def _numbers(table: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {"x86_64": {}, "aarch64": {}}
    for line in table.strip().splitlines():
        if not line.startswith("#"):
            name, *numbers = line.split()
            for machine, number in zip(found, numbers, strict=True):
                if number != "-":
                    found[machine][name] = int(number)
    return found


ALLOWED = _numbers(_ALLOWED)
"""By the machine's name: the calls that a notebook may make, and their numbers."""

REFUSED = _numbers(_REFUSED)
"""By the machine's name: the calls that are refused in so many words."""

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""By the machine's name: what the kernel calls it when it asks a filter."""
