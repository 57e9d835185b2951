"""One runnable file per performance claim; results are written as JSON."""
