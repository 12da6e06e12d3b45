"""The proof: throw-away users, what is asked as them, what is foretold, and what AWS answered (docs/proof.md)."""
