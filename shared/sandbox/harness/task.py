"""The process that runs the user's function, by the runtime contract (mode A)."""

import atexit
import errno
import gc
import marshal
import os
import sys
import time

import _signal

from . import confine, jsontext, kernel, threads, values, view

PREPARED = b"+"
DONE_WELL = b"done"
FILE_NAME = "main.py"
TEXT_LIMIT = 16_000
ERROR_FILE = "/workspace/out/_runner_error.json"
LAST_DESCRIPTOR = 0x7FFFFFFF
OURS = __package__


class Failed(Exception):
    """The run failed by a rule of the platform: (failure code, sentence)."""


def _take_streams(orders, out, err, verdict):
    """Standard streams, the pipes to the keeper (which end where another program begins), and nothing else."""
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (out, 1), (err, 2)):
        os.dup2(source, target)
    low, high = sorted((orders, verdict))
    for first, last in ((3, low - 1), (low + 1, high - 1), (high + 1, LAST_DESCRIPTOR)):
        if first <= last:
            _close_all(first, last)


def _close_all(first, last):
    try:
        kernel.call("close_range", first, last, 0)
    except OSError:
        os.closerange(first, min(last, 1 << 16) + 1)  # Linux before 5.9


def _read_orders(fd):
    with open(fd, "rb") as file:
        return marshal.loads(file.read())


def _set_environment(limits):
    count = str(threads.count_for(limits["cpu"]))
    os.environ["MECAPY_CPU_LIMIT"] = f"{limits['cpu']:g}"
    os.environ["MECAPY_MEM_LIMIT_MB"] = str(limits["memory_mb"])
    if count != "1":
        for name in threads.VARIABLES:
            os.environ[name] = count
    os.chdir("/workspace/scratch")


def dress_process():
    """
    Gives a process, once for all that it forks, what a run finds in Python: streams, paths, an environment, a main module
    of nobody's, and none of our modules: `import collect` must not find ours.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = open(number, mode, encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(MECAPY_SCRATCH="/workspace/scratch", HOME="/tmp", TMPDIR="/tmp", LANG="C.UTF-8")
    os.environ.update(dict.fromkeys(threads.VARIABLES, "1"))
    sys.argv = [FILE_NAME]
    sys.path.insert(0, "/workspace")
    sys.modules["__main__"] = type(sys)("__main__")
    for name in [name for name in sys.modules if name.split(".")[0] == OURS]:
        del sys.modules[name]


def _load_module(name, source):
    module = type(sys)(name)
    module.__file__ = f"/workspace/{FILE_NAME}"
    sys.modules[name] = module
    code = compile(source, FILE_NAME, "exec", dont_inherit=True)
    exec(code, module.__dict__)  # noqa: S102 - it is what a sandbox is for
    return module


def _find_function(module, name):
    function = module.__dict__.get(name)
    if callable(function):
        return function
    names = sorted(key for key, value in module.__dict__.items() if callable(value) and not key.startswith("_"))
    raise Failed("user_error", f"the code has no function {name!r}; it has: {', '.join(names[:20]) or 'none'}")


def _load_arguments(inputs, files):
    try:
        arguments = values.load_inputs(inputs.decode("utf-8"))
    except ValueError as error:
        raise Failed("user_error", str(error)) from None
    if files:
        from pathlib import Path

        arguments.update({file["port"]: Path("/workspace/in/files", file["name"]) for file in files})
    return arguments


def _write_result(value):
    try:
        data = values.dump_result(value)
    except values.Invalid as invalid:
        raise Failed("invalid_output", str(invalid)) from None
    path = "/workspace/out/data.json"
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError:
        raise Failed("invalid_output", "out/data.json is a folder: leave that name to the result") from None
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        file.write(data)


def _finish(module):
    """As at an interpreter's end: exit functions run, files that only the module still holds are written out."""
    atexit._run_exitfuncs()
    module.__dict__.clear()
    sys.stdout.flush()
    sys.stderr.flush()


