"""`rollout apply`: carries a reviewed plan to a stage, wave by wave, account by account (DESIGN §6, §8)."""
