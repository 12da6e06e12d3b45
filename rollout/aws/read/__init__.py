"""Reads one account: bulk calls, plus a few calls about single users."""
