"""How the archives of this folder are registered, and what goes with each.

A function that is marked with @archive is called like the behaviour that it calls for, and returns
the members as bytes.  Its docstring says what must not happen.  Behind the members comes `good', a
file that is to be extracted in spite of everything (unless it says `absent'), and the end of the archive.
"""

from tarbytes import END, member

ARCHIVES = {}
GOOD = member(b"good", b"good\n")


class Archive:
    """What is known of an archive beside its bytes."""

    def __init__(self, function, status, kept, absent, options, whole, says):
        self.function = function
        self.name = function.__name__
        self.status = status    # exit statuses, any of which is right
        self.kept = kept        # names that are to be there afterwards -> content, or None: any
        self.absent = absent    # names that must not be there
        self.options = options  # for tarn -x
        self.whole = whole      # the function returns all of it: no `good', no end
        self.says = says        # part of what is to be said

    def runs(self, around):
        """The archives, to be extracted one after the other.  ${around}: the surroundings' path."""
        parts = self.function(around)
        parts = parts if isinstance(parts, list) else [parts]
        return parts if self.whole else [part + GOOD + END for part in parts]


def archive(status=2, kept=None, absent=(), options=(), whole=False, says=None):
    statuses = (status,) if isinstance(status, int) else status
    expected = {} if whole else {"good": b"good\n"}
    expected.update(kept or {})
    for name in absent:
        expected.pop(name, None)

    def register(function):
        assert function.__doc__, function
        ARCHIVES[function.__name__] = Archive(
            function, statuses, expected, absent, options, whole, says)
        return function

    return register


def load():
    """All archives by name."""
    # Each registers what it has.
    import content    # noqa: F401  pylint: disable=unused-import,import-outside-toplevel
    import headers    # noqa: F401  pylint: disable=unused-import,import-outside-toplevel
    import indexes    # noqa: F401  pylint: disable=unused-import,import-outside-toplevel
    import links      # noqa: F401  pylint: disable=unused-import,import-outside-toplevel
    import metadata   # noqa: F401  pylint: disable=unused-import,import-outside-toplevel
    import names      # noqa: F401  pylint: disable=unused-import,import-outside-toplevel
    return ARCHIVES
