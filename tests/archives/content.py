"""Content that is larger than it looks, and sparse files whose maps lie."""

from corpus import GOOD, archive
from tarbytes import (BLOCK, END, GNU_MAGIC, base256, directory, gzipped, hardlink, header, member,
                      newc, padded, pax, symlink, xzipped)

EVIL = b"evil\n"


def sparse_1_0(name, numbers, data, realsize):
    """GNU's format 1.0: the map stands before the data."""
    text = b"".join(b"%d\n" % n for n in numbers)
    return pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.name": name,
                b"GNU.sparse.realsize": b"%d" % realsize}) + member(
                    b"x", padded(text) + data)


def sparse_0_1(name, text, data, realsize):
    """GNU's format 0.1: the map is a record."""
    return pax({b"GNU.sparse.map": text, b"GNU.sparse.name": name,
                b"GNU.sparse.size": b"%d" % realsize}) + member(b"x", data)


def sparse_old(name, chunks, data, realsize, **values):
    """GNU's oldest format: four chunks in the header."""
    rest = bytes(12 + 12 + 12 + 4 + 1)
    for offset, nbytes in chunks:
        rest += b"%011o\0" % offset + b"%011o\0" % nbytes
    rest = rest.ljust(41 + 4 * 24, b"\0") + values.pop("more", b"\0") + b"%011o\0" % realsize
    # They begin where others have the prefix.
    return header(name, type=b"S", size=len(data), magic=GNU_MAGIC, prefix=rest[:155],
                  rest=rest[155:], **values) + padded(data)


@archive()
def sparse_maps_that_overlap_are_refused(_around):
    """A byte has two places; what is written last wins."""
    return (sparse_1_0(b"s1", (2, 0, 10, 5, 10), b"x" * 20, 20) +
            sparse_0_1(b"s2", b"0,10,5,10", b"x" * 20, 20) +
            sparse_old(b"s3", ((0, 10), (5, 10)), b"x" * 20, 20))


@archive()
def sparse_maps_that_run_backwards_are_refused(_around):
    """Offsets that are taken for positive differences."""
    return (sparse_1_0(b"s1", (2, 4096, 10, 0, 10), b"x" * 20, 8192) +
            sparse_0_1(b"s2", b"4096,10,0,10", b"x" * 20, 8192) +
            sparse_old(b"s3", ((4096, 10), (0, 10)), b"x" * 20, 8192))


@archive()
def sparse_files_of_8_exbibytes_are_no_trouble(_around):
    """All of it is written, or kept in memory."""
    top = (1 << 63) - 1
    return (sparse_1_0(b"s1", (1, top - 512, 512), b"x" * 512, top) +
            sparse_0_1(b"s2", b"%d,512" % (top - 512), b"x" * 512, top) +
            sparse_1_0(b"s3", (0,), b"", top))


@archive()
def sparse_maps_that_promise_more_than_there_is_are_refused(_around):
    """What follows in the archive is taken for content; or the file is filled up with anything."""
    return (sparse_1_0(b"s1", (1, 0, 1 << 40), b"x" * 512, 1 << 40) +
            sparse_0_1(b"s2", b"0,1099511627776", b"x" * 512, 1 << 40))


@archive(status=(0, 2))
def sparse_maps_with_wrong_numbers_are_survived(_around):
    """Counts, offsets and sizes that are negative, huge, or no numbers."""
    maps = ((1 << 60, 0, 10), (-1, 0, 10), (1, -5, 10), (1, 0, -10), (2, 0, 10),
            (1, (1 << 63) - 1, (1 << 63) - 1), (3, 0, 0, 0, 0, 0, 0))
    texts = (b"", b",", b"0", b"0,", b"-1,5", b"0,-5", b"a,b", b"0,5,", b"9" * 40 + b",1")
    return (GOOD + b"".join(sparse_1_0(b"m%d" % i, m, b"x" * 20, 20) for i, m in enumerate(maps)) +
            b"".join(sparse_0_1(b"t%d" % i, t, b"x" * 20, 20) for i, t in enumerate(texts)) +
            sparse_1_0(b"n", (1, 0, 10), b"x" * 10, -1))


