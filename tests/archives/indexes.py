"""Indexes that lie, or are none.

They are written here as tarn(5) has them.  An index is only looked at where members are named, so all
of these archives are extracted by name.
"""

import lzma
import struct
import zlib

from corpus import GOOD, archive
from tarbytes import BLOCK, END, directory, hardlink, header, member, symlink, xzipped

EVIL = b"evil\n"
MAGIC = b"TARNIDX\2"
NCOLUMNS = 19
FILE, DIRECTORY, SYMLINK, LINK, WHOLE, OWNER = 0, 1, 2, 8, 16, 32
ZSTD_BLOCK_NBYTES = 128 << 10
# In the order of the members of whole().
AT_A, AT_GOOD = 0, 2 * BLOCK
# What is asked for.
BOTH = ("a", "good")


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def crc64(data):
    """That of xz, by way of an xz file that has it."""
    stream = lzma.compress(data, check=lzma.CHECK_CRC64, filters=[{"id": lzma.FILTER_LZMA2}])
    index_nbytes = (struct.unpack("<I", stream[-8:-4])[0] + 1) * 4
    return struct.unpack("<Q", stream[-12 - index_nbytes - 8:-12 - index_nbytes])[0]


def zstd_frame(blocks, nbytes):
    """A frame that says it has ${nbytes}.  Blocks are bytes, or one byte and how many of it."""
    out = b"\x28\xb5\x2f\xfd\xc0\x58" + struct.pack("<Q", nbytes)
    for number, block in enumerate(blocks, 1):
        data, size, is_run = (block, len(block), 0) if isinstance(block, bytes) else (*block, 1)
        out += struct.pack("<I", size << 3 | is_run << 1 | (number == len(blocks)))[:3] + data
    return out


def zstd(data):
    blocks = [data[at:at + ZSTD_BLOCK_NBYTES] for at in range(0, len(data), ZSTD_BLOCK_NBYTES)]
    return zstd_frame(blocks, len(data))


def attached(found):
    """An index beside the stream in zstd."""
    return struct.pack("<II", 0x184D2A5A, len(found)) + found


def entry(name, offset, kind=WHOLE, size=5, target=b"", **values):
    """A line of an index; ${offset} is where the header is."""
    return {"name": name, "offset": offset, "kind": kind, "size": size, "target": target,
            "shared": 0, "mode": 0o644, "fraction": 0, **values}


def columns(entries):
    out = [bytearray() for _ in range(NCOLUMNS)]
    (kinds, offsets, names, text, targets, links, owners, modes, sizes, seconds,
     fractions) = out[:11]
    before = 0
    for e in entries:
        kinds.append(e["kind"] | (OWNER if not owners else 0))
        offsets += varint((e["offset"] - before) % (1 << 64))
        before = e["offset"]
        names += varint(e["shared"]) + varint(e.get("name_nbytes", len(e["name"])))
        text += e["name"]
        if e["kind"] & LINK or e["kind"] & 7 == SYMLINK:
            targets += varint(len(e["name"])) + varint(len(e["target"]))
            links += e["target"]
        if not owners:
            owners += varint(0) + varint(0) + b"\0\0"
        modes += varint(e["mode"])
        if e["kind"] & 7 == FILE:
            sizes += varint(e["size"])
        seconds += varint(2 * 1000000000)
        fractions += varint(e["fraction"])
    return [bytes(column) for column in out]


def chunk_of(entries, lengths=None):
    data = columns(entries)
    return zstd(b"".join(varint(n) for n in lengths or map(len, data)) + b"".join(data))


def index(chunks, stream, directory_of=None, hidden=b"", **lies):
    """The index of the plain ${stream}, which ends in END; ${lies}: other numbers in its footer.

    What is ${hidden} lies before the footer, and nothing tells of it.
    """
    listed = directory_of or b"".join(
        varint(len(chunk)) + struct.pack("<I", zlib.crc32(chunk)) for chunk in chunks)
    all_chunks = b"".join(chunks)
    nbytes = len(all_chunks) + len(listed) + len(hidden) + 72
    end = lies.get("end", len(stream) - len(END))
    last = lies.get("last", 0)
    numbers = (lies.get("nbytes", nbytes), lies.get("chunks_nbytes", len(all_chunks)),
               lies.get("directory_nbytes", len(listed)), lies.get("nmembers", 1), end, last,
               lies.get("last_checksum", crc64(stream[last:last + BLOCK])))
    footer = struct.pack("<7Q", *numbers)
    return (all_chunks + listed + hidden + footer +
            struct.pack("<Q", crc64(listed + footer)) + MAGIC)


def whole():
    """The members that most of these archives have: a, good, and others."""
    return (member(b"a", EVIL) + GOOD + directory(b"d") + symlink(b"s", b"../secret") +
            hardlink(b"l", b"a") + END)


