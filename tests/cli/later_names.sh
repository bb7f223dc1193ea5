#!/bin/bash
# Every name of a file can be had, whatever became of the first one.

. "$(dirname "$0")/../lib.sh"

# Three days: `same' never changes, `changed' did on the second day.
make_days() {
	mkdir -p tree/daily.1 tree/daily.2 tree/daily.3
	printf same >tree/daily.1/same
	printf old >tree/daily.1/changed
	ln -s target tree/daily.1/sym
	mkfifo tree/daily.1/fifo
	chmod 0640 tree/daily.1/same
	touch -d '2001-02-03 04:05:06.123456789' tree/daily.1/same
	ln tree/daily.1/same tree/daily.2/same
	ln tree/daily.1/same tree/daily.3/same
	ln tree/daily.1/sym tree/daily.3/sym
	ln tree/daily.1/fifo tree/daily.3/fifo
	printf new >tree/daily.2/changed
	ln tree/daily.2/changed tree/daily.3/changed
	ln tree/daily.2/changed tree/daily.3/again
	tarn -cf a.tar -C tree daily.1 daily.2 daily.3
}

test_one_day_out_of_several_is_whole() {
	make_days
	mkdir out
	expect_status 0 tarn -xf a.tar -C out daily.3
	expect_equal "$(cat "$ERR")" ''
	same_tree tree/daily.3 out/daily.3
}

test_one_day_without_its_directory_is_whole() {
	make_days
	mkdir out
	expect_status 0 tarn -xf a.tar -C out --strip-components=1 daily.3
	same_tree tree/daily.3 out --ignore mtime
}

test_any_single_name_gives_the_content() {
	make_days
	for name in daily.1/same daily.2/same daily.3/same daily.3/changed daily.3/again; do
		for archive in a.tar a.tar.gz a.tar.zst a.tar.xz; do
			[ -e "$archive" ] || tarn -caf "$archive" @a.tar
			rm -rf out
			mkdir out
			expect_status 0 tarn -xf "$archive" -C out "$name"
			cmp "tree/$name" "out/$name"
			expect_equal "$(find out ! -type d | wc -l)" 1
		done
	done
}

test_single_name_comes_out_of_archives_of_others() {
	make_days
	(cd tree && tar -cf ../gnu.tar daily.* && bsdtar -cf ../bsd.tar daily.* &&
		bsdtar --format newc -cf ../newc.cpio daily.* &&
		find daily.* ! -type d | cpio -o -H newc >../gnu.newc 2>/dev/null &&
		find daily.* ! -type d | cpio -o -H odc >../gnu.odc 2>/dev/null)
	for archive in gnu.tar bsd.tar newc.cpio gnu.newc gnu.odc; do
		for name in daily.1/same daily.2/same daily.3/again; do
			rm -rf out
			mkdir out
			expect_status 0 tarn -xf "$archive" -C out "$name"
			cmp "tree/$name" "out/$name"
		done
	done
}

test_names_without_their_first_are_linked_to_one_another() {
	make_days
	mkdir out
	tarn -xf a.tar -C out daily.3/changed daily.3/again
	cmp tree/daily.3/again out/daily.3/again
	[ out/daily.3/changed -ef out/daily.3/again ]
}

test_excluded_first_name_is_no_loss() {
	make_days
	mkdir out
	tarn -xf a.tar -C out --exclude=daily.1
	cp -al tree/daily.2 tree/daily.3 .
	rm -rf tree/daily.1
	same_tree tree out --ignore mtime
}

test_names_that_collide_when_stripped_are_what_the_last_one_was() {
	make_days
	mkdir out
	expect_status 0 tarn -xf a.tar -C out --strip-components=1
	expect_equal "$(cat out/same)" same
	expect_equal "$(cat out/changed)" new
	[ out/changed -ef out/again ]
}

test_later_name_is_not_linked_to_another_member_at_the_place_of_the_first() {
	mkdir -p a b out
	printf one >a/f
	ln a/f a/g
	printf two >b/f
	tarn -cf a.tar a/f b/f a/g
	tarn -xf a.tar -C out --strip-components=1
	expect_equal "$(cat out/f)" two
	expect_equal "$(cat out/g)" one
}

test_later_member_takes_the_place_of_a_name_that_waits() {
	mkdir -p x y out
	printf one >x/f
	ln x/f y/f
	tarn -cf a.tar x y
	rm y/f
	printf newer >y/f
	tarn -rf a.tar y/f
	tarn -xf a.tar -C out y
	expect_equal "$(cat out/y/f)" newer
}

test_waiting_name_gets_the_last_version_before_it_be_it_a_link_or_not() {
	printf old >f
	ln f a
	tarn -cf a.tar f a
	rm a
	printf new >a
	ln a y
	tarn -rf a.tar a y
	ln -f f a
	ln -f f z
	tarn -rf a.tar f a z
	for names in y 'y f' 'y z' 'y f z'; do
		rm -rf out
		mkdir out
		# shellcheck disable=SC2086
		expect_status 0 tarn -xf a.tar -C out $names
		expect_equal "$(cat out/y)" new
		[ ! -e out/z ] || expect_equal "$(cat out/z)" old
		[ ! -e out/z ] || [ ! -e out/f ] || [ out/z -ef out/f ]
	done
	expect_status 0 tarn -cf b.tar --exclude=a @a.tar
	expect_equal "$(tar -xOf b.tar y)" new
	expect_equal "$(tarn -xOf a.tar y)" new
}

test_name_gets_the_content_where_the_way_to_its_first_is_barred() {
	mkdir -p lib b c out/usr/lib
	printf content >lib/f
	ln lib/f b/x
	ln lib/f c/x
	tarn -cf a.tar lib/f b/x c/x
	ln -s usr/lib out/lib
	expect_status 0 tarn -xf a.tar -C out b c
	expect_equal "$(cat out/b/x)" content
	[ out/b/x -ef out/c/x ]
	[ ! -e out/usr/lib/f ]
}

