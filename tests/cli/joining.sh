#!/bin/bash
# -A: archives are joined as they are; -i: so are those that were put together by cat.

. "$(dirname "$0")/../lib.sh"

# make_archives SUFFIX OPTIONS…: one.SUFFIX and two.SUFFIX, with links in each.
make_archives() {
	for tree in one two; do
		mkdir -p $tree/d
		head -c 9000000 /dev/urandom >$tree/large
		printf "%s" $tree >$tree/d/file
		ln $tree/d/file $tree/later
		tarn -cf "$tree.$1" "${@:2}" $tree
	done
}

# is_joined ARCHIVE: it has both trees, whoever reads it.
is_joined() {
	tarn --test -f "$1"
	for program in "$TARN" tar; do
		rm -rf out
		mkdir out
		"$program" -xpf "$1" -C out
		same_tree one out/one
		same_tree two out/two
	done
	tarn -tvf "$1" >by-index
	tarn -tvf "$1" --no-index >by-archive
	cmp by-index by-archive
}

test_plain_archives_are_joined() {
	make_archives tar --index
	expect_status 0 tarn -Af one.tar two.tar
	is_joined one.tar
	expect_equal "$(python3 "$TOP/tests/judge/index" one.tar | wc -l)" 10
}

# The bytes of the second archive's pieces are those of the joined one.
has_pieces_of() {
	python3 - "$1" "$2" <<-'END'
	import sys
	joined, other = (open(name, "rb").read() for name in sys.argv[1:])
	assert joined.count(other[5000000:5000100]) == 1 and joined.count(other[1000:1100]) == 1
	END
}

test_zstd_archives_are_joined_without_being_compressed_again() {
	make_archives tar.zst --zstd
	expect_status 0 tarn -Af one.tar.zst two.tar.zst
	is_joined one.tar.zst
	has_pieces_of one.tar.zst two.tar.zst
	zstd -tq one.tar.zst
}

test_xz_archives_are_joined_without_being_compressed_again() {
	make_archives tar.xz --xz --index
	expect_status 0 tarn -Af one.tar.xz two.tar.xz
	is_joined one.tar.xz
	has_pieces_of one.tar.xz two.tar.xz
	xz -tq one.tar.xz
}

test_archives_of_different_kinds_are_joined() {
	make_archives tar --index
	gzip -k two.tar
	tarn -cf joined.tar.zst --zstd @one.tar
	expect_status 0 tarn -Af joined.tar.zst two.tar.gz
	is_joined joined.tar.zst
	xz -k --check=crc32 two.tar
	tarn -cf joined.tar.xz --xz @one.tar
	expect_status 0 tarn -Af joined.tar.xz two.tar.xz
	is_joined joined.tar.xz
}

test_archive_of_another_tar_is_joined_as_gnu_tar_does() {
	make_archives tar --no-index
	cp one.tar expected.tar
	tar -Af expected.tar two.tar
	tarn -Af one.tar two.tar
	tar -tvf expected.tar >expected
	tar -tvf one.tar | cmp - expected
}

test_what_cannot_be_joined_leaves_the_archive_as_it_was() {
	make_archives tar --index
	cp one.tar before
	find two | cpio -o -H newc >two.cpio 2>/dev/null
	head -c 100000 two.tar >short.tar
	for other in two.cpio short.tar absent.tar; do
		expect_status 2 tarn -Af one.tar $other
		expect_stderr_has "tarn: one.tar: $other: "
		cmp one.tar before
	done
}

# Members of cpio behind those of tar would be garbage to whoever reads it.
test_nothing_is_added_in_another_format_than_tar() {
	make_archives tar
	cp one.tar before
	for mode in '-r one' '-u one' '-A two.tar' --index; do
		expect_status 2 tarn $mode -H cpio -f one.tar
		expect_stderr_has 'incompatible with cpio archives'
		cmp one.tar before
	done
}

# Names that both trees have, and more members than one thread would be left alone with.
make_alike() {
	for tree in first second; do
		mkdir -p $tree/d
		printf '%s' $tree >$tree/d/file
		ln $tree/d/file $tree/later
		(cd $tree/d && printf '%s' $tree | tee {1..200} >/dev/null)
	done
	ln first/d/file first/d/only
	truncate -s 1M second/hole
}

# is_read_whole ARCHIVE STATUS OPTIONS…: with -i, as GNU tar reads it, and from a pipe.
is_read_whole() {
	rm -rf theirs ours piped
	mkdir theirs ours piped
	expect_status "$2" tar "${@:3}" -xipf "$1" -C theirs
	expect_status "$2" tarn -xipf "$1" -C ours
	expect_status "$2" tarn -xip --threads=1 -C piped <"$1"
	same_tree theirs ours
	same_tree theirs piped
	tar "${@:3}" -tif "$1" >names || expect_equal $? "$2"
	expect_status "$2" tarn -tif "$1"
	cmp "$OUT" names
}

test_archives_put_together_are_read_whole() {
	make_alike
	tar -C first -cf one.tar .
	for format in gnu ustar pax v7; do
		tar --format=$format -C second -cf two.tar .
		head -c 5120 /dev/zero | cat - one.tar two.tar >both.tar
		is_read_whole both.tar 0
		expect_equal "$(cat ours/d/file ours/later ours/d/only)" secondsecondfirst
	done
	expect_equal "$(tarn -tf both.tar | wc -l)" 0
	expect_equal "$(tarn -xOif both.tar ./d/only)" first
	tarn -cif three.tar @both.tar
	is_read_whole three.tar 0
}

test_compressed_archives_put_together_are_read_whole() {
	make_alike
	touch -d '1960-01-01 00:00:00.25' first second
	for codec in gzip bzip2 xz zstd; do
		tarn --$codec -C first -cf one.tar .
		tarn --$codec -C second -cf two.tar .
		cat one.tar two.tar >both.tar
		is_read_whole both.tar 0 "-I$codec"
	done
}

test_what_is_no_header_behind_an_archive_is_said_and_passed_over() {
	make_alike
	tarn --index -C first -cf one.tar .
	tar -C second -cf two.tar .
	for order in 'one.tar two.tar' 'two.tar one.tar'; do
		# shellcheck disable=SC2086 # two
		cat $order >both.tar
		is_read_whole both.tar 2
		expect_stderr_has 'Skipping to next header'
		expect_equal "$(wc -l <"$ERR")" 2
	done
}

run_tests
