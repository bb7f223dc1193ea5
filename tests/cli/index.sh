#!/bin/bash
# The index of an archive: what is found by it is what the archive has.

. "$(dirname "$0")/../lib.sh"

make_snapshot() {
	mkdir -p tree/day.0/deep/er
	printf same >tree/day.0/same
	ln tree/day.0/same tree/day.0/deep/again
	printf changing >tree/day.0/deep/changing
	head -c 300000 /dev/urandom >tree/day.0/deep/er/large
	ln -s same tree/day.0/sym
	ln tree/day.0/sym tree/day.0/deep/sym
	mkfifo tree/day.0/fifo
	chmod 4755 tree/day.0/same
	touch -h -d '1960-01-01 00:00:00.5' tree/day.0/sym
	touch -d '2033-01-01 00:00:00.123456789' tree/day.0/fifo
}

# tomorrow: the next snapshot shares what did not change.
tomorrow() {
	cp -al tree/day.0 tree/day.1
	rm tree/day.1/deep/changing
	printf changed >tree/day.1/deep/changing
}

# has_link ARCHIVE NAME FIRST: GNU tar sees that link member.
has_link() {
	tar -tvf "$1" >listed
	grep -q "^h.* $2 link to $3\$" listed
}

# what_tar_has ARCHIVE: offset and name of every member, as Python's tarfile sees them.
what_tar_has() {
	python3 -c '
import sys, tarfile
for m in tarfile.open(sys.argv[1]):
    print(m.offset, m.name.encode(), (m.linkname or "").encode(), sep="\t")' "$1"
}

test_index_has_what_the_archive_has() {
	make_snapshot
	tomorrow
	for format in pax ustar gnu v7; do
		[ $format = pax ] || rm -f tree/day.?/{fifo,sym,deep/sym}
		tarn -cf a.tar --index --format=$format tree
		python3 "$TOP/tests/judge/index" a.tar | cut -f 1,7,8 >indexed
		what_tar_has a.tar >found
		cmp indexed found
	done
}

test_listing_by_the_index_is_that_of_the_archive() {
	make_snapshot
	tomorrow
	tarn -cf a.tar --index tree
	for options in -t -tv '-tv --full-time' '-tv --numeric-owner' '-t --links'; do
		# shellcheck disable=SC2086 # several options
		tarn $options -f a.tar >by-index
		# shellcheck disable=SC2086
		tarn $options --no-index -f a.tar >by-archive
		cmp by-index by-archive
	done
	tarn -cf v7.tar --format=v7 --index tree/day.0/same
	tarn -tvf v7.tar >by-index
	tarn -tvf v7.tar --no-index | cmp - by-index
}

test_owners_that_a_header_has_no_room_for_are_cut_in_the_index_too() {
	local name
	printf content >f
	ln f later
	for name in "$(printf 'n%.0s' {1..40})" $'\xff'"$(printf 'n%.0s' {1..40})" \
		"$(printf 'é%.0s' {1..20})"; do
		for format in gnu ustar pax v7; do
			tarn --format=$format --owner="$name:1" --group="$name:1" --index -cf a.tar f later
			tarn -tvf a.tar >by-index
			tarn -tvf a.tar --no-index | cmp - by-index
		done
	done
}

# reads FILE COMMAND…: the bytes that it reads of that file.
reads() {
	strace -o trace -P "$1" -e trace=read "${@:2}" >/dev/null
	awk -F'= ' '{ n += $NF } END { print n + 0 }' trace
}

test_listing_and_single_members_read_little_of_the_archive() {
	make_snapshot
	head -c 20000000 /dev/urandom >tree/day.0/huge
	head -c 20000000 /dev/urandom >tree/zhuge
	tarn -cf a.tar --index tree
	[ "$(reads a.tar "$TARN" -tvf a.tar)" -lt 2000000 ]
	mkdir out
	[ "$(reads a.tar "$TARN" -xf a.tar -C out tree/day.0/same)" -lt 3000000 ]
	cmp tree/day.0/same out/tree/day.0/same
	[ "$(reads a.tar "$TARN" -tf a.tar --no-index)" -gt 0 ]
}

