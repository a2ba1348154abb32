"""
Becomes somebody else: by the calls, by capabilities, by a program that says so.

Must: blocked
"""

import os
import shutil
import stat
import struct
import sys


def as_user(call, *users):
    try:
        return call(*users)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise Blocked("there is no such user in here") from None
        raise


def filesystem_user():
    libc.setfsuid(0)
    if libc.setfsuid(-1) != 0:
        raise Blocked("it answers the old one")


def held_capabilities():
    with open("/proc/self/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    return nothing_of([name for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status.get(name, "0"), 16)])


def take_capabilities():
    header = (0x20080522).to_bytes(4, "little") + bytes(4)
    if libc.capset(header, b"\xff" * 24) == -1:
        raise OSError(ctypes.get_errno(), "capset")


def set_user_id_program():
    shutil.copy(sys.executable, "/tmp/copy")
    os.chmod("/tmp/copy", 0o6755)
    before = os.geteuid()
    with os.popen("/tmp/copy -I -S -c 'import os; print(os.geteuid())'") as said:
        if said.read().strip() not in ("", str(before)):
            return "another user"
    raise Blocked("it is still the same user, or there is no shell")


def new_privileges():
    if libc.prctl(39, 0, 0, 0, 0) != 1:
        return "no_new_privs is not set"
    raise Blocked("no_new_privs is set")


def tries(host):
    for user in (0, 1, 65534, 1_700_000_000):
        yield f"user {user}", lambda: as_user(os.setuid, user)
        yield f"users {user}", lambda: as_user(os.setresuid, user, user, user)
        yield f"group {user}", lambda: as_user(os.setgid, user)
    yield "groups", lambda: os.setgroups([0])
    yield "the file system's user", filesystem_user
    yield "capabilities held", held_capabilities
    yield "capabilities taken", take_capabilities
    yield "a program with another user's id", set_user_id_program
    yield "new privileges", new_privileges
    open("/tmp/mine", "w").close()
    every = struct.pack("<5I", 0x02000001, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0)
    yield "a file with capabilities", lambda: os.setxattr("/tmp/mine", "security.capability", every)
    yield "another owner", lambda: as_user(os.chown, "/tmp/mine", 0, 0)
    yield "the map of users", lambda: write("/proc/self/uid_map", "0 0 4294967295")
    yield "groups allowed", lambda: write("/proc/self/setgroups", "allow")
    yield "a device's mode", lambda: os.chmod("/dev/null", stat.S_IRWXU)
