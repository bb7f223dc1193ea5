#!/bin/bash
# Adding to compressed archives: what is there stays, what is new is small.

. "$(dirname "$0")/../lib.sh"

# make_day N: snapshot N shares what it can with the one before; a file in fifty changes.
make_day() {
	if [ "$1" = 0 ]; then
		mkdir -p tree/day.0/d
		for n in {1..50}; do
			head -c 40000 /dev/urandom >"tree/day.0/d/$n"
		done
		ln -s 1 tree/day.0/d/sym
		return
	fi
	cp -al "tree/day.$(($1 - 1))" "tree/day.$1"
	rm "tree/day.$1/d/$1"
	head -c 40000 /dev/urandom >"tree/day.$1/d/$1"
}

# add_days ARCHIVE OPTIONS…: three days, one run each.
add_days() {
	make_day 0
	tarn -cf "$@" -C tree day.0
	size=$(stat -c %s "$1")
	for day in 1 2 3; do
		make_day $day
		tarn -rf "$1" -C tree day.$day
	done
}

# is_whole ARCHIVE: every tar has all of it, and what each extracts is the tree.
is_whole() {
	tarn --test -f "$1"
	for program in "$TARN" tar bsdtar; do
		rm -rf out
		mkdir out
		"$program" -xpf "$1" -C out
		same_tree tree out --ignore mtime
	done
}

test_snapshots_are_added_to_zstd_by_what_is_new() {
	add_days a.tar.zst --zstd
	[ "$(stat -c %s a.tar.zst)" -lt $((size + 3 * 50000)) ]
	zstd -tq a.tar.zst
	is_whole a.tar.zst
}

test_snapshots_are_added_to_xz_by_what_is_new() {
	add_days a.tar.xz --xz --index
	[ "$(stat -c %s a.tar.xz)" -lt $((size + 3 * 50000)) ]
	xz -tq a.tar.xz
	is_whole a.tar.xz
}

test_archive_that_was_added_to_is_read_by_its_index() {
	add_days a.tar.zst --zstd
	tarn -tvf a.tar.zst >by-index
	tarn -tvf a.tar.zst --no-index >by-archive
	cmp by-index by-archive
	tarn -xOf a.tar.zst day.3/d/7 | cmp - tree/day.0/d/7
	python3 "$TOP/tests/judge/index" a.tar.zst | wc -l >n
	expect_equal "$(cat n)" "$(wc -l <by-index)"
}

test_update_adds_to_zstd() {
	make_day 0
	tarn -cf a.tar.zst --zstd -C tree day.0
	before=$(stat -c %s a.tar.zst)
	printf newer >tree/day.0/d/1
	touch -d '+1 hour' tree/day.0/d/1
	tarn -uf a.tar.zst -C tree day.0
	[ "$(stat -c %s a.tar.zst)" -lt $((before + 4000)) ]
	tarn -xOf a.tar.zst day.0/d/1 --no-index | grep -q newer
	expect_equal "$(tar -tf a.tar.zst | grep -c day.0/d/2$)" 1
}

test_update_asks_for_the_time_of_the_file_as_gnu_tar_does() {
	for program in tarn tar; do
		printf old >a
		touch -d 2001-01-01 a
		$program -cf $program.tar --mtime=@0 a
		printf new >a
		touch -d 2021-01-01 a
		$program -uf $program.tar --mtime=@0 a
	done
	tar -tvf tar.tar >theirs
	tar -tvf tarn.tar | cmp - theirs
	tar -xOf tarn.tar a | grep -qx oldnew
}

# What is older than its member is another file than that.
test_update_links_to_nothing_that_it_has_left_out() {
	mkdir d
	printf newer >d/f
	touch -d 2020-01-02 d/f
	tarn -cf a.tar d
	rm d/f
	printf older >d/f
	touch -d 2020-01-01 d/f
	tarn -uf a.tar d -C d .
	expect_equal "$(tar -xOf a.tar ./f)" older
}

# GNU tar writes times that it has no octal digits for into records of link members as well, tarn
# zeros.
test_update_knows_times_that_octal_numbers_do_not() {
	for years in '1965-01-01 1965-06-01' '2250-01-01 2251-01-01' '2400-01-01 2410-01-01'; do
		rm -f a b a.tar
		printf old >a
		ln a b
		touch -d "${years% *}" a
		tarn -cf a.tar a b
		tarn -uf a.tar a b
		expect_equal "$(tar -tf a.tar 2>/dev/null | wc -l)" 2
		printf new >a
		touch -d "${years#* }" a
		tarn -uf a.tar a b
		expect_equal "$(tar -xOf a.tar a 2>/dev/null)" oldnew
	done
}

