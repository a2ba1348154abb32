"""
Names as its handler an expression instead of a function.

Must: refused 422
With: {"handler": "__import__('os').system('id')"}
"""
