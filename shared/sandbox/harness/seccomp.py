"""The system-call filter of a run: a BPF program, made once by the zygote."""

from struct import pack

from . import kernel

LOAD, JUMP, JUMP_EQUAL, JUMP_GREATER, JUMP_AT_LEAST, JUMP_SET, RETURN = 0x20, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06
KILL, ALLOW, ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
NUMBER, ARCH = 0, 4
X32_BIT = 0x40000000

# Newer calls than this answer ENOSYS: what nobody has looked at is not offered.
NEWEST = 450

ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

REFUSED = {
    "x86_64": {
        "ptrace": 101, "syslog": 103, "uselib": 134, "personality": 135, "ustat": 136, "sysfs": 139,
        "vhangup": 153, "modify_ldt": 154, "pivot_root": 155, "_sysctl": 156, "adjtimex": 159, "chroot": 161,
        "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168,
        "reboot": 169, "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173,
        "create_module": 174, "init_module": 175, "delete_module": 176, "get_kernel_syms": 177,
        "query_module": 178, "quotactl": 179, "nfsservctl": 180, "io_setup": 206, "io_destroy": 207,
        "io_getevents": 208, "io_submit": 209, "io_cancel": 210, "lookup_dcookie": 212,
        "remap_file_pages": 216, "clock_settime": 227, "mbind": 237, "set_mempolicy": 238,
        "get_mempolicy": 239, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
        "migrate_pages": 256, "unshare": 272, "vmsplice": 278, "move_pages": 279, "perf_event_open": 298,
        "fanotify_init": 300, "fanotify_mark": 301, "name_to_handle_at": 303, "open_by_handle_at": 304,
        "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "finit_module": 313, "seccomp": 317, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
        "io_pgetevents": 333,
    },
    "aarch64": {
        "io_setup": 0, "io_destroy": 1, "io_submit": 2, "io_cancel": 3, "io_getevents": 4,
        "lookup_dcookie": 18, "umount2": 39, "mount": 40, "pivot_root": 41, "nfsservctl": 42, "chroot": 51,
        "vhangup": 58, "quotactl": 60, "vmsplice": 75, "acct": 89, "personality": 92, "unshare": 97,
        "kexec_load": 104, "init_module": 105, "delete_module": 106, "clock_settime": 112, "syslog": 116,
        "ptrace": 117, "reboot": 142, "sethostname": 161, "setdomainname": 162, "settimeofday": 170,
        "adjtimex": 171, "add_key": 217, "request_key": 218, "keyctl": 219, "swapon": 224, "swapoff": 225,
        "remap_file_pages": 234, "mbind": 235, "get_mempolicy": 236, "set_mempolicy": 237,
        "migrate_pages": 238, "move_pages": 239, "perf_event_open": 241, "fanotify_init": 262,
        "fanotify_mark": 263, "name_to_handle_at": 264, "open_by_handle_at": 265, "clock_adjtime": 266,
        "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273,
        "seccomp": 277, "bpf": 280, "userfaultfd": 282, "io_pgetevents": 292, "kexec_file_load": 294,
    },
}
# From here on every architecture has the same numbers.
REFUSED_EVERYWHERE = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438,
    "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447,
    "process_mrelease": 448, "set_mempolicy_home_node": 450,
}
CHECKED = {
    "x86_64": {"ioctl": 16, "socket": 41, "socketpair": 53, "clone": 56, "prctl": 157, "prlimit64": 302},
    "aarch64": {"ioctl": 29, "prctl": 167, "socket": 198, "socketpair": 199, "clone": 220, "prlimit64": 261},
}
CLONE3 = 435

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_TYPE_MASK = 1, 2, 5, 0xF
IPPROTO_TCP, IPPROTO_UDP = 6, 17
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
PR_SET_SECCOMP, PR_SET_MM = 22, 35
CLONE_NEW_ANYTHING = 0x7E020000
BITWISE_AND = 0x54


def _step(code, value, when=0, otherwise=0):
    return [pack("<HBBI", code, when, otherwise, value)]


