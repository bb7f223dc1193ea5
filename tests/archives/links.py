"""Links that lead out of the destination, and what is written, made or linked through them."""

from corpus import archive
from tarbytes import directory, hardlink, long_link, member, pax, symlink

EVIL = b"evil\n"


@archive()
def symlink_is_not_written_through(_around):
    """A link to the outside, then a member below it."""
    return symlink(b"out", b"..") + member(b"out/secret", EVIL) + member(b"out/new", EVIL)


@archive(absent=("abs/new",))
def absolute_symlink_is_not_written_through(around):
    """A link to the outside by its full name, then a member below it."""
    return symlink(b"abs", around + b"/dir") + member(b"abs/new", EVIL)


@archive()
def symlink_of_a_run_before_is_not_written_through(_around):
    """The link comes with one archive, the member below it with the next."""
    return [symlink(b"out", b".."), member(b"out/secret", EVIL)]


@archive()
def symlink_that_was_there_is_not_written_through(_around):
    """The user's own link is no way out either."""
    return member(b"old-dirlink/inner", EVIL) + member(b"old-dirlink/new", EVIL)


@archive()
def chain_of_symlinks_is_not_written_through(_around):
    """Each link is harmless, together they lead out."""
    return (directory(b"d") + symlink(b"d/up", b"..") + symlink(b"a", b"d/up") +
            symlink(b"b", b"a/..") + member(b"b/secret", EVIL))


@archive(status=0, kept={"old-link": EVIL, "s": EVIL})
def file_replaces_a_symlink_to_a_file(_around):
    """The content goes to what the link leads to."""
    return symlink(b"s", b"../secret") + member(b"s", EVIL) + member(b"old-link", EVIL)


@archive(status=0)
def directory_replaces_a_symlink_to_a_directory(_around):
    """The mode, or what is in it, goes to what the link leads to."""
    return (symlink(b"s", b"../dir") + directory(b"s", mode=0o700) + member(b"s/inner", EVIL) +
            directory(b"old-dirlink", mode=0o700) + member(b"old-dirlink/inner", EVIL))


@archive()
def symlink_replaces_a_directory_between_two_members(_around):
    """The parent was checked for the member before."""
    return (directory(b"d") + member(b"d/one", EVIL) + symlink(b"e", b"../dir") +
            symlink(b"d", b"../dir") + member(b"d/two", EVIL))


@archive(options=("--recursive-unlink",))
def symlink_that_replaces_a_full_directory_is_not_followed(_around):
    """A directory that is held open is taken for what has its name now."""
    return (directory(b"d") + member(b"d/one", EVIL) + symlink(b"d", b"../dir") +
            member(b"d/inner", EVIL) + member(b"d/new", EVIL))


@archive(status=0)
def late_metadata_is_not_given_through_a_symlink(_around):
    """A directory waits for its mode and times; meanwhile a link has taken its place."""
    return (directory(b"d", mode=0o777, mtime=1) + symlink(b"d", b"../private"))


@archive(options=("--recursive-unlink",))
def late_metadata_is_not_given_to_a_parent_that_was_replaced(_around):
    """The same one level below."""
    return (directory(b"d") + directory(b"d/inner", mode=0o777, mtime=1) +
            symlink(b"d", b"../private"))


@archive(status=0)
def late_metadata_is_not_given_to_another_directory(_around):
    """A directory gives way to a file, which gives way to a directory: another one."""
    return (directory(b"d", mode=0o777, mtime=1) + member(b"d", EVIL) +
            symlink(b"d", b"../private"))


@archive(status=0)
def symlink_gets_no_metadata_of_its_target(_around):
    """Mode, owner and times of the link go to what it leads to."""
    return (symlink(b"s", b"../secret", mode=0o777, mtime=1, uid=12345, gid=12345) +
            symlink(b"t", b"../private", mode=0o777, mtime=1))


@archive()
def symlink_with_a_name_beyond_path_max_is_not_followed(_around):
    """The checked part of a long name is harmless."""
    long = b"/".join([b"d" * 255] * 20)
    return (pax({b"path": long + b"/up"}) + symlink(b"x", b"../" * 21 + b"..") +
            pax({b"path": long + b"/up/secret"}) + member(b"x", EVIL))


@archive(status=0)
def symlink_with_a_long_target_leads_where_it_says(_around):
    """A target of PATH_MAX bytes and more runs over a buffer."""
    return pax({b"linkpath": b"../" * 1300 + b"secret"}) + symlink(b"s", b"x")


@archive()
def symlink_with_a_target_that_cannot_be_is_refused(_around):
    """A target longer than any system takes."""
    return pax({b"linkpath": b"t" * 70000}) + symlink(b"s", b"x") + symlink(b"empty", b"")


@archive(absent=("stolen",))
def hard_link_to_the_outside_is_refused(_around):
    """The file gets a name inside, where it can be read or written."""
    return hardlink(b"stolen", b"../secret")


@archive(absent=("stolen",))
def hard_link_by_an_absolute_name_is_refused(around):
    """The file gets a name inside."""
    return hardlink(b"stolen", around + b"/secret")


@archive(absent=("stolen",))
def hard_link_by_a_pax_record_is_refused(around):
    """The target in the header is harmless."""
    return (pax({b"linkpath": b"../secret"}) + hardlink(b"stolen", b"good") +
            pax({b"linkpath": around + b"/secret"}) + hardlink(b"stolen", b"good"))


