"""The one exception a user is meant to read."""


class FacepriorError(Exception):
    """Bad input or usage. The message is one line: the file, the reason, what to do.

    The command line prints it without a traceback and exits with status 2.
    """