test_name_that_cannot_be_made_keeps_none_of_the_others_back() {
	mkdir 1 2 3
	printf content >f
	ln f 1/x
	ln f 2/x
	ln f 3/x
	tarn -cf a.tar f 1/x 2/x 3/x
	mkdir -p out/1/x/full
	expect_status 2 tarn -xf a.tar -C out 1 2 3
	expect_stderr_has '1/x'
	expect_equal "$(grep -c '^tarn: [23]/x' "$ERR")" 0
	expect_equal "$(cat out/2/x)" content
	[ out/2/x -ef out/3/x ]
}

test_name_that_waits_is_no_matter_of_another_destination() {
	mkdir p q 1 2
	printf content >f
	ln f p/x
	printf other >q/x
	tarn -cf a.tar f p/x q/x
	expect_status 0 tarn -xf a.tar --strip-components=1 -C "$PWD/1" p -C "$PWD/2" q
	expect_equal "$(cat 1/x)" content
	expect_equal "$(cat 2/x)" other
}

test_target_of_a_symbolic_link_that_waits_is_renamed() {
	ln -s d/t a
	ln a b
	tarn -cf a.tar a b
	mkdir out
	expect_status 0 tarn -xf a.tar -C out --transform='s,^d,x,' b
	expect_equal "$(readlink out/b)" x/t
}

test_later_member_takes_the_place_of_a_directory() {
	mkdir d e g
	tarn -cf a.tar d e g
	rmdir d e g
	printf content >d
	ln -s d e
	printf content >g
	tarn -rf a.tar d e g
	rm g
	mkdir -m 0710 g
	touch -d '2001-02-03' g
	tarn -rf a.tar g
	for threads in 1 4; do
		rm -rf out
		mkdir out
		expect_status 0 tarn -xf a.tar -C out --threads=$threads
		expect_equal "$(cat "$ERR")" ''
		expect_equal "$(cat out/d)" content
		expect_equal "$(readlink out/e)" d
		expect_equal "$(stat -c '%a %Y' out/g)" "$(stat -c '%a %Y' g)"
	done
	mkdir renamed
	expect_status 0 tarn -xf a.tar -C renamed --transform='s,^,x,'
	expect_equal "$(cat "$ERR")" ''
	expect_equal "$(cat renamed/xd)" content
	expect_equal "$(stat -c '%a %Y' renamed/xg)" "$(stat -c '%a %Y' g)"
}

test_name_is_linked_to_the_version_before_it() {
	mkdir -p x y out
	printf one >x/f
	ln x/f y/f
	tarn -cf a.tar x y
	rm x/f
	printf two >x/f
	tarn -rf a.tar x/f
	tarn -xf a.tar -C out y
	expect_equal "$(cat out/y/f)" one
	printf three >x/f
	rm y/f
	ln x/f y/f
	tarn -rf a.tar x y
	tarn -xf a.tar -C out y
	expect_equal "$(cat out/y/f)" three
}

# archive_of MEMBER…: a.tar of members NAME=CONTENT, NAME->FIRST and NAME@TARGET, each a second
# later.
archive_of() {
	python3 - "$@" <<-'END'
	import io, re, sys, tarfile
	with tarfile.open("a.tar", "w") as tar:
	    for n, member in enumerate(sys.argv[1:]):
	        name, kind, text = re.match("(.*?)(=|->|@)(.*)", member).groups()
	        info = tarfile.TarInfo(name)
	        info.mtime = 1_000_000_000 + n
	        if kind == "=":
	            info.size = len(text)
	        else:
	            info.type = tarfile.LNKTYPE if kind == "->" else tarfile.SYMTYPE
	            info.linkname = text
	        tar.addfile(info, io.BytesIO(text.encode()))
	END
}

test_copies_count_for_max_size() {
	archive_of a=0123456789 'l->a' 'm->a' 'n->a'
	for threads in 1 3; do
		mkdir copies$threads links$threads
		expect_status 2 tarn -xf a.tar -C copies$threads --max-size=25 --links=copy \
			--threads=$threads
		expect_stderr_has 'm: more than 25 bytes to be extracted (--max-size)'
		expect_equal "$(cd copies$threads && echo *)" 'a l'
		expect_status 0 tarn -xf a.tar -C links$threads --max-size=10 --threads=$threads
	done
}

# ext4 gives a new file the number of the one that was removed last.
test_name_is_not_linked_to_a_file_that_has_the_number_of_its_first() {
	mount_ext4 disk 16M
	mkdir disk/auto disk/symlink
	archive_of a=older a=newer d=other 'l->a'
	tarn -xf a.tar -C disk/auto --transform=s/d/a/
	expect_equal "$(cat disk/auto/a disk/auto/l)" othernewer
	archive_of b=other a@older a=newer 'd->b' 'l->a'
	tarn -xf a.tar -C disk/symlink --transform=s/d/a/ --links=symlink
	expect_equal "$(cat disk/symlink/a disk/symlink/l)" othernewer
}

# members NAME=CONTENT|NAME>FIRST|NAME#…: an archive, a.tar, of files, later names and devices.
members() {
	python3 - "$@" <<-'END'
	import io, re, sys, tarfile
	with tarfile.open("a.tar", "w") as tar:
	    for member in sys.argv[1:]:
	        name, kind, rest = re.match("([^=>#]*)([=>#])(.*)", member).groups()
	        info = tarfile.TarInfo(name)
	        if kind == ">":
	            info.type, info.linkname = tarfile.LNKTYPE, rest
	        elif kind == "#":
	            info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, 1, 3
	        info.size = len(rest) if kind == "=" else 0
	        tar.addfile(info, io.BytesIO(rest.encode()))
	END
}

# Also where the new version is a later name itself, or the first name was left out.
test_later_name_that_takes_the_place_of_a_first_ends_what_led_its_names() {
	mkdir -p out/m other/m
	mount_tmpfs out/m 4M
	mount_tmpfs other/m 4M
	for threads in 1 4; do
		find out other -type f -delete
		members d/L=v1 'm/M1>d/L' d/F=v2 'd/L>d/F' 'm/M2>d/L'
		expect_status 0 tarn --threads=$threads -xf a.tar -C out
		expect_equal "$(cat out/m/M1 out/m/M2)" v1v2
		members F=v1 'L1>F' 'm/L5>F' F=v2 'L1>F' 'L3>F' 'm/L5>F' 'm/L6>F'
		expect_status 0 tarn --threads=$threads -xf a.tar -C other L1 L3 m/L5 m/L6
		expect_equal "$(cat other/L1 other/L3 other/m/L5 other/m/L6)" v2v2v2v2
	done
}

test_left_out_is_what_the_last_member_of_that_name_was() {
	members 'x#' F=v 'x>F' 'y>x'
	mkdir out other
	expect_status 0 tarn --no-same-permissions -xf a.tar -C out
	expect_equal "$(cat out/x out/y)" vv
	members x=v1 'dev#' 'x>dev' 'y>x'
	expect_status 0 tarn --no-same-permissions -xf a.tar -C other
	[ ! -e other/y ]
	expect_stderr_has '3 devices'
}

test_name_that_waits_in_a_conversion_is_not_ended_by_a_link_to_itself() {
	members f=old 'a>f' 'a>a'
	expect_status 1 tarn -cf b.tar --exclude=f @a.tar
	expect_equal "$(tar -xOf b.tar a)" old
}

test_link_that_waits_ends_the_waiting_of_an_earlier_one_in_a_conversion() {
	archive_of a=older b=newer 'l->a' 'l->b'
	tarn -cf b.tar --exclude=[ab] @a.tar
	expect_equal "$(tar -tf b.tar)" l
	expect_equal "$(tar -xOf b.tar)" newer
}

test_conversion_to_cpio_takes_the_version_before() {
	members f=one 'a>f' f=two 'b>a'
	tarn -cf b.cpio -H cpio @a.tar
	mkdir out
	(cd out && cpio -idu --quiet <../b.cpio)
	expect_equal "$(cat out/b)" one
}

test_files_that_become_first_names_after_all_are_not_held_open() {
	long=$(printf 'n%.0s' {1..90})
	mkdir "$long" q
	for n in {1..100}; do
		printf x >"$long/file-number-$n"
		touch -d 2020-01-01 "$long/file-number-$n"
	done
	tarn -cf a.tar --format=ustar --index "$long"
	cp -al "$long" q/p
	(
		ulimit -n 40
		expect_status 0 tarn -rf a.tar --format=ustar q
	)
	expect_equal "$(tar -tf a.tar | grep -c q/p/file)" 100
}

# What was copied where a link was refused, or stood in for a first name that was left out, is of
# the version that came before.
test_copy_of_an_earlier_version_leads_no_names_of_a_later_one() {
	mkdir -p d out/d
	mount_tmpfs out/d 4M
	printf old >f
	ln f d/a
	tarn -cf a.tar f d
	rm f d/a
	printf newer >f
	ln f d/b
	ln f d/c
	tarn -rf a.tar f d/b d/c
	for threads in 1 3; do
		find out -type f -delete
		expect_status 0 tarn --threads=$threads -xf a.tar -C out
		expect_equal "$(cat out/f out/d/b out/d/c out/d/a)" newernewernewerold
		[ out/d/b -ef out/d/c ]
	done
}

test_every_name_that_waits_gets_the_version_that_it_stands_behind() {
	printf old >f
	ln f a
	tarn -cf a.tar f a
	rm f
	printf newer >f
	ln f g
	ln f h
	tarn -rf a.tar f g h
	mkdir out other
	expect_status 0 tarn -xf a.tar -C out a g h
	expect_equal "$(cat out/a out/g out/h)" oldnewernewer
	[ out/g -ef out/h ]
	expect_status 0 tarn -xf a.tar -C other --exclude=f
	expect_equal "$(cat other/a other/g other/h)" oldnewernewer
}

# In content, size, mode, owners and time both are the same.
test_name_that_waits_gets_the_attributes_of_the_version_that_it_stands_behind() {
	printf same >first
	ln first b
	ln first c
	tarn -cf a.tar first b c
	setfattr -n user.comment -v value first
	tarn -rf a.tar --xattrs first b c
	setfattr -x user.comment first
	setfacl -m u:1000:r first
	tarn -rf a.tar --acls first b c
	mkdir none with acl
	tarn -xf a.tar -C acl --xattrs --acls --exclude=first
	expect_equal "$(getfattr -d acl/b acl/c)" ''
	[ "$(getfacl -cs acl/c | wc -l)" -gt 0 ]
	[ acl/b -ef acl/c ]
	printf same >other
	ln other d
	tarn -cf b.tar other d
	setfattr -n user.comment -v value other
	tarn -rf b.tar --xattrs other d
	tarn -xf b.tar -C with --xattrs d
	expect_equal "$(getfattr --only-values -n user.comment with/d)" value
	tarn -xf b.tar -C none d
	expect_equal "$(getfattr -d none/d)" ''
}

# A name that waits for its content, which comes last, is not to come over its own newer version.
test_newer_version_ends_the_waiting_in_a_conversion() {
	printf old >f
	ln f a
	tarn -cf a.tar f a
	rm a
	printf newer >a
	tarn -rf a.tar a
	expect_status 0 tarn -cf b.tar --exclude=f @a.tar
	expect_equal "$(tar -xOf b.tar a)" newer
}

test_links_to_links_stay_links_in_a_conversion() {
	mkdir d
	printf content >f
	ln f d/f
	tarn -cf a.tar --index f
	tarn -rf a.tar d/f f
	expect_equal "$(tar -tvf a.tar | cut -c 1 | xargs)" '- h h'
	tarn -cf b.tar @a.tar
	expect_equal "$(tar -tvf b.tar | cut -c 1 | xargs)" '- h h'
	tarn -cf b.cpio -H cpio @a.tar
	mkdir out
	(cd out && cpio -idu --quiet <../b.cpio)
	[ out/f -ef out/d/f ]
	expect_equal "$(cat out/f)" content
}

test_link_that_a_format_cannot_hold_is_stored_in_full() {
	long=$(printf 'n%.0s' {1..60})
	mkdir "$long"
	printf content >"$long/$long"
	touch -d 2020-01-01 "$long/$long"
	tarn -cf a.tar --format=ustar --index "$long"
	ln "$long/$long" k
	ln "$long/$long" l
	expect_status 0 tarn -rf a.tar --format=ustar k l
	expect_stderr_has 'tarn: k: link name is too long: stored in full'
	expect_status 0 tarn -cf b.tar --format=ustar "$long" k l
	for archive in a.tar b.tar; do
		expect_equal "$(tar -tvf $archive | cut -c 1 | xargs)" 'd - - h'
		rm -rf out
		mkdir out
		tar -xf $archive -C out
		[ out/k -ef out/l ]
		cmp out/k "out/$long/$long"
	done
	# cpio has no link count of what was met once, and GNU tar calls the two ./a and a.
	mkdir d cpio
	printf content >d/f
	expect_status 0 tarn -cf a.cpio -H cpio d -C d .
	(cd cpio && cpio -id --quiet <../a.cpio)
	expect_equal "$(cat cpio/f cpio/d/f)" contentcontent
	tar -cf g.tar --transform='flags=r;s,^k$,./k,' k l
	expect_status 0 tarn -cf b.cpio -H cpio @g.tar
	(cd cpio && cpio -id --quiet <../b.cpio)
	expect_equal "$(cat cpio/k cpio/l)" contentcontent
}

# Where no name can be a link to another, each takes a turn through the archive.
test_link_of_an_archive_that_a_format_cannot_hold_is_stored_in_full() {
	local first long
	printf -v long %060d 1
	mkdir -p "$long"
	first=$long/$(printf %060d 2)
	archive_of "$first=content" "k->$first" "l->$first" "$long/k->$first" "$long/$long->$first"
	mkdir short long
	expect_status 0 tarn --format=ustar -cf b.tar @a.tar
	tar -xf b.tar -C short
	expect_equal "$(cat short/k short/l "short/$long"/*)" contentcontentcontentcontentcontent
	expect_equal "$(find short -samefile short/k | wc -l)" 4
	archive_of "$first=content" "$first.1->$first" "$first.2->$first"
	expect_status 0 tarn --format=ustar -cf b.tar @a.tar
	tar -xf b.tar -C long
	expect_equal "$(cat long/*/*)" contentcontentcontent
}

test_name_of_a_version_that_was_not_extracted_is_not_linked_to_an_earlier_one() {
	mkdir skip waits
	archive_of a=older a=newer 'l->a'
	tarn -xf a.tar -C skip --skip-old-files
	expect_equal "$(cat skip/a skip/l)" oldernewer
	archive_of b=newer a=older 'a->b' 'l->a'
	tarn -xf a.tar -C waits a l
	expect_equal "$(cat waits/a waits/l)" newernewer
	[ waits/a -ef waits/l ]
	mount_tmpfs full 64K
	archive_of a=older a="$(printf %0100000d 0)" 'l->a'
	expect_status 2 tarn -xf a.tar -C full
	expect_stderr_has 'tarn: l: Cannot write: No space left on device'
}

test_name_of_a_file_that_took_the_place_of_a_device_is_linked() {
	python3 - <<-'END'
	import tarfile
	with tarfile.open("a.tar", "w") as tar:
	    for name, type, first in [("a", tarfile.CHRTYPE, ""), ("l", tarfile.LNKTYPE, "a"),
	                              ("a", tarfile.REGTYPE, ""), ("m", tarfile.LNKTYPE, "a")]:
	        info = tarfile.TarInfo(name)
	        info.type, info.linkname = type, first
	        tar.addfile(info)
	END
	mkdir out
	expect_status 0 tarn -xf a.tar -C out
	expect_stderr_has '2 devices left out'
	expect_equal "$(cd out && echo *)" 'a m'
	[ out/a -ef out/m ]
}

test_nothing_gives_way_for_what_is_left_out() {
	python3 - <<-'END'
	import tarfile
	with tarfile.open("a.tar", "w") as tar:
	    for name, type, first in [("d", tarfile.CHRTYPE, ""), ("l", tarfile.LNKTYPE, "d")]:
	        info = tarfile.TarInfo(name)
	        info.type, info.linkname = type, first
	        tar.addfile(info)
	END
	mkdir -p out/d out/l
	printf content | tee out/d/f >out/l/f
	expect_status 0 tarn -xf a.tar -C out --recursive-unlink
	expect_stderr_has '2 devices left out'
	expect_equal "$(cat out/d/f out/l/f)" contentcontent
}

test_pipe_says_what_it_cannot_give_and_the_rest_is_there() {
	make_days
	mkdir out
	cat a.tar >pipe.tar
	expect_status 2 bash -c 'cat a.tar | "$TARN" -xf - -C out daily.2'
	expect_stderr_has "tarn: daily.2/same: Cannot hard link to 'daily.1/same': the archive cannot be read a second time"
	expect_equal "$(cat out/daily.2/changed)" new
	rm -rf out/daily.2
	expect_status 0 tarn -x -C out daily.2 <a.tar
	cmp tree/daily.2/same out/daily.2/same
}

test_content_of_a_later_name_goes_to_standard_output() {
	make_days
	expect_equal "$(tarn -xOf a.tar daily.3/same)" same
	expect_equal "$(tarn -xOf a.tar daily.3/changed daily.3/again)" new
	expect_equal "$(tarn -xOf a.tar | md5sum)" "$(tar -xOf a.tar | md5sum)"
}

test_later_name_that_brings_other_content_has_it_written_to_standard_output() {
	mkdir tree
	printf first >tree/a
	printf other >tree/b
	(cd tree && printf 'a\nb\n' | cpio -o --quiet -H odc >../a.cpio)
	# With the number of a, b looks like one of its names.
	python3 - <<-'END'
	d = bytearray(open("a.cpio", "rb").read())
	at = 0
	while d[at:at + 6] == b"070707":
	    d[at + 12:at + 18], d[at + 36:at + 42] = b"000042", b"000002"
	    at += 76 + int(d[at + 59:at + 65], 8) + int(d[at + 65:at + 76], 8)
	open("a.cpio", "wb").write(d)
	END
	expect_equal "$(tarn -tvf a.cpio | grep -c ' b link to a')" 1
	expect_equal "$(tarn -xOf a.cpio a b)" firstother
	expect_equal "$(tarn -xOf a.cpio b)" other
}

