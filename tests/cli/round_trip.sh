#!/bin/bash
# What goes into an archive comes out of it, judged by something other than tarn.

. "$(dirname "$0")/../lib.sh"

make_tree() {
	mkdir -p tree/a/b tree/empty
	printf 'one\n' >tree/a/first
	ln tree/a/first tree/a/b/second
	ln tree/a/first tree/third
	ln -s nowhere tree/sym
	ln tree/sym tree/sym-again
	mkfifo tree/fifo
	ln tree/fifo tree/fifo-again
	printf x >"tree/$(printf 'byte\377name')"
	printf y >"tree/$(printf '%0200d' 0)"
	printf z >'tree/new
line'
	truncate -s 1M tree/sparse
	printf end >>tree/sparse
	chmod 0640 tree/a/first
	chmod 0700 tree/empty
	touch -h -d '2001-02-03 04:05:06.123456789' tree/a/first tree/sym tree/empty
}

test_second_name_of_inode_is_a_link_member() {
	mkdir d
	printf content >d/one
	ln d/one d/two
	tarn -cf a.tar d
	tar -tvf a.tar >list
	grep -q ' d/one$' list
	grep -q '^h.* d/two link to d/one$' list
}

test_later_name_is_one_block() {
	mkdir d
	for i in $(seq 100); do : >"d/$i"; done
	tarn -cb1 -f one.tar d/1
	ln d/1 d/x
	tarn -cb1 -f two.tar d/1 d/x
	expect_equal $(($(stat -c %s two.tar) - $(stat -c %s one.tar))) 512
}

test_tarn_restores_its_own_archive() {
	make_tree
	tarn -cf a.tar tree
	mkdir out
	tarn -xf a.tar -C out
	same_tree tree out/tree
}

# Enough of them for extended headers to lie across whatever they are read in.
test_times_before_1970_come_back_to_the_nanosecond() {
	local archive
	mkdir tree
	python3 - <<-'END'
	import os
	times = [1, 999999999, 10**9, 10**9 + 1, 1250000000, 31536000 * 10**9 + 75]
	for i, time in enumerate(times + [500000000] * 400):
	    path = "tree/%0*d" % (1 + i % 200, i)
	    open(path, "w").close()
	    os.utime(path, ns=(0, -time))
	END
	tarn -cf a.tar tree
	tarn -cf a.tar.zst --zstd tree
	tar -cf gnu.tar --format=pax tree
	bzip2 -k gnu.tar
	for archive in a.tar a.tar.zst gnu.tar gnu.tar.bz2; do
		mkdir out
		tarn -xf "$archive" -C out
		same_tree tree out/tree
		rm -r out
	done
}

test_every_compression_restores_the_tree() {
	make_tree
	for z in -z -j -J --zstd --lz4 --lzma; do
		rm -rf out
		mkdir out
		tarn -c "$z" -f a tree
		tarn -xf a -C out
		same_tree tree out/tree
	done
}

test_pipes_carry_an_archive_both_ways() {
	make_tree
	mkdir out
	tarn -cf - tree | tarn -xf - -C out
	same_tree tree out/tree
}

test_gnu_tar_reads_pax_in_silence() {
	make_tree
	tarn -cf a.tar tree
	mkdir out
	tar -xf a.tar -C out 2>said
	expect_equal "$(cat said)" ''
	same_tree tree out/tree
}

test_bsdtar_reads_pax_in_silence() {
	make_tree
	tarn -cf a.tar tree
	mkdir out
	bsdtar -xf a.tar -C out 2>said
	expect_equal "$(cat said)" ''
	same_tree tree out/tree
}

test_gnu_tar_archives_are_restored() {
	make_tree
	for format in gnu pax; do
		rm -rf out tree/fifo-again
		mkdir out
		tar -c -S --format="$format" -f a.tar tree
		tarn -xf a.tar -C out
		same_tree tree out/tree --ignore mtime
	done
}

test_bsdtar_archives_are_restored() {
	make_tree
	mkdir out
	bsdtar -c --format pax -f a.tar tree
	tarn -xf a.tar -C out
	same_tree tree out/tree --ignore mtime
}

