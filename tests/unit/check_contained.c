#include "config.h"

#include "contained.h"

#include <dlfcn.h>
#include <stdarg.h>

#include "contained_scratch.h"

/* Directories below a destination: made, found, held, and never through a symbolic link. */

static int openat2_errno; /* what openat2 is to fail with */

/*
 * The library's calls come here, since a program's functions go before those of libc.  openat2 is
 * the only one that is made this way.
 */
long syscall(long number, ...) {
	long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	const char *path;
	va_list args;
	size_t nbytes;
	void *how;
	int dirfd;

	va_start(args, number);
	dirfd = va_arg(args, int);
	path = va_arg(args, const char *);
	how = va_arg(args, void *);
	nbytes = va_arg(args, size_t);
	va_end(args);
	if (openat2_errno != 0) {
		errno = openat2_errno;
		return -1;
	}
	return next(number, dirfd, path, how, nbytes);
}

/* Directories and lookups */

START_TEST(directory_is_made_once_and_then_found) {
	bool made;

	ck_assert_int_eq(make_directory("d", false, &made), TARN_OK);
	ck_assert(made);
	ck_assert_uint_eq(stat_of("in/d").st_mode, S_IFDIR | 0700);
	ck_assert_int_eq(make_directory("d", true, &made), TARN_OK);
	ck_assert(!made);
}
END_TEST

START_TEST(directory_that_was_made_is_held_for_what_follows) {
	struct stat st;
	bool made;

	ck_assert_int_eq(make_directory("d", false, &made), TARN_OK);
	ck_assert_int_eq(make_directory("d/e", false, &made), TARN_OK);
	/* Held is the directory, not the name. */
	ck_assert_int_eq(rename("in/d/e", "in/elsewhere"), 0);
	ck_assert_int_eq(make_file("d/e/f", "text", false), TARN_OK);
	ck_assert_int_eq(stat("in/elsewhere/f", &st), 0);
}
END_TEST

START_TEST(symlink_to_a_directory_is_no_directory) {
	bool made;

	ck_assert_int_eq(mkdir("in/real", 0755), 0);
	ck_assert_int_eq(symlink("real", "in/s"), 0);
	ck_assert_int_eq(make_directory("s", false, &made), TARN_EXISTS);
	ck_assert_int_eq(make_directory("s", true, &made), TARN_OK);
	ck_assert(made);
	ck_assert(is_there("in/real"));
}
END_TEST

