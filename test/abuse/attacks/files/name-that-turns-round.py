"""
Names an artifact `txt.exe` with a mark that shows it as `exe.txt`.

Must: failed invalid_output
"""


def main(host):
    open("/workspace/out/artifacts/report-\u202etxt.exe", "w").close()