@archive(status=(0, 2), whole=True)
def sparse_map_without_end_is_survived(_around):
    """The map in the content is read as long as it goes on."""
    return GOOD + pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0",
                       b"GNU.sparse.realsize": b"5"}) + member(
                           b"x", b"1000000\n" + b"1\n" * 100000) + END


@archive(status=(0, 2), whole=True)
def sparse_extension_headers_without_end_are_survived(_around):
    """Each says that one more follows."""
    data = sparse_old(b"s", ((0, 10),), b"", 20, more=b"\1")
    block = (b"%011o\0" % 0 + b"%011o\0" % 0) * 21 + b"\1"
    return data + block.ljust(BLOCK, b"\0") * 20000


@archive(status=(0, 2))
def sparse_map_of_a_hundred_thousand_pieces_is_survived(_around):
    """Each piece costs memory, or a walk over all before it."""
    numbers = [100000]
    for i in range(100000):
        numbers += [2 * i, 1]
    return sparse_1_0(b"s", numbers, b"x" * 100000, 200000)


@archive(status=0, kept={"/".join(["d"] * 1000): None})
def thousand_nested_directories_are_made(_around):
    """What is deep is legal."""
    return pax({b"path": b"/".join([b"d"] * 1000)}) + directory(b"x")


@archive(absent=("good", "d"), says="--max-depth")
def twenty_thousand_nested_directories_are_refused(_around):
    """Names in names in names: more than anybody can reach or remove again."""
    return pax({b"path": b"/".join([b"d"] * 20000)}) + directory(b"x")


@archive(status=0, kept={"n": EVIL})
def fifty_thousand_members_of_one_name_are_no_trouble(_around):
    """Something grows with each of them."""
    return symlink(b"n", b"../secret") * 50000 + member(b"n", EVIL)


@archive(status=0, kept={"d": None})
def fifty_thousand_directories_of_one_name_are_no_trouble(_around):
    """Each of them waits for its metadata until the end."""
    long = b"d/" + b"n" * 240
    return directory(b"d") + (pax({b"path": long}) + directory(b"x")) * 50000


@archive(status=0, whole=True, kept={"n": EVIL}, options=("--exclude=e*",))
def million_tiny_members_are_no_trouble(_around):
    """Each leaves something in memory, or makes the next one slower: also those that are not wanted."""
    tiny = member(b"n") + hardlink(b"n", b"n") + directory(b"d") + symlink(b"s", b"n")
    tiny += b"".join(member(b"e%d" % i) for i in range(46))
    return tiny * 20000 + member(b"n", EVIL) + END


@archive(status=(0, 2))
def fifty_thousand_links_without_a_file_are_no_trouble(_around):
    """Each of them waits for its content until the end, and looks for it from the beginning."""
    return b"".join(hardlink(b"l%d" % i, b"f%d" % i) for i in range(50000))


@archive(options=("--max-size=1M",), whole=True, kept={"a": b"x" * (1 << 20)}, absent=("b", "good"),
         says="b: more than 1048576 bytes to be extracted (--max-size)")
def max_size_stops_before_the_file_that_is_too_much(_around):
    """The disk is full before anybody notices."""
    return (directory(b"d") + member(b"a", b"x" * (1 << 20)) + hardlink(b"l", b"a") +
            member(b"b", b"x") + GOOD + END)


@archive(options=("--max-size=1G",), whole=True, absent=("hole",), says="hole: more than")
def max_size_counts_holes(_around):
    """A file of 8 EiB costs nothing until somebody copies it."""
    return sparse_1_0(b"hole", (0,), b"", 1 << 62) + END


@archive(options=("--max-size=10", "--strip-components=1"), whole=True, absent=("b",),
         says="c: more than 10 bytes to be extracted (--max-size)")
def max_size_counts_what_links_get_at_the_end(_around):
    """Links whose first name was left out get their content from another turn through the archive."""
    return (member(b"a", EVIL) + member(b"b", b"more than that") + hardlink(b"x/a", b"a") +
            hardlink(b"x/c", b"b") + END)


