"""
Names a function of the standard library as its handler.

Must: failed user_error
With: {"handler": "os:system"}
Says: no function 'system'
"""
