"""The local environment: `slipway up`."""
