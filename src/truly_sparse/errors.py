"""The one error a user is meant to read."""


class UserError(ValueError):
    """Bad input, said in one line: what is wrong, where, and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """
