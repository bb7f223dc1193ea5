#!/bin/bash
#
# What takes part, and as what: by time, by attribute, and below which directory.

. "$(dirname "$0")/../lib.sh"

# Files as old as they are called, changed in no other way since (the clock of ctime cannot be set).
make_old_and_new() {
	mkdir -p tree/directory
	printf old >tree/old
	printf new >tree/directory/new
	ln tree/directory/new tree/new-again
	touch -d '2020-01-01 00:00:00.5 UTC' tree/old tree/directory
	touch -d '2024-01-01 00:00:00.5 UTC' tree/directory/new
}

test_newer_mtime_stores_what_gnu_tar_stores() {
	make_old_and_new
	for date in 2020-01-01 2023-06-01 '2024-01-01 00:00:00 UTC' @1704067200.5 @1704067200.6; do
		tarn --newer-mtime="$date" -cf ours.tar --format=gnu tree
		tar --newer-mtime="$date" --sort=name -cf theirs.tar tree
		tarn -tf ours.tar >ours
		tar -tf theirs.tar >theirs
		cmp ours theirs
	done
	grep -qx tree/directory/ ours
	expect_status 1 grep -q new ours
}

test_newer_asks_for_changes_of_any_kind() {
	make_old_and_new
	tarn -N 2023-01-01 -cf a.tar tree
	tarn -tf a.tar >names
	grep -qx tree/old names
	tarn --after-date=@99999999999 -cf a.tar tree
	expect_equal "$(tarn -tf a.tar | tr '\n' ' ')" 'tree/ tree/directory/ '
}

test_newer_takes_the_time_of_a_file() {
	make_old_and_new
	tarn --newer-mtime=./tree/directory/new -cf a.tar tree
	tarn -tf a.tar >names
	grep -qx tree/directory/new names
	expect_status 1 grep -q old names
	expect_status 2 tarn -N ./none -cf b.tar tree
	expect_stderr_has './none: Cannot stat'
	expect_status 2 tarn -N yesteryear -cf b.tar tree
	expect_stderr_has 'yesteryear: Unknown date format'
}

# Judged by date(1); a second may pass in between.
test_date_may_be_so_far_from_now() {
	local phrase zone ours
	: >f
	for zone in UTC Europe/Berlin America/St_Johns; do
		for phrase in now today yesterday Tomorrow '1 day ago' '2 days' '-3 weeks' '+36 hours ago' \
			'last month' 'next year' fortnight '1 month 2 days ago' '90 min ago' 'yesterday 6 hours' \
			'100 days ago' '999999 seconds ago' '1000 weeks ago' 'LAST DAY' '7months'; do
			TZ=$zone tarn -cf a.tar --mtime="$phrase" f
			ours=$(TZ=UTC tar -tvf a.tar --full-time)
			ours=$(date -u -d "$(awk '{ print $4, $5 }' <<<"$ours")" +%s)
			ours=$((ours - $(TZ=$zone date -d "$phrase" +%s)))
			if ((ours < -2 || ours > 0)); then
				echo "$phrase in $zone: $ours seconds off"
				return 1
			fi
		done
	done
}

test_newer_extracts_newer_members() {
	make_old_and_new
	tarn -cf a.tar tree
	mkdir out
	tarn --newer-mtime=2023-01-01 -xf a.tar -C out
	rm tree/old
	same_tree tree out/tree --ignore mtime
	expect_equal "$(stat -c %Y out/tree/directory)" "$(stat -c %Y tree/directory)"
}

test_newer_takes_newer_members_of_an_archive() {
	make_old_and_new
	tar -cf all.tar --sort=name tree
	for option in --newer --newer-mtime; do
		tarn $option='2023-01-01 UTC' -cf ours.tar @all.tar
		tar -tf ours.tar >ours
		expect_equal "$(xargs <ours)" 'tree/ tree/directory/ tree/directory/new tree/new-again'
	done
	rm -r tree
	tar -xf ours.tar
	[ tree/new-again -ef tree/directory/new ]
}

test_clamped_times_are_those_of_gnu_tar() {
	make_old_and_new
	tarn --clamp-mtime --mtime=@1650000000 -cf ours.tar --format=gnu tree
	tar --clamp-mtime --mtime=@1650000000 --sort=name -cf theirs.tar tree
	tar --full-time -tvf ours.tar >ours
	tar --full-time -tvf theirs.tar >theirs
	cmp ours theirs
	grep -q '2020-01-01.*tree/old' ours
	grep -q '2022-04-15.*tree/directory/new' ours
	expect_status 2 tarn --clamp-mtime -cf a.tar tree
	expect_stderr_has '--clamp-mtime needs a date specified using --mtime'
}

test_archive_in_the_tree_is_left_out_as_by_gnu_tar() {
	mkdir d
	printf x >d/f
	expect_status 0 tarn -cf d/a.tar d
	expect_equal "$(cat "$ERR")" ''
	for mode in -c -r -u; do
		for program in "$TARN" tar; do
			expect_status 0 "$program" $mode -f d/a.tar d
			expect_equal "$(sed 's/^[^:]*: //' "$ERR")" \
				'd/a.tar: file is the archive; not dumped'
		done
	done
	expect_equal "$(tar -tf d/a.tar | sort -u | tr '\n' ' ')" 'd/ d/f '
}

test_directories_with_a_tag_are_left_out_as_by_gnu_tar() {
	mkdir -p tree/cache/sub tree/fake tree/kept tree/none
	printf 'Signature: 8a477f597d28d172789f06886806bc55\n# a cache' >tree/cache/CACHEDIR.TAG
	printf 'Signature: none' >tree/fake/CACHEDIR.TAG
	touch tree/cache/a tree/cache/z tree/cache/sub/b tree/kept/c tree/none/.nobackup tree/none/d
	for options in --exclude-caches --exclude-caches-under --exclude-caches-all \
		--exclude-tag=.nobackup --exclude-tag-under=.nobackup --exclude-tag-all=.nobackup \
		'--exclude-caches --exclude-tag-all=CACHEDIR.TAG' \
		'--exclude-tag-all=CACHEDIR.TAG --exclude-caches'; do
		# shellcheck disable=SC2086
		tarn $options -vcf ours.tar tree >ours 2>&1
		# shellcheck disable=SC2086
		tar $options --sort=name -vcf theirs.tar tree >theirs 2>&1
		expect_equal "$(sed 's/^tarn: //' ours | sort)" \
			"$(sed 's/^tar: //; s|/: contains|: contains|' theirs | sort)"
		tarn -tf ours.tar >ours
		tar -tf theirs.tar >theirs
		cmp ours theirs
	done
}

test_tag_in_an_operand_counts() {
	mkdir tree
	touch tree/.nobackup tree/f
	tarn --exclude-tag=.nobackup -cf a.tar -C tree .
	expect_equal "$(tarn -tf a.tar | tr '\n' ' ')" './ ./.nobackup '
	tarn --exclude-tag-all=.nobackup -cf a.tar -C tree . ../tree/f
	expect_equal "$(tarn -tf a.tar)" tree/f
}

make_attributes() {
	need_program setfattr
	need_root
	mkdir tree out
	printf x >tree/f
	setfattr -n user.one -v 1 tree/f || skip 'no extended attributes here'
	setfattr -n user.two -v 2 tree/f
	setfattr -n trusted.three -v 3 tree/f
}

# attributes FILE: their names in a line
attributes() {
	getfattr -m - --absolute-names "$1" | sed -n '/^[a-z]/p' | sort | tr '\n' ' '
}

test_attributes_are_stored_by_their_names() {
	make_attributes
	for options in --xattrs '--xattrs-include=user.*' '--xattrs-exclude=user.*' \
		'--xattrs-include=user.* --xattrs-exclude=*.two' '--xattrs-include=*.*'; do
		rm -rf out ours theirs
		mkdir out ours theirs
		# shellcheck disable=SC2086
		tarn $options -cf a.tar tree
		tarn --xattrs -xpf a.tar -C ours
		# shellcheck disable=SC2086
		tar $options -cf b.tar tree
		tar --xattrs-include='*' -xpf b.tar -C theirs
		expect_equal "$(attributes ours/tree/f)" "$(attributes theirs/tree/f)"
	done
}

test_attributes_are_restored_and_compared_by_their_names() {
	make_attributes
	tarn --xattrs -cf a.tar tree
	tarn --xattrs-include='user.o*' -xpf a.tar -C out
	expect_equal "$(attributes out/tree/f)" 'user.one '
	tarn --xattrs-include='user.o*' -d -f a.tar -C out
	expect_status 1 tarn --xattrs -d -f a.tar -C out
	rm -rf out/tree
	tarn --xattrs-exclude='user.o*' -xf a.tar -C out
	expect_equal "$(attributes out/tree/f)" 'user.two '
	rm -rf out/tree
	tarn --xattrs-include='*.*' -xpf a.tar -C out
	expect_equal "$(attributes out/tree/f)" 'trusted.three user.one user.two '
}

test_member_goes_to_one_directory_and_the_other_is_said() {
	printf content >f
	tar -cf a.tar f
	mkdir 1 2
	expect_status 2 tarn -xf a.tar -C "$PWD/1" f -C "$PWD/2" f
	expect_stderr_has 'tarn: f: Not found in archive'
	expect_equal "$(cat [12]/f)" content
	expect_status 0 tarn -xf a.tar -C "$PWD/1" f f
}

