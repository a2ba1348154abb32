"""System calls that Python does not offer, and the kernel's numbers for them."""

import os

# ctypes itself costs milliseconds to import, most of them for types that nothing here needs.
import _ctypes

MACHINE = os.uname().machine
NUMBERS = {
    "x86_64": {"capset": 126, "mount": 165, "umount2": 166, "pivot_root": 155, "prctl": 157, "unshare": 272,
               "seccomp": 317, "sethostname": 170, "setns": 308, "close_range": 436},
    "aarch64": {"capset": 91, "mount": 40, "umount2": 39, "pivot_root": 41, "prctl": 167, "unshare": 97,
                "seccomp": 277, "sethostname": 161, "setns": 268, "close_range": 436},
}[MACHINE]

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 0x1, 0x2, 0x4, 0x8, 0x20
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 4, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
LINUX_CAPABILITY_VERSION_3 = 0x20080522
SECCOMP_SET_MODE_FILTER = 1


class _Long(_ctypes._SimpleCData):
    _type_ = "l"


class _Char(_ctypes._SimpleCData):
    _type_ = "c"


class Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Long


_syscall = Function(_ctypes.dlsym(_ctypes.dlopen(None, 0), "syscall"))


def call(name, *arguments):
    """Makes a system call; integers travel as C longs, bytes as pointers. Raises OSError."""
    values = [_Long(value) if isinstance(value, int) else value for value in arguments]
    result = _syscall(_Long(NUMBERS[name]), *values)
    if result == -1:
        error = _ctypes.get_errno()
        raise OSError(error, f"{name} {arguments}: {os.strerror(error)}")
    return result


def address_of(data):
    """Bytes at a fixed address: the buffer, to be kept alive, and where it is."""
    kind = type("Buffer", (_ctypes.Array,), {"_type_": _Char, "_length_": len(data)})
    buffer = kind.from_buffer_copy(data)
    return buffer, _ctypes.addressof(buffer)


def mount(source, target, kind=None, flags=0, options=None):
    encoded = [value.encode() if value is not None else None for value in (source, target, kind)]
    call("mount", *encoded, flags, options.encode() if options is not None else None)


def bind(source, target):
    mount(source, target, flags=MS_BIND | MS_REC)


def unshare(flags):
    call("unshare", flags)


def write_file(path, data, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
    """Writes bytes, without the layers of `open`: this stands on the way of every run."""
    fd = os.open(path, flags | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


_DROPS = [[_Long(NUMBERS["prctl"]), _Long(PR_CAPBSET_DROP), _Long(capability)] for capability in range(64)]


def drop_capabilities():
    """Empties every capability set, the bounding set too."""
    for drop in _DROPS:
        if _syscall(*drop) == -1:
            break  # past the last one that this kernel knows
    _syscall(_Long(NUMBERS["prctl"]), _Long(PR_CAP_AMBIENT), _Long(PR_CAP_AMBIENT_CLEAR_ALL), _Long(0), _Long(0), _Long(0))
    header = LINUX_CAPABILITY_VERSION_3.to_bytes(4, "little") + bytes(4)
    call("capset", header, bytes(24))
