"""The only code that calls AWS about accounts and the organization."""
