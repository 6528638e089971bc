"""The hub's configuration: the same in a pod and on a laptop."""
