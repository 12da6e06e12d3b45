"""The forms in which a report is written for other programs: one module and one row of the registry for each."""
