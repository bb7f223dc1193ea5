"""Headers that are damaged, malformed or contradict each other."""

from corpus import GOOD, archive
from tarbytes import (BLOCK, END, GNU_MAGIC, base256, directory, gzipped, hardlink, header,
                      long_link, long_name, member, newc, padded, pax, record, symlink, xzipped)

EVIL = b"evil\n"


@archive(absent=("evil",))
def damaged_checksum_is_skipped_and_said(_around):
    """The header is believed; or everything behind it is lost."""
    return GOOD + member(b"evil", EVIL, checksum=b"000000\0 ")


@archive(absent=("evil",))
def damaged_checksum_of_an_extended_header_is_said(_around):
    """The name in it is believed."""
    return GOOD + pax({b"path": b"evil"}, checksum=b"000000\0 ") + member(b"harmless", EVIL)


@archive(status=2, whole=True)
def noise_is_no_archive(_around):
    """Anything may happen."""
    return bytes((i * 7919 + (i >> 3) * 104729) & 0xff for i in range(20000))


@archive(status=2, whole=True)
def nothing_is_no_archive(_around):
    """An empty file is taken for an archive that was extracted."""
    return b""


@archive(status=2, whole=True, kept={"good": b"good\n"})
def archive_that_stops_after_a_member_is_said(_around):
    """The exit status says that all is well."""
    return GOOD


@archive(status=2, whole=True, absent=("cut",))
def content_that_stops_short_is_no_file(_around):
    """Half a file lies there as if it were whole."""
    return GOOD + header(b"cut", size=100000) + bytes(5 * BLOCK)


@archive(status=2, whole=True, absent=("old-file.",), kept={"old-file": b"old\n"})
def content_that_stops_short_replaces_nothing(_around):
    """What was there is gone, and half a file is in its place."""
    return header(b"old-file", size=100000) + bytes(5 * BLOCK)


@archive(status=2, whole=True)
def header_that_stops_short_is_said(_around):
    """The rest of the block is read from nowhere."""
    return GOOD + GOOD[:300]


@archive(status=(0, 2))
def pax_size_counts_and_the_header_size_does_not(_around):
    """Checkers that read the one and extractors that read the other see different archives."""
    return (pax({b"size": b"5"}) + header(b"x", size=0) + padded(EVIL) +
            pax({b"size": b"0"}) + member(b"y", member(b"../secret", EVIL)))


@archive(status=2, whole=True)
def pax_size_of_exabytes_is_said(_around):
    """Memory or space for all of it is asked for."""
    return GOOD + pax({b"size": b"9223372036854775807"}) + member(b"x", EVIL) + END


@archive(status=2, whole=True)
def pax_sizes_that_are_no_numbers_are_said(_around):
    """They overflow, or become negative."""
    sizes = (b"-1", b"99999999999999999999999999", b"0x10", b"", b" 5", b"5\n", b"1e9")
    return b"".join(pax({b"size": size}) + member(b"x", EVIL) for size in sizes) + END


@archive(status=2, whole=True)
def negative_size_is_said(_around):
    """The reader goes backwards, for ever."""
    return GOOD + member(b"x", EVIL, size=base256(-512, 12)) + END


@archive(status=2, whole=True)
def size_of_2_to_the_95_is_said(_around):
    """It is cut to 64 bits, or overflows when it is rounded up to a block."""
    return GOOD + member(b"x", EVIL, size=base256((1 << 94) + 5, 12)) + END


@archive(status=2, whole=True)
def size_just_below_2_to_the_63_is_said(_around):
    """It overflows when it is rounded up to a block."""
    return GOOD + member(b"x", EVIL, size=base256((1 << 63) - 1, 12)) + END


@archive(status=(0, 2))
def digits_that_are_no_digits_are_survived(_around):
    """Each number of the header, one after the other, is not what it should be."""
    fields = ("mode", "uid", "gid", "mtime", "devmajor", "devminor")
    bad = (b"zzzzzzz", b"-1     ", b"       ", b"\xff" * 8, b"\x80" + b"\xff" * 7, b"99999999")
    return GOOD + b"".join(member(b"n", EVIL, **{key: value}) for key in fields for value in bad)


