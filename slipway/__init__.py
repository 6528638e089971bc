"""Slipway: JupyterHub with any web application behind it, as one versioned environment."""