# Later names are link members, which have whole seconds.
test_update_sees_a_change_within_a_second_where_the_archive_tells() {
	for format in pax gnu; do
		for program in tarn tar; do
			rm -f a b same
			printf old >a
			ln a b
			printf same >same
			touch -d '2001-01-01 00:00:00.2' a same
			$program -cf $program.tar --format=$format a b same
			printf new >a
			touch -d '2001-01-01 00:00:00.7' a
			$program -uf $program.tar --format=$format a b same
		done
		tar -tvf tar.tar >theirs
		tar -tvf tarn.tar | cmp - theirs
	done
}

test_archive_of_one_frame_is_refused_and_stays() {
	make_day 0
	tar -cf - -C tree day.0 | zstd -q >a.tar.zst
	tar -czf a.tar.gz -C tree day.0
	tar -cjf a.tar.bz2 -C tree day.0
	for archive in a.tar.zst a.tar.gz a.tar.bz2; do
		cp $archive before
		expect_status 2 tarn -rf $archive -C tree day.0
		expect_stderr_has 'not compressed in pieces'
		expect_status 2 tarn --index -f $archive
		expect_stderr_has 'not compressed in pieces'
		cmp $archive before
	done
}

test_archive_with_another_compression_than_was_asked_for_is_refused_and_stays() {
	printf content >f
	tarn -cf a.tar f
	tarn -cf a.tar.zst --zstd f
	tarn -cf a.tar.xz --xz f
	for words in 'no compression: a.tar -z' 'no compression: a.tar --zstd=9' 'zstd: a.tar.zst -J' \
		'xz: a.tar.xz -j'; do
		read -r archive option <<<"${words#*: }"
		cp "$archive" before
		for mode in -r -u -A; do
			expect_status 2 tarn $mode "$option" -f "$archive" a.tar
			expect_stderr_has "in an archive with ${words%: *}"
			cmp "$archive" before
		done
	done
}

test_same_compression_and_a_suffix_ask_for_nothing_else() {
	printf content >f
	touch a.tar.zst
	tarn -rf a.tar.zst --zstd f
	tarn -rf a.tar.zst --zstd f
	cp a.tar.zst a.tar.xz
	tarn -raf a.tar.xz f
	zstd -tq a.tar.xz
	expect_equal "$(tar --zstd -tf a.tar.xz)" "$(printf '%s\n' f f f)"
}

test_archive_on_a_device_is_not_added_to_and_that_is_said() {
	need_mounts
	need_program losetup
	local device status=0
	make_day 0
	tarn -cf a.tar -C tree day.0
	device=$(losetup --find --show a.tar) || skip 'cannot set up a loop device'
	tarn -rf "$device" -C tree day.0 2>said || status=$?
	losetup --detach "$device"
	expect_equal "$status $(head -n 1 said)" \
		"2 tarn: $device: Cannot go on in what is no regular file"
}

# Read and written, it would wait for itself.
test_pipe_is_not_added_to() {
	mkfifo a.tar
	printf content >f
	for mode in -r -u; do
		expect_status 2 timeout 20 "$TARN" $mode -f a.tar f
		expect_stderr_has 'a.tar: Cannot go on in what is no regular file'
	done
}

# It is opened to be written first, and then to be read.
test_archive_that_is_replaced_while_it_is_opened_is_not_added_to() {
	need_program strace
	printf content >f
	tarn -cf a.tar f
	tarn -cf b.tar f f f
	cp a.tar old
	cp b.tar new
	ln a.tar kept
	touch trace
	{
		while ! [ -s trace ]; do
			sleep 0.05
		done
		mv b.tar a.tar
	} &
	expect_status 2 strace -f -o trace -e trace=openat -P a.tar \
		-e inject=openat:delay_enter=3000000:when=2 "$TARN" -rf a.tar f
	expect_stderr_has 'a.tar: Replaced while it was opened'
	cmp kept old
	cmp a.tar new
}

