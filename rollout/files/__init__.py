"""Private, atomically written files on this machine; shared by store, notify and reporting."""
