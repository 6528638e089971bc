"""Releases: freezing one, its file and signature, and the code that may render it."""
