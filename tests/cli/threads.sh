#!/bin/bash
# What several threads make is what one makes: bytes, trees, statuses and what is said.  The system
# calls of the threads are delayed at random (helpers/jitter.c).

. "$(dirname "$0")/../lib.sh"

# jittered COMMAND…
jittered() {
	local jitter=$BUILD/tests/helpers/jitter.so
	[ -e "$jitter" ] || skip "no $jitter"
	ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS LD_PRELOAD=$jitter "$@"
}
ASAN_OPTIONS=${ASAN_OPTIONS-}

# make_snapshots NDAYS: each day all files are later names but for a few; two first names lie near.
make_snapshots() {
	python3 - "$1" <<-'END'
	import os, random, sys
	rng = random.Random(1)
	for day in range(int(sys.argv[1])):
	    for d in range(12):
	        at = f"tree/day.{day}/d{d % 4}/e{d}"
	        os.makedirs(at)
	        for f in range(5):
	            before = f"tree/day.{day - 1}/d{d % 4}/e{d}/f{f}"
	            if day > 0 and rng.random() < 0.9:
	                os.link(before, f"{at}/f{f}")
	            else:
	                with open(f"{at}/f{f}", "wb") as file:
	                    file.write(rng.randbytes(rng.choice([0, 10, 3000, 200000])))
	        os.symlink("nowhere", f"{at}/symlink")
	        os.link(f"{at}/f0", f"{at}/near")
	        os.link(f"{at}/symlink", f"tree/day.{day}/symlink{d}", follow_symlinks=False)
	        os.mkfifo(f"{at}/fifo")
	END
}

# create_by_threads NTHREADS OPTION…: make the archive NTHREADS.tar, where much is out of the
# ordinary.
create_by_threads() {
	local n=$1 status=0
	shift
	jittered "$TARN" --threads="$n" "$@" -v --one-file-system --exclude='e7' \
		-cf "$n.tar" tree missing -C tree day.1 ../tree/day.2 -C nowhere a b \
		>"$n.said" 2>&1 || status=$?
	echo "status $status" >>"$n.said"
}

test_archive_does_not_depend_on_the_number_of_threads() {
	make_snapshots 3
	head -c 3000000 /dev/urandom >tree/large
	printf x | dd of=tree/sparse bs=1 seek=5M status=none
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("tree/socket")'
	mount_tmpfs tree/disk 1M
	touch tree/disk/file
	bind_mount tree tree/cycle
	for options in -S '-S --format=gnu' '-S --zstd' --format=ustar; do
		for n in 1 2 5; do
			# shellcheck disable=SC2086 # several
			create_by_threads "$n" $options
		done
		for n in 2 5; do
			cmp 1.tar "$n.tar"
			diff 1.said "$n.said"
		done
	done
	for text in 'is its own ancestor' 'Cannot stat' 'different filesystem' 'nowhere: Cannot open' \
		'Removing leading'; do
		grep -qF "$text" 1.said
	done
}

test_creation_that_fails_ends_all_threads() {
	make_snapshots 1
	head -c 9000000 /dev/urandom >tree/large
	expect_status 2 timeout 60 "$TARN" --threads=3 -cf /dev/full tree
	expect_stderr_has 'No space left on device'
}

# meanwhile COMMAND ARGUMENT…: archive by the ARGUMENTs to a.tar, and run COMMAND when all threads
# wait, and only the first file, which is large, is being read.
meanwhile() {
	python3 - "$TARN" "$@" <<-'END'
	import os, subprocess, sys, time
	p = subprocess.Popen([sys.argv[1], "--threads=3", "--sort=name", "-cf", "-", *sys.argv[3:]],
	    stdout=subprocess.PIPE, stderr=open("said", "w"))
	head, nsleeps = os.read(p.stdout.fileno(), 1), 0
	while nsleeps < 20:
	    time.sleep(0.01)
	    states = [open(f"/proc/{p.pid}/task/{task}/stat").read().rpartition(")")[2].split()[0]
	        for task in os.listdir(f"/proc/{p.pid}/task")]
	    nsleeps = nsleeps + 1 if set(states) == {"S"} else 0
	subprocess.run(sys.argv[2], shell=True, check=True)
	with open("a.tar", "wb") as f:
	    f.write(head)
	    while data := p.stdout.read(65536):
	        f.write(data)
	sys.exit(p.wait())
	END
}

