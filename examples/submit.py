"""Runs a calculation on the platform and prints its result: python3 examples/submit.py examples/truss

The folder holds `main.py` and `task.json`, as the examples do. Needs Python 3.10 or newer and nothing else.
MECAPY_URL and MECAPY_TOKEN say where the platform is and who asks; `npm start` prints both.
"""

import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

WAIT_SECONDS = 30
POLL_SECONDS = 1
TIMEOUT_SECONDS = 60


def send(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    """One request; a refusal ends the program with the platform's own words."""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            return response.read()
    except urllib.error.HTTPError as refusal:
        text = refusal.read().decode(errors="replace")
        try:
            problem = json.loads(text)
        except ValueError:
            sys.exit(f"{method} {url}: {refusal.code} {text[:200]}")
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in problem.get("errors", [])]
        sys.exit("\n  ".join([f"{method} {url}: {problem.get('detail', problem)} ({refusal.code})", *faults]))
    except OSError as error:
        sys.exit(f"{method} {url}: {error}")


def call(method: str, path: str, body: dict | None = None, headers: dict[str, str] | None = None) -> bytes:
    """One request to the API, as the holder of the token."""
    ours = {"authorization": f"Bearer {os.environ['MECAPY_TOKEN']}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body, allow_nan=False).encode()
    return send(method, os.environ["MECAPY_URL"].rstrip("/") + path, data, ours | (headers or {}))


def upload(path: Path) -> str:
    """Hands an input file over: the API answers where to put it, the file goes there."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    target = json.loads(call("POST", "/uploads", {"filename": path.name, "size_bytes": len(content), "sha256": digest}))
    send("PUT", target["url"], content, target.get("headers"))
    return target["upload_id"]


def follow(task: dict) -> dict:
    """Asks after the task until it has ended, and tells how far it is."""
    while task["status"] in ("queued", "running"):
        progress = task.get("progress") or {}
        print(
            f"{task['status']} {100 * progress.get('fraction', 0):3.0f} % {progress.get('message', '')}",
            file=sys.stderr,
        )
        time.sleep(POLL_SECONDS)
        task = json.loads(call("GET", f"/tasks/{task['id']}"))
    return task


def main(folder: Path) -> None:
    task = json.loads((folder / "task.json").read_text())
    task["code"] = (folder / "main.py").read_text()
    task["files"] = {port: upload(folder / name) for port, name in task.get("files", {}).items()}
    # The answer comes when the task ends, or after 30 s as it stands then; what takes longer is asked after.
    submitted = json.loads(call("POST", "/tasks", task, {"prefer": f"wait={WAIT_SECONDS}"}))
    ended = follow(submitted)
    if ended["status"] != "completed":
        sys.exit(f"{ended['status']}: {ended.get('error_message')}")
    print(call("GET", f"/tasks/{ended['id']}/result").decode())
    for artifact in json.loads(call("GET", f"/tasks/{ended['id']}/artifacts"))["artifacts"]:
        path = Path("out") / Path(artifact["name"]).name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(send("GET", artifact["url"]))
        print(f"{path} ({artifact['size_bytes']:,} bytes)", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not {"MECAPY_URL", "MECAPY_TOKEN"} <= set(os.environ):
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
