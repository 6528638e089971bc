"""Kubernetes, one file per chart and component. Knows the model, but neither stacks nor AWS CDK."""