def _cut(text):
    return text if len(text) <= TEXT_LIMIT else f"{text[: TEXT_LIMIT // 2]}\n…\n{text[-TEXT_LIMIT // 2 :]}"


def _describe(error):
    """The contract's error file; an exception may be as hostile as any code."""
    import traceback

    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_globals.get("__package__") == OURS:
        frames = frames.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, frames))
        message = str(error)
    except BaseException:  # noqa: BLE001
        text, message = f"{type(error).__name__}\n", "the exception cannot be shown"
    return {
        "error": _cut(message),
        "type": type(error).__name__,
        "traceback": _cut(text),
        "ts": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _classify(error):
    """The failure code of an uncaught exception: most are the user's, some are a limit's."""
    if isinstance(error, Failed):
        return error.args[0]
    if isinstance(error, MemoryError):
        return "out_of_memory"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "output_too_large" if view.is_full("/workspace/out") else "disk_full"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return "disk_full"
    return "user_error"


def _summarise(error, described):
    if isinstance(error, Failed):
        return error.args[1]
    if isinstance(error, SystemExit):
        return f"the code ended itself with sys.exit({error.code!r:.80}) instead of returning a result"
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, RuntimeError) and described["error"] == "can't start new thread":
        number = errno.EAGAIN
    return _cut(f"{described['type']}: {described['error']}"[:2000]) + HINTS.get(number, "")


HINTS = {
    errno.EMFILE: " (the limit of open files was reached)",
    errno.EAGAIN: " (the limit of processes may have been reached)",
    errno.EFBIG: " (the limit of a file's size was reached)",
    errno.ENETUNREACH: " (a task has no network)",
}


def _tell_failure(error, verdict):
    try:
        os.close(0)  # the code may have taken all others, and telling needs one
    except OSError:
        pass
    described = _describe(error)
    failure = {"code": _classify(error), "message": _summarise(error, described)}
    if not isinstance(error, Failed):
        failure["error"] = jsontext.dumps(described, ascii_only=True)
        try:
            os.unlink(ERROR_FILE)
        except OSError:
            pass
        try:
            with open(ERROR_FILE, "x", encoding="ascii") as file:
                file.write(failure["error"])
        except OSError:
            pass  # the verdict carries it too: a full disk hides no error
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001
            pass
    os.write(verdict, jsontext.dumps(failure, ascii_only=True).encode("ascii"))


def _exit_terminated(*_):
    os._exit(128 + _signal.SIGTERM)


def _prepare(config, pipes):
    """All that can be done before there is anything to run."""
    _signal.set_wakeup_fd(-1)
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    # gVisor spares a namespace's first process the default action too, and does not tell who minds a signal.
    own_kernel = config["start"] == "own-kernel-root"
    _signal.signal(_signal.SIGTERM, _exit_terminated if own_kernel else _signal.SIG_DFL)
    _take_streams(*pipes)
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC)
    view.mount_proc()
    confine.give_up_powers(config["task_uid"], config["filter"])
    threads.seed_afresh()


def _call(header, source, inputs):
    arguments = _load_arguments(inputs, header["files"])
    module = _load_module(header["module"], source)
    value = _find_function(module, header["function"])(**arguments)
    _write_result(value)
    _finish(module)


def run(config, pipes):
    """Never returns. Exit status 0 and the verdict `done` mean that `out/data.json` is the function's result."""
    orders, verdict = pipes[0], pipes[3]
    status = 1
    try:
        try:
            _prepare(config, pipes)
        except BaseException as error:  # noqa: BLE001 - ours, not the user's: nothing of theirs has run
            os.write(verdict, f"{type(error).__name__}: {error}".encode())
            os._exit(1)
        gc.enable()
        os.write(verdict, PREPARED)
        header, source, inputs = _read_orders(orders)
        _set_environment(header["limits"])
        threads.set_count(header["limits"]["cpu"], config["blas"])
        try:
            _call(header, source, inputs)
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the user's too
            _tell_failure(error, verdict)
        else:
            os.write(verdict, DONE_WELL)
            status = 0
    finally:
        os._exit(status)
