"""The one exception a user is meant to read, and the one warning."""


class FacepriorError(Exception):
    """Bad input or usage. The message is one line: the file, the reason, what to do.

    The command line prints it without a traceback and exits with status 2.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


class FacepriorWarning(UserWarning):
    """Something went another way than a user may expect, and on. The message is one line."""


def one_line(text: str) -> str:
    """`text` for a terminal or a log: a file's name may hold line breaks, escape sequences, bytes that are no text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
