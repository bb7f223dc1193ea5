#!/bin/bash
# What tarn writes others restore without a word, and what others write tarn restores.

. "$(dirname "$0")/../lib.sh"

# The tree that every partner can hold: names in each other's way, links of every type, odd bytes.
make_tree() {
	mkdir -p tree/a/b tree/empty "tree/with space"
	printf 'one\n' >tree/a/first
	ln tree/a/first tree/a/b/second
	ln tree/a/first "tree/with space/third"
	: >tree/zero
	ln tree/zero tree/zero-again
	ln -s a/first tree/sym
	mkfifo tree/fifo
	head -c 100000 /dev/urandom >tree/binary
	touch "tree/$(printf 'byte\377name')" "tree/new
line" "tree/$(printf '%099d' 0)" "tree/$(printf '%0100d' 0)"
	mkdir -p "tree/$(printf '%090d' 0)"
	printf x >"tree/$(printf '%090d' 0)/$(printf '%090d' 0)"
	chmod 0640 tree/a/first
	chmod 0700 tree/empty
	chmod 1777 tree/a
	chown 1234:4321 tree/binary
	find tree -exec touch -h -d '2001-02-03 04:05:06' {} +
}

# What only pax and GNU's format hold.
make_large_tree() {
	make_tree
	local deep
	deep=tree/$(printf '%0200d/' 1 2 3)
	mkdir -p "$deep"
	printf deep >"$deep/file"
	ln "$deep/file" "$deep/again"
	ln -s "$(printf '%0300d' 0)" tree/long-target
	chown 3000000:3000000 tree/zero
	truncate -s 50M tree/sparse
	printf end >>tree/sparse
	find tree -exec touch -h -d '2001-02-03 04:05:06' {} +
}

# restored_by COMMAND…: it extracts a.tar in out without a word, and that is the tree.
restored_by() {
	rm -rf out
	mkdir out
	(cd out && "$@" >../said 2>&1)
	expect_equal "$(cat said)" ''
	touch -d '2001-02-03 04:05:06' out/tree
	same_tree tree out/tree
}

tarn_restores() {
	rm -rf out
	mkdir out
	expect_status 0 tarn -xpf "$1" -C out
	expect_equal "$(cat "$ERR")" ''
	same_tree tree out/tree
}

test_gnu_tar_restores_each_format() {
	make_tree
	for format in pax ustar gnu; do
		tarn -cf a.tar --format=$format tree
		restored_by tar -xpf ../a.tar
	done
}

test_bsdtar_restores_each_format() {
	make_tree
	for format in pax ustar gnu cpio; do
		tarn -cf a.tar --format=$format tree
		restored_by bsdtar -xpf ../a.tar
	done
}

test_large_tree_is_restored_by_both() {
	make_large_tree
	for format in pax gnu; do
		tarn -cSf a.tar --format=$format tree
		[ "$(stat -c %s a.tar)" -lt 3000000 ]
		restored_by tar -xpf ../a.tar
		restored_by bsdtar -xpf ../a.tar
		tarn_restores a.tar
		[ "$(stat -c %b out/tree/sparse)" -lt 1000 ]
	done
}

# It leaves the times of directories and symbolic links alone.
test_busybox_restores_each_format() {
	make_tree
	for format in ustar gnu pax; do
		tarn -cf a.tar --format=$format tree
		rm -rf out
		mkdir out
		(cd out && busybox tar -xpf ../a.tar >../said 2>&1)
		expect_equal "$(cat said)" ''
		find tree out '(' -type d -o -type l ')' -exec touch -h -d 2001-02-03 {} +
		same_tree tree out/tree
	done
}