test_cpio_archives_of_gnu_cpio_are_restored() {
	mkdir tree out
	printf content >tree/one
	ln tree/one tree/two
	printf other >tree/three
	find tree -depth | cpio -o -H newc 2>/dev/null >a.cpio
	tarn -xf a.cpio -C out
	same_tree tree out/tree --ignore mtime
}

test_gnu_cpio_restores_cpio_of_tarn() {
	mkdir tree out
	printf content >tree/one
	ln tree/one tree/two
	tarn -c --format=cpio -f a.cpio tree
	(cd out && cpio -idm --quiet <../a.cpio)
	same_tree tree out/tree --ignore mtime
}

test_listing_is_gnu_tars_to_the_letter() {
	make_tree
	tarn -cf a.tar tree
	for options in -t -tv '-tv --full-time' '-tv --numeric-owner'; do
		# shellcheck disable=SC2086
		tarn $options -f a.tar >ours
		# shellcheck disable=SC2086
		tar $options -f a.tar >theirs
		grep -v sparse ours >ours.rest
		grep -v sparse theirs >theirs.rest
		cmp ours.rest theirs.rest
	done
}

test_same_tree_gives_the_same_bytes() {
	make_tree
	tarn -cf a.tar --zstd --threads=1 tree
	tarn -cf b.tar --zstd --threads=2 tree
	cmp a.tar b.tar
}

test_xattrs_and_acls_come_back() {
	need_program setfattr
	mkdir tree out
	printf x >tree/f
	setfattr -n user.comment -v hello tree/f || skip 'no extended attributes here'
	setfacl -m u:1234:r tree/f
	setfacl -d -m u:1234:rwx tree
	tarn -c --xattrs --acls -f a.tar tree
	tarn -x --xattrs --acls -f a.tar -C out
	same_tree tree out/tree
}

test_attribute_names_that_keywords_cannot_have_come_back() {
	need_program setfattr
	local name='user.x=y%z%3D'
	mkdir tree
	printf x >tree/f
	setfattr -n "$name" -v hello tree/f || skip 'no extended attributes here'
	tarn -c --xattrs -f tarn.tar tree
	tar -c --xattrs --format=posix -f gnu.tar tree
	for archive in tarn gnu; do
		mkdir $archive
		tarn -x --xattrs -f $archive.tar -C $archive
		same_tree tree $archive/tree
		expect_equal "$(getfattr --only-values -n "$name" $archive/tree/f)" hello
		tarn -d --xattrs -f $archive.tar
	done
	mkdir out
	tar -x --xattrs -f tarn.tar -C out
	same_tree tree out/tree
}

# Until it has its owner: nobody but the user may do in it what not everybody may in the end.
test_directory_is_made_no_more_open_than_it_ends() {
	need_program strace
	mkdir tree out
	for mode in 755 750 1777 711 500; do
		mkdir -m "$mode" "tree/d$mode"
	done
	tarn -cf a.tar tree
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=mkdirat -o calls "$TARN" -xf a.tar -C out
	expect_equal "$(grep -o '"d.*, 0[0-7]*' calls | sort | tr -d '" \n')" \
		d1777,0755d500,0700d711,0711d750,0700d755,0755
	same_tree tree out/tree
}

# With a slash at its end, all programs would take a file for a directory, and its content for a
# header.
test_name_that_is_rewritten_has_no_slash_at_its_end() {
	mkdir -p d/e
	printf content >d/e/f
	ln d/e/f d/g
	for option in --format=pax --format=gnu --format=ustar --zstd; do
		tarn $option --transform='s/f$//' --exclude=g -cf a.tar d/e/f d/g
		expect_equal "$(tarn -tf a.tar)" d/e
		expect_equal "$(tar -xOf a.tar)" content
		tarn --test -f a.tar
	done
	tarn -cf a.tar d
	mkdir out
	tarn -xf a.tar -C out --transform='s,e/f$,x//,'
	expect_equal "$(cat out/d/x)" content
	[ out/d/x -ef out/d/g ]
}

run_tests
