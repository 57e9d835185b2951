"""Pure numbers: arrays in, frozen dataclasses out, no clock, no I/O, no global state."""