START_TEST(unreadable_directory_is_opened_all_the_same) {
	struct member_path path = path_of("d");
	struct wanted_directory wanted = { .mode = 0700 };
	bool root = geteuid() == 0;
	int found;

	ck_assert_int_eq(mkdir("in/d", 0300), 0);
	if (root) {
		ck_assert_int_eq(chown("in/d", 65534, 65534), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	ck_assert_int_eq(contained_mkdir(below, &path, &wanted, &err), TARN_OK);
	ck_assert(!wanted.made);
	ck_assert_int_eq(contained_borrow_directory(below, &path, &found, &err), TARN_OK);
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert(fcntl(found, F_GETFL) & O_PATH);
	member_path_fini(&path);
}
END_TEST

START_TEST(ordinary_user_is_told_what_is_forbidden) {
	struct member_path path = path_of("d/a"), deeper = path_of("d/e/a");
	const struct new_file hidden = { .mode = 0600 };
	const struct new_file seen = { .early_name = EARLY_NAME_UNFINISHED };
	bool root = geteuid() == 0;
	struct fresh fresh;

	ck_assert_int_eq(mkdir("in/d", 0555), 0);
	if (root)
		ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(contained_create(below, &path, &seen, &fresh, &err), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, "Cannot open: Permission denied");
	ck_assert_int_eq(contained_create(below, &path, &hidden, &fresh, &err), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, "Cannot open: Permission denied");
	ck_assert_int_eq(contained_create(below, &deeper, &seen, &fresh, &err), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, "Cannot open parent directory: Permission denied");
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
	contained_discard(&fresh);
	member_path_fini(&path);
	member_path_fini(&deeper);
}
END_TEST

START_TEST(destination_itself_can_be_found_but_not_made) {
	struct fresh fresh;
	struct stat st;
	bool made;
	int fd;

	write_file("in/a", "");
	ck_assert_int_eq(make_directory(".", true, &made), TARN_OK);
	ck_assert(!made);
	ck_assert_int_eq(get_stat("./", &st), TARN_OK);
	ck_assert_uint_eq(st.st_ino, stat_of("in").st_ino);
	ck_assert_int_eq(open_existing("/", O_RDONLY, &fd), TARN_OK);
	close(fd);
	ck_assert_int_eq(create(".", EARLY_NAME_NONE, true, &fresh), TARN_EREFUSED);
	contained_discard(&fresh);
	ck_assert_int_eq(make_symlink(".", "x", true), TARN_EREFUSED);
	ck_assert_int_eq(make_node(".", S_IFIFO | 0600, 0, true), TARN_EREFUSED);
	ck_assert_int_eq(make_link("a", ".", true), TARN_EREFUSED);
	ck_assert_int_eq(count_names("in"), 1);
}
END_TEST

START_TEST(lookups_follow_nothing_and_make_nothing) {
	struct stat st;
	int fd;

	ck_assert_int_eq(symlink("../out/secret", "in/s"), 0);
	ck_assert_int_eq(get_stat("s", &st), TARN_OK);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(open_existing("s", O_RDONLY, &fd), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ELOOP);
	ck_assert_int_eq(get_stat("a", &st), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_int_eq(get_stat("d/e/a", &st), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_int_eq(open_existing("d/a", O_RDONLY, &fd), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_int_eq(count_names("in"), 1);
}
END_TEST

START_TEST(destination_must_be_a_directory_and_may_be_a_symlink) {
	struct contained *other = NULL;
	struct stat st;
	struct member_path path = path_of("secret");

	ck_assert_int_eq(contained_open(&other, "missing", &err), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, "Cannot open: No such file or directory");
	ck_assert_int_eq(contained_open(&other, "out/secret", &err), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOTDIR);
	ck_assert_int_eq(symlink("out", "s"), 0);
	ck_assert_int_eq(contained_open(&other, "s", &err), TARN_OK);
	ck_assert_int_eq(contained_stat(other, &path, &st, &err), TARN_OK);
	contained_free(other);
	contained_free(NULL);
	member_path_fini(&path);
}
END_TEST

/* Symbolic links in the way */

static const char *const ways_out[] = {
	"../out",
	"/",
	"chain",
	"missing",
	"../out/missing",
	".",
	"real",
	"../in",
	"s",
	"real/..",
	"/proc/self/cwd/out",
};

/* Nothing can be done at ${name}, whose parent is a symbolic link. */
static void ck_assert_refused(const char *name) {
	struct fresh fresh;
	struct stat st = stat_of("in/a");
	bool made;
	int fd;

	ck_assert_int_eq(create(name, EARLY_NAME_NONE, true, &fresh), TARN_EREFUSED);
	ck_assert_str_eq(err.msg, "Cannot open: a parent directory is a symbolic link");
	contained_discard(&fresh);
	ck_assert_int_eq(make_symlink(name, "x", true), TARN_EREFUSED);
	ck_assert_int_eq(make_node(name, S_IFIFO | 0600, 0, true), TARN_EREFUSED);
	ck_assert_int_eq(make_directory(name, true, &made), TARN_EREFUSED);
	ck_assert_int_eq(make_link_to("a", &st, name, true), TARN_EREFUSED);
	ck_assert_int_eq(make_link_to(name, &st, "b", true), TARN_EREFUSED);
	ck_assert_int_eq(get_stat(name, &st), TARN_EREFUSED);
	ck_assert_int_eq(open_existing(name, O_RDONLY, &fd), TARN_EREFUSED);
}

START_TEST(symlink_is_never_a_parent) {
	const char *target = ways_out[_i];

	write_file("in/a", "");
	ck_assert_int_eq(mkdir("in/real", 0755), 0);
	ck_assert_int_eq(symlink("../out", "in/chain"), 0);
	ck_assert_int_eq(symlink(target, "in/s"), 0);
	ck_assert_int_eq(symlink(target, "in/real/s"), 0);
	ck_assert_refused("s/secret");
	ck_assert_refused("s/deeper/secret");
	ck_assert_refused("real/s/secret");
	ck_assert_refused("real/s/deeper/secret");
	ck_assert_int_eq(count_names("in"), 4);
	ck_assert_int_eq(count_names("in/real"), 1);
}
END_TEST

START_TEST(symlink_made_by_this_run_is_never_a_parent) {
	struct stat st;

	write_file("in/a", "");
	ck_assert_int_eq(make_file("d/x", "", false), TARN_OK);
	ck_assert_int_eq(unlink("in/d/x"), 0);
	ck_assert_int_eq(make_symlink("d", "../out", true), TARN_OK);
	ck_assert_refused("d/secret");
	ck_assert_int_eq(get_stat("d", &st), TARN_OK);
	ck_assert(S_ISLNK(st.st_mode));
}
END_TEST

/* Directories that another process changes meanwhile */

START_TEST(directory_moved_and_swapped_for_a_symlink_leads_nowhere_else) {
	bool made;

	ck_assert_int_eq(make_file("d/one", "", false), TARN_OK);
	ck_assert_int_eq(rename("in/d", "in/moved"), 0);
	ck_assert_int_eq(symlink("../out", "in/d"), 0);
	ck_assert_int_eq(make_file("d/secret", "", true), TARN_OK);
	ck_assert_content("in/moved/secret", "");
	ck_assert_int_eq(make_directory("d", true, &made), TARN_OK);
	ck_assert(made);
	ck_assert_int_eq(make_file("d/three", "", false), TARN_OK);
	ck_assert_content("in/d/three", "");
}
END_TEST

START_TEST(directory_removed_and_swapped_for_a_symlink_is_refused) {
	write_file("in/a", "");
	ck_assert_int_eq(make_file("d/one", "", false), TARN_OK);
	ck_assert_int_eq(unlink("in/d/one") | rmdir("in/d"), 0);
	ck_assert_int_eq(symlink("../out", "in/d"), 0);
	ck_assert_refused("d/secret");
}
END_TEST

START_TEST(directory_removed_meanwhile_is_made_or_found_again) {
	struct stat st;

	ck_assert_int_eq(make_file("a/b/one", "", false), TARN_OK);
	ck_assert_int_eq(make_file("a/two", "", false), TARN_OK);
	ck_assert_int_eq(system("rm -r in/a"), 0);
	ck_assert_int_eq(make_file("a/b/three", "", false), TARN_OK);
	ck_assert_int_eq(system("rm -r in/a"), 0);
	ck_assert_int_eq(make_node("a/c/four", S_IFIFO | 0600, 0, false), TARN_OK);
	ck_assert(is_there("in/a/c/four"));
	ck_assert_int_eq(system("rm -r in/a && mkdir -p in/a/c && touch in/a/c/five"), 0);
	ck_assert_int_eq(get_stat("a/c/five", &st), TARN_OK);
}
END_TEST

START_TEST(directory_removed_before_a_file_has_its_name_is_made_again) {
	struct fresh fresh;

	ck_assert_int_eq(make_file("a/b/one", "", false), TARN_OK);
	ck_assert_int_eq(create("a/b/two", EARLY_NAME_NONE, false, &fresh), TARN_OK);
	ck_assert_int_eq(system("rm -r in/a"), 0);
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	ck_assert(is_there("in/a/b/two"));
	ck_assert_int_eq(create("a/b/three", EARLY_NAME_NONE, false, &fresh), TARN_OK);
	ck_assert_int_eq(system("rm -r in/a && ln -s ../out in/a"), 0);
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_EREFUSED);
	ck_assert_int_eq(fresh.fd, -1);
	ck_assert(!is_there("out/b"));
}
END_TEST

/* What the replacement itself moves out of the way is told by where the next file ends up. */
START_TEST(replaced_directory_is_forgotten_with_all_below_it) {
	bool made;

	ck_assert_int_eq(make_file("d/sub/one", "", false), TARN_OK);
	ck_assert_int_eq(make_file("d/one", "", false), TARN_OK);
	ck_assert_int_eq(rename("in/d", "in/moved"), 0);
	write_file("in/d", "");
	ck_assert_int_eq(make_directory("d", true, &made), TARN_OK);
	ck_assert_int_eq(make_file("d/sub/two", "", false), TARN_OK);
	ck_assert_content("in/d/sub/two", "");
	ck_assert_int_eq(rename("in/d", "in/moved_too"), 0);
	write_file("in/d", "");
	ck_assert_int_eq(make_file("d", "", true), TARN_OK);
	ck_assert_int_eq(make_file("d/sub/three", "", false), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOTDIR);
}
END_TEST

START_TEST(directory_whose_name_only_begins_alike_is_not_forgotten) {
	bool made;

	ck_assert_int_eq(make_file("dd/one", "", false), TARN_OK);
	ck_assert_int_eq(rename("in/dd", "in/moved"), 0);
	ck_assert_int_eq(make_directory("d", true, &made), TARN_OK);
	ck_assert_int_eq(make_file("dd/two", "", false), TARN_OK);
	ck_assert_content("in/moved/two", "");
}
END_TEST

START_TEST(directory_is_not_looked_for_below_one_with_a_similar_name) {
	ck_assert_int_eq(make_file("d/one", "", false), TARN_OK);
	ck_assert_int_eq(make_file("e/sub/two", "", false), TARN_OK);
	ck_assert_int_eq(make_file("dxe/three", "", false), TARN_OK);
	ck_assert_content("in/e/sub/two", "");
	ck_assert_content("in/dxe/three", "");
	ck_assert_int_eq(count_names("in/d"), 1);
}
END_TEST

/* Bounds */

START_TEST(few_descriptors_are_held_however_many_directories) {
	char name[32];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 60; i++) {
			snprintf(name, sizeof(name), "d%d/e/f%d", i, round);
			ck_assert_int_eq(make_file(name, "", false), TARN_OK);
			ck_assert_int_le(count_names("/proc/self/fd"), nfds_before + 17);
		}
	}
	ck_assert(is_there("in/d0/e/f1") && is_there("in/d59/e/f1"));
}
END_TEST

START_TEST(file_being_made_keeps_its_directory) {
	struct fresh fresh, discarded;
	char name[32];

	ck_assert_int_eq(mkdir("in/d", 0755), 0);
	write_file("in/d/a", "old");
	ck_assert_int_eq(create("d/a", EARLY_NAME_NONE, true, &fresh), TARN_OK);
	ck_assert_int_eq(create("d/b", EARLY_NAME_NONE, true, &discarded), TARN_OK);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "d%d/f", i);
		ck_assert_int_eq(make_file(name, "", false), TARN_OK);
	}
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	contained_discard(&discarded);
	ck_assert_content("in/d/a", "");
	ck_assert_int_eq(count_names("in/d"), 1);
}
END_TEST

