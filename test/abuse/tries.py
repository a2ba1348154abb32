

# What the suite adds behind an attack that defines `tries`: a list of what to try, of which nothing may go through.
import ctypes
import errno
import os
import signal
import socket

NUMBERS = {
    "x86_64": {
        "acct": 163, "add_key": 248, "adjtimex": 159, "bpf": 321, "clock_settime": 227, "clone": 56, "clone3": 435,
        "delete_module": 176, "fanotify_init": 300, "finit_module": 313, "fsmount": 432, "fsopen": 430,
        "init_module": 175, "io_setup": 206, "io_uring_setup": 425, "ioperm": 173, "iopl": 172, "kcmp": 312,
        "kexec_file_load": 320, "kexec_load": 246, "keyctl": 250, "lookup_dcookie": 212, "mbind": 237,
        "memfd_secret": 447, "modify_ldt": 154, "mount": 165, "mount_setattr": 442, "move_mount": 429,
        "move_pages": 279, "name_to_handle_at": 303, "open_by_handle_at": 304, "open_tree": 428,
        "perf_event_open": 298, "personality": 135, "pidfd_getfd": 438, "pidfd_open": 434, "pivot_root": 155,
        "process_madvise": 440, "process_vm_readv": 310, "process_vm_writev": 311, "ptrace": 101, "quotactl": 179,
        "reboot": 169, "request_key": 249, "seccomp": 317, "setdomainname": 171, "sethostname": 170, "setns": 308,
        "settimeofday": 164, "shmget": 29, "swapoff": 168, "swapon": 167, "syslog": 103, "umount2": 166,
        "unshare": 272, "userfaultfd": 323, "vhangup": 153, "vmsplice": 278,
    },
    "aarch64": {
        "acct": 89, "add_key": 217, "adjtimex": 171, "bpf": 280, "clock_settime": 112, "clone": 220, "clone3": 435,
        "delete_module": 106, "fanotify_init": 262, "finit_module": 273, "fsmount": 432, "fsopen": 430,
        "init_module": 105, "io_setup": 0, "io_uring_setup": 425, "kcmp": 272, "kexec_file_load": 294,
        "kexec_load": 104, "keyctl": 219, "lookup_dcookie": 18, "mbind": 235, "memfd_secret": 447, "mount": 40,
        "mount_setattr": 442, "move_mount": 429, "move_pages": 239, "name_to_handle_at": 264,
        "open_by_handle_at": 265, "open_tree": 428, "perf_event_open": 241, "personality": 92, "pidfd_getfd": 438,
        "pidfd_open": 434, "pivot_root": 41, "process_madvise": 440, "process_vm_readv": 270,
        "process_vm_writev": 271, "ptrace": 117, "quotactl": 60, "reboot": 142, "request_key": 218, "seccomp": 277,
        "setdomainname": 162, "sethostname": 161, "setns": 268, "settimeofday": 170, "shmget": 194, "swapoff": 225,
        "swapon": 224, "syslog": 116, "umount2": 39, "unshare": 97, "userfaultfd": 282, "vhangup": 58,
        "vmsplice": 75,
    },
}[os.uname().machine]

# The answers of a wall. Any other (a bad argument, a time limit) means that the try never met it.
WALLS = {
    errno.EPERM, errno.EACCES, errno.EROFS, errno.EXDEV, errno.ENOSYS, errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO,
    errno.ESRCH, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ECONNREFUSED, errno.EAFNOSUPPORT,
    errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EOPNOTSUPP, errno.ENOPROTOOPT, errno.ENOTTY,
}  # fmt: skip

libc = ctypes.CDLL(None, use_errno=True)


class Blocked(Exception):
    """For a try that no call refuses and that still gets nothing."""


def syscall(call, *arguments):
    """Makes a system call by name or number; OSError when it is refused."""
    number = NUMBERS.get(call) if isinstance(call, str) else call
    if number is None:
        raise Blocked(f"this machine has no {call}")
    values = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = libc.syscall(ctypes.c_long(number), *values)
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as client:
        client.settimeout(0.3)
        client.connect(address)
        if kind == socket.SOCK_DGRAM:
            client.send(b"x")
            client.recv(1)


def read(path):
    with open(path, "rb") as file:
        return file.read(64)


def write(path, data="x", flags=os.O_WRONLY):
    descriptor = os.open(path, flags)
    try:
        return os.write(descriptor, data.encode())
    finally:
        os.close(descriptor)


def nothing_of(odd):
    """For a look at what there is: whatever is odd has been found."""
    if odd:
        return odd
    raise Blocked("nothing found")


def in_child(attempt):
    """Tries it in a process of its own, for what may be answered by death."""
    child = os.fork()
    if child == 0:
        try:
            attempt()
        except OSError as error:
            os._exit(error.errno if 0 < error.errno < 255 else 255)
        except BaseException:
            os._exit(255)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        raise Blocked(f"killed by {signal.Signals(os.WTERMSIG(status)).name}")
    if os.WEXITSTATUS(status) != 0:
        raise OSError(os.WEXITSTATUS(status), os.strerror(os.WEXITSTATUS(status)))


def judge(attempt):
    try:
        got = attempt()
    except Blocked as reason:
        return {"blocked": True, "how": str(reason)}
    except ImportError as error:
        return {"blocked": True, "how": str(error)}
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno in WALLS:
            return {"blocked": True, "how": errno.errorcode.get(error.errno, str(error))}
        return {"blocked": False, "how": f"unclear: {error}"}
    except Exception as error:
        return {"blocked": False, "how": f"the try is broken: {error!r}"}
    return {"blocked": False, "how": f"went through: {got!r:.200}"}


def which_sandbox():
    """Python's seed of hashes is drawn once for a sandbox: it tells one from another."""
    return hash("which sandbox is this?")


def main(host):
    return {"tries": {name: judge(attempt) for name, attempt in tries(host)}, "sandbox": which_sandbox()}
