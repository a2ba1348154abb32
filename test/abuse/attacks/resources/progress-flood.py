"""
Reports progress a million times.

Must: completed
"""


def main(host):
    with open("/workspace/out/progress.jsonl", "w") as file:
        for number in range(1_000_000):
            file.write('{"fraction": 0.5, "message": "\\u0000"}\n')
