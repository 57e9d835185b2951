"""Pure I/O: one backend or wire format per file."""
