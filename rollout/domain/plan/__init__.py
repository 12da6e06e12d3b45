"""The reviewed plan as a value, and how it is made from an inventory."""
