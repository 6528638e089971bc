"""Checks, teardown and recreation of environments on AWS, beside what `cdk deploy` does."""