test_later_name_is_not_linked_to_what_was_there_before() {
	make_days
	for flag in --keep-old-files --skip-old-files --keep-newer-files; do
		rm -rf out
		mkdir -p out/daily.1
		printf wrong >out/daily.1/same
		touch -d 2040-01-01 out/daily.1/same
		tarn -xf a.tar -C out "$flag" || [ "$flag" = --keep-old-files ]
		expect_equal "$(cat out/daily.1/same)" wrong
		expect_equal "$(cat out/daily.2/same)" same
		[ out/daily.2/same -ef out/daily.3/same ]
		[ ! out/daily.1/same -ef out/daily.2/same ]
	done
}

test_directory_stays_where_a_name_that_it_would_give_way_to_cannot_be_linked() {
	mkdir tree
	printf x >tree/a
	ln tree/a tree/b
	tarn -cf a.tar -C tree a b
	mkdir -p out/b
	printf precious >out/b/file
	expect_status 2 bash -c 'cat a.tar | "$TARN" -xf - -C out --recursive-unlink --exclude=a'
	expect_stderr_has "tarn: b: Cannot hard link to 'a': the archive cannot be read a second time"
	expect_equal "$(cat out/b/file)" precious
	expect_status 0 tarn -xf a.tar -C out --recursive-unlink --exclude=a
	expect_equal "$(cat out/b)" x
	rm out/b
	mkdir -p out/b/c
	expect_status 0 tarn -xf a.tar -C out --recursive-unlink
	[ out/a -ef out/b ]
}

# Also where an earlier file of that name was linked to.
test_link_to_a_directory_is_said_not_to_be_permitted() {
	python3 - <<-'END'
	import tarfile
	for name, types in (("a.tar", (tarfile.DIRTYPE,)), ("b.tar", (tarfile.REGTYPE, tarfile.DIRTYPE))):
	    with tarfile.open(name, "w") as tar:
	        for type in types:
	            info = tarfile.TarInfo("d")
	            info.type, info.mode = type, 0o755
	            tar.addfile(info)
	        info = tarfile.TarInfo("link")
	        info.type, info.linkname = tarfile.LNKTYPE, "d"
	        tar.addfile(info)
	END
	for archive in a.tar b.tar; do
		rm -rf out
		mkdir out
		expect_status 2 tarn -xf $archive -C out
		expect_stderr_has "tarn: link: Cannot hard link to 'd': Operation not permitted"
		expect_equal "$(cd out && find . | sort)" "$(printf '.\n./d')"
	done
}

test_what_exists_says_so_however_long_its_target() {
	local target
	target=$(printf '%4094s' '' | tr ' ' x)
	ln -s "$target" symlink
	tarn -cf a.tar symlink
	expect_status 2 tarn -xkf a.tar
	grep -q "^tarn: symlink: Cannot create symlink to 'xxx.*: File exists$" "$ERR"
}

# The header of a later name has the seconds alone: what is older by a part of one is replaced as
# well.
test_what_is_newer_is_kept_by_the_nanosecond_under_each_name() {
	local at='2020-01-01 00:00:00'
	mkdir tree
	printf new >tree/a
	touch -d "$at.9" tree/a
	ln tree/a tree/b
	tarn -cf a.tar -C tree a b
	# keeping A B: what lies at a and b is from these parts of the second.
	keeping() {
		rm -rf out
		mkdir out
		printf old >out/a
		printf old >out/b
		touch -d "$at$1" out/a
		touch -d "$at$2" out/b
		expect_status 0 tarn -xf a.tar -C out --keep-newer-files "${@:3}"
	}
	keeping .5 .5
	expect_equal "$(cat out/a out/b)" newnew
	[ out/a -ef out/b ]
	keeping .5 .95
	expect_equal "$(cat out/a out/b)" newold
	keeping .95 .5
	expect_equal "$(cat out/a out/b)" oldnew
	keeping .95 .95
	expect_equal "$(cat out/a out/b)" oldold
	keeping .95 .5 b
	expect_equal "$(cat out/a out/b)" oldnew
	# Nothing has to be read twice to find out that all is there.
	tarn -xf a.tar -C out
	expect_status 0 bash -c 'cat a.tar | "$TARN" -xf - -C out --keep-newer-files'
	expect_stderr_has "Current 'b' is newer or same age"
}

test_file_that_differs_only_in_content_is_not_taken_for_the_first() {
	make_days
	mkdir -p out/daily.1
	printf SAME >out/daily.1/same
	chmod --reference=tree/daily.1/same out/daily.1/same
	touch -r tree/daily.1/same out/daily.1/same
	tarn -xf a.tar -C out --skip-old-files
	expect_equal "$(cat out/daily.1/same out/daily.2/same)" SAMEsame
}

test_extraction_that_was_broken_off_is_completed() {
	make_days
	mkdir out
	tarn -xf a.tar -C out
	rm -r out/daily.2/same out/daily.3
	expect_status 0 tarn -xf a.tar -C out --skip-old-files
	touch -r tree out
	same_tree tree out
}

test_twice_changes_nothing() {
	make_days
	mkdir out
	tarn -xf a.tar -C out
	for flag in --overwrite --unlink-first --skip-old-files --keep-newer-files --recursive-unlink; do
		expect_status 0 tarn -xf a.tar -C out "$flag"
		touch -r tree out
		same_tree tree out
	done
	expect_status 2 tarn -xf a.tar -C out --keep-old-files
	touch -r tree out
	same_tree tree out
}

# By numbers that no file system folds, so that it must find out otherwise that this one does not.
test_twice_reads_no_directory_for_each_name() {
	need_program strace
	mkdir -p tree/0 out
	printf content >tree/0/0
	seq -f "tree/0/%.0f" 300 | xargs -n 1 ln tree/0/0
	tarn -cf a.tar -C tree 0
	tarn -xf a.tar -C out
	# Nothing can look for leaks in a process that is traced.
	export ASAN_OPTIONS=detect_leaks=0
	for option in --overwrite --skip-old-files --keep-newer-files; do
		expect_status 0 strace -f -qq -e trace=getdents64 -o calls "$TARN" -xf a.tar -C out $option
		[ "$(wc -l <calls)" -lt 10 ]
	done
	touch -r tree out
	same_tree tree out
}

