# shellcheck shell=bash
#
# What a shell test file is made of.  A file sources this, defines one function for each behaviour,
# `test_second_name_of_inode_is_a_link_member() { … }', and ends with `run_tests'.
#
# Each function runs in a bash of its own under `set -eu -o pipefail', so that any command that
# fails fails the test, and starts in an empty directory, $SCRATCH, that is removed afterwards.  For
# root that bash also has mount and process namespaces of its own: whatever a test mounts or leaves
# running ends with it, also when it is killed.  (As always under `set -e': a failure in the
# condition of `if', before `&&' and `||', or behind `!' is no failure.  Use expect_status there.)
#
# By hand: tests/cli/FILE.sh [FUNCTION…]; TARN and BUILD say where the program and the build are.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
TARN=${TARN:-$BUILD/tarn}
export TARN BUILD LC_ALL=C.UTF-8 TZ=UTC
unset TAR_OPTIONS TAPE ZSTD_CLEVEL ZSTD_NBTHREADS XZ_DEFAULTS XZ_OPT

# Seconds after which a test is taken to hang.
TEST_TIMEOUT=${TEST_TIMEOUT:-300}

# --- what a test may call ---------------------------------------------------------------------

tarn() {
	"$TARN" "$@"
}

# expect_status N COMMAND…: run it; its output goes to the files $OUT and $ERR.
expect_status() {
	local expected=$1 status=0
	shift
	"$@" >"$OUT" 2>"$ERR" || status=$?
	if [ "$status" != "$expected" ]; then
		printf 'status %s, expected %s: %s\n' "$status" "$expected" "$*"
		printf '%s\n' '--- output' "$(head -c 4000 "$OUT" | tr -d '\0')" \
			'--- errors' "$(head -c 4000 "$ERR" | tr -d '\0')"
		return 1
	fi
}

# expect_stderr_has TEXT: the last expect_status left a line with TEXT in $ERR.
expect_stderr_has() {
	if ! grep -qF -e "$1" "$ERR"; then
		printf 'not said: %s\n--- errors\n%s\n' "$1" "$(cat "$ERR")"
		return 1
	fi
}

# expect_equal ACTUAL EXPECTED
expect_equal() {
	if [ "$1" != "$2" ]; then
		printf 'got:      %s\nexpected: %s\n' "$1" "$2"
		return 1
	fi
}

# same_tree A B [--ignore ASPECT,…]: by the independent judge, inodes included.
same_tree() {
	python3 "$TOP/tests/judge/judge" "$@"
}

# skip WHY: end this test without a verdict.
skip() {
	printf '%s\n' "$*" >"$STATE/skip"
	exit 77
}

need_root() {
	[ "$(id -u)" = 0 ] || _lacking 'needs root'
}

# What is mounted must end with the test: root has to have a mount namespace for each.
need_mounts() {
	need_root
	[ -n "${_ISOLATED-}" ] || _lacking 'needs a mount namespace of its own'
}

need_program() {
	command -v "$1" >/dev/null || _lacking "needs the program $1"
}

# mount_ext4 DIRECTORY SIZE [MKFS_OPTION…]; likewise the next two (xfs from 300M, btrfs from 128M).
mount_ext4() {
	_mount_image ext4 "$1" "$2" mkfs.ext4 -q -F "${@:3}"
}

mount_xfs() {
	_mount_image xfs "$1" "$2" mkfs.xfs -q -f "${@:3}"
}

mount_btrfs() {
	_mount_image btrfs "$1" "$2" mkfs.btrfs -q -f "${@:3}"
}

# mount_fat DIRECTORY SIZE [OPTION…], mount_exfat DIRECTORY SIZE [OPTION…]: by programs, not by the
# kernel.
mount_fat() {
	need_program fusefat
	_make_image "$1" "$2" mkfs.vfat
	fusefat -o rw+ "${@:3}" "$1.img" "$1" >/dev/null 2>&1 || _lacking 'cannot mount FAT'
}

mount_exfat() {
	need_program mount.exfat-fuse
	_make_image "$1" "$2" mkfs.exfat
	local device
	device=$(losetup --find --show "$1.img") || _lacking 'cannot set up a loop device'
	if ! mount.exfat-fuse "${@:3}" "$device" "$1" >/dev/null 2>&1; then
		losetup --detach "$device"
		_lacking 'cannot mount exFAT'
	fi
	# It is in use: it goes away with the mount.
	losetup --detach "$device"
}

