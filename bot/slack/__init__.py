"""What Slack sends and what people are told in it, as values and as Block Kit. Pure."""