test_top_level_has_all_members() {
	mkdir -p tree/sub
	printf x >tree/sub/f
	ln tree/sub/f tree/g
	ln -s g tree/s
	tar --format=pax -C tree -cf some.tar .
	tarn -czf some.more.tgz tree
	mkdir ours
	(cd ours && tarn --one-top-level -xf ../some.tar)
	same_tree tree ours/some
	(cd ours && tarn --one-top-level -xf ../some.more.tgz)
	same_tree tree ours/some.more/tree
	(cd ours && tarn --one-top-level=tree -xf ../some.more.tgz)
	same_tree tree ours/tree
	(cd ours && tarn --one-top-level=a/b -xf ../some.more.tgz tree/g)
	cmp tree/g ours/a/b/tree/g
}

test_top_level_must_be_known() {
	printf x >f
	tar -cf archive f
	for name in archive ./.tar; do
		expect_status 2 tarn --one-top-level -xf "$name"
		expect_stderr_has 'Cannot deduce top-level directory name'
	done
	expect_status 2 tarn --one-top-level -xf - <archive
	expect_status 2 tarn --one-top-level=../up -xf archive
	expect_stderr_has "contains '..'"
	expect_status 1 test -e ../up
}

test_top_level_excludes_absolute_names_as_with_gnu_tar() {
	printf x >f
	tar -cf a.tar f
	for option in --one-top-level --one-top-level=f; do
		for program in "$TARN" tar; do
			expect_status 2 "$program" $option -P -tf a.tar
			expect_equal "$(sed -n '1s/^[^:]*: //p' "$ERR")" \
				"'--one-top-level' cannot be used with '--absolute-names'"
		done
	done
}

test_pax_options_that_change_nothing_are_taken() {
	printf x >f
	tarn --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime -cf a.tar f
	tarn -cf b.tar f
	cmp a.tar b.tar
	expect_status 2 tarn --pax-option=delete=atime,comment=x -cf a.tar f
	expect_stderr_has "--pax-option: 'comment=x' is not supported"
}

test_checkpoints_that_only_print_are_taken() {
	printf x >f
	expect_status 0 tarn --checkpoint --checkpoint=1 --checkpoint-action=dot \
		--checkpoint-action=echo='#%u: %T' --checkpoint-action=ttyout='%*\r' --no-selinux -cf a.tar f
	expect_equal "$(cat "$ERR")" ''
	for action in exec=true wait=USR1 sleep=1 dots; do
		expect_status 2 tarn --checkpoint-action=$action -cf b.tar f
		expect_stderr_has "--checkpoint-action: '$action' is not supported"
	done
	[ ! -e b.tar ]
}

# Three versions of a tree, one behind the other.
make_versions() {
	local version
	mkdir directory
	for version in 1 2 3; do
		printf "$version" >file
		printf "x$version" >directory/x
		tar -rf a.tar directory file
	done
}

test_occurrence_is_what_gnu_tar_takes() {
	local n names
	make_versions
	set -f
	for n in '' =1 =2 =3; do
		for names in file directory 'directory file' 'directory/x file' \
			'--wildcards *' '--wildcards f*' '--no-anchored x' '--no-recursion directory'; do
			mkdir ours theirs
			tarn -xvf a.tar --occurrence$n -C ours $names >ours.names
			tar -xvf a.tar --occurrence$n -C theirs $names >theirs.names
			cmp ours.names theirs.names
			diff -r ours theirs
			rm -r ours theirs
		done
	done
	tarn -xqf a.tar file
	expect_equal "$(cat file)" 1
	expect_status 2 tarn --occurrence=4 -tf a.tar file
	expect_stderr_has 'file: Required occurrence not found in archive'
	expect_status 2 tarn --occurrence -tf a.tar file none
	expect_stderr_has 'none: Not found in archive'
}

test_what_follows_the_last_occurrence_is_not_read() {
	make_versions
	head -c 4M /dev/urandom >last
	tar -rf a.tar last
	truncate -s 2M a.tar
	expect_status 2 tarn -xf a.tar file directory/x
	expect_stderr_has 'Unexpected EOF'
	expect_status 0 tarn --occurrence=3 -xf a.tar file directory/x
	expect_equal "$(cat file directory/x)" 3x3
	# More of it could follow.
	expect_status 2 tarn --occurrence=3 -xf a.tar file directory
	expect_stderr_has 'Unexpected EOF'
	expect_status 0 tarn --occurrence=3 -xf a.tar file --no-recursion directory
	gzip a.tar
	expect_status 0 tarn -qtf a.tar.gz -I gzip file
}

test_pipe_is_read_to_its_end_all_the_same() {
	make_versions
	head -c 4M /dev/urandom >last
	tar -rf a.tar last
	expect_equal "$( (cat a.tar && echo yes >is-written) | tarn -qtf - file)" file
	expect_equal "$(cat is-written)" yes
}

run_tests
