"""
Returns fifty megabytes of JSON.

Must: failed output_too_large
"""


def main(host):
    return {"x": "y" * 50_000_000}
