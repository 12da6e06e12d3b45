"""What reports need beyond the plan: an earlier day, digests of everything, and Security Hub."""