test_every_single_name_comes_by_the_index() {
	make_snapshot
	tomorrow
	tarn -cf a.tar --index tree
	(cd tree && find . -type f -printf 'tree/%P\n') >names
	while read -r name; do
		rm -rf out
		mkdir out
		expect_status 0 tarn -xpf a.tar -C out "$name"
		expect_equal "$(cat "$ERR")" ''
		cmp "$name" "out/$name"
		expect_equal "$(stat -c '%a %Y %i' "$name" | cut -d' ' -f1,2)" \
			"$(stat -c '%a %Y' "out/$name")"
		tarn -xOf a.tar "$name" | cmp - "$name"
	done <names
	rm -rf out
	mkdir out
	tarn -xpf a.tar -C out --wildcards 'tree/day.1*'
	same_tree tree/day.1 out/tree/day.1
	tarn -df a.tar tree/day.1
}

test_tomorrows_names_are_linked_to_what_is_there() {
	make_snapshot
	tarn -cf a.tar --index tree
	before=$(stat -c %s a.tar)
	tomorrow
	tarn -rf a.tar tree/day.1
	[ "$(($(stat -c %s a.tar) - before))" -lt 20480 ]
	has_link a.tar tree/day.1/deep/er/large tree/day.0/deep/er/large
	mkdir by-tar by-tarn
	tar -xpf a.tar -C by-tar
	same_tree tree/day.0 by-tar/tree/day.0
	tarn -xpf a.tar -C by-tarn
	same_tree tree by-tarn/tree --ignore mtime
	python3 "$TOP/tests/judge/index" a.tar | cut -f 1,7,8 >indexed
	what_tar_has a.tar >found
	cmp indexed found
	tarn --test -f a.tar
}

test_linking_goes_on_after_the_device_has_another_number() {
	need_mounts
	need_root
	mount_ext4 disk 64M
	(mkdir disk/tree && cd disk && make_snapshot)
	tarn -cf a.tar --index -C disk tree
	first=$(stat -c %d disk)
	image=$(findmnt -no SOURCE disk)
	file=$(losetup -nO BACK-FILE "$image")
	umount disk
	losetup -d "$image" 2>/dev/null || :
	# Another loop device takes the first free number.
	: >other-image
	truncate -s 1M other-image
	other=$(losetup -f --show other-image)
	mount -o loop "$file" disk
	if [ "$(stat -c %d disk)" = "$first" ]; then
		umount disk
		losetup -d "$other"
		skip 'the loop device got the same number again'
	fi
	(cd disk && tomorrow)
	tarn -rf a.tar -C disk tree/day.1
	losetup -d "$other"
	has_link a.tar tree/day.1/same tree/day.0/deep/again
}

test_file_that_changed_in_place_is_stored_anew() {
	make_snapshot
	tarn -cf a.tar --index tree
	tomorrow
	printf more >>tree/day.1/same
	chmod 600 tree/day.1/deep/er/large
	tarn -rf a.tar tree/day.1
	mkdir out
	tarn -xpf a.tar -C out
	expect_equal "$(cat out/tree/day.0/same)" same
	expect_equal "$(cat out/tree/day.1/same)" samemore
	expect_equal "$(stat -c %a out/tree/day.0/deep/er/large)" 644
	expect_equal "$(stat -c %a out/tree/day.1/deep/er/large)" 600
}

