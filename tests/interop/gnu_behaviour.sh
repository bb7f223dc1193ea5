#!/bin/bash
# The same command line, given to GNU tar and to tarn: what is printed, said and left behind is the
# same, but for the name of the program.

. "$(dirname "$0")/../lib.sh"

# same_as_gnu COMMAND: TAR in it is the program.  Each gets the directory `start' afresh.
same_as_gnu() {
	local program name
	export LC_ALL=C
	for program in tar "$TARN"; do
		name=${program##*/}
		rm -rf "in.$name"
		cp -a start "in.$name"
		(cd "in.$name" && eval "${1//TAR/\"$program\"}") >"out.$name" 2>"err.$name" </dev/null ||
			echo "status $?" >>"out.$name"
		sed -i -e 's/^tarn: /tar: /' -e "s#^$TARN: #tar: #" -e "s/'tarn -/'tar -/g" \
			-e 's/ behind byte .*//' "err.$name"
	done
	if ! diff out.tar out.tarn || ! diff err.tar err.tarn ||
		! same_tree in.tar in.tarn --ignore root,mtime; then
		printf 'command: %s\n' "$1"
		return 1
	fi
}

make_start() {
	mkdir -p start/d/e
	printf 'a\n' >start/d/a
	ln start/d/a start/d/b
	printf x >start/d/e/f
	ln -s a start/d/s
	touch -d 2001-02-03 start/d/a start/d/e/f
	tar -C start --sort=name -cf start/a.tar d
}

test_creation() {
	make_start
	for command in 'TAR --sort=name -cvf x.tar d' 'TAR --sort=name -cf - d | TAR -tvf -' \
		'TAR --sort=name -cvvf x.tar d' 'TAR -cf x.tar nosuch d/e' 'TAR -cf x.tar' \
		'TAR -cf x.tar -T /dev/null; TAR -tf x.tar' 'TAR -cvf x.tar -C d a -C e f' \
		'echo d/a | TAR -cvf x.tar -T -' 'TAR -cf x.tar --exclude=e --sort=name d; TAR -tf x.tar' \
		'TAR --sort=name -chf x.tar d; TAR -tvf x.tar' 'mkdir r; TAR -cf r d' 'TAR -cf /dev/full d' \
		'TAR -cf x.tar --owner=nobody --group=nogroup --mode=600 --mtime=@0 d/e; TAR -tvf x.tar' \
		'TAR cvf x.tar "$PWD/d/e" | sed s#"$PWD"##g' 'TAR -cf x.tar --no-recursion d; TAR -tf x.tar' \
		'TAR cbf 1 x.tar d/a; stat -c %s x.tar' 'TAR -cPf x.tar /etc/hostname; TAR -tPf x.tar' \
		'TAR -cf x.tar d/../d/e/f; TAR -tf x.tar' \
		'TAR -cvf x.tar --ignore-failed-read nosuch d/e' \
		'ln -s nosuch l; TAR -cvhf x.tar --ignore-failed-read l d/e; rm l'; do
		rm -f start/x.tar
		same_as_gnu "$command; rm -f x.tar"
	done
}

test_files_that_are_too_old() {
	make_start
	touch -h -d 2001-02-03 start/d/s
	mkfifo start/d/p
	for command in 'TAR --sort=name --newer-mtime=./d/e/f -cvf x.tar d' \
		'touch -d 2010-01-01 d/a; TAR --sort=name --newer-mtime=./d/a -cvf x.tar d d/e/f' \
		'touch -d 2010-01-01 d/a; TAR --sort=name --newer-mtime=./d/a -cf x.tar d'; do
		same_as_gnu "$command; rm -f x.tar"
	done
}

test_what_editors_leave() {
	make_start
	touch start/d/a~ start/d/.#a start/d/#a# start/d/#b start/d/.b
	mkdir start/d/c~
	for command in 'TAR --sort=name -cvf x.tar --exclude-backups d' \
		'TAR --sort=name -cvf x.tar --no-wildcards --anchored --exclude-backups d'; do
		same_as_gnu "$command; rm -f x.tar"
	done
}

test_appending() {
	make_start
	for command in 'TAR -rf a.tar d/e; TAR -tf a.tar' 'TAR -uvf a.tar d' \
		'touch -d 2040-01-01 d/e/f; TAR -uvf a.tar d/e; TAR -tf a.tar' 'TAR -rf - d' \
		': >empty; TAR -rf empty d/e; TAR -tf empty; rm empty'; do
		same_as_gnu "$command; rm -f a.tar"
	done
}

test_listing() {
	make_start
	for command in 'TAR -tf a.tar nosuch' 'TAR -tvf a.tar d/b' 'TAR -tf nosuch.tar' \
		'head -c 1500 a.tar | TAR -tf -' ': | TAR -tf - 2>/dev/null' 'TAR -tf a.tar --wildcards "*/f"' 'TAR tvf a.tar --utc' \
		'TAR -tf a.tar --strip-components=1' 'TAR -tvf a.tar --full-time' 'TAR -tf a.tar d/e/'; do
		same_as_gnu "$command"
	done
}

test_extraction() {
	make_start
	rm -r start/d
	for command in 'TAR -xvf a.tar d/e' 'TAR -xvf a.tar --strip-components=1' 'TAR -xf a.tar -C nosuch' \
		'TAR -xf a.tar; TAR -xkf a.tar' 'TAR -xf a.tar; TAR --skip-old-files -xf a.tar' \
		'TAR -xf a.tar; chmod 711 d d/e; touch -d 2010-01-01 d d/e; TAR -xkf a.tar' \
		'TAR -xvf a.tar --wildcards "nomatch*"' 'TAR -xOf a.tar d/a' 'TAR -xvvf a.tar --exclude=e' \
		'TAR -xf a.tar --transform=s/d/x/' 'TAR -xvf a.tar d/a nosuch' 'TAR xvfC a.tar /nosuch' \
		'TAR -xf a.tar; touch -d 2040-01-01 d/a; TAR --keep-newer-files -xf a.tar d/a'; do
		same_as_gnu "$command"
	done
}

# A file system that gives the number of an inode that is gone to the next one.
test_directories_that_were_files_meanwhile() {
	mount_ext4 disk 16M
	cd disk || return
	make_start
	for mode in 300 755; do
		mkdir -m $mode start/g
		tar -C start -rf start/a.tar g
		rmdir start/g
		printf x >start/g
		tar -C start -rf start/a.tar g
		rm start/g
	done
	mkdir -m 755 start/g
	tar -C start -rf start/a.tar g
	rmdir start/g
	same_as_gnu 'TAR -xf a.tar'
	same_as_gnu 'TAR -xf a.tar --recursive-unlink'
}

test_comparison() {
	make_start
	for command in 'TAR -df a.tar' 'printf changed >>d/e/f; TAR -df a.tar' 'rm d/e/f; TAR -df a.tar' \
		'chmod 600 d/a; TAR -df a.tar' 'rm d/s; ln -s b d/s; TAR -df a.tar' \
		'rm d/b; printf "a\n" >d/b; touch -r d/a d/b; TAR -df a.tar'; do
		same_as_gnu "$command"
	done
}

test_command_lines_that_are_wrong() {
	make_start
	for command in TAR 'TAR -x -t' 'TAR -f a.tar' 'TAR -cf x.tar -cx d' 'TAR -tf a.tar -f a.tar'; do
		same_as_gnu "$command"
	done
}

run_tests
