"""What runs inside a user's server, in its Python kernel: sent as text, so the standard library
alone, and nothing newer than the oldest Python of an image."""
