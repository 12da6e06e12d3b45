"""`rollout apply`: runs one stage of a reviewed plan, wave by wave, account by account.

See design.md#stages-and-gates, design.md#apply-journal-store.
"""