# cpio knows the end of an archive by a name.
test_file_that_is_called_as_the_end_of_cpio_archives_does_not_end_one() {
	mkdir tree out
	printf content >'tree/TRAILER!!!'
	ln 'tree/TRAILER!!!' tree/name
	printf x >tree/zebra
	(cd tree && tarn -cf ../a.cpio --format=cpio -- *)
	(cd out && cpio -idm --quiet <../a.cpio)
	same_tree tree out --ignore mtime
	rm -r out && mkdir out
	tarn -xf a.cpio -C out
	same_tree tree out --ignore mtime
}

# libarchive passes over them; git has one with a comment in each archive.
test_global_header_that_is_ignored_is_said_to_be() {
	printf content | tee a b c >d
	tar --format=pax --pax-option=uname=other -cf a.tar a b c d
	for archive in a.tar a.tar.gz; do
		[ -e $archive ] || gzip -k a.tar
		expect_status 0 tarn -tf $archive
		expect_equal "$(cat "$ERR")" 'tarn: Record uname of a global header is ignored'
		mkdir -p out
		expect_status 0 tarn -xf - -C out <$archive
		expect_equal "$(cat "$ERR")" 'tarn: Record uname of a global header is ignored'
	done
	tar --format=pax --pax-option=comment=0123abcd -cf b.tar a b
	expect_status 0 tarn -tf b.tar
	expect_equal "$(cat "$ERR")" ''
}

# In the place of a file that was extracted from the first volume it would be a loss.
test_rest_of_a_file_in_another_volume_of_gnu_tar_is_refused_as_by_gnu_tar() {
	mkdir tree
	head -c 15000 /dev/urandom >tree/divided
	echo whole >tree/whole
	for options in '' '-V label'; do
		rm -rf out theirs one.tar two.tar
		# shellcheck disable=SC2086
		tar --format=gnu -cM -L 10 $options -f one.tar -f two.tar -f three.tar \
			-C tree divided whole
		mkdir out theirs
		echo precious | tee out/divided >theirs/divided
		expect_status 2 tar -xf two.tar -C theirs
		sed s/^tar:/tarn:/ "$ERR" >theirs.err
		expect_status 2 tarn -xf two.tar -C out
		expect_stderr_has "$(head -n 1 theirs.err)"
		same_tree theirs out --ignore root
		expect_status 2 tarn --test -f two.tar
	done
}

test_cpio_restores_cpio() {
	make_tree
	tarn -cf a.cpio --format=cpio tree
	rm -rf out
	mkdir out
	(cd out && cpio -idm --quiet <../a.cpio 2>../said)
	expect_equal "$(cat said)" ''
	touch -d '2001-02-03 04:05:06' out/tree/a out/tree/a/b out/tree/empty
	same_tree tree out/tree --ignore mtime
}

test_python_restores_pax_and_gnu() {
	make_tree
	for format in pax gnu ustar; do
		tarn -cf a.tar --format=$format tree
		rm -rf out
		mkdir out
		python3 -c 'import tarfile; tarfile.open("a.tar").extractall("out", numeric_owner=True)'
		# It leaves the times of symbolic links alone.
		touch -h -r tree/sym out/tree/sym
		same_tree tree out/tree
	done
}

test_compressed_archives_go_both_ways() {
	make_tree
	for letter in -z -j -J --zstd; do
		tarn -cf a.tar $letter tree
		restored_by tar -xpf ../a.tar $letter
		restored_by bsdtar -xpf ../a.tar
		tar -cf b.tar $letter tree
		tarn_restores b.tar
	done
}

test_every_compression_is_found_from_its_content() {
	make_tree
	tarn -cf a.tar tree
	gzip -kc a.tar >copy1
	bzip2 -kc a.tar >copy2
	xz -kc a.tar >copy3
	zstd -qc a.tar >copy4
	lz4 -qc a.tar >copy5
	lzip -kc a.tar >copy6
	xz --format=lzma -kc a.tar >copy7
	compress -c a.tar >copy8
	for copy in copy?; do
		tarn_restores "$copy"
	done
}

