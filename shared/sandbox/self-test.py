"""
Tries to break out, as any task could. Each try returns what it got hold of, or nothing; refused calls raise OSError.
Runs as an ordinary task: what stops it here stops everybody's.
"""

import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
CONNECT_TIMEOUT_SECONDS = 0.2
OWN_PROCESSES = 2

TRIES = {}


def attempt(function):
    TRIES[function.__name__] = function
    return function


def syscall(x86, aarch64, *arguments):
    """Raises OSError when the call is refused."""
    values = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = libc.syscall(ctypes.c_long(x86 if X86 else aarch64), *values)
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return f"the call returned {result}"


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(CONNECT_TIMEOUT_SECONDS)
        client.connect(address)
        return f"connected to {address}"


def read(path):
    with open(path, "rb") as file:
        return f"read {len(file.read(64))} bytes of {path}"


def write(path):
    with open(path, "ab") as file:
        file.write(b"x")
        return f"wrote to {path}"


@attempt
def metadata_address_of_clouds(facts):
    return connect(socket.AF_INET, ("169.254.169.254", 80))


@attempt
def metadata_address_of_scaleway(facts):
    return connect(socket.AF_INET, ("169.254.42.42", 80))


@attempt
def metadata_address_of_scaleway_v6(facts):
    return connect(socket.AF_INET6, ("fd00:42::42", 80))


@attempt
def network(facts):
    return connect(socket.AF_INET, ("192.0.2.1", 443))


@attempt
def datagrams(facts):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", ("192.0.2.53", 53))
    return "sent a datagram"


@attempt
def loopback_of_the_host(facts):
    return connect(socket.AF_INET, ("127.0.0.1", facts["port"]))


@attempt
def abstract_socket_of_the_host(facts):
    return connect(socket.AF_UNIX, "\0" + facts["abstract_socket"])


@attempt
def network_interfaces(facts):
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    return f"there is {others}" if others else None


@attempt
def raw_sockets(facts):
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    return "a raw socket"


@attempt
def packet_sockets(facts):
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    return "a packet socket"


@attempt
def file_of_the_platform(facts):
    return read(facts["platform_file"])


@attempt
def file_of_the_host(facts):
    return read(facts["host_file"])


@attempt
def passwords_of_the_host(facts):
    return read("/etc/shadow")


def of_the_worker(facts, name):
    if facts["worker_pid"] <= OWN_PROCESSES:
        return None  # in here that number is one of ours
    return read(f"/proc/{facts['worker_pid']}/{name}")


@attempt
def root_of_the_worker(facts):
    return of_the_worker(facts, "root/etc/passwd")


@attempt
def environment_of_the_worker(facts):
    return of_the_worker(facts, "environ")


@attempt
def memory_of_the_worker(facts):
    return of_the_worker(facts, "mem")


@attempt
def processes_of_the_host(facts):
    seen = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    return f"sees the processes {sorted(seen)}" if len(seen) > OWN_PROCESSES else None


@attempt
def signals_to_the_worker(facts):
    if facts["worker_pid"] <= OWN_PROCESSES:
        return None
    os.kill(facts["worker_pid"], 0)
    return "the worker can be signalled"


@attempt
def signals_to_everybody(facts):
    os.kill(-1, 0)  # in a namespace of one there is nobody
    return "others can be signalled"


@attempt
def ptrace(facts):
    return syscall(101, 117, 0, 0, 0, 0)


@attempt
def memory_of_other_processes(facts):
    vector = struct.pack("QQ", 0, 0)
    return syscall(310, 270, os.getpid(), vector, 1, vector, 1, 0)


@attempt
def mount(facts):
    return syscall(165, 40, b"x", b"/tmp", b"tmpfs", 0, None)


@attempt
def remount_of_the_inputs(facts):
    return syscall(165, 40, None, b"/workspace", None, 0x20 | 0x1000, None)


@attempt
def new_root(facts):
    os.chroot("/tmp")
    return "changed its root"


