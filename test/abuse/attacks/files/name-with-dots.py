"""
Names artifacts so that a careless join of paths leaves the task's folder: dots, and dots in disguise.

Must: completed
"""

NAMES = ("..%2f..%2f..%2fetc%2fpasswd", "%2e%2e", "..;", "...", "\u2025\u2215x", "~root", "$(id)", "`id`", "-rf", "'; drop table tasks; --", "a?x=1#y", "{{7*7}}")


def main(host):
    for name in NAMES:
        with open(f"/workspace/out/artifacts/{name}.txt", "w") as file:
            file.write("harmless")
    return {"names": len(NAMES)}
