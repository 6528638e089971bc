"""A release from one environment to the next, back again, and which runs where."""
