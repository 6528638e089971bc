"""An environment's AWS account: its session, its CloudFormation stacks, its cluster."""
