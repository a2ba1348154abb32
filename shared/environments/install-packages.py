"""Runs inside a build sandbox: resolves or installs requirements with pip, whose only way out is a socket of the platform.

Usage: install-packages.py resolve|install; what to install and from where stands in the request file.
"""

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import zipfile

SOCKET = "/run/index/socket"
REQUEST = "/run/request.json"
REQUIREMENTS = "/tmp/requirements.txt"
OUT = "/out"
COPY_BYTES = 1 << 16
REFUSED = 3


def refuse(message):
    print(f"ERROR: {message}", file=sys.stderr)
    sys.exit(REFUSED)


async def copy(reader, writer):
    try:
        while data := await reader.read(COPY_BYTES):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def relay(reader, writer):
    try:
        outward_reader, outward_writer = await asyncio.open_unix_connection(SOCKET)
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, outward_writer), copy(outward_reader, writer))


def start_relay():
    """pip speaks to proxies over TCP alone: this port, of a network that has nothing else, leads to the socket."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(relay, "127.0.0.1", 0))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return server.sockets[0].getsockname()[1]


def pip(*arguments):
    environment = {"HOME": "/tmp", "TMPDIR": f"{OUT}/tmp", "PATH": "", "LANG": "C.UTF-8", "PYTHONPATH": os.environ["PYTHONPATH"]}
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    if subprocess.run(command, env=environment, stdin=subprocess.DEVNULL).returncode != 0:
        sys.exit(1)


def reach_index(options):
    arguments = ["--index-url", options["index"], "--proxy", f"http://127.0.0.1:{start_relay()}", "--retries", "2"]
    for url in options["extra"]:
        arguments += ["--extra-index-url", url]
    if options["certificates"]:
        arguments += ["--cert", options["certificates"]]
    return [*arguments, "--timeout", "30", "--only-binary", ":all:", "--quiet"]


def check_sizes(folder, max_bytes):
    """Before anything is unpacked. Python's own unpacking never writes more than a file is said to have."""
    total = 0
    for name in os.listdir(folder):
        with zipfile.ZipFile(os.path.join(folder, name)) as wheel:
            total += sum(entry.file_size for entry in wheel.infolist())
    if total > max_bytes:
        refuse(f"the packages unpack to {total >> 20} MiB; {max_bytes >> 20} MiB are allowed")


def resolve(options):
    report = f"{OUT}/report.json"
    pip("install", "--dry-run", "--ignore-installed", "--report", report, "-r", REQUIREMENTS, *reach_index(options))


def install(options):
    wheels, target = f"{OUT}/wheels", f"{OUT}/site-packages"
    locked = ["--no-deps", "--require-hashes", "-r", REQUIREMENTS]
    pip("download", "--dest", wheels, *locked, *reach_index(options))
    check_sizes(wheels, options["max_bytes"])
    offline = ["--no-index", "--find-links", wheels, "--only-binary", ":all:", "--quiet"]
    pip("install", "--target", target, "--no-compile", *locked, *offline)
    shutil.rmtree(wheels)
    compile_bytecode = ["-m", "compileall", "--invalidation-mode", "unchecked-hash", "-qq", "-j", "0", "-x", "/tests/"]
    # A package may carry files of another Python's syntax: what does not compile is not imported either.
    subprocess.run([sys.executable, *compile_bytecode, "-s", target, "-p", options["prefix"], target], stdin=subprocess.DEVNULL)


def main():
    with open(REQUEST) as file:
        options = json.load(file)
    with open(REQUIREMENTS, "w") as file:
        file.write(options["requirements"])
    resource.setrlimit(resource.RLIMIT_AS, (options["memory_bytes"], options["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (options["max_bytes"], options["max_bytes"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.makedirs(f"{OUT}/tmp")
    {"resolve": resolve, "install": install}[sys.argv[1]](options)
    shutil.rmtree(f"{OUT}/tmp", ignore_errors=True)


main()
