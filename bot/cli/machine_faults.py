"""Faults of the machine: a full disk, a database that is away."""

from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from bot.cases.errors import Refusal

#: What SQLite says of its file, not of a statement.
FILE_ERRORS = ("BUSY", "CANTOPEN", "CORRUPT", "FULL", "IOERR", "NOTADB", "READONLY")
#: PostgreSQL's code for a role without the right.
INSUFFICIENT_PRIVILEGE = "42501"


def as_refusal(failure: Exception) -> Refusal | None:
    """Say what people can mend; None for an error of the program."""
    match failure:
        case ArgumentError():
            return Refusal(
                "COUNTERSIGN_DATABASE_URL is no address of a database: write"
                " postgresql+psycopg://USER@HOST/NAME, or sqlite:////PATH"
            )
        case DBAPIError():
            return _of_database(failure)
        case OSError(strerror=str()) if failure.filename:
            return Refusal(f"{failure.strerror}: {failure.filename2 or failure.filename}")
        case _ if getattr(failure, "sqlite_errorname", ""):
            # A copy is written without SQLAlchemy.
            return _of_file(failure)
        case _:
            return None


def _of_database(failure: DBAPIError) -> Refusal | None:
    cause = failure.orig
    if getattr(cause, "sqlstate", "") == INSUFFICIENT_PRIVILEGE:
        return Refusal(
            f"the database refuses its role something: {_first_line(cause)}. Grant it, or run this"
            " as the role that owns the tables"
        )
    if getattr(cause, "sqlite_errorname", ""):
        return _of_file(cause)
    if isinstance(failure, OperationalError | InterfaceError):
        return Refusal(
            f"the database cannot be used: {_first_line(cause)}. Is it running, and is"
            " COUNTERSIGN_DATABASE_URL right?"
        )
    return None


def _of_file(cause: BaseException | None) -> Refusal | None:
    # Extended codes go on behind it, as in SQLITE_IOERR_WRITE.
    name = getattr(cause, "sqlite_errorname", "").removeprefix("SQLITE_")
    if not name.startswith(FILE_ERRORS):
        return None
    return Refusal(f"the file of the database cannot be used: {_first_line(cause)}")


def _first_line(cause: BaseException | None) -> str:
    lines = str(cause).splitlines()
    return lines[0].strip() if lines else type(cause).__name__
