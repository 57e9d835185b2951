"""What to say: use cases and permissions, Workspace first."""
