"""The content of the sandbox's organization, and how it is created."""
