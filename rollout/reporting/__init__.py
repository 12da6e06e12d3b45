"""Turns plan, inventory and journal into CSV and HTML."""
