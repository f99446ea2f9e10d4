"""Allclear: holds AWS deploys during AWS incidents and resumes them, once, at the all-clear."""