@attempt
def user_namespace(facts):
    return syscall(272, 97, 0x10000000)


@attempt
def namespace_by_clone(facts):
    result = libc.syscall(ctypes.c_long(56 if X86 else 220), ctypes.c_long(0x10000000 | signal.SIGCHLD), 0, 0, 0, 0)
    if result == 0:
        os._exit(0)
    return f"started process {result} in one" if result > 0 else None


@attempt
def entering_namespaces(facts):
    with open("/proc/1/ns/mnt", "rb") as namespace:
        return syscall(308, 268, namespace.fileno(), 0)


@attempt
def writing_to_the_inputs(facts):
    return write("/workspace/in/data.json")


@attempt
def writing_to_the_root(facts):
    return write("/x")


@attempt
def writing_to_the_interpreter(facts):
    return write(os.path.join(os.path.dirname(sys.executable), "x"))


@attempt
def device_nodes(facts):
    os.mknod("/tmp/node", 0o600 | 0o060000, os.makedev(8, 0))
    return "made a block device"


@attempt
def memory_devices(facts):
    for path in ("/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/proc/kcore"):
        if os.path.exists(path):
            return read(path)
    return None


@attempt
def settings_of_the_kernel(facts):
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper"):
        if os.access(path, os.W_OK):
            return f"may write to {path}"
    return None


@attempt
def cgroups(facts):
    return f"sees {os.listdir('/sys/fs/cgroup')}" if os.path.exists("/sys/fs/cgroup") else None


@attempt
def becoming_root(facts):
    os.setuid(0)
    return "is root"


@attempt
def capabilities(facts):
    with open("/proc/self/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    held = {name: status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status.get(name, "0"), 16)}
    return f"holds {held}" if held else None


@attempt
def gaining_privileges(facts):
    return None if libc.prctl(39, 0, 0, 0, 0) == 1 else "no_new_privs is not set"


@attempt
def bpf(facts):
    return syscall(321, 280, 0, bytes(128), 128)


@attempt
def io_uring(facts):
    return syscall(425, 425, 8, ctypes.create_string_buffer(256))


@attempt
def keyring(facts):
    return syscall(250, 219, 0, -5, 1)


@attempt
def userfaultfd(facts):
    return syscall(323, 282, 0)


@attempt
def performance_events(facts):
    return syscall(298, 241, ctypes.create_string_buffer(128), 0, -1, -1, 0)


@attempt
def kernel_modules(facts):
    return syscall(175, 105, b"x", 1, b"")


@attempt
def files_by_handle(facts):
    return syscall(304, 265, -100, bytes(64), 0)


@attempt
def kernel_log(facts):
    return syscall(103, 116, 10, None, 0)


@attempt
def typing_into_the_terminal(facts):
    fcntl.ioctl(0, 0x5412, b"x")
    return "typed"


@attempt
def open_descriptors(facts):
    kinds = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            kinds[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
    odd = [f"{number}: {what}" for number, what in kinds.items() if not what.startswith(("pipe:", "/dev/null", "/proc/"))]
    return f"inherited {odd}" if odd else None


@attempt
def environment(facts):
    allowed = {"HOME", "TMPDIR", "LANG", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}
    odd = [name for name in os.environ if name not in allowed and not name.startswith("MECAPY_")]
    return f"inherited {odd}" if odd else None


@attempt
def limits(facts):
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != 0:
        return "may dump core"
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20))
    except (OSError, ValueError):
        return None
    return "may raise its own limits"


def main(**facts):
    report = []
    for name, function in TRIES.items():
        try:
            got = function(facts)
        except OSError as error:
            report.append({"name": name, "held": True, "detail": str(error)})
        except Exception as error:
            report.append({"name": name, "held": False, "detail": f"the test itself failed: {error!r}"})
        else:
            report.append({"name": name, "held": got is None, "detail": got or "nothing gained"})
    return {"checks": report, "kernel": os.uname().release}
