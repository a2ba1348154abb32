"""
Logs, returns and raises text with marks that turn the direction of writing and characters that nobody sees.

Must: completed
Result: {"\u202etxt.exe": "\u2066\u200b\u2069"}
"""


def main(host):
    print("\u202eeno siht daer\u2069")
    return {"\u202etxt.exe": "\u2066\u200b\u2069"}
