"""Parts of stacks: each file a construct, or functions that more than one stack uses."""
