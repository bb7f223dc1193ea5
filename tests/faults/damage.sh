#!/bin/bash
#
# Archives that were cut short, and archives with a flipped bit: see cut_and_flip.

. "$(dirname "$0")/../lib.sh"

cut_and_flip() {
	python3 "$TOP/tests/faults/cut_and_flip" "$@"
}

# Programs with sanitizers take their time: fewer places.
if [ -e "$BUILD/tests/helpers/inject.so" ]; then
	EVERY=1
else
	EVERY=19
fi

make_archives() {
	mkdir -p tree/d
	printf 'content of one' >tree/d/one
	ln tree/d/one tree/two
	seq 1 150 >tree/three
	touch -d 2001-02-03 tree/d/one tree/three tree/d tree
	for suffix in tar tar.gz tar.xz tar.zst; do
		tarn -b1 -caf "a.$suffix" tree
	done
}

test_cuts_are_noticed() {
	make_archives
	for suffix in tar tar.gz tar.xz tar.zst; do
		cut_and_flip cut a.tar a.$suffix $((EVERY * 13))
	done
}

test_cut_in_the_headers_of_the_first_member_is_said() {
	touch -d '2001-02-03 04:05:06.7' file
	tarn -cf a.tar file
	head -c 1024 a.tar >short.tar
	expect_status 2 tarn -tf short.tar
	expect_stderr_has 'short.tar: Unexpected EOF in archive behind byte 1024'
}

test_flipped_bits_of_compressed_archives_are_noticed() {
	make_archives
	cut_and_flip flip a.tar a.tar.gz $EVERY
	cut_and_flip flip a.tar a.tar.xz $((EVERY * 2))
	cut_and_flip flip a.tar a.tar.zst $((EVERY * 3))
}

test_flipped_bits_of_headers_are_noticed() {
	make_archives
	cut_and_flip flip a.tar a.tar $((EVERY * 9))
}

# Of one that consists of several pieces.
test_damage_of_a_large_archive_is_noticed() {
	mkdir tree
	for i in 1 2 3 4; do head -c 3000000 /dev/urandom >tree/$i; done
	ln tree/1 tree/again
	for suffix in tar tar.gz tar.xz tar.zst; do
		tarn -caf "a.$suffix" tree
	done
	for suffix in tar.gz tar.xz tar.zst; do
		cut_and_flip flip a.tar a.$suffix 2999999
	done
	cut_and_flip cut a.tar a.tar.zst 999999
}

run_tests
