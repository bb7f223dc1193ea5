#include "config.h"

#include "overrides.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

/* What each override makes of one entry, and what is no override. */

static struct overrides overrides;
static struct error err;
static struct entry entry;

static void setup(void) {
	overrides = (struct overrides){ 0 };
	entry = (struct entry){
		.name = "f",
		.type = ENTRY_FILE,
		.mode = 0640,
		.uid = 77,
		.gid = 88,
		.uname = "someone",
		.gname = "some",
		.mtime = { 12, 34 },
	};
	umask(022);
	setenv("TZ", "XYZ-2", 1); /* two hours ahead of UTC */
}

static void teardown(void) {
	overrides_fini(&overrides);
}

START_TEST(no_overrides_change_nothing) {
	overrides_apply(&overrides, &entry);
	ck_assert_uint_eq(entry.mode, 0640);
	ck_assert_uint_eq(entry.uid, 77);
	ck_assert_uint_eq(entry.gid, 88);
	ck_assert_str_eq(entry.uname, "someone");
	ck_assert_str_eq(entry.gname, "some");
	ck_assert_int_eq(entry.mtime.tv_sec, 12);
}
END_TEST

static const struct owner_case {
	const char *text;
	uint64_t id;
	const char *name; /* NULL: none */
} owner_cases[] = {
	{ "root", 0, "root" },
	{ "0", 0, "root" },
	{ "+0", 0, "root" },
	{ ":0", 0, "root" },
	{ "anyone:1234", 1234, "anyone" },
	{ "4000000001", 4000000001, NULL },
	{ "4294967294", 4294967294, NULL },
	{ "nobody-has-this-name", 99, "nobody-has-this-name" },
};

START_TEST(owner_is_a_number_a_name_or_both) {
	const struct owner_case *c = &owner_cases[_i];

	entry.uid = 99;
	ck_assert_int_eq(overrides_set_owner(&overrides, c->text, &err), TARN_OK);
	overrides_apply(&overrides, &entry);
	ck_assert_uint_eq(entry.uid, c->id);
	ck_assert_pstr_eq(entry.uname, c->name);
	ck_assert_uint_eq(entry.gid, 88);
}
END_TEST

START_TEST(group_is_a_number_a_name_or_both) {
	const struct owner_case *c = &owner_cases[_i];

	entry.gid = 99;
	ck_assert_int_eq(overrides_set_group(&overrides, c->text, &err), TARN_OK);
	overrides_apply(&overrides, &entry);
	ck_assert_uint_eq(entry.gid, c->id);
	ck_assert_pstr_eq(entry.gname, c->name);
	ck_assert_uint_eq(entry.uid, 77);
}
END_TEST

static const char *const bad_owners[] = {
	"",
	":",
	"+",
	"root:",
	"root:x",
	"12x",
	"+root",
	"0x10",
	"root: 1",
	"root:-1",
	"4294967295",
	"99999999999999999999999",
};

START_TEST(bad_owner_is_a_usage_error_and_changes_nothing) {
	ck_assert_int_eq(overrides_set_owner(&overrides, "anyone:5", &err), TARN_OK);
	ck_assert_int_eq(overrides_set_owner(&overrides, bad_owners[_i], &err), TARN_EUSAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, ": Invalid owner or group ID"));
	ck_assert_int_eq(overrides_set_group(&overrides, bad_owners[_i], &err), TARN_EUSAGE);
	ck_assert_uint_eq(overrides.user.id, 5);
	ck_assert_str_eq(overrides.user.name, "anyone");
	ck_assert(!overrides.group.has_id);
}
END_TEST

START_TEST(numeric_owner_drops_all_names) {
	ck_assert_int_eq(overrides_set_owner(&overrides, "anyone:5", &err), TARN_OK);
	overrides.numeric_owner = true;
	overrides_apply(&overrides, &entry);
	ck_assert_ptr_null(entry.uname);
	ck_assert_ptr_null(entry.gname);
	ck_assert_uint_eq(entry.uid, 5);
}
END_TEST

