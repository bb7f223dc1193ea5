"""Names that lead out of the destination, or cannot be names."""

from corpus import archive
from tarbytes import (GNU_MAGIC, directory, hardlink, long_name, member, pax, padded,
                      record, symlink)

EVIL = b"evil\n"


@archive()
def dotdot_in_a_name_is_refused(_around):
    """The file beside the destination is overwritten."""
    return member(b"../secret", EVIL)


@archive()
def dotdot_behind_a_directory_is_refused(_around):
    """The way out is hidden behind the way in."""
    return directory(b"in") + member(b"in/../../secret", EVIL)


@archive()
def dotdot_at_the_end_is_refused(_around):
    """The directory around the destination gets the member's mode."""
    return directory(b"in/../..", mode=0o777) + directory(b"..", mode=0o777)


@archive()
def dotdot_that_stays_inside_is_refused(_around):
    """Names with .. are not resolved at all: what is behind them depends on links."""
    return directory(b"in") + member(b"in/../new", EVIL)


@archive(status=0, kept={"...": EVIL, "..a/b..": EVIL})
def names_with_more_dots_are_names(_around):
    """Only .. itself is the way up."""
    return member(b"...", EVIL) + member(b"..a/b..", EVIL)


@archive(status=0)
def absolute_name_stays_below(around):
    """The file is overwritten by its full name."""
    return member(around + b"/secret", EVIL)


@archive(status=0)
def many_leading_slashes_stay_below(around):
    """Only the first slash is taken off."""
    return member(b"/////" + around + b"/secret", EVIL)


@archive()
def dotdot_behind_a_leading_slash_is_refused(_around):
    """What is left when the slash was taken off is not looked at again."""
    return member(b"/../secret", EVIL)


@archive(status=0, kept={"in/new": EVIL})
def doubled_slashes_and_single_dots_are_nothing(_around):
    """An empty component is taken for the root."""
    return member(b".//in/.///new", EVIL)


@archive()
def dotdot_in_a_pax_path_is_refused(_around):
    """The name in the header is harmless, the one that counts is not."""
    return pax({b"path": b"../secret"}) + member(b"harmless", EVIL)


@archive(status=(0, 2))
def dotdot_in_a_global_pax_path_is_refused(_around):
    """A global header names all members that follow."""
    return (pax({b"path": b"../secret"}, kind=b"g") + member(b"harmless", EVIL) +
            pax({b"path": b""}, kind=b"g"))


@archive(status=0)
def absolute_pax_path_stays_below(around):
    """The name in the header is harmless, the one that counts is not."""
    return pax({b"path": around + b"/secret"}) + member(b"harmless", EVIL)


@archive()
def dotdot_in_a_ustar_prefix_is_refused(_around):
    """The name is harmless before the prefix is put before it."""
    return member(b"secret", EVIL, prefix=b"..") + member(b"secret", EVIL, prefix=b"in/../..")


@archive(status=0)
def absolute_ustar_prefix_stays_below(around):
    """The name is harmless before the prefix is put before it."""
    return member(b"secret", EVIL, prefix=around)


@archive()
def dotdot_across_a_ustar_prefix_is_refused(_around):
    """Both halves are harmless, the whole is not."""
    return member(b"./secret", EVIL, prefix=b"in/..") + member(b"../secret", EVIL, prefix=b"in")


@archive()
def dotdot_in_a_gnu_long_name_is_refused(_around):
    """The name in the header is harmless, the one that counts is not."""
    return long_name(b"../secret") + member(b"harmless", EVIL, magic=GNU_MAGIC)


@archive()
def dotdot_in_the_name_of_a_sparse_file_is_refused(_around):
    """GNU's sparse files have their name in a record of their own."""
    return pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0",
                b"GNU.sparse.name": b"../secret", b"GNU.sparse.realsize": b"5"}) + member(
                    b"GNUSparseFile.0/harmless", padded(b"1\n0\n5\n") + EVIL)


@archive(options=("--strip-components=1",), kept={"good": None}, whole=False)
def dotdot_that_stripping_lays_bare_is_refused(_around):
    """Names are checked before they are stripped, not after."""
    return member(b"in/../secret", EVIL) + directory(b"x") + member(b"x/good", b"good\n")


@archive(status=0, options=("--strip-components=1",), kept={"good": b"good\n"})
def slash_that_stripping_lays_bare_stays_below(around):
    """`in/' is taken off, an absolute name is left."""
    return member(b"in/" + around + b"/secret", EVIL) + member(b"x/good", b"good\n")


@archive(options=("--transform=s,^in,..,",))
def dotdot_made_by_transform_is_refused(_around):
    """Names are checked before they are transformed, not after."""
    return member(b"in/secret", EVIL)