@archive(options=("--max-members=3",), whole=True, kept={"0": EVIL, "2": EVIL}, absent=("3", "9"),
         says="3: more than 3 members (--max-members)")
def max_members_stops_a_flood(_around):
    """Millions of members take all inodes."""
    return b"".join(member(b"%d" % i, EVIL) for i in range(10)) + END


@archive(options=("--max-members=3", "--exclude=[0-7]"), whole=True, absent=("8",),
         says="3: more than 3 members (--max-members)")
def max_members_counts_what_is_not_wanted(_around):
    """Millions of members are read in search of one."""
    return b"".join(member(b"%d" % i, EVIL) for i in range(10)) + END


@archive(options=("--max-ratio=100",), whole=True, kept={"a": EVIL}, absent=("bomb", "good"),
         says="bomb: more than 100 times as many bytes as in the file (--max-ratio)")
def max_ratio_stops_a_bomb(_around):
    """A few bytes become as many as fit on the disk."""
    return gzipped(member(b"a", EVIL) + member(b"bomb", bytes(4 << 20)) + GOOD + END)


@archive(options=("--max-ratio=100",), whole=True, kept={"a": EVIL},
         says=", behind member a")
def max_ratio_stops_a_bomb_behind_the_end(_around):
    """What follows the end is decompressed, for the checksum at its own end."""
    return gzipped(member(b"a", EVIL) + END + bytes(4 << 20))


@archive(options=("--max-ratio=100",), whole=True, kept={"a": None}, status=0)
def max_ratio_lets_pass_what_is_small(_around):
    """An archive of one short file is mostly padding."""
    return gzipped(member(b"a", bytes(500000)) + END + bytes(10240))


@archive(options=("--max-depth=2",), whole=True, kept={"a/b": EVIL}, absent=("a/c",),
         says="a/c/./d...: more than 2 components (--max-depth)")
def max_depth_stops_at_a_deep_name(_around):
    """Names in names in names."""
    return member(b"a//./b", EVIL) + member(b"a/c/./d", EVIL) + END


@archive(status=2, whole=True)
def gzip_bomb_that_is_no_archive_is_said(_around):
    """All of it is decompressed into memory before anything is looked at."""
    return gzipped(b"x" * (32 << 20))


@archive(status=2, whole=True)
def xz_bomb_that_is_no_archive_is_said(_around):
    """All of it is decompressed into memory before anything is looked at."""
    return xzipped(b"x" * (32 << 20))


@archive(status=0, whole=True, kept={"a": EVIL})
def zeros_behind_the_end_are_no_trouble(_around):
    """Another archive behind the end is extracted, too, or all of it is read into memory."""
    return gzipped(member(b"a", EVIL) + END + bytes(16 << 20) + member(b"../secret", EVIL) + END)


@archive(status=0, options=("good",), whole=True, kept={"good": b"good\n"})
def xz_file_of_many_streams_is_no_trouble(_around):
    """Each of 32 bytes is put before all behind it, to find one member."""
    return xzipped(GOOD + END) + xzipped(b"") * 250000


@archive(status=0, options=("--exclude=n*",), whole=True, kept={"good": b"good\n"})
def cpio_with_many_inodes_is_no_trouble(_around):
    """Each inode that may have another name is looked for among all before it."""
    return (b"".join(newc(b"n%d" % i, b"x", ino=i, nlink=2) for i in range(150000)) +
            newc(b"good", b"good\n") + newc(b"TRAILER!!!"))


@archive(status=2, whole=True)
def content_larger_than_its_header_says_is_not_read(_around):
    """What is behind a file of 5 bytes is taken for a part of it."""
    return header(b"x", size=5) + padded(EVIL) + b"secret".ljust(BLOCK, b"x") + GOOD + END


@archive(status=(0, 2))
def numbers_in_base_256_are_read_in_full(_around):
    """A size in base 256 is taken for one in octal."""
    return member(b"b", EVIL, size=base256(5, 12), uid=base256(1000, 8), gid=base256(1000, 8))