static const struct mode_case {
	const char *text;
	mode_t before, file, directory; /* of a file and a directory that had ${before} */
} mode_cases[] = {
	{ "0755", 0640, 0755, 0755 },
	{ "644", 06711, 0644, 06644 },  /* directories keep set-id bits not mentioned … */
	{ "00644", 06711, 0644, 0644 }, /* … five digits mention them all */
	{ "4755", 02000, 04755, 06755 },
	{ "7777", 0, 07777, 07777 },
	{ "=644", 06711, 0644, 0644 },
	{ "+111", 0640, 0751, 0751 },
	{ "u+x", 0640, 0740, 0740 },
	{ "go-rwx", 0777, 0700, 0700 },
	{ "a=r", 0777, 0444, 0444 },
	{ "ugo=rw", 0, 0666, 0666 },
	{ "u=rwX,go-w", 0662, 0640, 0740 },
	{ "a+X", 0640, 0640, 0751 },
	{ "a+X", 0740, 0751, 0751 },
	{ "a-X", 0640, 0640, 0640 },
	{ "-x+X", 0755, 0644, 0755 },
	{ "+w", 0444, 0644, 0644 }, /* the umask 022 holds back the others */
	{ "-w", 0666, 0466, 0466 },
	{ "=rw", 0777, 0644, 0644 },
	{ "=", 0777, 0, 0 },
	{ "+", 0640, 0640, 0640 },
	{ "u+s", 0711, 04711, 04711 },
	{ "ug+s", 0711, 06711, 06711 },
	{ "o+s", 0711, 0711, 0711 },
	{ "u=rx", 04711, 0511, 04511 },
	{ "u-s", 04711, 0711, 0711 },
	{ "+s", 0711, 06711, 06711 },
	{ "+t", 0711, 01711, 01711 },
	{ "o+t", 0711, 01711, 01711 },
	{ "u+t", 0711, 0711, 0711 },
	{ "g=u,o=g", 0640, 0666, 0666 },
	{ "g=u", 04640, 04660, 04660 }, /* only permissions are copied */
	{ "o-u", 0757, 0750, 0750 },
	{ "o=u-w+x", 0640, 0645, 0645 },
	{ "u+,g-", 0640, 0640, 0640 },
};

START_TEST(mode_is_changed_as_chmod_does) {
	const struct mode_case *c = &mode_cases[_i];

	ck_assert_int_eq(overrides_set_mode(&overrides, c->text, &err), TARN_OK);
	entry.mode = c->before;
	overrides_apply(&overrides, &entry);
	ck_assert_uint_eq(entry.mode, c->file);
	entry.mode = c->before;
	entry.type = ENTRY_DIRECTORY;
	overrides_apply(&overrides, &entry);
	ck_assert_uint_eq(entry.mode, c->directory);
}
END_TEST

static const char *const bad_modes[] = {
	"",
	"u",
	"rwx",
	"8",
	"10000",
	"0789",
	"64x",
	"u+z",
	"u+x,",
	",u+x",
	"u=644",
	"+644x",
	"=10000",
	"u=gr",
	"77777777777777777777",
};

START_TEST(bad_mode_is_a_usage_error_and_changes_nothing) {
	ck_assert_int_eq(overrides_set_mode(&overrides, "0600", &err), TARN_OK);
	ck_assert_int_eq(overrides_set_mode(&overrides, bad_modes[_i], &err), TARN_EUSAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, ": Invalid mode given on option"));
	overrides_apply(&overrides, &entry);
	ck_assert_uint_eq(entry.mode, 0600);
}
END_TEST

START_TEST(setting_a_mode_leaves_the_umask) {
	umask(027);
	ck_assert_int_eq(overrides_set_mode(&overrides, "+w", &err), TARN_OK);
	ck_assert_uint_eq(umask(022), 027);
}
END_TEST

static const struct time_case {
	const char *text;
	time_t seconds;
	long nanoseconds;
} time_cases[] = {
	{ "@0", 0, 0 },
	{ "@1700000000", 1700000000, 0 },
	{ "@1.5", 1, 500000000 },
	{ "@1.123456789", 1, 123456789 },
	{ "@1.1234567899", 1, 123456789 },
	{ "@-1", -1, 0 },
	{ "@-1.25", -2, 750000000 },
	{ "@-0.25", -1, 750000000 },
	{ "@9223372036854775807", INT64_MAX, 0 },
	{ "1970-01-02", 79200, 0 },
	{ "1970-01-01 02:00", 0, 0 },
	{ "1970-01-01T02:00:01", 1, 0 },
	{ "1970-01-01 02:00:01.000000002", 1, 2 },
	{ "1970-01-01 00:00Z", 0, 0 },
	{ "1970-01-01 00:00:05 UTC", 5, 0 },
	{ "1970-01-02 UTC", 86400, 0 },
	{ "1970-01-01 00:00 -0130", 5400, 0 },
	{ "1970-01-01 00:00-01:30", 5400, 0 },
	{ "1970-01-01T00:00:00.5+01", -3600, 500000000 },
	{ "2024-02-29 00:00Z", 1709164800, 0 },
	{ "2000-01-01 00:00Z", 946684800, 0 },
	{ "1900-01-01 00:00Z", -2208988800, 0 },
};

START_TEST(mtime_is_seconds_or_a_date) {
	const struct time_case *c = &time_cases[_i];

	ck_assert_int_eq(overrides_set_mtime(&overrides, c->text, &err), TARN_OK);
	overrides_apply(&overrides, &entry);
	ck_assert_int_eq(entry.mtime.tv_sec, c->seconds);
	ck_assert_int_eq(entry.mtime.tv_nsec, c->nanoseconds);
}
END_TEST

