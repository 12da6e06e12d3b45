"""An AWS organization that runs on this machine, so that `rollout` can be tried without an AWS account."""