# A tree with a large file, and behind it so many names that those behind them are looked at
# meanwhile; what comes soon is looked at when it is its turn.
make_large_first() {
	mkdir tree
	head -c 9000000 /dev/urandom >tree/a.large
	if [ "$1" = far ]; then
		touch $(seq -f 'tree/a.%03.0f' 1 420)
	fi
}

check_stored_as_read() {
	make_large_first "$1"
	mkdir out
	for name in closed emptied grown rewritten replaced replaced.by.link replaced.first; do
		printf old >"tree/$name"
	done
	touch tree/filled
	ln tree/replaced.first tree/x.later
	ln tree/replaced.first tree/y.later
	ln -s a.large tree/retargeted
	ln -s a.large tree/symlink.to.file
	ln -s one tree/linked.symlink
	ln tree/linked.symlink tree/x.later.symlink
	printf linked >linked
	meanwhile '
		chmod 600 tree/closed
		: >tree/emptied
		printf new >tree/filled
		printf new >>tree/grown
		printf new >tree/rewritten
		printf newer >new && mv new tree/replaced
		ln -f linked tree/replaced.by.link && ln linked tree/z.linked
		printf newest >newest && mv newest tree/replaced.first
		ln -snf grown tree/retargeted
		ln -snf two tree/linked.symlink
		printf file >file && mv file tree/symlink.to.file
		touch -d @1000000000 tree/replaced' tree
	rm tree/z.linked # that was not there
	touch -d @1000000000 tree
	expect_equal "$(cat said)" ''
	tar -xpf a.tar -C out
	touch -d @1000000000 out/tree
	same_tree tree out/tree
}

test_what_comes_soon_is_stored_as_it_is_when_it_is_read() {
	check_stored_as_read soon
}

test_what_was_looked_at_ahead_is_stored_as_it_is_when_it_is_read() {
	check_stored_as_read far
}

check_said_when_gone() {
	make_large_first "$1"
	mkdir -p tree/directory/below tree/moved tree/was.directory tree/was.directory.too base/d
	for name in tree/now.directory tree/directory/below/file tree/moved/file tree/removed tree/was.directory/file \
		tree/was.directory.too/file base/d/file; do
		printf old >"$name"
	done
	touch tree/empty
	ln -s a.large tree/symlink
	expect_status 2 meanwhile '
		rm -r tree/directory tree/empty tree/now.directory tree/removed tree/symlink tree/was.directory* base
		mkdir tree/now.directory
		touch tree/was.directory
		ln -s /etc tree/was.directory.too
		mv tree/moved elsewhere && mkdir tree/moved && printf other >tree/moved/file' --xattrs tree -C base d
	expect_equal "$(grep removed said | LC_ALL=C sort)" "$(for name in d/file tree/directory/below/file tree/directory/below \
		tree/directory tree/empty tree/moved/file tree/removed tree/symlink \
		tree/was.directory.too/file tree/was.directory/file; do
		printf 'tarn: %s: File removed before we read it\n' $name
	done)"
	grep -qx 'tarn: d: Cannot open: No such file or directory' said
	grep -qx 'tarn: tree/now.directory: File was replaced before we read it' said
	expect_equal "$(tar -tf a.tar | grep -v '/a\.[0-9]' | LC_ALL=C sort | tr '\n' ' ')" \
		'd/ tree/ tree/a.large tree/directory/ tree/directory/below/ tree/moved/ tree/was.directory.too/ tree/was.directory/ '
}

test_what_vanished_before_it_was_looked_at_is_said() {
	check_said_when_gone soon
}

test_what_vanished_since_it_was_looked_at_is_said() {
	check_said_when_gone far
}

# There listing a directory does not tell what the names in it are.
test_names_of_unknown_type_are_archived() {
	mkdir out
	mount_ext4 fs 16M -O ^filetype
	mkdir -p fs/tree/a/b fs/tree/c
	printf one | tee fs/tree/a/b/file >fs/tree/file
	ln fs/tree/file fs/tree/c/later
	ln -s a fs/tree/symlink
	tarn --threads=3 -C fs -cf a.tar tree
	tar -xf a.tar -C out
	same_tree fs/tree out/tree
}

