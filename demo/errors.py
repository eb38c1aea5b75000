"""What can go wrong in the demo."""


class DemoError(Exception):
    """The demo did not come to where it should, in words for the person who started it."""