@archive(status=(0, 2))
def extreme_times_are_survived(_around):
    """A time before 1970, or behind the end of all clocks."""
    times = (base256(-1, 12), base256(-(1 << 62), 12), base256((1 << 63) - 1, 12),
             base256(-(1 << 63), 12))
    paxes = (b"-1.5", b"9223372036854775807.999999999", b"-9223372036854775808", b"1e400",
             b"99999999999999999999999", b".", b"-", b"1.99999999999999999999")
    return (b"".join(member(b"t%d" % i, EVIL, mtime=t) for i, t in enumerate(times)) +
            b"".join(pax({b"mtime": t, b"atime": t, b"ctime": t, b"LIBARCHIVE.creationtime": t}) +
                     directory(b"p%d" % i) for i, t in enumerate(paxes)))


@archive(status=(0, 2))
def extreme_owners_are_survived(_around):
    """-1 means to chown that nothing is to be done: the file stays root's, with its mode."""
    ids = (base256(-1, 8), base256((1 << 32) - 1, 8), base256(1 << 32, 8), base256(1 << 55, 8))
    return b"".join(member(b"o%d" % i, EVIL, uid=n, gid=n, mode=0o4755) for i, n in enumerate(ids))


@archive(status=(0, 2))
def dangling_extended_headers_are_survived(_around):
    """They are kept for a member that never comes, or for the wrong one."""
    return (pax({b"path": b"../secret"}) + pax({b"path": b"evil"}) + member(b"harmless", EVIL) +
            long_name(b"../secret") + long_link(b"../secret") + long_name(b"evil-too") +
            member(b"harmless-too", EVIL, magic=GNU_MAGIC))


@archive(status=(0, 2), whole=True)
def extended_header_at_the_end_is_survived(_around):
    """It is kept for a member that never comes."""
    return GOOD + pax({b"path": b"../secret"}) + END


@archive(status=(0, 2), whole=True)
def ten_thousand_extended_headers_in_a_row_are_survived(_around):
    """Each is a call deeper, until there is no more stack."""
    return pax({b"comment": b"c"}) * 10000 + GOOD + END


@archive(status=(0, 2), whole=True)
def ten_thousand_long_names_in_a_row_are_survived(_around):
    """Each is a call deeper, until there is no more stack."""
    return (long_name(b"x") + long_link(b"y")) * 5000 + GOOD + END


@archive(status=(0, 2))
def malformed_pax_records_are_survived(_around):
    """Lengths that are wrong, missing, or lead out of the header."""
    raw = (b"5 a=b\n", b"999999999 path=x\n", b"0 path=x\n", b"-9 path=x\n", b"path=../secret\n",
           b"11 path=abc", b" =\n", b"7 =abc\n", b"6 path\n", b"\n", b"\0" * 20,
           b"99999999999999999999999999 path=x\n", b"018 path=../secret\n", b"4 a\n" * 50)
    return GOOD + b"".join(pax(text) + member(b"harmless", EVIL) for text in raw)


@archive(status=(0, 2))
def repeated_pax_records_are_survived(_around):
    """Checkers take the first path, extractors the last."""
    return (pax(record(b"path", b"harmless") + record(b"path", b"../secret")) +
            member(b"x", EVIL) +
            pax(record(b"path", b"../secret") + record(b"path", b"harmless")) + member(b"x", EVIL))


@archive(status=2, whole=True)
def extended_header_of_a_gigabyte_is_refused(_around):
    """It is read into memory before it is looked at."""
    return header(b"pax", type=b"x", size=1 << 30) + bytes(1 << 20)


@archive(status=2, whole=True)
def long_name_of_a_gigabyte_is_refused(_around):
    """It is read into memory before it is looked at."""
    return header(b"././@LongLink", type=b"L", size=1 << 30, magic=GNU_MAGIC) + bytes(1 << 20)


@archive(status=(0, 2))
def unknown_types_are_survived(_around):
    """A type that is not known is taken for whatever has that number."""
    types = b"89ABDEHIMNQSTUVWXYZ@\xff\x01 "
    return GOOD + b"".join(member(b"u%d" % i, EVIL, type=bytes([t])) for i, t in enumerate(types))


@archive(status=(0, 2))
def members_of_other_types_with_content_are_survived(_around):
    """The content of a directory or a link is taken for headers, or not."""
    inner = member(b"../secret", EVIL)
    return (member(b"d", inner, type=b"5") + member(b"s", inner, type=b"2", link=b"x") +
            member(b"f", inner, type=b"6"))


@archive(status=(0, 2))
def fields_without_an_end_are_survived(_around):
    """The name runs into the mode, the link into the magic."""
    return (member(b"n" * 100, EVIL, link=b"l" * 100, uname=b"u" * 32, gname=b"g" * 32) +
            symlink(b"s" * 100, b"t" * 100) +
            member(b"n" * 100, EVIL, prefix=b"p" * 155))


