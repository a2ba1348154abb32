"""
Changes the state of its process for the tenant's next run: folder, mask, priority, limits, signals, timers.

Must: blocked
"""

import os
import resource
import signal


def leave(host):
    os.chdir("/")
    os.umask(0)
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    signal.alarm(60)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def same(found, expected):
    if found != expected:
        return found
    raise Blocked("as new")


def tries(host):
    yield "folder", lambda: same(os.getcwd(), "/workspace/scratch")
    yield "mask", lambda: same(os.umask(0o22), 0o22)
    yield "priority", lambda: same(os.nice(0), 0)
    yield "open files", lambda: same(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 20, True)
    yield "processor time", lambda: same(resource.getrlimit(resource.RLIMIT_CPU)[0], resource.RLIM_INFINITY)
    yield "signals", lambda: same(signal.getsignal(signal.SIGUSR1), signal.SIG_DFL)
    yield "blocked signals", lambda: same(signal.pthread_sigmask(signal.SIG_BLOCK, []), set())
    yield "timers", lambda: same(signal.alarm(0), 0)
    yield "processors", lambda: same(len(os.sched_getaffinity(0)) > 1 or os.cpu_count() == 1, True)
