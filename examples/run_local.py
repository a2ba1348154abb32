"""Runs an example on this machine, without the platform: python3 examples/run_local.py truss

Prints the result as JSON; what the calculation writes lands in ./out. Needs Python 3.10 or newer, and NumPy.
"""

import importlib.util
import json
import sys
from pathlib import Path


def run_example(folder: Path) -> dict:
    """Calls the example's handler as the platform does: inputs by name, input files as paths."""
    task = json.loads((folder / "task.json").read_text())
    spec = importlib.util.spec_from_file_location("main", folder / "main.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["main"] = module
    spec.loader.exec_module(module)
    files = {port: (folder / name).resolve() for port, name in task.get("files", {}).items()}
    return getattr(module, task["handler"])(**task["inputs"], **files)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    result = run_example(Path(__file__).parent / sys.argv[1])
    print(json.dumps(result, indent=2, allow_nan=False))
