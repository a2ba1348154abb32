"""What every task of the chaos suite runs. What comes back follows from the inputs, but for the nonce of the run."""

import hashlib
import os
import time
import uuid


def work(text, sleep=0.0, spin=0.0, pad=0, lines=0, steps=0, files=0, fails=0.0):
    nonce = uuid.uuid4().hex
    for number in range(lines):
        print(f"{nonce} line {number}", flush=True)
    for step in range(steps):
        with open("/workspace/out/progress.jsonl", "a") as progress:
            progress.write(f'{{"fraction": {(step + 1) / steps}, "message": "{nonce}"}}\n')
        time.sleep(sleep / steps)
    if steps == 0:
        time.sleep(sleep)
    end = time.perf_counter() + spin
    while time.perf_counter() < end:
        pass
    if int.from_bytes(os.urandom(4), "big") / 2**32 < fails:
        raise ValueError(nonce)
    for number in range(files):
        os.makedirs("/workspace/out/artifacts", exist_ok=True)
        with open(f"/workspace/out/artifacts/{number}.txt", "w") as file:
            file.write(f"{nonce}\n" * (number + 1) * 100)
    return {"digest": hashlib.sha256(text.encode()).hexdigest(), "nonce": nonce, "pad": "x" * pad}