# What the member does not tell of the file is in the index.
test_unchanged_file_is_linked_to_whatever_its_member_tells() {
	for options in --format=gnu --format=ustar --format=v7 --mtime=@0 --xattrs --acls; do
		rm -rf tree a.tar
		mkdir -p tree/day.0 tree/day.1
		printf same >tree/day.0/f
		touch -d '2001-02-03 04:05:06.789' tree/day.0/f
		setfattr -n user.is -v this tree/day.0/f || skip 'no attributes here'
		setfacl -m u:77:r tree/day.0/f
		tarn -cf a.tar --index $options tree/day.0
		ln tree/day.0/f tree/day.1/f
		tarn -rf a.tar $options tree/day.1
		has_link a.tar tree/day.1/f tree/day.0/f
		touch -d '2001-02-03 04:05:06.777' tree/day.0/f
		ln tree/day.0/f tree/day.1/g
		tarn -rf a.tar $options tree/day.1/g
		expect_equal "$(tar -tvf a.tar tree/day.1/g | cut -c 1)" -
	done
}

test_symbolic_link_that_is_renamed_is_another_one() {
	ln -s f1 a
	tarn -cf a.tar --index a
	ln a b
	tarn -rf a.tar --transform=s/f1/g1/ b
	tar -tvf a.tar | grep -q 'b -> g1'
}

test_other_time_that_is_given_is_stored() {
	mkdir tree
	printf x >tree/a
	tarn -cf a.tar --index tree
	ln tree/a tree/b
	tarn -rf a.tar --mtime=@0 tree/b
	expect_equal "$(tar -tvf a.tar --full-time --utc tree/b | grep -c 1970)" 1
}

# The mtime that is stored is the same before and after.
test_content_that_changed_under_a_given_time_is_stored_anew() {
	for option in --mtime=@0 '--mtime=@0 --clamp-mtime'; do
		rm -rf tree
		mkdir -p tree/day.0 tree/day.1 out
		printf old >tree/day.0/f
		tarn -cf a.tar --index $option tree/day.0
		ln tree/day.0/f tree/day.1/f
		printf new >tree/day.0/f
		tarn -rf a.tar $option tree/day.1
		tar -xf a.tar -C out
		expect_equal "$(cat out/tree/day.0/f out/tree/day.1/f)" oldnew
	done
}

test_attributes_that_changed_are_stored_anew() {
	mkdir tree
	printf x >tree/a
	setfattr -n user.is -v old tree/a || skip 'no attributes here'
	tarn -cf a.tar --index --xattrs tree/a
	setfattr -n user.is -v new tree/a
	setfacl -m u:77:r tree/a
	chmod 644 tree/a
	ln tree/a tree/b
	tarn -rf a.tar --xattrs tree/b
	ln tree/a tree/c
	tarn -rf a.tar --acls tree/c
	expect_equal "$(tar -tvf a.tar | cut -c 1 | xargs)" '- - -'
	rm -r tree
	tar -xf a.tar --xattrs
	getfattr --only-values -n user.is tree/b | grep -qx new
}

test_hard_dereference_links_to_nothing_earlier() {
	make_snapshot
	tarn -cf a.tar --index tree/day.0/same
	tarn -rf a.tar --hard-dereference tree/day.0/deep/again
	expect_equal "$(tar -tvf a.tar | cut -c 1 | xargs)" '- -'
}

test_name_that_was_replaced_is_not_linked_to() {
	mkdir tree
	printf old >tree/a
	tarn -cf a.tar --index tree
	ln tree/a tree/b
	rm tree/a
	printf new >tree/a
	tarn -rf a.tar tree
	mkdir out
	tarn -xf a.tar -C out
	expect_equal "$(cat out/tree/a out/tree/b)" newold
	rm -rf out
	mkdir out
	tar -xf a.tar -C out
	expect_equal "$(cat out/tree/a out/tree/b)" newold
}

# The new x is a later name of what ustar cannot hold, and becomes a first name after all.
test_name_that_was_replaced_by_a_later_name_is_not_linked_to() {
	mkdir tree
	printf old >tree/x
	touch -d '2001-02-03 04:05:06' tree/x
	tarn -cf a.tar --format=ustar --index tree
	ln tree/x tree/y
	rm tree/x
	long=$(printf 'a%.0s' {1..200})
	printf new >"tree/$long"
	ln "tree/$long" tree/x
	expect_status 2 tarn -rf a.tar --format=ustar tree
	mkdir out
	tar -xf a.tar -C out
	expect_equal "$(cat out/tree/x out/tree/y)" newold
}