def by_index(*entries, **lies):
    found = index([chunk_of(entries)], whole(), **{"nmembers": len(entries), **lies})
    return whole() + bytes(-len(found) % BLOCK) + found


@archive(status=0, whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"}, absent=("l", "s"))
def index_that_is_right_is_used(_around):
    """The others of this file are not what they are for, if this is not taken for an index."""
    return by_index(entry(b"a", AT_A), entry(b"good", AT_GOOD))


@archive(whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"})
def index_that_lies_about_names_finds_what_is_there(_around):
    """The name in the index is checked, and that of the header is used."""
    return by_index(entry(b"a", AT_GOOD), entry(b"good", AT_GOOD))


@archive(whole=True, options=("../secret", "/a", "a", "d/../../secret"), kept={"a": EVIL})
def index_has_names_that_lead_out(around):
    """The name in the header is checked, and that of the index is used."""
    return by_index(entry(b"../secret", AT_A), entry(around + b"/secret", AT_A),
                    entry(b"d/../../secret", AT_GOOD))


@archive(whole=True, options=("s", "d", "a"), kept={"a": EVIL, "d": None})
def index_that_lies_about_types_is_not_believed(_around):
    """A symbolic link is taken for a directory, a directory for a link to the outside."""
    return by_index(entry(b"a", AT_A, kind=DIRECTORY | WHOLE),
                    entry(b"d", AT_GOOD + 2 * BLOCK, SYMLINK | WHOLE, target=b".."),
                    entry(b"s", AT_GOOD + 3 * BLOCK, DIRECTORY | WHOLE))


@archive(whole=True, options=("l", "s", "good"), kept={"good": b"good\n"})
def index_that_lies_about_targets_is_not_believed(_around):
    """A file outside gets a name inside."""
    return by_index(entry(b"good", AT_GOOD, LINK, target=b"../secret"),
                    entry(b"s", AT_GOOD + 3 * BLOCK, SYMLINK | WHOLE, target=b"/etc/passwd"),
                    entry(b"l", AT_GOOD + 4 * BLOCK, LINK, target=b"../secret"))


@archive(whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"})
def index_that_lies_about_sizes_is_not_believed(_around):
    """More is read than the member has, or less."""
    return by_index(entry(b"a", AT_A, size=1 << 40), entry(b"good", AT_GOOD, size=0))


@archive(status=(0, 2), whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"})
def index_that_lies_about_offsets_is_not_believed(_around):
    """Places before the beginning, behind the end, in the middle of a block, and backwards."""
    return [by_index(entry(b"a", AT_A), entry(b"good", at)) for at in
            (1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 512, 511, len(whole()), len(whole()) * 2)]


@archive(status=0, whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"})
def index_with_impossible_numbers_is_left_alone(_around):
    """Modes, fractions, names that share more than there is, or are longer than the column."""
    good = entry(b"good", AT_GOOD)
    return [by_index(entry(b"a", AT_A, **lie), good) for lie in (
        {"mode": 1 << 40}, {"fraction": 10 ** 9}, {"size": 1 << 63}, {"shared": 1 << 40},
        {"name_nbytes": 1 << 62}, {"name_nbytes": (1 << 64) - 1}, {"kind": 7 | WHOLE})]


@archive(status=0, whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"})
def index_with_a_nul_in_a_name_is_left_alone(_around):
    """What is checked ends at the NUL, what is used does not."""
    return by_index(entry(b"a\0/../../secret", AT_A), entry(b"good", AT_GOOD))


@archive(status=0, whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"})
def index_whose_columns_overflow_is_left_alone(_around):
    """Lengths that add up to less than each of them."""
    entries = (entry(b"a", AT_A),)
    right = list(map(len, columns(entries)))
    return [whole() + index([chunk_of(entries, lengths)], whole()) for lengths in (
        [(1 << 64) - 1] * NCOLUMNS, [1 << 63, 1 << 63] + right[2:], right[:-1] + [1 << 40],
        [right[0] + 1] + right[1:])]


@archive(status=0, whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"})
def index_whose_footer_lies_is_left_alone(_around):
    """Lengths that lead out of the index, and counts that memory is taken for."""
    huge = (1 << 64) - 1
    lies = [{key: value} for key in ("nbytes", "chunks_nbytes", "directory_nbytes", "end", "last")
            for value in (huge, 1 << 63, 1 << 40) if key != "last"]
    return [by_index(entry(b"a", AT_A), **lie) for lie in lies] + [
        by_index(entry(b"a", AT_A), last=BLOCK, last_checksum=0),
        by_index(entry(b"a", AT_A), entry(b"good", AT_GOOD), nmembers=huge)]


@archive(status=0, whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"},
         says="The index is damaged")
def index_that_hides_bytes_is_left_alone(_around):
    """Bytes that no checksum covers."""
    chunk = chunk_of((entry(b"a", AT_A), entry(b"good", AT_GOOD)))
    return whole() + index([chunk], whole(), hidden=bytes(100), nmembers=2)


@archive(status=0, whole=True, options=BOTH, kept={"a": EVIL, "good": b"good\n"})
def index_whose_chunks_lie_is_left_alone(_around):
    """A chunk that is longer than the index, or becomes more than memory has room for."""
    chunk = chunk_of((entry(b"a", AT_A),))
    crc = struct.pack("<I", zlib.crc32(chunk))
    return [whole() + index([chunk], whole(), directory_of=listed) for listed in (
        varint((1 << 64) - 1) + crc, varint(1 << 63) + crc, b"\xff" * 20, varint(len(chunk)),
        varint(0) + bytes(4))] + [
            whole() + index([bomb], whole())
            for bomb in (zstd_frame([(b"\0", ZSTD_BLOCK_NBYTES)] * 5000, 5000 * ZSTD_BLOCK_NBYTES),
                         zstd_frame([b""], 1 << 62), zstd_frame([b""], (1 << 64) - 1), b"x")]


@archive(whole=True, options=("a", "good"), kept={"a": EVIL, "good": b"good\n"})
def index_beside_a_zstd_stream_that_lies_is_not_believed(_around):
    """What is beside the stream is believed where what is in it is not."""
    lying = index([chunk_of((entry(b"a", AT_GOOD), entry(b"good", AT_A)))], whole(), nmembers=2)
    return zstd(whole()) + attached(lying)


@archive(whole=True, options=("a", "good"), kept={"a": EVIL, "good": b"good\n"})
def index_in_an_xz_stream_that_lies_is_not_believed(_around):
    """The same in xz."""
    return xzipped(by_index(entry(b"a", AT_GOOD), entry(b"good", AT_A)))


@archive(status=(0, 2), whole=True, options=("f",))
def index_that_has_one_member_a_million_times_is_no_trouble(_around):
    """The member is extracted once for each, though the archive has it once."""
    stream = member(b"f", bytes(1 << 20)) + GOOD + END
    chunk = chunk_of([entry(b"f", 0, size=1 << 20)] * 1000000)
    return stream + index([chunk], stream, nmembers=1000000)


@archive(status=0, whole=True, options=("d",), kept={"d/0": EVIL, "d/599": EVIL}, absent=("x",))
def index_that_jumps_in_one_long_frame_is_no_trouble(_around):
    """Each jump begins at the beginning of the frame."""
    gap = 1 << 20
    blocks, entries, at = [], [], 0
    for i in range(600):
        members = member(b"d/%d" % i, EVIL) + header(b"x", size=gap)
        blocks += [members] + [(b"\0", ZSTD_BLOCK_NBYTES)] * (gap // ZSTD_BLOCK_NBYTES)
        entries.append(entry(b"d/%d" % i, at))
        at += len(members) + gap
    found = index([chunk_of(entries)], blocks[0], end=at, nmembers=600)
    return zstd_frame(blocks + [END], at + len(END)) + attached(found)


def xz_block(data):
    """A block without a check; and what the index of its stream says of it."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 18}]
    block = b"\2\0\x21\1\x0c\0\0\0"
    block += struct.pack("<I", zlib.crc32(block))
    block += lzma.compress(data, lzma.FORMAT_RAW, filters=filters)
    return block + bytes(-len(block) % 4), varint(len(block)) + varint(len(data))


def xz_stream(blocks):
    data, records = zip(*blocks)
    found = b"\0" + varint(len(records)) + b"".join(records)
    found += bytes(-len(found) % 4)
    found += struct.pack("<I", zlib.crc32(found))
    flags = b"\0\0"
    end = struct.pack("<I", len(found) // 4 - 1) + flags
    return (b"\xfd7zXZ\0" + flags + struct.pack("<I", zlib.crc32(flags)) + b"".join(data) + found +
            struct.pack("<I", zlib.crc32(end)) + end + b"YZ")


@archive(status=0, whole=True, options=("d",), kept={"d/0": EVIL, "d/599": EVIL}, absent=("x",))
def index_that_jumps_behind_many_xz_blocks_is_no_trouble(_around):
    """Each jump counts the blocks before."""
    gap = 600 * 1024
    blocks, entries, at = [xz_block(b"")] * 1000000, [], 0
    for i in range(600):
        members = member(b"d/%d" % i, EVIL) + header(b"x", size=gap)
        blocks.append(xz_block(members + bytes(gap)))
        entries.append(entry(b"d/%d" % i, at))
        at += len(members) + gap
    found = index([chunk_of(entries)], member(b"d/0", EVIL), end=at, nmembers=600)
    return xz_stream(blocks + [xz_block(END + found)])