def _refuse(error):
    return _step(RETURN, ERRNO | error)


def _argument(index):
    """The low half of an argument: every one that is looked at is an int to the kernel too."""
    return _step(LOAD, 16 + 8 * index)


def _only(index, allowed, error=EPERM, mask=None):
    """Refuses unless the argument is one of these."""
    steps = _argument(index) + (_step(BITWISE_AND, mask) if mask else [])
    for position, value in enumerate(allowed):
        steps += _step(JUMP_EQUAL, value, len(allowed) - position)
    return steps + _refuse(error)


def _none_of(index, refused):
    """Refuses when the argument is one of these."""
    steps = _argument(index)
    for value in refused:
        steps += _step(JUMP_EQUAL, value, 0, 1) + _refuse(EPERM)
    return steps


def _rules():
    """What happens to which calls, as (first, last, steps): whoever gets past the steps is let through."""
    calls = CHECKED[kernel.MACHINE]
    yield CLONE3, CLONE3, _refuse(ENOSYS)  # its flags are behind a pointer; libc then takes clone
    clone = _argument(0) + _step(JUMP_SET, CLONE_NEW_ANYTHING, 0, 1) + _refuse(EPERM)
    yield calls["clone"], calls["clone"], clone
    yield calls["ioctl"], calls["ioctl"], _none_of(1, [TIOCSTI, TIOCLINUX])
    yield calls["prctl"], calls["prctl"], _none_of(0, [PR_SET_SECCOMP, PR_SET_MM])
    yield calls["prlimit64"], calls["prlimit64"], _only(0, [0])
    yield calls["socketpair"], calls["socketpair"], _only(0, [AF_UNIX], EAFNOSUPPORT)
    socket = _only(0, [AF_UNIX, AF_INET, AF_INET6], EAFNOSUPPORT)
    socket += _only(1, [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET], mask=SOCK_TYPE_MASK)
    yield calls["socket"], calls["socket"], socket + _only(2, [0, IPPROTO_TCP, IPPROTO_UDP])
    for first, last in _ranges({*REFUSED[kernel.MACHINE].values(), *REFUSED_EVERYWHERE.values()}):
        yield first, last, _refuse(EPERM)
    yield NEWEST + 1, X32_BIT - 1, _refuse(ENOSYS)


def _ranges(numbers):
    """Neighbours together."""
    found = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def _search(rules):
    """
    A binary search, entered with the number loaded: the kernel tries a new filter on every call there is, and with a
    chain of comparisons that would take longer than all else that makes a run's sandbox.
    """
    if len(rules) == 1:
        first, last, steps = rules[0]
        if first == last:
            return _step(JUMP_EQUAL, first, 0, len(steps)) + steps + _step(RETURN, ALLOW)
        below = _step(JUMP_AT_LEAST, first, 0, len(steps) + 1)
        return below + _step(JUMP_GREATER, last, len(steps), 0) + steps + _step(RETURN, ALLOW)
    middle = len(rules) // 2
    below, above = _search(rules[:middle]), _search(rules[middle:])
    return _step(JUMP_AT_LEAST, rules[middle][0], 0, 1) + _step(JUMP, len(below)) + below + above


def build_filter():
    """The program as the kernel takes it: an array of eight-byte instructions."""
    head = (
        _step(LOAD, ARCH)
        + _step(JUMP_EQUAL, ARCHES[kernel.MACHINE], 1)
        + _step(RETURN, KILL)
        + _step(LOAD, NUMBER)
        + _step(JUMP_AT_LEAST, X32_BIT, 0, 1)
        + _step(RETURN, KILL)
    )
    return b"".join(head + _search(sorted(_rules())))


def install(program):
    """Puts the filter over this process and all it will ever start. Needs no_new_privs."""
    kept, filters = kernel.address_of(program)
    header = pack("<H6xQ", len(program) // 8, filters)
    kernel.call("seccomp", kernel.SECCOMP_SET_MODE_FILTER, 0, header)
    del kept
