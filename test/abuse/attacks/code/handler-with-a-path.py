"""
Names as its handler's module a path out of its folder.

Must: refused 422
With: {"handler": "../../etc/x:main"}
"""