test_update_adds_only_what_is_newer_and_links_the_rest() {
	make_snapshot
	tarn -cf a.tar --index tree
	tomorrow
	touch -d '+1 day' tree/day.0/deep/changing
	tarn -uf a.tar tree
	expect_equal "$(tar -tf a.tar | grep -c day.0/deep/changing)" 2
	has_link a.tar tree/day.1/same tree/day.0/deep/again
	expect_equal "$(tar -tf a.tar | grep -c day.0/same)" 1
}

test_index_is_added_to_an_archive_that_has_none() {
	make_snapshot
	tar -cf a.tar --format=posix tree
	tar -tvf a.tar >before
	expect_status 0 tarn --index -f a.tar
	tar -tvf a.tar >after
	cmp before after
	python3 "$TOP/tests/judge/index" a.tar | cut -f 1,7,8 >indexed
	what_tar_has a.tar >found
	cmp indexed found
}

# out_of_date: the index of a.tar is, which is said once, and everything is found.
out_of_date() {
	expect_status 0 tarn -tf a.tar
	expect_equal "$(cat "$ERR")" \
		'tarn: a.tar: The index is out of date: another program has changed the archive; reading the archive instead'
	expect_equal "$(tail -n 1 "$OUT")" more
	mkdir out
	tarn -xf a.tar -C out more
	cmp more out/more
	expect_status 1 tarn --test -f a.tar
}

test_index_is_not_used_after_another_tar_added_a_member() {
	make_snapshot
	tarn -cf a.tar --index tree
	printf more >'more'
	cp a.tar b.tar
	tar -rf a.tar more
	# However much is behind the end.
	dd if=b.tar of=a.tar bs=512 skip=$(($(stat -c %s b.tar) / 512 - 2)) count=2 \
		oflag=append conv=notrunc status=none
	out_of_date
}

test_adding_makes_an_index_that_is_out_of_date_right_again() {
	make_snapshot
	tarn -cf a.tar --index tree
	printf more >'more'
	tar -cf b.tar more
	end=$(python3 -c 'import tarfile; t = tarfile.open("a.tar"); t.getmembers(); print(t.offset)')
	dd if=b.tar of=a.tar bs=512 seek=$((end / 512 - 1)) count=4 conv=notrunc status=none
	expect_status 0 tarn -rf a.tar more
	expect_stderr_has 'out of date'
	expect_status 0 tarn --test -f a.tar
	expect_equal "$(cat "$ERR")" ''
}

test_every_flipped_bit_of_an_index_is_harmless() {
	mkdir tree
	printf one >tree/one
	ln tree/one tree/two
	tarn -cf a.tar --index -b 2 tree
	tarn -tvf a.tar >whole
	python3 - <<-'END'
	data = open("a.tar", "rb").read()
	nbytes = int.from_bytes(data[-72:-64], "little")
	for at in range(len(data) - nbytes, len(data)):
	    if data[at] or at % 16 == 0:
	        flipped = bytearray(data)
	        flipped[at] ^= 1 << at % 8
	        open("flipped-%d" % at, "wb").write(flipped)
	END
	for file in flipped-*; do
		expect_status 0 tarn -tvf "$file"
		cmp "$OUT" whole
		tarn -xOf "$file" tree/two 2>/dev/null | cmp - tree/one
	done
}