@archive(status=(0, 2))
def charset_records_are_survived(_around):
    """Names are converted, and become others than were checked."""
    return b"".join(
        pax({b"hdrcharset": charset, b"path": b"..\xef\xbc\x8fsecret\xff"}) + member(b"x", EVIL)
        for charset in (b"BINARY", b"ISO-IR 10646 2000 UTF-8", b"UTF-7", b"x" * 5000, b""))


@archive(status=2, whole=True)
def archive_in_gzip_with_a_wrong_checksum_is_said(_around):
    """What was extracted is not what was packed, and the exit status says that all is well."""
    data = gzipped(GOOD + END)
    return data[:-8] + bytes(4) + data[-4:]


@archive(status=2, whole=True)
def archive_in_gzip_that_stops_short_is_said(_around):
    """The end is taken for a good one."""
    return gzipped(GOOD + END)[:-9]


@archive(status=2, whole=True)
def archive_in_xz_with_a_wrong_index_is_said(_around):
    """The index is not read, as the members end before it."""
    data = bytearray(xzipped(GOOD + END))
    data[-20] ^= 0xff
    return bytes(data)


@archive(status=2, whole=True, says="Damaged archive behind byte")
def sparse_map_with_a_negative_number_is_said(_around):
    """An error that is not known."""
    return (pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.name": b"s",
                 b"GNU.sparse.realsize": b"100"}) +
            member(b"x", padded(b"1\n-5\n5\n") + EVIL) + GOOD + END)


@archive(status=2, whole=True)
def xz_that_asks_for_all_memory_is_refused(_around):
    """A header of a few bytes makes gigabytes of dictionary."""
    return b"\x5d" + b"\xff\xff\xff\xff" + b"\xff" * 8 + bytes(5000)


@archive(status=2, whole=True)
def zstd_that_asks_for_all_memory_is_refused(_around):
    """A window of 2 GiB and more."""
    return b"\x28\xb5\x2f\xfd\x00" + b"\xaf" + bytes(5000)


@archive(status=2, whole=True)
def zstd_that_is_noise_is_said(_around):
    """The frame's header is right, nothing else is."""
    return b"\x28\xb5\x2f\xfd\x04\x58" + bytes((i * 31) & 0xff for i in range(5000))


@archive(status=(0, 2), whole=True)
def filters_that_run_programs_are_never_used(_around):
    """The content says that it is lrzip's, rpm's or uuencoded: a program found through PATH runs."""
    return [b"LRZI" + bytes(2000), b"\x89LZO\0\r\n\x1a\n" + bytes(2000), b"GRZipII\0" + bytes(2000),
            b"begin 644 x\n" + b"#86)C\n`\nend\n" * 50, b"\xed\xab\xee\xdb" + bytes(2000)]


@archive(status=(0, 2), whole=True)
def cpio_with_wrong_sizes_is_survived(_around):
    """Sizes lead out of the archive."""
    return (newc(b"a", EVIL, namesize=0) + newc(b"b", EVIL, namesize=0xffffffff) +
            newc(b"c", EVIL, filesize=0xffffffff) + newc(b"TRAILER!!!"))


@archive(status=2, whole=True, kept={"stolen": b"", "good": b"good\n"})
def cpio_names_lead_out_no_more_than_tars(around):
    """The other format has no checks."""
    return (newc(b"../secret", EVIL, ino=1) + newc(around + b"/secret", EVIL, ino=2) +
            newc(b"out", b"..", ino=3, mode=0o120777) + newc(b"out/secret", EVIL, ino=4) +
            newc(b"../secret", ino=5, nlink=2) + newc(b"stolen", ino=5, nlink=2) +
            newc(b"good", b"good\n", ino=6) + newc(b"TRAILER!!!"))


@archive(status=(0, 2), whole=True)
def cpio_inodes_with_false_link_counts_are_survived(_around):
    """Names are held back for others that never come."""
    return (b"".join(newc(b"n%d" % i, ino=i, nlink=0xffffffff) for i in range(1, 300)) +
            newc(b"s", b"../secret", ino=400, mode=0o120777, nlink=3) +
            newc(b"t", EVIL, ino=400, nlink=3) + newc(b"u", EVIL, ino=400, nlink=3) +
            newc(b"TRAILER!!!"))


@archive(status=(0, 2))
def link_members_with_sizes_are_survived(_around):
    """Some writers give links the size of the file, and no content; others give content."""
    return (member(b"a", EVIL) + header(b"b", type=b"1", link=b"a", size=5) +
            hardlink(b"c", b"a", EVIL) + header(b"d", type=b"2", link=b"a", size=5))