/* ${n} times ${component}, which is to be freed. */
static char *deep_name(size_t n, const char *component) {
	char *name = malloc(n * (strlen(component) + 1) + 1), *end = name;

	ck_assert_ptr_nonnull(name);
	for (size_t i = 0; i < n; i++)
		end = stpcpy(stpcpy(end, component), "/");
	return name;
}

/* Make, find and link at ${name}; from the destination on, and from what is held. */
static void ck_assert_works_at(const char *name) {
	struct contained *again = NULL;
	struct member_path path = path_of(name);
	struct stat st;
	bool made;

	ck_assert_int_eq(make_directory(name, false, &made), TARN_OK);
	ck_assert(made);
	ck_assert_int_eq(contained_open(&again, "in", &err), TARN_OK);
	ck_assert_int_eq(contained_stat(again, &path, &st, &err), TARN_OK);
	ck_assert(S_ISDIR(st.st_mode));
	contained_free(again);
	member_path_fini(&path);
}

START_TEST(tree_may_be_deeper_than_any_path) {
	char *name = deep_name(3000, "d");

	ck_assert_works_at(name);
	free(name);
}
END_TEST

START_TEST(names_may_add_up_to_more_than_path_max) {
	char component[NAME_MAX + 1], *name;

	memset(component, 'x', NAME_MAX);
	component[NAME_MAX] = '\0';
	name = deep_name(20, component);
	ck_assert_works_at(name);
	free(name);
}
END_TEST

