#!/bin/bash
# Trouble is said with the name of the member, shows in the exit status, and stops nothing else.

. "$(dirname "$0")/../lib.sh"

test_missing_operand_is_said_and_the_rest_is_stored() {
	printf x >there
	expect_status 2 tarn -cf a.tar missing there
	expect_stderr_has 'missing: Cannot stat: No such file or directory'
	expect_equal "$(tar -tf a.tar)" there
}

test_missing_archive_is_an_error() {
	expect_status 2 tarn -tf missing.tar
	expect_stderr_has 'missing.tar: Cannot open: No such file or directory'
}

test_standard_descriptor_that_is_closed_is_an_error() {
	printf x >f
	tarn -cf a.tar f
	# shellcheck disable=SC2016 # the inner shell's
	for arguments in '-tf a.tar >&-' '-cf - f >&-' '-xOf a.tar >&-' '-tf - <&-'; do
		expect_status 2 bash -c '"$TARN" '"$arguments"
		expect_stderr_has 'Bad file descriptor'
	done
	mkdir out
	expect_status 0 bash -c '"$TARN" -xf a.tar -C out <&- >&- 2>&-'
	cmp f out/f
}

test_standard_output_that_takes_no_more_is_said_once() {
	local expected='tarn: standard output: Cannot write: No space left on device'
	seq 100000 >big
	ln big later
	printf x >small
	tarn -cf a.tar big later small
	for arguments in -tvf '-t --links -f' -xOf '-xO --exclude=big -f' '-xO --exclude=[bl]* -f'; do
		# shellcheck disable=SC2086 # several
		expect_status 2 bash -c '"$TARN" "$@" a.tar >/dev/full' - $arguments
		expect_equal "$arguments: $(grep -v 'xiting' "$ERR")" "$arguments: $expected"
	done
	# When more was listed than fits into a buffer.
	seq -f 'tree/a.very.long.name.%g' 1000 >names
	mkdir tree
	xargs touch <names
	tarn -cf b.tar tree
	xargs touch -d 2001-01-01 <names
	for mode in -t -d; do
		expect_status 2 bash -c '"$TARN" "$@" -f b.tar >/dev/full' - $mode
		expect_equal "$mode: $(grep -v 'xiting' "$ERR")" "$mode: $expected"
	done
}

test_full_disk_leaves_the_old_archive_whole() {
	mount_tmpfs disk 1M
	printf old >f
	tarn -cf disk/a.tar f
	cp disk/a.tar old.tar
	head -c 3M /dev/urandom >big
	expect_status 2 tarn -cf disk/a.tar big
	expect_stderr_has 'No space left on device'
	cmp old.tar disk/a.tar
	expect_equal "$(ls -A disk)" a.tar
}

test_full_disk_leaves_an_empty_file_that_is_added_to_empty() {
	mount_tmpfs disk 1M
	head -c 3M /dev/urandom >big
	printf small >small
	for compression in '' --zstd --gzip --use-compress-program=cat; do
		: >disk/a.tar
		expect_status 2 tarn -rf disk/a.tar $compression big
		expect_equal "$(stat -c %s disk/a.tar)" 0
		expect_status 0 tarn -rf disk/a.tar $compression small
		expect_equal "$(tar -tf disk/a.tar)" small
	done
}

test_truncated_archive_is_noticed_and_the_rest_restored() {
	mkdir d out
	for i in 1 2 3; do head -c 10000 /dev/urandom >"d/$i"; done
	tarn -cf a.tar d
	head -c 25000 a.tar >cut.tar
	expect_status 2 tarn -xf cut.tar -C out
	expect_stderr_has 'Unexpected EOF in archive'
	cmp d/1 out/d/1
	[ ! -e out/d/3 ]
}

# Also the first member, which libarchive reads.
test_file_is_whole_where_only_its_padding_is_cut() {
	printf 1 >one
	printf 2 >two
	tar -cf a.tar --format=ustar one two
	head -c 600 a.tar >first.tar
	head -c 1600 a.tar >second.tar
	mkdir out
	expect_status 2 tarn -xf first.tar -C out
	expect_stderr_has 'first.tar: Unexpected EOF in archive behind byte 600, behind member one'
	cmp one out/one
	expect_status 2 tarn -xf second.tar -C out
	expect_stderr_has 'second.tar: Unexpected EOF in archive behind byte 1600, behind member two'
	cmp two out/two
}

