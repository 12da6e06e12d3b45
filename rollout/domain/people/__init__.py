"""Users, accounts and the organization as seen, and who among them a command is about."""
