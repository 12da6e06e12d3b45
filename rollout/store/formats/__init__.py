"""The file formats of plans, evidence and journal lines, in a folder or a bucket alike."""
