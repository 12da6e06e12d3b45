"""Plans, journal and lock: in a folder of this machine, or in a bucket."""