# mount_ntfs DIRECTORY SIZE: by a program, too; it folds case, and lists all names in small letters.
mount_ntfs() {
	local LD_LIBRARY_PATH=/opt/ntfs-3g
	export LD_LIBRARY_PATH
	_make_image "$1" "$2" /opt/ntfs-3g/mkntfs -q -F -Q 2>/dev/null
	/opt/ntfs-3g/lowntfs-3g -o ignore_case "$1.img" "$1" || _lacking 'cannot mount NTFS'
}

# mount_tmpfs DIRECTORY SIZE
mount_tmpfs() {
	need_mounts
	mkdir -p "$1"
	mount -t tmpfs -o "size=$2" tmpfs "$1" || _lacking 'cannot mount tmpfs'
}

# bind_mount FROM DIRECTORY
bind_mount() {
	need_mounts
	mkdir -p "$2"
	mount --bind "$1" "$2" || _lacking 'cannot bind-mount'
}

# --- how it is run ----------------------------------------------------------------------------

# What the machine lacks is a reason to skip, but not where all of it was installed on purpose.
_lacking() {
	if [ -n "${TESTS_LACK_NOTHING-}" ]; then
		printf '%s, and TESTS_LACK_NOTHING is set\n' "$*"
		exit 1
	fi
	skip "$*"
}

# _make_image DIRECTORY SIZE MKFS…: a sparse image beside DIRECTORY.
_make_image() {
	local directory=$1 size=$2
	shift 2
	need_mounts
	need_program "$1"
	mkdir -p "$directory"
	truncate -s "$size" "$directory.img"
	"$@" "$directory.img" >/dev/null
}

_mount_image() {
	local type=$1 directory=$2
	shift
	_make_image "$@"
	mount -t "$type" -o loop "$directory.img" "$directory" || _lacking "cannot mount $type"
}

# The bash of one test: see run_tests.
_run_function() {
	set -eu -o pipefail
	unset _TEST_FUNCTION
	umask 022
	cd "$SCRATCH"
	"$1"
	exit 0
}

# Prints the verdict on function $1 and counts it.
_judge_function() {
	local name=$1 status=0
	local -a isolate=()
	STATE=$(mktemp -d "${TMPDIR:-/tmp}/tarn-test.XXXXXX")
	SCRATCH=$STATE/scratch OUT=$STATE/out ERR=$STATE/err
	export STATE SCRATCH OUT ERR
	mkdir "$SCRATCH"
	if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
		isolate=(unshare --mount --pid --fork --kill-child --mount-proc)
		export _ISOLATED=yes
	fi
	_TEST_FUNCTION=$name timeout -k 5 "$TEST_TIMEOUT" ${isolate[@]+"${isolate[@]}"} \
		"$BASH" "$0" >"$STATE/log" 2>&1 </dev/null || status=$?
	if [ "$status" = 0 ]; then
		printf 'ok - %s\n' "$name"
		_npassed=$((_npassed + 1))
	elif [ "$status" = 77 ] && [ -e "$STATE/skip" ]; then
		printf 'skip - %s: %s\n' "$name" "$(cat "$STATE/skip")"
		_nskipped=$((_nskipped + 1))
	else
		printf 'not ok - %s (status %s)\n' "$name" "$status"
		tr -d '\0' <"$STATE/log" | tail -n 100 | sed 's/^/    /'
		_nfailed=$((_nfailed + 1))
	fi
	rm -rf --one-file-system "$STATE"
}

# Run the functions named on the command line of the file, or all of them; end with the file's
# closing line, which tests/count reads, and the status that automake's driver understands.
run_tests() {
	local -a names
	if [ -n "${_TEST_FUNCTION-}" ]; then
		_run_function "$_TEST_FUNCTION"
	fi
	mapfile -t names < <(declare -F | sed -n 's/^declare -f \(test_\)/\1/p')
	if [ "${#_ARGUMENTS[@]}" -gt 0 ]; then
		names=("${_ARGUMENTS[@]}")
	fi
	_npassed=0 _nfailed=0 _nskipped=0
	trap '[ -z "${STATE-}" ] || rm -rf --one-file-system "$STATE"' EXIT
	trap 'exit 1' INT TERM
	for _name in "${names[@]}"; do
		_judge_function "$_name"
	done
	printf '# %d passed, %d failed, %d skipped\n' "$_npassed" "$_nfailed" "$_nskipped"
	if [ "$_nfailed" -gt 0 ] || [ $((_npassed + _nskipped)) = 0 ]; then
		exit 1
	fi
	[ "$_npassed" -gt 0 ] || exit 77
	exit 0
}

_ARGUMENTS=("$@")
