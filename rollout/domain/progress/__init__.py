"""What was intended and what came of it: the journal's records, and all that is derived from them."""
