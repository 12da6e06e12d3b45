"""The only place that speaks boto3."""
