"""
Changes settings of the kernel that lead to code on the host: core dumps, hot plug, module loading.

Must: blocked
"""

import os


def tries(host):
    for name in ("kernel/core_pattern", "kernel/modprobe", "kernel/hotplug", "kernel/ns_last_pid", "kernel/randomize_va_space", "vm/overcommit_memory", "vm/drop_caches", "vm/panic_on_oom", "net/ipv4/ip_forward", "fs/suid_dumpable", "fs/binfmt_misc/register", "user/max_user_namespaces"):
        yield name, lambda: write(f"/proc/sys/{name}")
    for path in ("/proc/sysrq-trigger", "/proc/irq/0/smp_affinity", "/proc/acpi/wakeup", "/proc/bus/pci/00/00.0", "/sys/kernel/uevent_helper", "/sys/power/state", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/release_agent", "/sys/module/kernel/parameters/panic", "/sys/kernel/debug/x"):
        yield path, lambda: write(path)
    if not host["own_kernel"]:  # such a kernel grants what means nothing outside
        yield "the order of dying", lambda: write("/proc/self/oom_score_adj", "-1000")
        yield "the old order of dying", lambda: write("/proc/self/oom_adj", "-17")
    yield "cgroups seen", lambda: os.listdir("/sys/fs/cgroup")
