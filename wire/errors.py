"""What can be wrong with a message.

WireError
"""


class WireError(Exception):
    """These bytes are not a message of the contract; the text says why."""