@archive(absent=("stolen",))
def hard_link_by_a_gnu_long_link_is_refused(_around):
    """The target in the header is harmless."""
    return long_link(b"../secret") + hardlink(b"stolen", b"good")


@archive(absent=("stolen",))
def hard_link_through_a_symlink_is_refused(_around):
    """A link to the outside, then a hard link to what is below it."""
    return symlink(b"out", b"..") + hardlink(b"stolen", b"out/secret")


@archive(absent=("stolen", "stolen-too"))
def hard_link_to_what_was_there_is_refused(_around):
    """A symbolic link that was there leads out, or one name of an inode that has another outside."""
    return (hardlink(b"stolen", b"old-dirlink/inner") + hardlink(b"stolen-too", b"old-name"))


@archive(absent=("stolen",))
def hard_link_to_the_working_directory_is_refused(_around):
    """The target is looked for where tarn runs, not where it extracts."""
    return hardlink(b"stolen", b"secret") + hardlink(b"stolen", b"./secret")


@archive(status=0)
def hard_link_to_a_symlink_is_a_name_of_the_link(_around):
    """The link is followed, and its target gets a name inside."""
    return (symlink(b"s", b"../secret", mtime=1) + hardlink(b"t", b"s") +
            member(b"t", EVIL))


@archive()
def content_is_not_written_through_a_hard_link_to_a_symlink(_around):
    """A link member that has content is opened, and followed."""
    return symlink(b"s", b"../secret") + hardlink(b"t", b"s", EVIL) + hardlink(b"s", b"t", EVIL)


@archive()
def hard_link_to_a_directory_is_refused(_around):
    """A second name for a directory makes a circle."""
    return directory(b"d") + hardlink(b"d/again", b"d") + hardlink(b"again", b".")


@archive(status=0, kept={"a": EVIL})
def hard_link_to_itself_leaves_the_file(_around):
    """The file is removed to make way for a link to it."""
    return member(b"a", EVIL) + hardlink(b"a", b"a")


@archive(status=0, kept={"a": EVIL})
def hard_link_to_itself_spelt_otherwise_leaves_the_file(_around):
    """The same under another spelling, in both directions."""
    return (member(b"a", EVIL) + hardlink(b"./a", b"a") + hardlink(b"a", b"./a") +
            hardlink(b".//a", b"/a"))


@archive()
def hard_link_to_itself_without_a_file_is_said(_around):
    """It is looked for again and again."""
    return hardlink(b"a", b"a") + hardlink(b"old-file", b"old-file")


@archive(status=2, kept={"later": EVIL})
def forward_hard_link_is_said(_around):
    """The first name comes behind the later one."""
    return hardlink(b"early", b"later") + member(b"later", EVIL)


@archive()
def circle_of_hard_links_is_said(_around):
    """Each waits for the next, for ever."""
    return (hardlink(b"a", b"b") + hardlink(b"b", b"c") + hardlink(b"c", b"a"))


@archive(options=("--strip-components=1",), kept={"good": None})
def long_chain_of_waiting_links_ends(_around):
    """Each link to a link takes one more turn through the archive."""
    chain = b"".join(hardlink(b"%d" % i, b"%d" % (i - 1)) for i in range(1, 500))
    return member(b"0", EVIL) + chain + hardlink(b"x/last", b"499") + member(b"x/good", b"good\n")


@archive(status=(0, 2))
def hard_link_with_content_does_not_write_to_its_target(_around):
    """Content behind a link member is written into what it is linked to."""
    return hardlink(b"old-name", b"../twin", EVIL) + hardlink(b"stolen", b"old-name", EVIL)


@archive(status=0, kept={"old-name": EVIL})
def file_that_has_another_name_outside_is_replaced(_around):
    """The content, the mode or the times go to the inode that is outside, too."""
    return member(b"old-name", EVIL, mode=0o777, mtime=1)


@archive(status=0, kept={"old-fifo": EVIL})
def fifo_that_was_there_is_replaced(_around):
    """Opening it waits for ever, or writes into it."""
    return member(b"old-fifo", EVIL)


@archive(status=(0, 2))
def link_to_a_fifo_is_not_opened(_around):
    """Comparing or copying a link's content waits for ever."""
    return (member(b"f", type=b"6") + hardlink(b"g", b"f", EVIL) +
            hardlink(b"h", b"old-fifo", EVIL) + hardlink(b"f", b"f", EVIL))


@archive(status=(0, 2))
def members_of_one_name_and_all_types_give_way(_around):
    """One of them is taken for another."""
    return (member(b"n", EVIL) + directory(b"n") + symlink(b"n", b"../secret") +
            member(b"n", EVIL) + member(b"n", type=b"6") + hardlink(b"n", b"good") +
            symlink(b"n", b"../dir") + directory(b"n", mode=0o700) + member(b"n/inner", EVIL) +
            symlink(b"n", b"..") + hardlink(b"n", b"../secret") + member(b"n/secret", EVIL))


@archive(options=("--links=symlink",), kept={"a": EVIL})
def destination_is_a_later_name_as_a_symlink(_around):
    """There are fewer than no directories between the destination and itself."""
    return member(b"a", EVIL) + hardlink(b".", b"a")
