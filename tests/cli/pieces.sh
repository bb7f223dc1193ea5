#!/bin/bash
# Archives in pieces: any program reads them, they depend on nothing but what is in them, and they
# are hardly larger than those of the stock programs.

. "$(dirname "$0")/../lib.sh"

# A tree of more than two default pieces of zstd: text that repeats itself, and noise.
make_tree() {
	mkdir -p tree/d
	python3 - <<-'END'
		import random
		r = random.Random(1)
		words = [bytes(r.choices(b"abcdefghijklmnopqrstuvwxyz", k=r.randint(2, 9))) for _ in range(3000)]
		for name, n in (("text", 800000), ("d/more", 200000), ("d/little", 10)):
		    with open("tree/" + name, "wb") as f:
		        f.write(b" ".join(r.choices(words, k=n)))
		with open("tree/noise", "wb") as f:
		    f.write(r.randbytes(3000000))
	END
	ln tree/text tree/d/text-again
}

# reads COMMAND…: the command extracts the archive on its standard input here, without a word.
reads() {
	rm -rf out
	mkdir out
	(cd out && "$@" 2>"$ERR")
	expect_equal "$(cat "$ERR")" ''
	same_tree tree out/tree
}

test_stock_programs_read_zstd_archives() {
	make_tree
	tarn --zstd --piece-size=256K -cf a.tar.zst tree
	zstd -t a.tar.zst 2>"$ERR"
	reads tar --zstd -xf - <a.tar.zst
	reads bsdtar -xpf - <a.tar.zst
	zstd -qdc a.tar.zst >a.tar
	reads tar -xf - <a.tar
	pzstd -qdc a.tar.zst | cmp - a.tar
}

test_stock_programs_read_xz_archives() {
	make_tree
	tarn --piece-size=256K -1 -cJf a.tar.xz tree
	xz -t a.tar.xz 2>"$ERR"
	expect_equal "$(cat "$ERR")" ''
	reads tar -xJf - <a.tar.xz
	reads bsdtar -xpf - <a.tar.xz
	xz -dc -T1 a.tar.xz >a.tar
	xz -dc -T2 a.tar.xz | cmp - a.tar
	python3 -c 'import lzma, sys; sys.stdout.buffer.write(lzma.open("a.tar.xz").read())' |
		cmp - a.tar
}

test_pixz_and_7z_read_xz_archives() {
	need_program pixz
	need_program 7z
	make_tree
	tarn --piece-size=256K -1 -cJf a.tar.xz tree
	xz -dc a.tar.xz >a.tar
	pixz -d -t <a.tar.xz | cmp - a.tar
	7z x -so a.tar.xz 2>"$ERR" | cmp - a.tar
}

test_archives_of_other_programs_in_pieces_are_read() {
	make_tree
	tar --format=pax -cf a.tar tree
	pzstd -q -p 2 -c a.tar >pzstd
	head -c 3000000 a.tar | zstd -q >two
	tail -c +3000001 a.tar | zstd -q >>two
	xz -1 -T2 --block-size=1MiB -c a.tar >blocks
	xz -1 -c a.tar >whole
	pixz -1 -p 2 a.tar indexed
	for archive in pzstd two blocks whole indexed; do
		for threads in 1 2 5; do
			rm -rf out
			mkdir out
			tarn --threads=$threads -xf "$archive" -C out
			same_tree tree out/tree
		done
		tarn -tf - <"$archive" | cmp - <(tar -tf a.tar)
	done
}

test_bytes_do_not_depend_on_the_number_of_threads() {
	make_tree
	for compression in --zstd '--zstd=9 --piece-size=300K' '-1J --piece-size=1M'; do
		# shellcheck disable=SC2086 # several options
		tarn $compression --threads=1 -cf 1 tree
		for threads in 2 5; do
			# shellcheck disable=SC2086
			tarn $compression --threads=$threads -cf n tree
			cmp 1 n
		done
	done
}

# not_above FILE PERCENT REFERENCE: FILE has at most so many per cent more bytes than REFERENCE.
not_above() {
	local nbytes reference
	nbytes=$(stat -c %s "$1") reference=$(stat -c %s "$3")
	if [ $((nbytes * 100)) -gt $((reference * (100 + $2))) ]; then
		printf '%s: %s bytes, the other %s\n' "$1" "$nbytes" "$reference"
		return 1
	fi
}

test_archives_are_hardly_larger_than_those_of_stock_programs() {
	make_tree
	for level in 1 3 9; do
		tarn --no-index --zstd=$level -cf ours tree
		zstd -qdc ours | zstd -q -T2 -$level >theirs
		not_above ours 3 theirs
	done
	tarn --no-index -2 -cJf ours tree
	xz -dc ours | xz -T2 -2 >theirs
	not_above ours 3 theirs
}

