"""`rollout apply`: carries a reviewed plan to a stage, wave by wave, account by account.

See design.md#stages-and-gates, design.md#apply-journal-store.
"""