test_archive_without_its_end_is_noticed() {
	printf x >f
	tarn -cf a.tar f
	head -c 1536 a.tar >cut.tar
	expect_status 2 tarn -tf cut.tar
	expect_stderr_has 'Unexpected EOF in archive'
}

# Its name is told as the archive has it, when libarchive has long forgotten it.
test_damaged_header_is_said_with_the_member_before_it() {
	printf 1 >one
	printf 2 >two
	printf 3 >three
	tarn -cf a.tar --format=ustar one two three
	printf x | dd of=a.tar bs=1 seek=1030 conv=notrunc status=none
	mkdir out
	expect_status 2 tarn -xf a.tar -C out --transform=s/one/uno/
	expect_stderr_has 'one: Damaged header behind this member at byte 1024: Skipping'
	expect_equal "$(cat out/uno out/three)" 13
}

test_damaged_header_behind_a_member_without_a_name_is_not_said_of_another() {
	python3 - <<-'END'
	import tarfile
	with tarfile.open("a.tar", "w") as t:
	    for name in "a", "b", "", "damaged":
	        t.addfile(tarfile.TarInfo(name))
	END
	printf x | dd of=a.tar bs=1 seek=1540 conv=notrunc status=none
	expect_status 2 tarn -tf a.tar
	expect_stderr_has 'tarn: Damaged header at byte 1536: Skipping'
}

# Wherever blocks of the archive end.
test_damaged_header_of_cpio_is_said() {
	local length at
	for length in $(seq 2 12 250); do
		printf x >"$(printf "%0${length}d" 1)"
		printf y >lost
		printf z >kept
		printf '%s\n' 0*1 lost kept | cpio -o --quiet -H newc >whole.cpio
		expect_status 0 tarn -tf whole.cpio
		perl -pe 's/(070701.{8})0(?=.{95}lost)/$1x/s' whole.cpio >a.cpio
		! cmp -s whole.cpio a.cpio
		expect_status 2 tarn -tf a.cpio
		expect_equal "$(tail -n 1 "$OUT")" kept
		at=$(grep -obUa 070701 whole.cpio | sed -n '2s/:.*//p')
		expect_stderr_has "Damaged header behind this member at byte $at: Skipping to next header"
		rm -f 0*1
	done
}