# Both would write to the same place, or one replace what the other has made.
test_archive_that_another_run_is_adding_to_is_refused() {
	printf content >f
	mkfifo pipe
	tarn -cf other.tar f
	tarn -cf plain.tar f
	tarn -caf pieces.tar.zst f
	tarn -caf pieces.tar.xz f
	tar -cJf foreign.tar.xz f # is copied
	for archive in plain.tar pieces.tar.zst pieces.tar.xz foreign.tar.xz; do
		tarn -rf "$archive" @pipe &
		exec 3>pipe
		for mode in '-rf X f' '-uf X f' '-Af X other.tar' '--index -f X'; do
			expect_status 2 tarn ${mode/X/$archive}
			expect_stderr_has "$archive: Another run is adding to it"
		done
		tarn -tf "$archive" >/dev/null
		cat other.tar >&3
		exec 3>&-
		wait $!
		flock "$archive" "$TARN" -rf "$archive" f
		tarn --test -f "$archive"
		expect_equal "$(tar -tf "$archive")" $'f\nf\nf'
	done
}

# Whatever that is, it is not kept in memory.
test_much_behind_the_end_of_an_archive_takes_no_memory() {
	printf old >old
	printf new >new
	tarn -cf a.tar old
	truncate -s 600M a.tar
	python3 - "$TARN" <<-'END'
	import resource, subprocess, sys
	subprocess.run([sys.argv[1], "-rf", "a.tar", "new"], check=True)
	peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
	assert peak < 300 << 10, peak
	END
	expect_equal "$(tar -tf a.tar | xargs)" 'old new'
	[ "$(stat -c %s a.tar)" -lt 100000 ]
}

# The last two frames of a file's seek table share their plain sizes as the frames do not.
test_sizes_in_a_seek_table_are_not_believed() {
	make_day 0
	printf new >new
	tarn -cf old.tar.zst --zstd --piece-size=100K --no-index -C tree day.0
	python3 - old.tar.zst <<-'END'
		import struct, sys
		a = bytearray(open(sys.argv[1], "rb").read())
		for at, nbytes in ((-9 - 16 + 4, -2000), (-9 - 8 + 4, 2000)):
		    plain, = struct.unpack_from("<I", a, len(a) + at)
		    struct.pack_into("<I", a, len(a) + at, plain + nbytes)
		open(sys.argv[1], "wb").write(a)
	END
	(tar -tf old.tar.zst; echo new) >expected
	cp old.tar.zst a.tar.zst
	expect_status 0 tarn -rf a.tar.zst new
	tar -tf a.tar.zst | cmp - expected
	tarn -cf b.tar.zst --zstd new
	expect_status 0 tarn -Af b.tar.zst old.tar.zst
	tarn -xf b.tar.zst
	same_tree tree/day.0 day.0
}

# 100 MB have to be written again: too much to be held in memory, so that the archive is copied.
test_large_archive_that_is_one_block_or_frame_is_added_to() {
	head -c 100000000 /dev/zero >large
	printf new >new
	tar -cf a.tar large
	xz -0 <a.tar >a.tar.xz
	zstd -q a.tar
	for archive in a.tar.xz a.tar.zst; do
		expect_status 0 tarn -1 -rf $archive new
		expect_equal "$(tar -tf $archive | xargs)" 'large new'
		tar -xOf $archive large | cmp - large
		tar -xOf $archive new | cmp - new
	done
}

# With an index it is known where the last member is, so that the frames before it need not be
# looked at.
test_addition_by_an_index_looks_at_no_frames_before_the_last_member() {
	need_program strace
	head -c 4M /dev/urandom >large
	printf new >new
	tarn -cf a.tar.zst --zstd --piece-size=20K large new
	strace -f -o calls -e trace=pread64 "$TARN" -rf a.tar.zst new
	expect_equal "$(tar -tf a.tar.zst | xargs)" 'large new new'
	[ "$(wc -l <calls)" -lt 100 ]
}

test_any_archive_becomes_one_that_can_be_added_to() {
	make_day 0
	tar -czf old.tar.gz -C tree day.0
	tarn -cf a.tar.zst --zstd @old.tar.gz
	printf new >new
	tarn -rf a.tar.zst new
	tar -xOf a.tar.zst new | grep -qx new
	tarn -xOf a.tar.zst day.0/d/50 | cmp - tree/day.0/d/50
}

# A member of 20 MB is more than a piece.
test_adding_goes_on_in_the_middle_of_large_pieces() {
	head -c 20000000 /dev/urandom >large
	printf small >small
	for size in 1M 64M; do
		tarn -cf a.tar.zst --zstd --piece-size=$size large
		for n in 1 2 3; do
			cp small small.$n
			tarn -rf a.tar.zst small.$n
		done
		zstd -tq a.tar.zst
		expect_equal "$(tar -tf a.tar.zst | xargs)" 'large small.1 small.2 small.3'
		tar -xOf a.tar.zst large | cmp - large
	done
}

