"""Users, accounts and the organization, and the selection of those that a command works on."""