test_names_that_are_missing_are_looked_for_once() {
	need_program strace
	mount_tmpfs out 10M
	mkdir -p tree/d/e
	printf content >tree/d/0
	seq -f "tree/d/e/%.0f" 300 | xargs -n 1 ln tree/d/0
	tarn -cf a.tar -C tree d
	# Nothing can look for leaks in a process that is traced.
	export ASAN_OPTIONS=detect_leaks=0
	expect_status 0 strace -f -qq -e trace=openat2 -o calls "$TARN" -xkf a.tar -C out --threads=1
	[ "$(wc -l <calls)" -lt 20 ]
	same_tree tree/d out/d
}

test_other_names_of_a_file_that_is_replaced_keep_their_content() {
	make_days
	mkdir -p out/daily.1 elsewhere
	printf precious >elsewhere/file
	ln elsewhere/file out/daily.1/same
	ln elsewhere/file out/other
	tarn -xf a.tar -C out --overwrite
	expect_equal "$(cat elsewhere/file out/other)" preciousprecious
	expect_equal "$(cat out/daily.1/same)" same
}

test_link_to_itself_destroys_nothing() {
	printf content >a
	python3 - <<-'END'
	import tarfile
	for n, (name, target) in enumerate((("a", "a"), ("./a", "a"), ("a", "./a"))):
	    with tarfile.open("self%d.tar" % n, "w") as t:
	        m = tarfile.TarInfo(name)
	        m.type, m.linkname = tarfile.LNKTYPE, target
	        t.addfile(m)
	END
	for n in 0 1 2; do
		expect_status 2 tarn -xf "self$n.tar"
		expect_equal "$(cat a)" content
	done
}

# Whoever made a file need not be able to read it.
test_copy_of_a_file_that_its_user_cannot_read_gets_the_content() {
	need_root
	mkdir -m 755 tree out
	printf content >tree/a
	ln tree/a tree/b
	chmod 200 tree/a
	tarn -cf a.tar tree
	chmod 644 a.tar
	chown nobody out
	chmod 755 .
	expect_status 0 setpriv --reuid=nobody --regid=nogroup --clear-groups \
		"$TARN" -xf a.tar -C out --links=copy
	expect_equal "$(cat out/tree/b)" content
	expect_equal "$(stat -c %a%h out/tree/a out/tree/b)" "$(printf '2001\n2001')"
}

# GNU tar writes such a member for a name that is given twice.
test_link_to_itself_behind_its_file_is_nothing_to_do_in_any_way() {
	local how

	printf content >a
	tar -cf a.tar a ./a
	for how in auto strict reflink copy symlink; do
		mkdir "$how"
		expect_status 0 tarn -xf a.tar -C "$how" --links="$how"
		expect_equal "$(cat "$ERR")" ''
		expect_equal "$(find "$how" -type f -printf '%P %n ')$(cat "$how/a")" 'a 1 content'
	done
}