test_failed_addition_leaves_a_compressed_archive_as_it_was() {
	need_mounts
	need_root
	mount_ext4 disk 8M
	make_day 0
	tarn -cf disk/a.tar.zst --zstd -C tree day.0
	cp disk/a.tar.zst before
	head -c 20000000 /dev/urandom >large
	expect_status 2 tarn -rf disk/a.tar.zst large
	expect_stderr_has 'No space left on device'
	cmp disk/a.tar.zst before
}

# LeakSanitizer fails where strace is.
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0

# add_and_kill ARCHIVE OPTION…: append to copies of it, killed at every call that writes; what the
# copy is then, is_old has to say.  The last one is not killed.
add_and_kill() {
	local before=$1 n=0 status=1
	shift
	while [ $status != 0 ]; do
		n=$((n + 1)) status=0
		cp "$before" "a.$before"
		strace -f -o /dev/null -e trace=write,pwrite64,ftruncate \
			-e inject=write,pwrite64,ftruncate:signal=SIGKILL:when=$n \
			"$TARN" -rf "a.$before" "$@" new || status=$?
		[ $status = 0 ] || expect_equal $status 137
		[ $status = 0 ] || is_old "a.$before"
	done
	[ $n -gt 6 ]
	expect_equal "$(tar -tf "a.$before" | tail -n 1)" new
}

# The stock programs find the old archive, and nothing to complain of, or the new one.
test_killed_addition_leaves_a_zstd_archive_as_it_was() {
	need_program strace
	is_old() {
		zstd -qdc "$1" >a.tar
		tar -tf a.tar >found
		cmp -s found old || expect_equal "$(comm -3 found old)" new
	}
	make_day 0
	head -c 40000 /dev/urandom >new
	tarn -cf tarn.tar.zst --zstd -C tree day.0
	tar -tf tarn.tar.zst >old
	add_and_kill tarn.tar.zst --piece-size=16K
	# Without an index, and more is new than there is behind the end.
	tarn -cf bare.tar.zst --zstd --no-index -C tree day.0
	add_and_kill bare.tar.zst
	# The last frame has members, too, and there is no table.
	tar --format=pax --sort=name -cf stock.tar -C tree day.0
	split -b 700K stock.tar part.
	zstd -q part.*
	cat part.*.zst >stock.tar.zst
	tar -tf stock.tar >old
	add_and_kill stock.tar.zst
}

# What a killed run has left can be added to, and has an index again.
test_addition_goes_on_after_one_that_was_killed() {
	need_program strace
	make_day 0
	tarn -cf a.tar.zst --zstd -C tree day.0
	head -c 300000 /dev/urandom >new
	expect_status 137 bash -c 'strace -f -o /dev/null -e trace=pwrite64 \
		-e inject=pwrite64:signal=SIGKILL:when=30 "$TARN" -rf a.tar.zst new; exit $?'
	expect_status 0 tarn -rf a.tar.zst new
	expect_status 0 tarn --test -f a.tar.zst
	python3 "$TOP/tests/judge/index" a.tar.zst | wc -l >n
	expect_equal "$(cat n)" "$(tar -tf a.tar.zst | wc -l)"
}

test_killed_addition_leaves_all_old_members_in_xz() {
	need_program strace
	is_old() {
		rm -rf out
		mkdir out
		tarn -xf "$1" -C out day.0 2>/dev/null || :
		same_tree tree out --ignore mtime
		(xz -qdc "$1" || :) | tar -tf - >found
		expect_equal "$(comm -23 old found)" ''
	}
	make_day 0
	head -c 500000 /dev/urandom >new
	tarn -cf a.tar.xz -1 --xz -C tree day.0
	tar -tf a.tar.xz >old
	add_and_kill a.tar.xz -1 --piece-size=100K
}

# Members of other programs' archives share the last block with its end.
test_killed_addition_leaves_a_foreign_xz_archive_as_it_was() {
	need_program strace
	is_old() {
		cmp "$1" stock.tar.xz
	}
	make_day 0
	head -c 500000 /dev/urandom >new
	tar --format=pax --sort=name -cf stock.tar -C tree day.0
	xz -1 -T2 --block-size=500000 stock.tar
	[ "$(xz --robot -l stock.tar.xz | awk '$1 == "totals" { print $3 }')" -gt 1 ]
	tar -tf stock.tar.xz >old
	add_and_kill stock.tar.xz -1 --piece-size=100K
	xz -tq a.stock.tar.xz
	tar -tf a.stock.tar.xz | head -n -1 | cmp - old
}

run_tests
