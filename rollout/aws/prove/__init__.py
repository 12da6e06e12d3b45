"""Makes, asks as, and removes the throw-away users of a proof (docs/proof.md)."""
