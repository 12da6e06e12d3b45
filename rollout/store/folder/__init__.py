"""The store that is a folder of this machine."""
