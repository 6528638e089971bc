"""What Slipway adds to a user's server."""
