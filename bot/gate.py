"""The health gate's decision: does an open issue stand in this deploy's way? Pure; the handler answers the job."""

GATE_MESSAGE_PREFIX = "Allclear health gate:"
"""Every failure message of the gate starts with this; a failed action that says it was stopped by the gate."""
