"""The whole life of two environments on an AWS emulator, with the genuine commands.

Nothing here can reach AWS: see `sandbox.py`.
"""