test_damaged_index_is_made_anew_by_adding() {
	mkdir tree
	printf one >tree/one
	ln tree/one tree/two
	printf three >three
	for archive in a.tar a.tar.zst; do
		tarn -caf $archive --index tree
		# A byte of the only chunk.
		python3 - $archive <<-'END'
		import sys
		data = bytearray(open(sys.argv[1], "rb").read())
		footer = data.rindex(b"TARNIDX\2") - 64
		data[footer + 72 - int.from_bytes(data[footer : footer + 8], "little") + 20] ^= 1
		open(sys.argv[1], "wb").write(data)
		END
		expect_status 0 tarn -rf $archive three
		expect_stderr_has 'The index of the archive is damaged'
		expect_status 0 tarn --test -f $archive
		expect_equal "$(cat "$ERR")" ''
		expect_equal "$(tarn -tf $archive | xargs)" 'tree/ tree/one tree/two three'
	done
}

# An index that lies finds nothing that the archive has not.
test_index_that_disagrees_with_a_header_is_noticed() {
	mkdir tree
	printf good >tree/a
	printf evil >tree/b
	tarn -cf a.tar --index tree
	# The name of the member changes in the archive, and the checksum of its header with it.
	python3 - <<-'END'
	data = bytearray(open("a.tar", "rb").read())
	at = data.index(b"tree/a\0")
	data[at : at + 6] = b"tree/x"
	header = data[at : at + 512]
	header[148:156] = b" " * 8
	data[at + 148 : at + 156] = b"%06o\0 " % sum(header)
	open("a.tar", "wb").write(data)
	END
	mkdir out
	expect_status 2 tarn -xf a.tar -C out tree/a
	expect_stderr_has 'tarn: tree/a: The archive has another member where its index has this one; reading the archive instead'
	expect_equal "$(find out -type f)" ''
	expect_status 2 tarn --test -f a.tar
	expect_stderr_has 'tarn: tree/x: The index of the archive has something else here'
}

test_stock_tars_read_an_archive_with_an_index() {
	make_snapshot
	tarn -cf a.tar --index tree
	for program in 'tar -tf' 'bsdtar -tf' 'busybox tar -tf' 'python3 -m tarfile -l'; do
		need_program "${program%% *}"
		expect_status 0 $program a.tar
		expect_equal "$(cat "$ERR")" ''
		expect_equal "$(wc -l <"$OUT")" 11
	done
}

test_failed_addition_leaves_the_archive_as_it_was() {
	need_mounts
	need_root
	mount_ext4 disk 4M
	make_snapshot
	tarn -cf disk/a.tar --index tree
	cp disk/a.tar before
	head -c 10000000 /dev/urandom >large
	expect_status 2 tarn -rf disk/a.tar large
	expect_stderr_has 'No space left on device'
	cmp disk/a.tar before
}

test_index_that_cannot_be_made_is_said() {
	python3 - <<-'END'
	import os
	os.mkdir("tree")
	os.chdir("tree")
	for _ in range(330):
	    os.mkdir("d" * 200)
	    os.chdir("d" * 200)
	END
	local name said
	name=tree$(printf "/$(printf 'd%.0s' {1..200})%.0s" {1..327})
	said="tarn: $name: The archive has no index: the name or target of this member is too long"
	expect_status 2 tarn -cf a.tar --index tree
	expect_stderr_has "$said"
	expect_status 0 tarn -cf a.tar.zst --zstd tree
	expect_equal "$(cat "$ERR")" "$said"
	for archive in a.tar a.tar.zst; do
		expect_equal "$(tar -tf $archive | wc -l)" 331
	done
	tar -cf b.tar tree
	expect_status 2 tarn --index -f b.tar
	expect_stderr_has "$said"
	expect_status 0 tarn -cf a.tar tree
	expect_equal "$(cat "$ERR")" ''
}

test_empty_archive_has_an_index() {
	tarn -cf a.tar --index -T /dev/null
	expect_status 0 tarn -tf a.tar
	expect_equal "$(cat "$OUT" "$ERR")" ''
	printf x >x
	tarn -rf a.tar x
	expect_equal "$(python3 "$TOP/tests/judge/index" a.tar | wc -l)" 1
}

