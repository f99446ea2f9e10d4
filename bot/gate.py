"""The health gate's words: what its failures begin with, so that they are recognised when they come back."""

GATE_MESSAGE_PREFIX = "Allclear health gate:"