# cpio has room for names of 4 GiB, and what reads it would take memory for them.
# GNU cpio says so, too.  Content may come in blocks of any size, and headers lie across two of
# them.
test_checksum_of_cpio_is_verified() {
	need_program cpio
	mkdir tree out
	for i in 1 2 3; do
		head -c $((i * 70000)) /dev/urandom >tree/$i
	done
	ln tree/2 tree/4
	(cd tree && printf '%s\n' 1 2 3 4 | cpio -o -H crc --quiet) >a.cpio
	expect_status 0 tarn --test -f a.cpio
	expect_status 0 tarn -xf a.cpio -C out
	same_tree tree out --ignore mtime,root
	rm out/*
	python3 - <<-'END'
	data = bytearray(open("a.cpio", "rb").read())
	with open("tree/2", "rb") as f:
	    data[data.index(f.read()) + 100000] ^= 1
	open("b.cpio", "wb").write(data)
	END
	expect_status 2 tarn --test -f b.cpio
	expect_status 2 tarn -xf b.cpio -C out
	expect_stderr_has 'Checksum error (0x'
	rm tree/2 tree/4
	same_tree tree out --ignore mtime,root
	rm out/*
	dd if=b.cpio bs=61 status=none | expect_status 2 tarn -xf - -C out
	expect_equal "$(grep -c 'Checksum error' "$ERR")" 1
	same_tree tree out --ignore mtime,root
}

test_content_of_a_cpio_member_is_no_header_of_tar() {
	need_program cpio
	mkdir out
	head -c 1000 /dev/zero | tr '\0' M >m
	echo m | cpio -o -H newc --quiet >a.cpio
	expect_status 0 tarn -xf a.cpio -C out
	expect_equal "$(cat "$ERR")" ''
	cmp m out/m
}

test_name_of_a_tar_member_is_no_header_of_cpio() {
	local name=070702
	while [ ${#name} -lt 99 ]; do
		name+=0
	done
	echo content >"$name"
	tar -cf a.tar "$name"
	mkdir out
	expect_status 0 tarn -xf a.tar -C out
	expect_equal "$(cat "$ERR")" ''
	cmp "$name" "out/$name"
}

test_name_that_is_too_large_for_memory_is_an_error() {
	printf '070701%08X%08X%072d%08X%08X' 1 0100644 0 $((200 << 20)) 0 >a.cpio
	truncate -s 201M a.cpio
	expect_status 2 tarn -tf a.cpio
	expect_stderr_has 'Header is too large'
}

# A map in GNU tar's format, whose second piece lies over the first.
test_sparse_map_that_overlaps_is_an_error() {
	python3 - >a.tar <<-'END'
	import sys, tarfile
	info = tarfile.TarInfo("f")
	info.type, info.size = tarfile.GNUTYPE_SPARSE, 1024
	header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
	header[386:434] = b"00000000000\0" + b"00000001000\0" + b"00000000000\0" + b"00000001000\0"
	header[483:495] = b"00000002000\0"
	header[148:156] = b"%06o\0 " % (sum(header[:148] + header[156:]) + 8 * 32)
	sys.stdout.buffer.write(header + b"1" * 512 + b"2" * 512 + bytes(1024))
	END
	expect_status 2 tarn -xf a.tar
	expect_stderr_has 'f: Malformed sparse map'
	[ ! -e f ]
}

# The time would be that of 1970 otherwise, and the owner root.
test_record_that_has_no_number_is_said_and_all_is_extracted() {
	for record in mtime=O17 atime= ctime=abc uid=x gid= mtime=-; do
		rm -rf out
		mkdir out
		PYTHONPATH=$TOP/tests/archives python3 - "$record" <<-'END'
		import sys
		from tarbytes import *
		key, value = sys.argv[1].encode().split(b"=")
		with open("a.tar", "wb") as f:
		    f.write(member(b"a", b"a") + pax({key: value}) + member(b"b", b"b") + member(b"c") + END)
		END
		expect_status 2 tar -tf a.tar
		expect_status 2 tarn -xf a.tar -C out
		expect_equal "$(head -n 1 "$ERR")" \
			"tarn: b: Malformed extended header: invalid $record"
		expect_equal "$(grep -c Malformed "$ERR")" 1
		expect_equal "$(cat out/b)" b
		expect_status 2 tarn --test -f a.tar
	done
}

# A size of which only the first digits are believed would cut the file.
test_field_that_has_no_number_is_said_as_by_gnu_tar() {
	for field in mode=0006x44 uid=nobody gid=:000001 size=0000000004.4 mtime=O7346545000 \
		$'mode=\260000644'; do
		rm -rf out
		mkdir out
		PYTHONPATH=$TOP/tests/archives python3 - "$field" <<-'END'
		import os, sys
		from tarbytes import *
		key, value = sys.argv[1].split("=")
		with open("a.tar", "wb") as f:
		    f.write(member(b"a", b"a") + member(b"b", b"b" * 300, **{key: os.fsencode(value)}) +
		        member(b"c") + END)
		END
		LC_ALL=C expect_status 2 tar -tf a.tar
		sed -n "s/^tar: Archive/tarn: b: Archive/p" "$ERR" >theirs.err
		[ -s theirs.err ]
		expect_status 2 tarn -xf a.tar -C out
		expect_equal "$(head -n 1 "$ERR")" "$(cat theirs.err)"
		[ -e out/c ]
		expect_status 2 tarn --test -f a.tar
	done
}

# Numbers that programs write in other ways.
test_fields_that_are_blank_or_to_the_base_of_256_are_numbers() {
	PYTHONPATH=$TOP/tests/archives python3 - <<-'END'
	from tarbytes import *
	with open("a.tar", "wb") as f:
	    f.write(member(b"a", b"a", uid=b"", gid=b" " * 8, mtime=b"         7 \0", mode=b"   644 \0") +
	        member(b"b", b"b", mtime=b"\xff" * 12, uid=b"\x80" + bytes(6) + b"\1", size=b"          1 ") +
	        bytes(1024))
	END
	mkdir out
	expect_status 0 tarn -xf a.tar -C out
	expect_equal "$(cat "$ERR")" ''
	expect_equal "$(stat -c '%n %a %Y %s' out/*)" $'out/a 644 7 1\nout/b 644 -1 1'
}

# Its data stand there one behind the other, and its map where other headers have nothing.
test_sparse_file_of_star_is_said_and_the_rest_is_extracted() {
	PYTHONPATH=$TOP/tests/archives python3 - <<-'END'
	from tarbytes import *
	block = bytearray(header(b"sparse", type=b"S", size=1024))
	block[356:404] = b"".join(b"%011o %011o " % run for run in ((0, 512), (4096, 512)))
	block[452:464] = b"%011o " % 8192
	block[476:500] = b"%011o %011o " % (1000000000, 1000000000)
	block[508:512] = b"tar\0"
	block[148:156] = b" " * 8
	block[148:156] = b"%06o\0 " % sum(block)
	with open("a.tar", "wb") as f:
	    f.write(member(b"a") + bytes(block) + b"x" * 1024 + member(b"b", b"b") + END)
	END
	mkdir out
	expect_status 2 tarn -xf a.tar -C out
	expect_equal "$(head -n 1 "$ERR")" 'tarn: sparse: Cannot extract -- sparse file in the format of star'
	expect_equal "$(ls out)" $'a\nb'
}

test_member_of_a_type_that_no_format_has_is_a_file_and_said_to_be_one() {
	PYTHONPATH=$TOP/tests/archives python3 - <<-'END'
	from tarbytes import *
	with open("a.tar", "wb") as f:
	    f.write(member(b"a") + member(b"q", b"content", type=b"Q") + member(b"7", b"7", type=b"7") + END)
	END
	mkdir out
	expect_status 0 tarn -xf a.tar -C out
	expect_equal "$(cat "$ERR")" "tarn: q: Unknown file type 'Q', taken for a regular file"
	expect_equal "$(head -n 1 out/q out/7)" $'==> out/q <==\ncontent\n==> out/7 <==\n7'
}

test_member_without_a_name_is_said_and_the_rest_is_extracted() {
	python3 - <<-'END'
	import tarfile
	with tarfile.open("a.tar", "w") as t:
	    for name in "a", "", "b":
	        t.addfile(tarfile.TarInfo(name))
	END
	mkdir out
	expect_status 2 tarn -xf a.tar -C out
	expect_equal "$(head -n 1 "$ERR")" 'tarn: Member without a name'
	expect_equal "$(ls out)" $'a\nb'
}

# Each file is larger than a pipe and what is read ahead: tarn waits in the middle of the first.
test_files_that_change_while_they_are_read_are_said_and_the_archive_is_whole() {
	mkdir d
	head -c 30000000 /dev/urandom >d/grows
	head -c 30000000 /dev/urandom >d/shrinks
	printf x >d/vanishes
	expect_status 1 python3 - "$TARN" <<-'END'
	import os, subprocess, sys
	r, w = os.pipe()
	p = subprocess.Popen([sys.argv[1], "-cf", "-", "d"], stdout=w)
	os.close(w)
	data = [os.read(r, 65536)]
	with open("d/grows", "ab") as f:
	    f.write(b"more")
	os.unlink("d/vanishes")
	while sum(map(len, data)) < 40000000:
	    data.append(os.read(r, 65536))
	os.truncate("d/shrinks", 5000000)
	while block := os.read(r, 1 << 20):
	    data.append(block)
	with open("a.tar", "wb") as f:
	    f.write(b"".join(data))
	sys.exit(p.wait())
	END
	expect_stderr_has 'tarn: d/grows: file changed as we read it'
	expect_stderr_has 'tarn: d/shrinks: File shrank by '
	expect_stderr_has 'tarn: d/vanishes: File removed before we read it'
	tar -tf a.tar >list
	expect_equal "$(cat list)" "$(printf 'd/\nd/grows\nd/shrinks')"
	tar -xOf a.tar d/grows | cmp - <(head -c 30000000 d/grows)
}

test_unreadable_file_is_said_and_the_rest_is_stored() {
	need_root
	mkdir d
	printf secret >d/a
	ln d/a d/also-a
	printf x >d/b
	chmod 600 d/a
	chmod 711 "$STATE"
	chmod 777 .
	expect_status 2 setpriv --reuid=nobody --regid=nogroup --clear-groups "$TARN" -cf a.tar d
	expect_stderr_has 'tarn: d/a: Cannot open: Permission denied'
	expect_stderr_has 'tarn: d/also-a: Cannot open: Permission denied'
	expect_equal "$(tar -tf a.tar)" "$(printf 'd/\nd/b')"
}

test_named_file_in_a_directory_that_cannot_be_listed_is_stored() {
	need_root
	mkdir d
	printf x >d/a
	chmod 311 d
	chown -R nobody d
	chmod 711 "$STATE"
	chmod 777 .
	for n in 1 3; do
		expect_status 2 setpriv --reuid=nobody --regid=nogroup --clear-groups \
			"$TARN" --threads=$n -cf a.tar d d/a
		expect_stderr_has 'tarn: d: Cannot open: Permission denied'
		expect_equal "$(tar -tf a.tar)" "$(printf 'd/\nd/a')"
	done
}

test_directory_that_cannot_be_opened_is_said_as_by_gnu_tar() {
	need_root
	mkdir -p d/closed
	chmod 700 d/closed
	chmod 711 "$STATE"
	chmod 777 .
	for program in "$TARN" tar; do
		expect_status 0 setpriv --reuid=nobody --regid=nogroup --clear-groups \
			"$program" -cf a.tar --ignore-failed-read d
		expect_equal "$(sed 's/^[^:]*: //' "$ERR")" 'd/closed: Warning: Cannot open: Permission denied'
	done
}

# fail_to_open NAME ERROR OPTION…: store d; the call that opens NAME fails.  What the status was is
# in status.
fail_to_open() {
	for n in {1..99}; do
		status=0
		# LeakSanitizer fails where strace is.
		ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -o /dev/null -e trace=openat \
			-e inject=openat:error="$2":when="$n" \
			"$TARN" --threads=1 -cf a.tar "${@:3}" d 2>"$ERR" || status=$?
		if grep -q "^tarn: $1: " "$ERR"; then
			return
		fi
	done
	return 1
}

test_directory_that_vanishes_is_said_as_a_file_is() {
	mkdir -p d/sub
	printf x >d/file
	for name in d/file d/sub; do
		fail_to_open $name ENOENT
		expect_equal "$(cat "$ERR")" "tarn: $name: File removed before we read it"
		expect_equal "$status" 1
		fail_to_open $name EIO --ignore-failed-read
		grep -qx "tarn: $name: Cannot open: Input/output error" "$ERR"
		expect_equal "$status" 2
	done
}

# links_lead_to_members ARCHIVE
links_lead_to_members() {
	python3 -c '
import sys, tarfile
members = tarfile.open(sys.argv[1]).getmembers()
files = {m.name for m in members if m.isfile() and not m.islnk()}
sys.exit([m.name for m in members if m.islnk() and m.linkname not in files] != [])' "$1"
}

test_directory_that_is_read_in_part_is_stored_where_it_is_met_again() {
	need_program strace
	mkdir -p d/a d/b
	(cd d/a && for n in {1000..3999}; do printf %s $n >a-name-of-thirty-two-bytes-$n; done)
	sleep 0.02
	bind_mount d/a d/b
	status=0
	# Two calls for d, and the second one for d/a.
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -o /dev/null -e trace=getdents64 \
		-e inject=getdents64:error=EIO:when=4 "$TARN" --threads=1 -cf a.tar d 2>"$ERR" || status=$?
	expect_equal "$(head -n 1 "$ERR")" 'tarn: d/a: Cannot read directory: Input/output error'
	expect_equal "$status" 2
	[ "$(tar -tf a.tar | grep -c ^d/a/.)" -lt 3000 ]
	expect_equal "$(tar -tf a.tar | grep -c ^d/b/.)" 3000
	links_lead_to_members a.tar
}

# While the large file is read, d/a/1 goes away, and then d/a is called d/b.
test_directory_that_is_not_returned_to_is_stored_where_it_is_met_again() {
	mkdir -p d/a/1/2/3/4/5 d/b
	printf x >d/a/file
	sleep 0.02
	truncate -s 3M d/a/1/2/3/4/5/large
	python3 - "$TARN" <<-'END'
	import os, subprocess, sys
	p = subprocess.Popen([sys.argv[1], "--threads=1", "-cf", "-", "d"],
	    stdout=subprocess.PIPE, stderr=open("said", "w"))
	head = p.stdout.read(65536)
	os.rename("d/a/1", "elsewhere")
	os.rename("d/a", "d/b")
	with open("a.tar", "wb") as f:
	    f.write(head + p.stdout.read())
	sys.exit(p.wait() != 2)
	END
	grep -q '^tarn: d/a: Cannot return to this directory' said
	expect_equal "$(grep -c 'd/a/' said)" 0
	expect_equal "$(tar -xOf a.tar d/b/file)" x
	links_lead_to_members a.tar
}

test_later_name_that_cannot_be_opened_is_stored_where_it_is_met_again() {
	need_program strace
	mkdir -p d/a d/b
	printf x >"d/a/$(printf '%0150d' 0)"
	ln d/a/0* d/a/name
	sleep 0.02
	bind_mount d/a d/b
	# A first name that is too long, so that the next one is to be the first.
	fail_to_open d/a/name EIO --format=ustar
	grep -qx 'tarn: d/a/name: Cannot open: Input/output error' "$ERR"
	expect_equal "$(tar -xOf a.tar d/b/name)" x
	links_lead_to_members a.tar
}

# replace_before CALL TEXT COMMAND OPTION…: store d; COMMAND is run before the CALL that has TEXT in
# it.
replace_before() {
	need_program strace
	local n options=${ASAN_OPTIONS-}:detect_leaks=0
	ASAN_OPTIONS=$options strace -o calls -e trace="$1" "$TARN" --threads=1 -cf a.tar "${@:4}" d
	n=$(grep -n -m 1 -e "$2" calls)
	n=${n%%:*}
	: >calls
	status=0
	ASAN_OPTIONS=$options strace -o calls -e trace="$1" -e inject="$1":delay_enter=2000000:when="$n" \
		"$TARN" --threads=1 -cf a.tar "${@:4}" d 2>"$ERR" &
	until [ "$(wc -l <calls)" -ge $((n - 1)) ]; do
		sleep 0.05
	done
	sleep 0.5
	eval "$3"
	wait $! || status=$?
}

test_file_that_symbolic_links_lead_to_is_the_one_that_was_looked_at() {
	mkdir d
	printf old >d/a
	ln -s ../kept d/link
	printf new >new
	printf other >kept
	replace_before openat '"a"' 'mv d/a kept; mv new d/a' -h
	grep -qx 'tarn: d/a: File was replaced before we read it' "$ERR"
	expect_equal "$status" 1
	expect_equal "$(tar -xOf a.tar d/link)" old
}

test_attributes_are_those_of_the_file_that_is_read() {
	need_root
	mkdir d
	printf old >d/a
	printf new >new
	setfattr -n user.is -v old d/a
	setfattr -n user.is -v new new
	replace_before '/^l?getxattr' user.is 'mv new d/a' --xattrs
	mkdir out
	tarn --xattrs -xf a.tar -C out
	expect_equal "$(cat out/d/a)" old
	expect_equal "$(getfattr --only-values -n user.is out/d/a)" old
}

test_run_that_is_killed_leaves_the_old_archive() {
	mkdir d
	printf old >d/a
	tarn -cf a.tar d
	cp a.tar before.tar
	head -c 50000000 /dev/urandom >d/large
	mkfifo d-names
	"$TARN" -cf a.tar -T d-names &
	exec 3>d-names
	printf 'd\n' >&3
	kill -9 $!
	exec 3>&-
	wait $! || true
	cmp a.tar before.tar
}

test_dot_dot_and_absolute_names_stay_below_the_destination() {
	mkdir out
	printf x >victim
	python3 - <<-'END'
		import io, tarfile
		with tarfile.open("evil.tar", "w") as t:
		    for name in ("../victim", "/tarn-escaped", "fine"):
		        info = tarfile.TarInfo(name)
		        info.size = 4
		        t.addfile(info, io.BytesIO(b"evil"))
	END
	expect_status 2 tarn -xf evil.tar -C out
	expect_stderr_has "Member name contains '..'"
	expect_equal "$(cat victim)" x
	expect_equal "$(cat out/fine)" evil
	expect_equal "$(cat out/tarn-escaped)" evil
	[ ! -e /tarn-escaped ]
}

test_nothing_is_written_through_a_symbolic_link() {
	mkdir out outside
	python3 - <<-'END'
		import io, tarfile
		with tarfile.open("evil.tar", "w") as t:
		    link = tarfile.TarInfo("way")
		    link.type, link.linkname = tarfile.SYMTYPE, "../outside"
		    t.addfile(link)
		    info = tarfile.TarInfo("way/file")
		    info.size = 4
		    t.addfile(info, io.BytesIO(b"evil"))
	END
	expect_status 2 tarn -xf evil.tar -C out
	expect_equal "$(ls outside)" ''
}

test_later_name_is_not_linked_to_a_file_that_happens_to_lie_there() {
	mkdir d out out/d
	printf right >d/one
	ln d/one d/two
	tarn -cf a.tar d
	printf wrong >out/d/one
	expect_status 2 tarn -xkf a.tar -C out
	expect_equal "$(cat out/d/one out/d/two)" wrongright
}

test_too_many_links_become_few_inodes() {
	mount_ext4 disk 200M -N 1000
	mkdir tree
	printf content >tree/first
	python3 - <<-'END'
		import io, tarfile
		with tarfile.open("links.tar", "w") as t:
		    info = tarfile.TarInfo("first")
		    info.size = 7
		    t.addfile(info, io.BytesIO(b"content"))
		    for i in range(66000):
		        link = tarfile.TarInfo("l%d" % i)
		        link.type, link.linkname = tarfile.LNKTYPE, "first"
		        t.addfile(link)
	END
	expect_status 0 tarn -xf links.tar -C disk
	expect_equal "$(find disk -type f -printf '%i\n' | sort -u | wc -l)" 2
	expect_equal "$(find disk -type f | wc -l)" 66001
}

test_file_system_without_links_gets_copies() {
	mount_fat disk 20M
	mkdir d
	printf content >d/one
	ln d/one d/two
	tarn -cf a.tar d
	"$TARN" -xf a.tar -C disk --no-same-owner >"$OUT" 2>"$ERR" || true
	cmp d/one disk/d/two
}

test_test_says_where_an_archive_is_not_whole() {
	mkdir tree
	head -c 100000 /dev/urandom >tree/f
	head -c 100000 /dev/urandom >tree/g
	tarn -cf a.tar tree
	expect_status 0 tarn --test -f a.tar
	head -c 150000 a.tar >short.tar
	expect_status 2 tarn --test -f short.tar
	expect_stderr_has 'tarn: tree/g: Unexpected EOF in archive behind byte 150000'
	expect_stderr_has 'tarn: short.tar: Unexpected EOF in archive behind byte 150000, behind member tree/g'
}

test_test_stops_behind_as_many_members_as_it_may_read() {
	mkdir tree
	touch tree/a tree/b
	tarn -cf a.tar tree
	expect_status 0 tarn --test -f a.tar --max-members=3
	expect_status 2 tarn --test -f a.tar --max-members=2
	expect_stderr_has 'tree/b: more than 2 members (--max-members)'
}

run_tests
