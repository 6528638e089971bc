"""The whole life of an environment on an AWS emulator, with the genuine CDK CLI.

Nothing here can reach AWS: see `sandbox.py`.
"""