@archive(status=0, options=("--transform=s,^in,/,",))
def slash_made_by_transform_stays_below(around):
    """Names are checked before they are transformed, not after."""
    return member(b"in" + around + b"/secret", EVIL)


@archive(options=("--transform=s,in,..,h",))
def dotdot_in_a_transformed_link_target_is_no_first_name(_around):
    """The target of a hard link is checked before it is transformed, not after."""
    return hardlink(b"stolen", b"in/secret")


@archive()
def empty_name_is_refused(_around):
    """The destination itself is replaced, or its parent."""
    return member(b"", EVIL)


@archive()
def name_of_the_destination_is_refused_for_a_file(_around):
    """The destination is replaced by a file."""
    return member(b".", EVIL) + member(b"/", EVIL) + member(b"./", EVIL)


@archive()
def name_of_the_destination_is_refused_for_a_link(_around):
    """The destination is replaced by a symbolic link, and the next member goes through it."""
    return symlink(b".", b"..") + symlink(b"./", b"..") + hardlink(b".", b"good")


@archive(status=0, kept={"inside": None})
def destination_itself_is_a_directory_member(_around):
    """It gets a mode, its parent does not."""
    return directory(b"./", mode=0o755) + member(b"inside", EVIL)


@archive(status=(0, 2))
def nul_in_a_pax_path_does_not_split_checks(_around):
    """What is checked ends at the NUL, what is used does not, or the other way round."""
    return (pax({b"path": b"a\0/../../secret"}) + member(b"x", EVIL) +
            pax({b"path": b"../secret\0/a"}) + member(b"y", EVIL))


@archive()
def component_that_is_too_long_is_refused(_around):
    """A buffer of NAME_MAX bytes runs over."""
    return (pax({b"path": b"n" * 256}) + member(b"x", EVIL) +
            pax({b"path": b"d/" + b"n" * 100000}) + member(b"y", EVIL))


@archive(status=0, kept={"/".join(["d" * 255] * 20) + "/end": EVIL})
def name_longer_than_path_max_is_extracted(_around):
    """Only what fits into PATH_MAX is checked."""
    return pax({b"path": b"/".join([b"d" * 255] * 20) + b"/end"}) + member(b"x", EVIL)


@archive()
def dotdot_behind_path_max_is_refused(_around):
    """Only what fits into PATH_MAX is checked."""
    path = b"/".join([b"d" * 255] * 20) + b"/.." * 21 + b"/secret"
    return pax({b"path": path}) + member(b"x", EVIL)


@archive(status=0, kept={"--help": EVIL, "-C": EVIL, "--checkpoint-action=exec=sh evil": EVIL})
def names_that_look_like_options_are_names(_around):
    """A name is taken for an option, or run."""
    return (member(b"--help", EVIL) + member(b"-C", EVIL) +
            member(b"--checkpoint-action=exec=sh evil", EVIL))


@archive(status=0, kept={"in": None})
def slash_at_the_end_makes_a_directory(_around):
    """Old archives have directories so: not a file called by nothing."""
    return member(b"in/", type=b"\0", magic=b"")


@archive(status=(0, 2))
def slash_at_the_end_of_a_link_is_not_followed(_around):
    """`old-dirlink/' is what the link leads to."""
    return symlink(b"old-dirlink/", b"../dir") + member(b"old-link/", EVIL)


@archive(status=0)
def control_characters_are_not_printed(_around):
    """A listing or a message speaks to the terminal: escapes, bidi overrides, line breaks."""
    nasty = "\x1b]0;title\x07\x1b[2J\r\n\u202e\u2066\u200f\x7f\x9b".encode()
    return (member(b"f" + nasty, EVIL, uname=nasty[:30], gname=nasty[:30]) +
            symlink(b"s" + nasty, nasty) + hardlink(b"h" + nasty, b"f" + nasty))


@archive()
def control_characters_are_not_printed_in_messages(_around):
    """The same in what is said about members that are refused."""
    nasty = "\x1b]0;title\x07\x1b[2J\r\n\u202e\u2066\u200f\x7f\x9b".encode()
    return (member(b"../" + nasty, EVIL) + hardlink(b"h", b"x" + nasty) +
            pax(record(b"SCHILY.xattr." + nasty, b"1") + record(nasty, b"1")) +
            member(b"x", EVIL) + member(b"bad\x80\xff\xc0\xaf" + nasty, EVIL, checksum=b"0"))


@archive(status=0)
def backslashes_are_no_separators(_around):
    """Names from elsewhere: ..\\ is a name here."""
    return member(b"..\\secret", EVIL) + member(b"C:\\secret", EVIL)


@archive(status=0)
def names_that_are_not_utf8_are_bytes(_around):
    """An overlong slash or dot is decoded behind the check."""
    return member(b"\xc0\xae\xc0\xae\xc0\xafsecret", EVIL) + member(b"\xff\xfe", EVIL)


