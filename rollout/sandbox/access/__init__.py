"""Who asks the embedded organization, and whether they may."""