test_targets_that_cannot_be_are_said_and_the_rest_is_extracted() {
	mkdir out
	python3 - <<-'END'
	import tarfile, io
	with tarfile.open("a.tar", "w") as t:
	    def link(name, target):
	        m = tarfile.TarInfo(name)
	        m.type, m.linkname = tarfile.LNKTYPE, target
	        t.addfile(m)
	    def file(name, data):
	        m = tarfile.TarInfo(name)
	        m.size = len(data)
	        t.addfile(m, io.BytesIO(data))
	    d = tarfile.TarInfo("dir")
	    d.type, d.mode = tarfile.DIRTYPE, 0o755
	    t.addfile(d)
	    link("absent", "nowhere")
	    link("forward", "file")
	    link("directory", "dir")
	    link("cycle1", "cycle2")
	    link("cycle2", "cycle1")
	    link("up", "../outside")
	    file("file", b"data")
	    link("good", "file")
	    link("chain", "good")
	    link("longer", "chain")
	END
	expect_status 2 tarn -xf a.tar -C out
	for name in absent forward directory cycle1 cycle2 up; do
		expect_stderr_has "tarn: $name: Cannot hard link to"
		[ ! -e "out/$name" ]
	done
	[ out/file -ef out/good ]
	[ out/file -ef out/chain ]
	[ out/file -ef out/longer ]
	rm -rf out/*
	tarn -xf a.tar -C out longer
	expect_equal "$(cat out/longer)" data
}

# Each link costs a reading of the archive.
test_chain_of_too_many_links_is_said_to_be_one() {
	mkdir out
	python3 - <<-'END'
	import tarfile
	with tarfile.open("a.tar", "w") as t:
	    t.addfile(tarfile.TarInfo("0"))
	    for n in range(1, 51):
	        m = tarfile.TarInfo(str(n))
	        m.type, m.linkname = tarfile.LNKTYPE, str(n - 1)
	        t.addfile(m)
	END
	tarn -xf a.tar -C out 30
	expect_status 2 tarn -xf a.tar -C out 50
	expect_stderr_has "tarn: 50: Cannot hard link to '9': that would take too many turns through the archive"
}

test_name_that_waits_where_the_second_reading_fails_is_said_with_the_failure() {
	mkdir out
	archive_of a=a b=b 'l->a' 'm->b' 'n->nowhere'
	head -c 1500 a.tar >short.tar
	printf '#!/bin/bash\nif [ -e again ]; then cat short.tar; else touch again; cat a.tar; fi\n' >program
	chmod +x program
	expect_status 2 tarn -I ./program -xf a.tar -C out l m
	expect_equal "$(cat out/l)" a
	expect_stderr_has "tarn: m: Cannot hard link to 'b': Unexpected EOF in archive"
	[ "$(grep -c 'no such member' "$ERR")" = 0 ]
}

test_link_without_a_first_name_is_said_and_the_rest_is_extracted() {
	mkdir out
	python3 - <<-'END'
	import tarfile, io
	with tarfile.open("a.tar", "w") as t:
	    for name, kind, target in (("absent", tarfile.LNKTYPE, "nowhere"),
	            ("nothing", tarfile.LNKTYPE, ""), ("file", tarfile.REGTYPE, ""),
	            ("none", tarfile.LNKTYPE, ""), ("good", tarfile.LNKTYPE, "file")):
	        m = tarfile.TarInfo(name)
	        m.type, m.linkname = kind, target
	        t.addfile(m)
	END
	expect_status 2 tarn -xf a.tar -C out
	for name in nothing none; do
		expect_stderr_has "tarn: $name: Link member without a first name"
		[ ! -e "out/$name" ]
	done
	[ out/file -ef out/good ]
}

test_link_members_that_carry_data_are_linked() {
	mkdir -p tree out
	printf content >tree/one
	ln tree/one tree/two
	python3 - <<-'END'
	import tarfile, io, os
	with tarfile.open("a.tar", "w", format=tarfile.PAX_FORMAT) as t:
	    t.add("tree/one")
	    m = t.gettarinfo("tree/two")
	    m.name, m.type, m.linkname, m.size = "tree/two", tarfile.LNKTYPE, "tree/one", 7
	    t.fileobj.write(m.tobuf(tarfile.PAX_FORMAT))
	    t.fileobj.write(b"content".ljust(512, b"\0"))
	    t.offset += 1024
	END
	expect_status 0 tarn -xf a.tar -C out
	[ out/tree/one -ef out/tree/two ]
	cmp tree/one out/tree/two
	rm -rf out/tree
	tarn -xf a.tar -C out tree/two
	cmp tree/two out/tree/two
}

# Three thousand members are between the names of one file, and between those of another its
# content.
test_names_far_apart_in_a_cpio_archive_stay_together() {
	local format
	mkdir tree
	(cd tree && seq -f %05g 3000 | xargs touch && printf content >./00000 && ln 00000 03001 &&
		ln 00000 03002 && ln -s 00000 s && ln s z && ln 00001 03003 && ln 00001 03004)
	for format in newc crc odc bin; do
		(cd tree && find . | sort | cpio -o -H "$format" >../a.cpio 2>/dev/null)
		mkdir out
		tarn -xf a.cpio -C out
		same_tree tree out --ignore mtime
		rm -r out
		mkdir out
		gzip -c a.cpio | tarn -xf - -C out
		same_tree tree out --ignore mtime
		rm -r out
	done
}

# odc has 18 bits for an inode number: files that share them look like one.
# Every name has the content, in odc and bin, and the first is left out.
test_names_with_content_of_their_own_are_linked_to_one_another() {
	mkdir tree
	printf content >tree/a
	for name in b c d; do
		ln tree/a tree/$name
	done
	printf other >tree/other
	for format in odc bin; do
		(cd tree && printf '%s\n' a b c d other | cpio -o --quiet -H $format >../a.cpio)
		rm -rf out
		mkdir out
		expect_status 0 tarn -xf a.cpio -C out b d other
		expect_equal "$(find out -type f -samefile out/b | sort | xargs)" 'out/b out/d'
		expect_status 0 tarn -xf a.cpio -C out --exclude=a
		expect_equal "$(find out -type f -samefile out/b | sort | xargs)" 'out/b out/c out/d'
		expect_equal "$(cat out/b out/other)" contentother
	done
}

# In turn with those of another file that has none either.
test_names_whose_first_has_no_place_are_linked_to_one_another() {
	mkdir -p tree/d out
	(cd tree/d && printf A >../a && ln ../a a1 && ln ../a a2 && printf B >../b && ln ../b b1 && ln ../b b2 &&
		printf '%s\n' ../a ../b a1 b1 a2 b2 | cpio -o --quiet -H odc >../../a.cpio)
	expect_status 2 tarn -xf a.cpio -C out
	expect_equal "$(cat out/a1 out/b1)" AB
	[ out/a1 -ef out/a2 ]
	[ out/b1 -ef out/b2 ]
}

test_files_that_an_old_cpio_takes_for_one_stay_apart() {
	mkdir tree out
	printf first >tree/a
	printf other >tree/b
	ln tree/a tree/a2
	ln tree/b tree/b2
	(cd tree && printf 'a\na2\nb\nb2\n' | cpio -o -H odc >../a.cpio 2>/dev/null)
	python3 - <<-'END'
	d = bytearray(open("a.cpio", "rb").read())
	at = 0
	while d[at:at + 6] == b"070707":
	    d[at + 12:at + 18] = b"000042"
	    namesize, size = int(d[at + 59:at + 65], 8), int(d[at + 65:at + 76], 8)
	    at += 76 + namesize + size
	open("a.cpio", "wb").write(d)
	END
	tarn -xf a.cpio -C out
	expect_equal "$(cat out/a out/a2 out/b out/b2)" firstfirstotherother
}

# old_cpio NAME:INODE:TYPE:NLINK:CONTENT…: an odc archive of them, a.cpio; TYPE is that of the mode,
# in octal.
old_cpio() {
	python3 - "$@" <<-'END'
	import sys
	with open("a.cpio", "wb") as out:
	    for member in [*sys.argv[1:], "TRAILER!!!:0:0:1:"]:
	        name, inode, kind, nlink, text = member.split(":")
	        out.write(b"070707%06o%06o%06o%06o%06o%06o%06o%011o%06o%011o%s\0%s" % (1, int(inode),
	            int(kind, 8) << 12 | 0o644, 0, 0, int(nlink), 0, 0, len(name) + 1, len(text),
	            name.encode(), text.encode()))
	END
}

test_what_an_old_cpio_takes_for_one_stays_what_it_is() {
	old_cpio file:5:10:3:hello sym:5:12:2:target empty:5:10:2: later:5:10:3:hello \
		sym1:7:12:2:T1 sym2:7:12:2:T2 again:7:12:2:T1 \
		e:9:10:3: s:9:12:3:T9 f:9:10:3:nine e2:9:10:3: fifo:9:1:2: fifo2:9:1:2:
	mkdir out
	expect_status 0 tarn -xf a.cpio -C out
	expect_equal "$(cd out && readlink sym sym1 sym2 again s | xargs)" 'target T1 T2 T1 T9'
	expect_equal "$(cat out/file out/later out/f)" hellohellonine
	expect_equal "$(cd out && stat -c %s empty e e2 | xargs)" '0 0 0'
	[ out/file -ef out/later ]
	expect_equal "$(stat -c %i out/sym1)" "$(stat -c %i out/again)"
	[ out/e -ef out/e2 ]
	[ out/fifo -ef out/fifo2 ]
	expect_equal "$(cd out && stat -c %h sym empty sym2 s f | xargs)" '1 1 1 1 1'
	[ -p out/fifo ]
}

test_links_strict_makes_a_fallback_an_error() {
	make_days
	mkdir out
	mount_tmpfs out/daily.2 1m
	expect_status 2 tarn -xf a.tar -C out --links=strict
	expect_stderr_has 'tarn: daily.2/same: Cannot link: Invalid cross-device link'
	[ ! -e out/daily.2/same ]
	[ out/daily.1/same -ef out/daily.3/same ]
}

test_later_names_become_what_links_asks_for() {
	make_days
	for how in copy reflink; do
		rm -rf out
		mkdir out
		expect_status 0 tarn -xf a.tar -C out --links=$how
		same_tree tree out --ignore links,mtime
		[ ! out/daily.1/same -ef out/daily.3/same ]
	done
	rm -rf out
	mkdir out
	expect_status 0 tarn -xf a.tar -C out --links=symlink
	expect_equal "$(readlink out/daily.3/same)" ../daily.1/same
	expect_equal "$(readlink out/daily.3/again)" ../daily.2/changed
	cmp tree/daily.3/same out/daily.3/same
}

test_renamed_first_name_is_found_where_it_went() {
	make_days
	for flags in '' S H R rSH; do
		rm -rf out
		mkdir out
		case $flags in R) old=daily.1 ;; *) old=old ;; esac
		expect_status 0 tarn -xf a.tar -C out --transform="s/daily.1/old/$flags"
		[ out/$old/same -ef out/daily.3/same ]
		cmp tree/daily.1/same out/daily.3/same
		rm -rf out/*
		expect_status 0 tarn -xf a.tar -C out --transform="s/daily.3/new/;s/daily.1/old/$flags" \
			daily.3
		case $flags in R) ;; *) [ ! -e out/old ] ;; esac
		cmp tree/daily.1/same out/new/same
		[ out/new/again -ef out/new/changed ]
	done
}

test_renaming_on_creation_leaves_no_link_without_its_target() {
	make_days
	tarn -cf b.tar --transform='s/daily/weekly/' -C tree daily.1 daily.3
	mkdir out
	tar -xf b.tar -C out
	[ out/weekly.1/same -ef out/weekly.3/same ]
}

test_report_has_a_line_for_each_name_that_became_a_copy() {
	make_days
	mkdir out
	mount_tmpfs out/daily.3 1m
	tarn -xf a.tar -C out --report=report 2>/dev/null
	expect_equal "$(python3 - <<-'END'
	import json
	events = [json.loads(line) for line in open("report")]
	for r in sorted(events, key=lambda r: r.get("name", "~")):
	    print(r["event"], r.get("name"), r.get("names"), r.get("status"))
	END
	)" "$(printf '%s\n' 'copied-other-device daily.3/again None None' \
		'copied-other-device daily.3/fifo None None' \
		'copied-other-device daily.3/same None None' \
		'copied-other-device daily.3/sym None None' \
		'total None 4 None' 'exit None None 0')"
}

test_converted_archive_has_no_link_without_its_target() {
	make_days
	tarn -cf b.tar --exclude=daily.1 @a.tar
	mkdir out
	tar -xf b.tar -C out
	rm -rf tree/daily.1
	same_tree tree out --ignore mtime
}

test_converted_archive_is_relative_to_a_directory_and_overridden_in_all_members() {
	make_days
	mkdir elsewhere
	mv a.tar elsewhere
	tarn -cf b.tar --owner=nobody --exclude=daily.1 -C elsewhere @a.tar
	tar -tvf b.tar >list
	[ "$(wc -l <list)" -gt 5 ]
	expect_equal "$(grep -v ' nobody/' list || true)" ''
}

test_links_lists_which_names_are_one_file() {
	mkdir d
	printf abc >d/one
	ln d/one d/two
	ln d/one d/three
	printf x >d/single
	tarn -cf a.tar d
	expect_equal "$(tarn -tf a.tar --links)" "$(printf '3 names, 3 bytes: d/one\n\td/three\n\td/two')"
	expect_equal "$(tarn -tf a.tar --links d/three)" "$(printf 'd/one\nd/two')"
	expect_equal "$(tarn -tf a.tar --links d/single)" ''
}

test_links_leaves_out_names_that_are_excluded() {
	archive_of a=abc 'b->a' 'c->b' 'd->c'
	expect_equal "$(tarn -tf a.tar --links --exclude=a)" "$(printf '3 names, 3 bytes: b\n\tc\n\td')"
	expect_equal "$(tarn -tf a.tar --links --exclude=b)" "$(printf '3 names, 3 bytes: a\n\tc\n\td')"
	expect_equal "$(tarn -tf a.tar --links --exclude=[bcd])" ''
	expect_equal "$(tarn -tf a.tar --links --exclude=[ab] d)" c
}

test_links_leaves_out_names_that_became_those_of_other_files() {
	archive_of a=abc 'b->a' 'c->a' b=other 'd->b'
	expect_equal "$(tarn -tf a.tar --links)" \
		"$(printf '2 names, 3 bytes: a\n\tc\n2 names, 5 bytes: b\n\td')"
	expect_equal "$(tarn -tf a.tar --links b)" d
	archive_of a=abc 'b->a' 'c->b' a=other
	expect_equal "$(tarn -tf a.tar --links)" "$(printf '2 names, 3 bytes: b\n\tc')"
	archive_of a=abc 'b->a' x=other 'b->x' 'x->x'
	expect_equal "$(tarn -tf a.tar --links)" "$(printf '2 names, 5 bytes: x\n\tb')"
	mkdir b
	archive_of a=abc 'b->a' 'b->a'
	expect_equal "$(tarn -tf a.tar --links)" "$(printf '2 names, 3 bytes: a\n\tb')"
	tarn -rf a.tar b
	expect_equal "$(tarn -tf a.tar --links)" ''
}

run_tests
