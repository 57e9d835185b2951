"""Words and formats in ten languages."""