START_TEST(symlink_deep_down_is_refused) {
	char *name = deep_name(3000, "d"), *below_symlink = NULL;
	int r;

	r = asprintf(&below_symlink, "%ss/secret", name);
	ck_assert_int_gt(r, 0);
	below_symlink[r - 7] = '\0';
	ck_assert_int_eq(make_symlink(below_symlink, "/", false), TARN_OK);
	below_symlink[r - 7] = '/';
	ck_assert_int_eq(make_file(below_symlink, "", true), TARN_EREFUSED);
	free(name);
	free(below_symlink);
}
END_TEST

static const int refusals[] = { ENOSYS, EPERM };

START_TEST(parents_are_walked_where_openat2_is_refused) {
	openat2_errno = refusals[_i];
	ck_assert_int_eq(make_file("a/b/one", "x", false), TARN_OK);
	ck_assert_content("in/a/b/one", "x");
	ck_assert_int_eq(symlink("../out", "in/s"), 0);
	ck_assert_int_eq(make_file("s/secret", "", true), TARN_EREFUSED);
	openat2_errno = 0;
}
END_TEST

static void add_directories(TCase *tests) {
	tcase_add_test(tests, directory_is_made_once_and_then_found);
	tcase_add_test(tests, directory_that_was_made_is_held_for_what_follows);
	tcase_add_test(tests, symlink_to_a_directory_is_no_directory);
	tcase_add_test(tests, unreadable_directory_is_opened_all_the_same);
	tcase_add_test(tests, ordinary_user_is_told_what_is_forbidden);
	tcase_add_test(tests, destination_itself_can_be_found_but_not_made);
	tcase_add_test(tests, lookups_follow_nothing_and_make_nothing);
	tcase_add_test(tests, destination_must_be_a_directory_and_may_be_a_symlink);
}

