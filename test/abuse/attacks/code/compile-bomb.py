"""
Compiles a constant that is gigabytes long when it is folded, and nested code without end.

Must: failed user_error or failed out_of_memory or failed timeout
With: {"timeout_seconds": 2, "resources": {"cpu": 1, "memory_mb": 128}}
"""


def main(host):
    for source in ("(1 << (1 << 26)) " * 64, "[" * 90 + "0" + "]" * 90, "x = " + "-" * 1_000_000 + "1", "lambda: " * 90_000 + "0"):
        compile(source, "bomb", "exec")