# What is read to look at the end of the archive alone may be much more than it takes in the file.
test_index_that_max_ratio_keeps_from_being_checked_is_not_out_of_date() {
	mkdir tree out
	head -c 8M /dev/urandom >tree/a
	head -c 8M /dev/zero >tree/b
	tarn --zstd -cf a.tar.zst -C tree a b
	expect_status 0 tarn -tf a.tar.zst --max-ratio=10
	expect_equal "$(cat "$OUT")" "$(printf 'a\nb')"
	expect_equal "$(cat "$ERR")" \
		'tarn: a.tar.zst: The index cannot be checked: more than 10 times as many bytes as in the file (--max-ratio); reading the archive instead'
	expect_status 0 tarn -df a.tar.zst -C tree --max-ratio=10
	rm tree/a
	tarn --zstd -cf a.tar.zst -C tree b
	expect_status 2 tarn -tf a.tar.zst --max-ratio=10
}

# maximum_kib COMMAND…: how much memory it takes.
maximum_kib() {
	python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}

test_claimed_length_of_an_index_takes_no_memory() {
	python3 - <<-'END'
	import lzma
	nbytes = 400 << 20
	with lzma.open("bomb.tar.xz", "wb", preset=0) as file:
	    file.write(bytes(1024))
	    for _ in range(400):
	        file.write(bytes(1 << 20))
	    file.write(nbytes.to_bytes(8, "little") + bytes(56) + b"TARNIDX\2")
	END
	[ "$(maximum_kib "$TARN" -tf bomb.tar.xz)" -lt 200000 ]
}

test_symbolic_link_without_a_target_is_listed_by_the_index() {
	ln -s f link
	printf x >other
	tarn -cf a.tar --index --transform='s/^f$//s' link other
	expect_status 0 tarn -tvf a.tar
	expect_equal "$(cat "$ERR")" ''
	tarn -tvf a.tar --no-index | cmp - "$OUT"
	expect_status 0 tarn --test -f a.tar
}

test_index_of_a_damaged_archive_is_not_out_of_date() {
	head -c 300000 /dev/urandom >large
	tarn -caf a.tar.zst --index --piece-size=64K large
	python3 - <<-'END'
	data = bytearray(open("a.tar.zst", "rb").read())
	data[20] ^= 1
	open("a.tar.zst", "wb").write(data)
	END
	expect_status 2 tarn -tf a.tar.zst
	expect_stderr_has 'The index is of no use: '
	expect_equal "$(grep -c 'out of date' "$ERR")" 0
}

# with_footer FILE FIELD VALUE: a.tar as FILE, with another number in the footer of its index.
with_footer() {
	python3 - "$@" <<-'END'
	import lzma, struct, sys
	data = bytearray(open("a.tar", "rb").read())
	footer = len(data) - 72
	struct.pack_into("<Q", data, footer + 8 * int(sys.argv[2]), int(sys.argv[3]))
	nbytes = struct.unpack_from("<Q", data, footer + 16)[0]
	covered = bytes(data[footer - nbytes:footer + 56])
	stream = lzma.compress(covered, check=lzma.CHECK_CRC64, filters=[{"id": lzma.FILTER_LZMA2}])
	end = (struct.unpack("<I", stream[-8:-4])[0] + 1) * 4 + 12
	data[footer + 56:footer + 64] = stream[-end - 8:-end]
	open(sys.argv[1], "wb").write(data)
	END
}

test_number_of_members_is_checked() {
	printf x >x
	printf y >y
	tarn -cf a.tar --index x y
	for n in 0 1 3; do
		with_footer b.tar 3 $n
		expect_status 0 tarn -tf b.tar
		expect_equal "$(xargs <"$OUT")" 'x y'
		expect_stderr_has 'The index of the archive is malformed'
	done
	with_footer b.tar 3 2
	expect_status 0 tarn -tf b.tar
	expect_equal "$(cat "$ERR")" ''
}

run_tests