static void add_races(TCase *tests) {
	tcase_add_loop_test(tests, symlink_is_never_a_parent, 0, NELEMENTS(ways_out));
	tcase_add_test(tests, symlink_made_by_this_run_is_never_a_parent);
	tcase_add_test(tests, directory_moved_and_swapped_for_a_symlink_leads_nowhere_else);
	tcase_add_test(tests, directory_removed_and_swapped_for_a_symlink_is_refused);
	tcase_add_test(tests, directory_removed_meanwhile_is_made_or_found_again);
	tcase_add_test(tests, directory_removed_before_a_file_has_its_name_is_made_again);
	tcase_add_test(tests, replaced_directory_is_forgotten_with_all_below_it);
	tcase_add_test(tests, directory_whose_name_only_begins_alike_is_not_forgotten);
	tcase_add_test(tests, directory_is_not_looked_for_below_one_with_a_similar_name);
}

static void add_bounds(TCase *tests) {
	tcase_add_test(tests, few_descriptors_are_held_however_many_directories);
	tcase_add_test(tests, file_being_made_keeps_its_directory);
	tcase_add_test(tests, tree_may_be_deeper_than_any_path);
	tcase_add_test(tests, names_may_add_up_to_more_than_path_max);
	tcase_add_test(tests, symlink_deep_down_is_refused);
	tcase_add_loop_test(
	    tests, parents_are_walked_where_openat2_is_refused, 0, NELEMENTS(refusals));
}

int main(void) {
	Suite *suite = suite_create("contained");

	add_directories(add_case(suite, "directories"));
	add_races(add_case(suite, "symlinks and races"));
	add_bounds(add_case(suite, "bounds"));
	return run_suite(suite);
}
