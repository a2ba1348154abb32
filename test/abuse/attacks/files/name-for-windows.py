"""
Names an artifact so that on Windows it lands in another folder.

Must: failed invalid_output
Says: backslash
"""


def main(host):
    open("/workspace/out/artifacts/..\\..\\Startup\\run.bat", "w").close()
