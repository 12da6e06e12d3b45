"""The only place that speaks boto3 about accounts and the organization."""
