"""Records real runtimes of the examples over varying inputs, for `npm run bench:estimates`.

    python3 bench/estimates/record.py > bench/estimates/recorded.json

Each run is a process forked off one that has imported the example, as in the platform's sandbox; its time is from the
fork to its end. Needs Python 3.10 or newer, and NumPy; takes some minutes.
"""

import importlib.util
import json
import os
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np  # noqa: E402  (after the variable that it reads)

EXAMPLES = Path(__file__).parents[2] / "examples"
SEED = 2026
RUNS = {"bolted-joint": 60, "truss": 120, "plate-with-hole": 120}


def load(name: str):
    """The example's handler and the inputs of its task."""
    folder = EXAMPLES / name
    task = json.loads((folder / "task.json").read_text())
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), folder / "main.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return getattr(module, task["handler"]), task["inputs"]


def vary_bolted_joint(inputs: dict, rng: random.Random) -> tuple[dict, dict]:
    return {**inputs, "axial_load_kn": round(rng.uniform(1, 20), 1), "utilisation": round(rng.uniform(0.5, 0.9), 2)}, {}


def vary_plate(inputs: dict, rng: random.Random) -> tuple[dict, dict]:
    """The mesh grows by numbers in the inputs: their size in bytes says nothing."""
    return {**inputs, "coarsest_radial_elements": 2 * rng.randint(1, 7), "meshes": rng.choice([1, 1, 2, 2, 3])}, {}


def vary_truss(inputs: dict, rng: random.Random) -> tuple[dict, dict]:
    """The mesh is a file: its size says nearly everything."""
    panels = 2 * round(2 * 60 ** rng.random())
    return inputs, {"mesh": pratt_truss(panels)}


def pratt_truss(panels: int) -> str:
    """An MSH 4.1 file of a Pratt truss with panels of 4 m, 3 m high, all of a group in one entity."""
    middle = panels // 2
    nodes = [(4 * i, 0) for i in range(panels + 1)] + [(4 * i, 3) for i in range(1, panels)]
    top = panels + 1
    chord = [(i, i + 1) for i in range(panels)] + [(top + i, top + i + 1) for i in range(panels - 2)]
    web = [(0, top), (panels, top + panels - 2)] + [(i, top + i - 1) for i in range(1, panels)]
    web += [(top + i - 1, i + 1) for i in range(1, middle)] + [(top + i - 1, i - 1) for i in range(middle + 1, panels)]
    points = {"pin": [0], "roller": [panels], "deck": list(range(1, panels)), "midspan": [middle]}
    names = [(0, tag, name) for tag, name in enumerate(points, 1)] + [(1, 1, "chord"), (1, 2, "web")]
    blocks = [(0, tag, 15, [(node,) for node in group]) for tag, group in enumerate(points.values(), 1)]
    blocks += [(1, 1, 1, chord), (1, 2, 1, web)]
    lines = ["$MeshFormat", "4.1 0 8", "$EndMeshFormat", "$PhysicalNames", str(len(names))]
    lines += [f'{dimension} {tag} "{name}"' for dimension, tag, name in names]
    lines += ["$EndPhysicalNames", "$Entities", f"{len(points)} 2 0 0"]
    lines += [f"{tag} 0 0 0 1 {tag}" for tag in range(1, len(points) + 1)]
    lines += [f"{tag} 0 0 0 0 0 0 1 {tag} 0" for tag in (1, 2)]
    lines += ["$EndEntities", "$Nodes", f"1 {len(nodes)} 1 {len(nodes)}", f"1 1 0 {len(nodes)}"]
    lines += [str(tag) for tag in range(1, len(nodes) + 1)] + [f"{x} {y} 0" for x, y in nodes]
    count = sum(len(elements) for *_, elements in blocks)
    lines += ["$EndNodes", "$Elements", f"{len(blocks)} {count} 1 {count}"]
    tag = 0
    for dimension, entity, kind, elements in blocks:
        lines.append(f"{dimension} {entity} {kind} {len(elements)}")
        for element in elements:
            tag += 1
            lines.append(" ".join(str(number) for number in (tag, *(node + 1 for node in element))))
    return "\n".join([*lines, "$EndElements", ""])


def time_run(handler, inputs: dict, files: dict[str, str]) -> float:
    """Seconds from the fork to the end of a process that calls the handler in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {port: Path(folder) / f"{port}.msh" for port in files}
        for port, text in files.items():
            paths[port].write_text(text)
        start = time.perf_counter()
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            try:
                json.dumps(handler(**inputs, **paths))
                os._exit(0)
            except BaseException as error:
                print(f"{handler.__name__}: {error!r}", file=sys.stderr, flush=True)
                os._exit(1)
        _, status = os.waitpid(child, 0)
        if status != 0:
            raise SystemExit("a run failed")
        return time.perf_counter() - start


def main() -> None:
    rng = random.Random(SEED)
    variations = {"bolted-joint": vary_bolted_joint, "truss": vary_truss, "plate-with-hole": vary_plate}
    loaded = {name: load(name) for name in RUNS}
    order = [name for name, count in RUNS.items() for _ in range(count)]
    rng.shuffle(order)
    runs = []
    for index, name in enumerate(order):
        handler, inputs = loaded[name]
        varied, files = variations[name](inputs, rng)
        size = len(json.dumps(varied)) + sum(map(len, files.values()))
        runs.append([name, size, round(time_run(handler, varied, files), 4)])
        print(f"\r{index + 1} of {len(order)}", end="", file=sys.stderr)
    provenance = {
        "recorded_by": "bench/estimates/record.py",
        "date": time.strftime("%Y-%m-%d"),
        "seed": SEED,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, shared with other work",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "columns": ["example", "input_bytes", "seconds"],
    }
    head = json.dumps(provenance, indent=2)[:-2]
    rows = ",\n".join(f"    {json.dumps(run)}" for run in runs)
    print(f'{head},\n  "runs": [\n{rows}\n  ]\n}}')


if __name__ == "__main__":
    main()
