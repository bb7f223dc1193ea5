#!/bin/bash
# Every mode, once, under valgrind: no wild access, no leak, no descriptor left open.  Not part of
# `make check', as it cannot look into a build with sanitizers; .ci/run runs it.

. "$(dirname "$0")/../lib.sh"

# checked STATUS ARGUMENT…: tarn ends with STATUS, and valgrind has nothing to say.
checked() {
	local expected=$1 status=0
	shift
	valgrind -q --leak-check=full --track-fds=yes --log-file=valgrind.log \
		"$TARN" "$@" || status=$?
	expect_equal "$status" "$expected"
	awk '/Open file descriptor/ { opened = $0; next }
		opened != "" && !/inherited/ { print opened; bad = 1 }
		{ opened = "" }
		/lost:|Invalid|uninitialised|Conditional/ { print; bad = 1 }
		END { exit bad }' valgrind.log
}

make_tree() {
	need_program valgrind
	mkdir -p tree/a/b
	printf content >tree/a/first
	ln tree/a/first tree/a/b/second
	ln tree/a/first tree/third
	ln -s nowhere tree/sym
	ln tree/sym tree/sym-again
	mkfifo tree/fifo
	head -c 300000 /dev/urandom >tree/large
	truncate -s 1M tree/sparse
	printf end >>tree/sparse
	setfattr -n user.comment -v value tree/large
	setfacl -m u:65534:r tree/large
	setfacl -d -m u:65534:rx tree/a
	touch "tree/$(printf 'byte\377name')" "tree/$(printf '%0240d' 0)"
}

test_creation_and_extraction() {
	make_tree
	for options in --format=pax '--format=pax --xattrs --acls -S' --format=gnu \
		--format=cpio -z -j -J --zstd '-I gzip'; do
		rm -rf out
		mkdir out
		# shellcheck disable=SC2086 # several options
		checked 0 -c $options -f a.tar tree
		case $options in *-I*) from='-I gzip' ;; *) from= ;; esac
		# shellcheck disable=SC2086
		checked 0 -x $from --xattrs --acls -f a.tar -C out
	done
}

test_list_compare_append_convert() {
	make_tree
	checked 0 -cf a.tar tree
	checked 0 -tvf a.tar >/dev/null
	checked 0 -tf a.tar --links >/dev/null
	checked 0 -df a.tar
	checked 0 -rf a.tar tree/third
	checked 0 -cf b.tar --exclude=tree/a @a.tar
	checked 0 -xOf b.tar tree/third >/dev/null
}

test_selection_that_goes_back() {
	make_tree
	checked 0 -cf a.tar.zst --zstd tree
	mkdir out
	checked 0 -xf a.tar.zst -C out tree/third --report=report
	cmp tree/third out/tree/third
}

test_failures() {
	make_tree
	tarn -cf a.tar tree
	head -c 200000 a.tar >cut.tar
	mkdir out
	checked 2 -xf cut.tar -C out
	checked 2 -tf nowhere.tar
	checked 2 -cf c.tar nowhere
	checked 2 -x --no-such-option
}

test_threads_of_extraction_do_not_race() {
	make_tree
	for n in $(seq 8); do
		mkdir -p "tree/d$n"
		printf '%s' "$n" >"tree/d$n/f"
		ln "tree/d$n/f" "tree/d$n/later"
		[ "$n" = 1 ] || ln "tree/d$((n - 1))/f" "tree/d$n/from-before"
	done
	tarn -cf a.tar tree
	mkdir out
	# Not all system calls are known to it.
	valgrind -q --tool=helgrind --log-file=helgrind.log "$TARN" --threads=3 -xf a.tar -C out
	expect_equal "$(grep -cE 'race|lock order|still holds' helgrind.log || :)" 0
}

run_tests