test_tarn_restores_gnu_tar() {
	make_tree
	for format in ustar oldgnu gnu posix; do
		tar -cf a.tar --format=$format tree
		tarn_restores a.tar
	done
	rm -r tree
	make_large_tree
	for options in '--format=gnu' '--format=oldgnu' '--format=posix --sparse-version=0.0' \
		'--format=posix --sparse-version=0.1' '--format=posix --sparse-version=1.0'; do
		# shellcheck disable=SC2086 # several options
		tar -cSf a.tar $options tree
		tarn_restores a.tar
		[ "$(stat -c %b out/tree/sparse)" -lt 1000 ]
	done
}

test_tarn_restores_v7_of_gnu_tar() {
	mkdir tree
	printf x >tree/one
	ln tree/one tree/two
	touch -d '2001-02-03 04:05:06' tree/one tree
	tar -cf a.tar --format=v7 tree
	tarn_restores a.tar
}

test_tarn_restores_bsdtar() {
	make_tree
	# It has trouble with names that are not UTF-8.
	rm "tree/$(printf 'byte\377name')"
	touch -d '2001-02-03 04:05:06' tree
	for format in pax ustar gnutar newc odc; do
		bsdtar -cf a.tar --format=$format tree
		tarn_restores a.tar
	done
}

test_tarn_restores_busybox_and_python() {
	make_tree
	busybox tar -cf a.tar tree
	tarn_restores a.tar
	for format in USTAR_FORMAT GNU_FORMAT PAX_FORMAT; do
		python3 - $format <<-'END'
		import sys, tarfile
		with tarfile.open("a.tar", "w", format=getattr(tarfile, sys.argv[1])) as t:
		    t.add("tree")
		END
		tarn_restores a.tar
	done
}

test_attributes_and_acls_go_both_ways() {
	mkdir tree
	printf x >tree/one
	ln tree/one tree/two
	setfattr -n user.comment -v "$(printf 'bytes \001')" tree/one
	setfacl -m u:65534:r,g:1234:rwx tree/one
	mkdir tree/d
	setfacl -d -m u:65534:rx tree/d
	find tree -exec touch -h -d '2001-02-03 04:05:06' {} +
	tarn -cf a.tar --xattrs --acls tree
	restored_by tar -xpf ../a.tar --xattrs --acls
	restored_by bsdtar -xpf ../a.tar --xattrs --acls
	rm -rf out
	mkdir out
	tarn -xpf a.tar --xattrs --acls -C out
	same_tree tree out/tree
	for program in tar bsdtar; do
		$program -cf b.tar --xattrs --acls tree
		rm -rf out
		mkdir out
		tarn -xpf b.tar --xattrs --acls -C out
		same_tree tree out/tree
		tarn -df b.tar --xattrs --acls
	done
}

test_nanoseconds_go_both_ways() {
	mkdir tree
	touch -d '2001-02-03 04:05:06.123456789' tree/a
	touch -d '2020-02-08 00:00:00.5' tree/b
	touch -d '2001-02-03 04:05:06' tree
	tarn -cf a.tar tree
	restored_by tar -xpf ../a.tar
	restored_by bsdtar -xpf ../a.tar
	tar -cf b.tar --format=posix tree
	tarn_restores b.tar
}

test_long_listing_is_gnu_tars_to_the_letter() {
	make_large_tree
	chmod 4755 tree/zero
	chmod 1644 tree/binary
	chmod 2070 tree/empty
	mknod tree/char c 1 3
	mknod tree/block b 7 130
	for format in gnu posix; do
		tar -cSf a.tar --format=$format tree
		tarn -tvf a.tar >ours
		tar -tvf a.tar >theirs
		diff ours theirs
	done
	tarn -cSf a.tar tree
	tarn -tvf a.tar >ours
	tar -tvf a.tar >theirs
	diff ours theirs
	tar -cvvSf b.tar --sort=name tree >theirs
	tarn -cvvSf b.tar tree >ours
	diff ours theirs
}

run_tests
