"""Files and locks: plans, evidence, journal segments, settings text."""
