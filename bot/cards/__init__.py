"""The cards: one message an execution, one a burst. Pure."""
