#!/bin/bash
# Archives that are written to pipes.

. "$(dirname "$0")/../lib.sh"

# make_tree: files about the sizes of buffers and pipes, and others.
make_tree() {
	mkdir tree
	for nbytes in 0 1 131072 262144 262145 400000 3000000; do
		head -c "$nbytes" /dev/urandom >"tree/$nbytes"
	done
	ln tree/400000 tree/linked
	printf x | dd of=tree/sparse bs=1 seek=5M status=none
	for n in $(seq 50); do echo "$n" >"tree/small.$n"; done
}

test_archive_in_a_pipe_is_that_in_a_file() {
	make_tree
	for options in '' -S --format=gnu --format=ustar --format=cpio --gzip; do
		for n in 1 3; do
			# shellcheck disable=SC2086 # one, or none
			tarn --threads=$n $options --sort=name -cf file.tar tree
			# shellcheck disable=SC2086
			tarn --threads=$n $options --sort=name -c tree | cat >pipe.tar
			cmp file.tar pipe.tar
		done
	done
	mkdir out
	tarn -c tree | tar -xC out
	same_tree tree out/tree
}

# on_terminal COMMAND…: what it says on one goes to the file said.
on_terminal() {
	TERM=xterm script -qec "$*" /dev/null >said
}

test_progress_is_shown_inside_of_a_member() {
	need_program script
	head -c 3000000 /dev/urandom >file
	mkfifo fifo
	(
		exec 3<fifo
		sleep 1.3
		cat <&3 >a.tar
	) &
	on_terminal "$TARN" -cf fifo file
	grep -q '1 member, .*, file' said
	for options in -xf '--threads=1 -xf' '--test -f'; do
		(
			exec 3>fifo
			head -c 2000000 a.tar >&3
			sleep 1.3
			tail -c +2000001 a.tar >&3
		) &
		on_terminal "$TARN" "$options" fifo
		grep -q '1 member, .* MiB, file' said
	done
}

# The progress line is there after a second.
test_totals_have_a_line_of_their_own_on_a_terminal() {
	mkdir tree out
	seq -f 'tree/%g' 1000 | xargs touch
	tarn -cf a.tar tree
	python3 - "$TARN" <<-'END'
	import os, pty, subprocess, sys, time
	terminal, stderr = pty.openpty()
	tarn = subprocess.Popen([sys.argv[1], "-xf", "-", "-C", "out", "--totals"], stdin=subprocess.PIPE,
	    stderr=stderr, env={**os.environ, "TERM": "xterm"})
	os.close(stderr)
	data = open("a.tar", "rb").read()
	tarn.stdin.write(data[:len(data) // 2])
	tarn.stdin.flush()
	time.sleep(1.3)
	tarn.stdin.write(data[len(data) // 2:])
	tarn.stdin.close()
	assert tarn.wait() == 0
	said = ""
	try:
	    while True:  # a terminal gives it in parts, and EIO behind the last one
	        said += os.read(terminal, 65536).decode()
	except OSError:
	    pass
	assert " members, " in said, said
	assert "\r\033[KTotal bytes read: " in said, said
	END
}

test_pipe_holds_more_than_usual() {
	head -c 3000000 /dev/urandom >file
	writing "$TARN" -c file
	take 1000
	expect_equal "$(python3 -c 'import fcntl; print(fcntl.fcntl(3, 1032))')" 262144 # F_GETPIPE_SZ
	exec 3<&-
}

# writing COMMAND…: let it write to the pipe that descriptor 3 reads from.
writing() {
	mkfifo pipe
	"$@" >pipe 2>"$ERR" &
	exec 3<pipe
}

# take NBYTES: from the pipe to the end of a.tar.
take() {
	head -c "$1" <&3 >>a.tar
}

# What the pipe holds when the file is closed is not what the file has later.
test_content_is_as_it_was_when_the_file_was_looked_at_last() {
	head -c 3000000 /dev/urandom >file
	cp file expected
	writing "$TARN" -c file
	take $((512 + 3000000 - 30000))
	wait $!
	dd if=/dev/zero of=file bs=3000000 count=1 conv=notrunc status=none
	cat <&3 >>a.tar
	tar -xOf a.tar | cmp - expected
}

# change COMMAND…: run it when the first of a large file was read from the pipe.
change() {
	head -c 30000000 /dev/urandom >file
	writing "$TARN" "${options[@]}" -c file
	take 1000000
	"$@"
	cat <&3 >>a.tar
	status=0
	wait $! || status=$?
	expect_equal "$status" 1
}

test_file_that_changes_while_it_is_read_is_said() {
	for n in 1 3; do
		options=("--threads=$n")
		change touch -d 2001-01-01 file
		expect_stderr_has 'file: file changed as we read it'
		expect_equal "$(tar -xOf a.tar | wc -c)" 30000000
		rm pipe a.tar
	done
}

test_file_that_shrinks_while_it_is_read_is_filled_with_zeros() {
	for n in 1 3; do
		options=("--threads=$n")
		change truncate -s 20000000 file
		expect_stderr_has 'file: File shrank by 10000000 bytes; padding with zeros'
		head -c 10000000 /dev/zero >>file
		tar -xOf a.tar | cmp - file
		rm pipe a.tar
	done
}

test_reader_that_leaves_ends_the_run() {
	head -c 3000000 /dev/urandom >file
	for n in 1 3; do
		status=0
		{ timeout 60 "$TARN" --threads=$n -c file file file || echo $? >status; } | head -c 1000000 >a.tar
		expect_equal "$(cat status)" 141
		{ trap '' PIPE; timeout 60 "$TARN" --threads=$n -c file file 2>"$ERR" || echo $? >status; } |
			head -c 1000000 >a.tar
		expect_equal "$(cat status)" 2
		expect_stderr_has 'Cannot write: Broken pipe'
	done
}

run_tests
