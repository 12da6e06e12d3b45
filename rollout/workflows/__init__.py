"""One module per command, in domain words; what they need from outside is in ports."""
