"""The playground's own errors."""


class Unsupported(Exception):
    """AWS has this, the local cloud has not (or nobody has). It stops here rather than behave unlike AWS."""