test_levels_of_options_and_environment_are_those_of_the_stock_programs() {
	mkdir tree
	python3 -c 'import random
r = random.Random(2)
print(*r.choices([str(r.random()) for _ in range(2000)], k=40000))' >tree/f
	tarn --no-index --zstd=12 -cf level tree
	ZSTD_CLEVEL=12 tarn --no-index --zstd -cf environment tree
	cmp level environment
	tarn --no-index --zstd -cf default tree
	expect_status 1 cmp -s level default
	for preset in 3 1; do
		tarn --no-index --xz=$preset -cf level tree
		XZ_DEFAULTS=-8 XZ_OPT="-v -$preset" tarn --no-index -cJf environment tree
		cmp level environment
		tarn --no-index -cJf digit -$preset tree
		cmp level digit
	done
	XZ_OPT=-1e tarn --no-index -cJf extreme tree
	expect_status 1 cmp -s extreme digit
	xz -dc extreme | cmp - <(xz -dc digit)
	tarn --xz=0 -cf 0 tree
	xz -dc 0 | xz -0 -T2 >theirs
	not_above 0 3 theirs
	not_above theirs 3 0
	tarn --gzip=0 -cf 0 tree
	gzip -dc 0 >plain
	not_above plain 0 0
	ZSTD_CLEVEL=12 tarn --no-index --zstd=0 -cf 0 tree
	cmp 0 default
	tarn --gzip=1 -cf 1 tree
	tarn --gzip=9 -cf 9 tree
	not_above 9 -1 1
}

test_level_that_does_not_exist_is_an_error_and_leaves_no_file() {
	printf x >f
	for options in --zstd=23 --xz=10 --gzip=10 '--xz=0 --lz4'; do
		# shellcheck disable=SC2086 # several options
		expect_status 2 tarn $options -cf a.tar f
		expect_stderr_has 'is no level of '
	done
	expect_equal "$(ls)" f
}

test_repetition_far_away_is_found_with_long() {
	mkdir tree
	head -c 12000000 /dev/urandom >tree/a
	cp tree/a tree/b
	tarn --no-index --zstd -cf short tree
	tarn --no-index --zstd --long -cf long tree
	not_above long -40 short
	zstd -qdc long | cmp - <(zstd -qdc short)
}

test_damaged_piece_is_said_and_what_is_before_it_is_restored() {
	make_tree
	for options in --zstd '-1J --threads=3'; do
		rm -rf out
		mkdir out
		# shellcheck disable=SC2086
		tarn $options --piece-size=1M -cf a.tar tree
		python3 - <<-'END'
			with open("a.tar", "r+b") as f:
			    f.seek(-3000000, 2)
			    f.write(b"damage" * 100)
		END
		expect_status 2 tarn -xf a.tar -C out
		expect_stderr_has 'amaged'
		cmp tree/d/more out/tree/d/more
	done
}

test_xz_check_that_nobody_knows_is_said() {
	make_tree
	tar -cf - tree | xz -1 -C crc32 >a.tar.xz
	python3 - <<-'END'
		import zlib
		a = bytearray(open("a.tar.xz", "rb").read())
		a[7] = a[-3] = 2
		a[8:12] = zlib.crc32(a[6:8]).to_bytes(4, "little")
		a[-12:-8] = zlib.crc32(a[-8:-2]).to_bytes(4, "little")
		open("a.tar.xz", "wb").write(a)
	END
	mkdir out
	for options in -t --test -d '-x -C out' '-xO tree/noise'; do
		# shellcheck disable=SC2086 # several options
		expect_status 2 tarn -f a.tar.xz $options
		expect_stderr_has 'unknown kind of check'
	done
	same_tree tree out/tree --ignore mtime
}

# Noise is not compressed, so that only a checksum tells that it is wrong.
test_no_file_is_made_of_a_damaged_piece() {
	mkdir tree
	for n in {100..299}; do
		head -c 5000 /dev/urandom >tree/$n
	done
	for compression in --zstd --xz=1; do
		tarn $compression --piece-size=256K -cf a.tar tree
		for at in 300000 700000; do
			python3 - a.tar $at <<-'END'
				import sys
				data = bytearray(open(sys.argv[1], "rb").read())
				data[int(sys.argv[2])] ^= 4
				open("damaged.tar", "wb").write(data)
			END
			for threads in 1 3; do
				rm -rf out
				mkdir out
				expect_status 2 tarn --threads=$threads -xf damaged.tar -C out
				expect_stderr_has amaged
				[ -e out/tree/110 ]
				for file in out/tree/*; do
					cmp "$file" "tree/${file##*/}"
				done
			done
		done
	done
}

run_tests
