"""The one error a user is meant to read, and errors of others in one line."""


class UserError(ValueError):
    """Bad input, said in one line: what is wrong, where, and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


def one_line(said: object) -> str:
    """Return what an error, or anything else, says as text without line breaks."""
    return " ".join(str(said).split())