test_deep_tree_does_not_depend_on_the_number_of_threads() {
	mkdir out
	python3 - <<-'END'
	import os
	os.mkdir("tree")
	os.chdir("tree")
	for depth in range(60):
	    for name in "a", "z":
	        if depth % 3 != 1:
	            open(name, "w").write(f"{name} {depth}")
	    os.mkdir("d")
	    os.chdir("d")
	END
	for n in 1 2 5; do
		tarn --threads="$n" --sort=name -cf "$n.tar" tree
		cmp 1.tar "$n.tar"
	done
	tar -xf 1.tar -C out
	same_tree tree out/tree
}

test_tree_does_not_depend_on_the_number_of_threads() {
	make_snapshots 4
	tarn -cf a.tar tree
	for n in 1 2 3 8; do
		mkdir "out$n"
		jittered "$TARN" --threads="$n" -xf a.tar -C "out$n"
		same_tree tree "out$n/tree"
	done
}

test_archive_in_a_pipe_is_extracted_by_threads() {
	make_snapshots 2
	mkdir out
	tarn -cf - tree | jittered "$TARN" --threads=4 -xf - -C out
	same_tree tree out/tree
}

# expect_threads no|some ARGUMENT…: whether tarn starts any.
expect_threads() {
	local nthreads expected=$1
	shift
	strace -f -qq -e trace=clone,clone3 -o calls "$TARN" "$@"
	nthreads=$(grep -c CLONE_THREAD calls || :)
	[ "$nthreads" -gt 0 ] && nthreads=some || nthreads=no
	expect_equal "$* starts $nthreads threads" "$* starts $expected threads"
}

test_one_thread_is_one_thread() {
	need_program strace
	make_snapshots 1
	tarn -cf a.tar tree
	mkdir one several
	export ASAN_OPTIONS=detect_leaks=0
	expect_threads no --threads=1 -xf a.tar -C one
	expect_threads some --threads=3 -xf a.tar -C several
	mkdir few
	echo small >few/small
	tar -cf small.tar few
	head -c 3000000 /dev/zero >few/large
	tar -cf large.tar few
	expect_threads no --threads=3 -xf small.tar -C several
	expect_threads some --threads=3 -xf large.tar -C several
	expect_threads no --threads=1 -cf b.tar tree
	expect_threads some --threads=2 -cf b.tar tree
}

# There different names may be one place.
test_one_thread_writes_where_something_below_folds_case() {
	need_program strace
	make_snapshots 1
	tarn -cf a.tar tree
	mkdir fine
	mount_tmpfs 'fine/is mounted' 1M
	mkdir folds
	mount_ntfs 'folds/is mounted' 64M
	export ASAN_OPTIONS=detect_leaks=0
	expect_threads some --threads=3 -xf a.tar -C fine
	expect_threads no --threads=3 -xf a.tar -C folds
	expect_threads no --threads=3 -xf a.tar -C 'folds/is mounted'
	expect_equal "$(ls -A 'fine/is mounted')$(ls -A 'folds/is mounted')" tree
}

# An archive of members that get in each other's way, by a random SEED.
make_quarrel() {
	python3 - "$1" <<-'END'
	import io, random, sys, tarfile
	rng = random.Random(int(sys.argv[1]))
	names = ["a", "b", "a/b", "a/c", "b/a", "a/b/c", "a/b/d", "d/e/f", "d/e", "d", "c"]
	with tarfile.open("quarrel.tar", "w") as tar:
	    first = tarfile.TarInfo("first")
	    tar.addfile(first)
	    for n in range(300):
	        info = tarfile.TarInfo(rng.choice(names) + rng.choice(["", "", str(rng.randrange(9))]))
	        info.mtime = 1_000_000_000 + n
	        kind = rng.choice("ffffllllllsd")
	        content = b"%d" % n * rng.choice([1, 1, 1000, 40000, 80000])
	        if kind == "f":
	            info.size = len(content)
	        elif kind == "d":
	            info.type, info.mode = tarfile.DIRTYPE, 0o755
	        elif kind == "s":
	            info.type, info.linkname = tarfile.SYMTYPE, rng.choice(names)
	        else:
	            info.type = tarfile.LNKTYPE
	            info.linkname = rng.choice(names) + rng.choice(["", "", str(rng.randrange(9))])
	        tar.addfile(info, io.BytesIO(content) if kind == "f" else None)
	END
}

