"""`slipway migrate`: an existing VS Code or RStudio image, with Jupyter and the proxy added.

The image is read, never run. What it has stays byte for byte; two layers are put on top.
"""
