# Given to `python -c`: takes the harness from the worker's end of the pipe, so that no file holds it.
import gc
import marshal
import posix
import sys


def take(size):
    data = b""
    while len(data) < size:
        part = posix.read(0, size - len(data))
        if not part:
            posix._exit(0)
        data += part
    return data


def compiled(source):
    import json

    modules = [
        (name, compile(text, f"{name}.py", "exec", dont_inherit=True, optimize=2)) for name, text in json.loads(source)
    ]
    return {"modules": modules, "filter": None, "new": True}


def boot():
    head = take(5)
    bundle = take(int.from_bytes(head[1:], "big"))
    kept = compiled(bundle) if head[:1] == b"S" else {**marshal.loads(bundle), "new": False}
    package = sys.modules["_mecapy"] = type(sys)("_mecapy")
    package.__path__ = []
    for name, code in kept["modules"]:
        module = sys.modules[f"_mecapy.{name}"] = type(sys)(f"_mecapy.{name}")
        module.__package__ = "_mecapy"
        setattr(package, name, module)
        exec(code, module.__dict__)
    package.start.main(kept)


gc.disable()  # there is no garbage yet
boot()
