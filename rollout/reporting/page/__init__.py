"""The page of a report: what it shows, what it cannot tell, and the data for its script."""
