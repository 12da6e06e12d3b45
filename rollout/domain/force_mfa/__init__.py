"""The ForceMFA documents: the seed, its named amendments, and where they hang (DESIGN §5)."""
