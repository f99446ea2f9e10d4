"""The code broken on purpose, one condition at a time: a test that does not notice is missing."""
