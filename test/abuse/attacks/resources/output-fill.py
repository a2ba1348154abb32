"""
Fills the place for outputs.

Must: failed output_too_large
With: {"resources": {"cpu": 1, "memory_mb": 640}}
"""


def main(host):
    with open("/workspace/out/artifacts/fill", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
