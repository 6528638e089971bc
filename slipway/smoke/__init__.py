"""`slipway smoke`: everything that users get, tried in a running environment as a user would."""