# The numbers of inodes are not given anew on tmpfs, so that nothing hangs on which are free.
test_members_that_get_in_each_others_way_end_as_on_one_thread() {
	mount_tmpfs place 64M
	cd place || exit
	for seed in $(seq 5); do
		make_quarrel "$seed"
		for option in '' --recursive-unlink --skip-old-files --keep-newer-files \
			--no-overwrite-dir --transform=s/d/a/; do
			rm -rf one several
			mkdir one several
			local status=0 other=0
			# shellcheck disable=SC2086 # none, or one
			tarn --threads=1 $option -xf quarrel.tar -C one 2>said || status=$?
			# shellcheck disable=SC2086
			jittered "$TARN" --threads=4 $option -xf quarrel.tar -C several \
				2>said-by-several || other=$?
			expect_equal "$seed $option: $other" "$seed $option: $status"
			# Directories that nobody has made or set have the time of their making.
			same_tree one several --ignore mtime
			# Why a name has no parent is seen sooner or later.
			cut -d: -f1,2 said >names
			cut -d: -f1,2 said-by-several | diff names -
		done
	done
}

# e/c may become a file of its own, which d/b, before it, must not be linked to.
test_later_name_with_large_content_is_put_behind_the_names_before_it() {
	python3 - <<-'END'
	import io, tarfile
	with tarfile.open("a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as tar:
	    def add(name, content, first=None):
	        info = tarfile.TarInfo(name)
	        info.size, info.mtime = len(content), 0.5  # only pax has content in link members
	        if first is None:
	            tar.addfile(info, io.BytesIO(content))
	            return
	        info.type, info.linkname = tarfile.LNKTYPE, first
	        tar.fileobj.write(info.tobuf(tarfile.PAX_FORMAT))
	        tar.fileobj.write(content + bytes(-len(content) % 512))
	        tar.offset += 512 + (len(content) + 511) // 512 * 512
	    for n in range(100):
	        add(f"small/f{n}", b"small")
	    add("a", b"A" * 200000)
	    add("d/b", b"", "a")
	    add("e/c", b"C" * 200000, "a")
	END
	for n in 1 4; do
		mkdir "out$n"
		tarn --threads="$n" --exclude=a -xf a.tar.gz -C "out$n"
		expect_equal "$(head -c 1 "out$n/d/b")$(head -c 1 "out$n/e/c")" AC
	done
	same_tree out1 out4 --ignore mtime
}

test_several_threads_say_what_one_says() {
	python3 - <<-'END'
	import io, tarfile
	with tarfile.open("a.tar", "w") as tar:
	    for n in range(4000):
	        info = tarfile.TarInfo(f"d{n % 7}/" + (f"../{n}" if n % 3 == 0 else f"file{n}"))
	        if n % 5 == 0:
	            info.type, info.linkname = tarfile.LNKTYPE, f"d{n % 11}/missing{n}"
	        tar.addfile(info)
	END
	mkdir one several
	expect_status 2 tarn --threads=1 -xf a.tar -C one
	cp "$ERR" said
	expect_status 2 jittered "$TARN" --threads=4 -xf a.tar -C several
	diff said "$ERR"
	expect_equal "$(grep -c "'\.\.'" said)" 1334
}

test_several_threads_say_of_directories_what_one_says() {
	python3 - <<-'END'
	import tarfile
	with tarfile.open("a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
	    for n in range(1000):
	        info = tarfile.TarInfo(f"d/{n}" if n > 0 else "d")
	        info.type, info.mode = tarfile.DIRTYPE, 0o755 if n % 10 > 0 else 0o55
	        if n % 3 == 0:
	            info.pax_headers = {"SCHILY.xattr.user." + "x" * 300: "too long a name"}
	        tar.addfile(info)
	END
	mkdir one several
	expect_status 2 tarn --threads=1 --xattrs -xf a.tar -C one
	cp "$ERR" said
	expect_status 2 jittered "$TARN" --threads=4 --xattrs -xf a.tar -C several
	diff said "$ERR"
	expect_equal "$(grep -c "Cannot set the extended attribute 'user.x" said)" 334
	same_tree one/d several/d
}

test_damage_leaves_what_came_before() {
	make_snapshots 3
	tarn -cf a.tar tree
	head -c 700000 a.tar >cut.tar
	mkdir one several
	expect_status 2 tarn --threads=1 -xf cut.tar -C one
	expect_status 2 jittered "$TARN" --threads=4 -xf cut.tar -C several
	expect_stderr_has 'Unexpected EOF in archive'
	same_tree one several --ignore mtime
}

run_tests
