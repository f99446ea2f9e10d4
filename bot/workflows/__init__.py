"""Load, decide, save: what happens when an event, a clock or a person asks. Ports in, decisions in the core."""
