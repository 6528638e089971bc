"""What an environment's hub and its users' Jupyter servers are configured with."""