static const char *const bad_times[] = {
	"",
	"@",
	"@x",
	"@1x",
	"@ 1",
	"@--1",
	"@1.",
	"@1.x",
	"@9223372036854775808",
	"@-9223372036854775808.5",
	"yesteryear",
	"2 yesterday",
	"yesterday ago",
	"1",
	"1 day ago ago",
	"ago",
	"1 da",
	"1 days2",
	"+ 1 day",
	"--1 day",
	"1000001 days",
	"99999999999999999999 days",
	"last",
	"last 2 days",
	"dayss",
	"1 day,",
	"2024",
	"2024-1-1",
	"2024-13-01",
	"2024-00-01",
	"2023-02-29",
	"2024-01-00",
	"2024-01-32",
	"2024-01-01T",
	"2024-01-01 ",
	"2024-01-01 24:00",
	"2024-01-01 12",
	"2024-01-01 12:60",
	"2024-01-01 12:00:61",
	"2024-01-01 12:00:",
	"2024-01-01 12:00:00.",
	"2024-01-01 12:00 +1",
	"2024-01-01 12:00 +01:",
	"2024-01-01 12:00 +25",
	"2024-01-01 12:00 +0160",
	"2024-01-01 12:00 CET",
	"2024-01-01 12:00Zx",
	"2024-01-01-02",
	"2024-01-01 12:00 ",
};

START_TEST(bad_mtime_is_a_usage_error_and_changes_nothing) {
	ck_assert_int_eq(overrides_set_mtime(&overrides, bad_times[_i], &err), TARN_EUSAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, ": Unknown date format"));
	ck_assert(!overrides.has_mtime);
}
END_TEST

START_TEST(mtime_of_a_file_is_taken_when_the_name_has_a_slash_or_dot) {
	char name[] = "./check_overrides.XXXXXX";
	const struct timespec times[2] = { { 5, 6 }, { 1234567, 890 } };
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(futimens(fd, times), 0);
	close(fd);
	ck_assert_int_eq(overrides_set_mtime(&overrides, name, &err), TARN_OK);
	unlink(name);
	ck_assert_int_eq(overrides.mtime.tv_sec, 1234567);
	ck_assert_int_eq(overrides.mtime.tv_nsec, 890);
}
END_TEST

START_TEST(mtime_of_a_missing_file_says_so) {
	ck_assert_int_eq(overrides_set_mtime(&overrides, "/nowhere/at all", &err), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_str_eq(err.msg, "/nowhere/at all: Cannot stat: No such file or directory");
}
END_TEST

START_TEST(the_last_of_several_settings_counts) {
	ck_assert_int_eq(overrides_set_owner(&overrides, "anyone:5", &err), TARN_OK);
	ck_assert_int_eq(overrides_set_owner(&overrides, "other:6", &err), TARN_OK);
	ck_assert_int_eq(overrides_set_mode(&overrides, "u+s,g+s,o+t", &err), TARN_OK);
	ck_assert_int_eq(overrides_set_mode(&overrides, "o+x", &err), TARN_OK);
	overrides_apply(&overrides, &entry);
	ck_assert_str_eq(entry.uname, "other");
	ck_assert_uint_eq(entry.mode, 0641);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("overrides");
	TCase *t = tcase_create("overrides");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, no_overrides_change_nothing);
	tcase_add_loop_test(t, owner_is_a_number_a_name_or_both, 0, NELEMENTS(owner_cases));
	tcase_add_loop_test(t, group_is_a_number_a_name_or_both, 0, NELEMENTS(owner_cases));
	tcase_add_loop_test(
	    t, bad_owner_is_a_usage_error_and_changes_nothing, 0, NELEMENTS(bad_owners));
	tcase_add_test(t, numeric_owner_drops_all_names);
	tcase_add_loop_test(t, mode_is_changed_as_chmod_does, 0, NELEMENTS(mode_cases));
	tcase_add_loop_test(
	    t, bad_mode_is_a_usage_error_and_changes_nothing, 0, NELEMENTS(bad_modes));
	tcase_add_test(t, setting_a_mode_leaves_the_umask);
	tcase_add_loop_test(t, mtime_is_seconds_or_a_date, 0, NELEMENTS(time_cases));
	tcase_add_loop_test(
	    t, bad_mtime_is_a_usage_error_and_changes_nothing, 0, NELEMENTS(bad_times));
	tcase_add_test(t, mtime_of_a_file_is_taken_when_the_name_has_a_slash_or_dot);
	tcase_add_test(t, mtime_of_a_missing_file_says_so);
	tcase_add_test(t, the_last_of_several_settings_counts);
	suite_add_tcase(suite, t);

	return run_suite(suite);
}
