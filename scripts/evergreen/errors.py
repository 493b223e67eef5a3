"""Errors that a user can act on. The command line prints them without a traceback."""


class EvergreenError(Exception):
    """A message that names file, place and remedy, and the exit code of the command.

    Exit codes: 0 done, 1 a fault of Evergreen itself, 2 wrong usage, 3 input refused,
    4 build failed, 5 audit failed, 6 another refresh runs, 7 could not publish,
    13 an erasure left something to do.
    """

    exit_code = 1


class InputRefused(EvergreenError):
    """Nothing was changed: the input cannot be loaded as it stands."""

    exit_code = 3


class BuildFailed(EvergreenError):
    """dbt could not build the marts, or one of its tests failed."""

    exit_code = 4


class AuditFailed(EvergreenError):
    """A critical expectation failed."""

    exit_code = 5


class Locked(EvergreenError):
    """Another refresh holds the warehouse."""

    exit_code = 6


class PublishFailed(EvergreenError):
    """The marts are built and audited, but could not be swapped in."""

    exit_code = 7


class EraseIncomplete(EvergreenError):
    """A person was erased, but something is left to do: run the command again."""

    exit_code = 13

    def __init__(self, problems: list[str], receipt: object) -> None:
        super().__init__(
            "the erasure is not complete: " + " ".join(problems) + f" Receipt: {receipt}. "
            "Mend the cause and run the command again."
        )
        self.problems = problems
