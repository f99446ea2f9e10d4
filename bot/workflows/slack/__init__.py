"""What follows from what people do in Slack. The record decides, never what a button says."""
