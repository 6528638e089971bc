"""What Slipway asks of AWS itself, beside what `cdk deploy` does."""
