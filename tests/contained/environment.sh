#!/bin/bash
#
# Nothing but the command line makes tarn run a program or go elsewhere: not what an archive
# contains, not programs that PATH finds, not a variable that other tars obey, not a list of names.

. "$(dirname "$0")/../lib.sh"

# Programs of the names that libraries look for; each leaves a file behind when it is run.
plant_programs() {
	local name
	mkdir bin
	for name in sh gzip bzip2 xz lzma lzip lzop lz4 zstd compress uncompress lrzip grzip uudecode \
		rpm2cpio evil; do
		# Not by way of the shell, which is one of them.
		printf '#!/bin/bash\n: >"%s/was-run"\n' "$PWD" >"bin/$name"
		chmod +x "bin/$name"
	done
}

test_content_runs_no_program() {
	local archive
	plant_programs
	mkdir archives in
	"$TOP/tests/archives/make" archives filters_that_run_programs_are_never_used \
		archive_in_xz_with_a_wrong_index_is_said names_that_look_like_options_are_names
	for archive in archives/*; do
		PATH=$PWD/bin:$PATH "$TARN" -xf "$archive" -C in || true
		PATH=$PWD/bin:$PATH "$TARN" -tf "$archive" || true
	done >/dev/null 2>&1
	[ ! -e was-run ]
	# The trap works.
	PATH=$PWD/bin:$PATH "$TARN" -I evil -tf "$archive" >/dev/null 2>&1 || true
	[ -e was-run ]
}

test_variable_tar_options_is_not_read() {
	plant_programs
	mkdir in
	: >a
	tarn -cf a.tar a
	TAR_OPTIONS="-I $PWD/bin/evil --transform=s/a/b/" tarn -xf a.tar -C in
	expect_equal "$(ls in)" a
	[ ! -e was-run ]
}

# confinements OPTION…: how often an extraction with them confines itself by Landlock.
confinements() {
	rm -rf in
	mkdir in
	# The search for leaks does not work below strace.
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o calls -e trace=landlock_restrict_self \
		"$TARN" -xf a.tar -C in "$@"
	grep -c 'landlock_restrict_self(.* = 0$' calls || true
}

test_process_confines_itself_unless_the_archive_is_trusted() {
	need_program strace
	: >a
	tarn -cf a.tar a
	expect_equal "$(confinements)" 1
	expect_equal "$(confinements -p)" 0
	expect_equal "$(confinements --no-same-permissions)" 1
}

test_list_of_names_runs_no_program() {
	plant_programs
	mkdir in
	: >a
	tarn -cf a.tar a
	printf '%s\n' a --use-compress-program="$PWD/bin/evil" >list
	expect_status 2 tarn -xf a.tar -C in -T list
	expect_stderr_has 'begins with a dash'
	[ ! -e was-run ]
}

run_tests
