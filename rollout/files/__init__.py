"""Files of this machine: readable by their owner only, never half written; shared by store, notify and reporting."""
