"""What would change in an environment: for its users, in Kubernetes, in CloudFormation."""
