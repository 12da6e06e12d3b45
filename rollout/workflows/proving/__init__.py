"""`rollout prove`: writes and questions in order, journalled, and everything removed (docs/proof.md)."""
