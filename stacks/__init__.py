"""CloudFormation: one file for each stack, their parts in `constructs/`.

Stacks import charts, through `charts.rendering`; charts never import stacks.
"""
