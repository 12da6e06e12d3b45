"""Templates of the roles that `rollout` needs, and of what protects them, for CloudFormation and Terraform."""
