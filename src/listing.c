#include "config.h"

#include "listing.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bytes.h"
#include "quote.h"

/*
 * A long line is "mode owner/group size date name", laid out as programs that parse tar's listings
 * expect it: the columns for owner, group and size share one width, which begins at 19 and grows
 * when a line needs more; the date has a width that grows in the same way.  Nothing is kept for
 * alignment beyond these two numbers.
 *
 * Owners come from the archive as names do, and are escaped as names are.
 *
 * A listing of a million members is little else than writing them, so the calls of stdio are those
 * that take no lock: one thread alone prints.  The same listing serves -t, through the sink below,
 * and -v in every mode, where run_show calls it.
 */

#define OWNERS_AND_SIZE_WIDTH 19 /* as GNU tar begins */
/* No system has longer owners; what an archive makes up must not blow up all lines after it. */
#define WIDEST_OWNERS_AND_SIZE 256
#define DATE_WIDTH 16  /* "YYYY-MM-DD HH:MM" */
#define DATE_NBYTES 64 /* the longest: an 11-digit year, or a 20-digit number, and a fraction */
#define SIZE_NBYTES 32 /* two 32-bit numbers and a comma, or one of 64 bits */

struct listing {
	FILE *out;
	struct quote quote;
	bool numeric_owner, full_time, utc, acls, xattrs;
	int owners_and_size_width; /* of the widest line so far, with the two characters between */
	int date_width;            /* the same of dates; neither ever shrinks */
};

struct listing *listing_new(const struct options *o, bool utf8, FILE *out) {
	struct listing *listing = malloc(sizeof(*listing));

	if (listing == NULL)
		return NULL;
	*listing = (struct listing){
		.out = out,
		.quote = { .style = o->quoting, .utf8 = utf8 },
		.numeric_owner = o->numeric_owner,
		.full_time = o->full_time,
		.utc = o->utc,
		.acls = o->acls,
		.xattrs = o->xattrs,
		.owners_and_size_width = OWNERS_AND_SIZE_WIDTH,
		.date_width = DATE_WIDTH,
	};
	return listing;
}

void listing_free(struct listing *listing) {
	if (listing == NULL)
		return;
	quote_fini(&listing->quote);
	free(listing);
}

static char type_letter(const struct entry *e) {
	static const char letters[] = {
		[ENTRY_FILE] = '-',
		[ENTRY_DIRECTORY] = 'd',
		[ENTRY_SYMLINK] = 'l',
		[ENTRY_FIFO] = 'p',
		[ENTRY_CHAR_DEVICE] = 'c',
		[ENTRY_BLOCK_DEVICE] = 'b',
		[ENTRY_SOCKET] = 's',
	};

	/* A later name of any type, as GNU tar has it. */
	return e->first_name != NULL ? 'h' : letters[e->type];
}

/* The letters of one class; ${special} is x and one more bit, in capitals that bit alone. */
static void format_class(char *to, mode_t bits, bool has_special, char special) {
	bool x = (bits & 1) != 0;

	to[0] = (bits & 4) != 0 ? 'r' : '-';
	to[1] = (bits & 2) != 0 ? 'w' : '-';
	to[2] = x ? 'x' : '-';
	if (has_special)
		to[2] = (char)(x ? special : special - 'a' + 'A');
}

/* Only those that a user sets count: security labels, for one, may be on every file. */
static bool has_user_xattr(const struct entry *e) {
	for (size_t i = 0; i < e->nxattrs; i++) {
		if (strncmp(e->xattrs[i].name, "user.", strlen("user.")) == 0)
			return true;
	}
	return false;
}

/* Type and permissions, and what --acls and --xattrs ask for behind them. */
static void format_mode(const struct listing *listing, const struct entry *e, char to[12]) {
	to[0] = type_letter(e);
	format_class(to + 1, e->mode >> 6, (e->mode & S_ISUID) != 0, 's');
	format_class(to + 4, e->mode >> 3, (e->mode & S_ISGID) != 0, 's');
	format_class(to + 7, e->mode, (e->mode & S_ISVTX) != 0, 't');
	/* Once asked for, the mark is a column of its own, so that lines stay aligned. */
	to[10] = to[11] = '\0';
	if (!listing->acls && !listing->xattrs)
		return;
	to[10] = ' ';
	if (listing->xattrs && has_user_xattr(e))
		to[10] = '*';
	if (listing->acls && (e->acl_access != NULL || e->acl_default != NULL))
		to[10] = '+';
}

/*
 * Append ${separator} and the two digits of ${value}; returns what is behind them.  Half of the time
 * of a long listing was printf()'s and strftime()'s.
 */
static char *append_two_digits(char *to, char separator, int value) {
	to[0] = separator;
	to[1] = (char)('0' + value / 10);
	to[2] = (char)('0' + value % 10);
	return to + 3;
}

static char *append_year(char *to, long year) {
	char digits[SIZE_NBYTES], *end = digits + sizeof(digits);
	const char *first = decimal_before(end, (uint64_t)labs(year));

	if (year < 0)
		*to++ = '-';
	return mempcpy(to, first, (size_t)(end - first));
}

/* Append the digits of ${nsec} that matter, as ".5"; nothing for a whole second. */
static char *append_fraction(char *to, long nsec) {
	if (nsec == 0)
		return to;
	to += sprintf(to, ".%09ld", nsec);
	while (to[-1] == '0')
		to--;
	return to;
}

/* Returns the number of bytes. */
static int format_date(const struct listing *listing, struct timespec t, char to[DATE_NBYTES]) {
	char *end = to;
	struct tm tm;

	/*
	 * GNU tar counts a fraction before 1970 from the next whole second, and shows 23:59:59.5
	 * for half a second earlier than 23:59:59.  Its lines are what is compared with.
	 */
	if (t.tv_sec < 0 && t.tv_nsec != 0) {
		t.tv_sec++;
		t.tv_nsec = 1000000000 - t.tv_nsec;
	}
	if ((listing->utc ? gmtime_r(&t.tv_sec, &tm) : localtime_r(&t.tv_sec, &tm)) == NULL) {
		end += sprintf(end, "%jd", (intmax_t)t.tv_sec); /* there is no such year */
	} else {
		end = append_year(end, tm.tm_year + 1900L);
		end = append_two_digits(end, '-', tm.tm_mon + 1);
		end = append_two_digits(end, '-', tm.tm_mday);
		end = append_two_digits(end, ' ', tm.tm_hour);
		end = append_two_digits(end, ':', tm.tm_min);
		if (listing->full_time)
			end = append_two_digits(end, ':', tm.tm_sec);
	}
	/* Only here: GNU tar's short form has no seconds either. */
	if (listing->full_time)
		end = append_fraction(end, t.tv_nsec);
	return (int)(end - to);
}

/* Write the size, or the numbers of a device, before ${end}; returns where they begin. */
static char *size_before(char *end, const struct entry *e) {
	bool is_device = e->type == ENTRY_CHAR_DEVICE || e->type == ENTRY_BLOCK_DEVICE;

	if (!is_device || e->first_name != NULL)
		return decimal_before(end, (uint64_t)e->size);
	end = decimal_before(end, e->rdev_minor);
	*--end = ',';
	return decimal_before(end, e->rdev_major);
}

static void print_spaces(struct listing *listing, int n) {
	while (n-- > 0)
		putc_unlocked(' ', listing->out);
}

/* Print a user or group: the name, else the number.  Returns the number of bytes. */
static int print_owner(struct listing *listing, const char *name, uint64_t id) {
	char number[SIZE_NBYTES];

	number[sizeof(number) - 1] = '\0';
	name = listing->numeric_owner || name == NULL || *name == '\0' ?
	    decimal_before(number + sizeof(number) - 1, id) :
	    quote_name(&listing->quote, name);
	fputs_unlocked(name, listing->out);
	return (int)strlen(name);
}

/* Print all that stands before the name, with the space in front of it; widens the columns. */
static void print_columns(struct listing *listing, const struct entry *e) {
	char mode[12], date[DATE_NBYTES], numbers[SIZE_NBYTES], *end = numbers + sizeof(numbers);
	int date_nbytes = format_date(listing, e->mtime, date), needed;
	const char *size = size_before(end, e);

	format_mode(listing, e, mode);
	if (listing->date_width < date_nbytes)
		listing->date_width = date_nbytes;

	fputs_unlocked(mode, listing->out);
	putc_unlocked(' ', listing->out);
	needed = print_owner(listing, e->uname, e->uid);
	putc_unlocked('/', listing->out);
	needed += print_owner(listing, e->gname, e->gid);
	/* The slash and the space before the size belong to the columns. */
	needed += 2 + (int)(end - size);
	if (listing->owners_and_size_width < needed && needed <= WIDEST_OWNERS_AND_SIZE)
		listing->owners_and_size_width = needed;
	/* What is wider than its column moves the rest of its own line alone. */
	putc_unlocked(' ', listing->out);
	print_spaces(listing, listing->owners_and_size_width - needed);
	fwrite_unlocked(size, 1, (size_t)(end - size), listing->out);
	putc_unlocked(' ', listing->out);
	fwrite_unlocked(date, 1, (size_t)date_nbytes, listing->out);
	print_spaces(listing, listing->date_width - date_nbytes);
	putc_unlocked(' ', listing->out);
}

void listing_print(struct listing *listing, const struct entry *e, bool long_form) {
	/* Entries have no slash at the end of a directory's name; what is printed does. */
	bool add_slash = e->type == ENTRY_DIRECTORY && strcmp(e->name, "/") != 0;

	if (long_form)
		print_columns(listing, e);
	fputs_unlocked(quote_name(&listing->quote, e->name), listing->out);
	if (add_slash)
		putc_unlocked('/', listing->out);
	if (long_form && e->first_name != NULL) {
		fputs_unlocked(" link to ", listing->out);
		fputs_unlocked(quote_name(&listing->quote, e->first_name), listing->out);
	} else if (long_form && e->target != NULL) {
		fputs_unlocked(" -> ", listing->out);
		fputs_unlocked(quote_name(&listing->quote, e->target), listing->out);
	}
	putc_unlocked('\n', listing->out);
}

struct listing_sink {
	struct sink base;
	struct listing *listing; /* owned */
	bool long_form;
};

static int listing_sink_put(
    struct sink *sink, const struct entry *e, struct source *from, struct error *err) {
	struct listing_sink *s = (struct listing_sink *)sink;

	(void)from;
	/* It may have failed before, when something else was said. */
	errno = 0;
	listing_print(s->listing, e, s->long_form);
	/* Nobody reads any more, or the disk is full: the rest of the archive need not be read. */
	return ferror_unlocked(s->listing->out) != 0 ? err_output(err, errno) : TARN_OK;
}

static int listing_sink_finish(struct sink *sink, struct error *err) {
	struct listing_sink *s = (struct listing_sink *)sink;

	/* A full disk may only be heard of now, and the exit status has to tell. */
	return fflush(s->listing->out) != 0 ? err_output(err, errno) : TARN_OK;
}

static void listing_sink_free(struct sink *sink) {
	struct listing_sink *s = (struct listing_sink *)sink;

	if (s == NULL)
		return;
	listing_free(s->listing);
	free(s);
}

struct sink *listing_sink_new(struct listing *listing, bool long_form, struct error *err) {
	struct listing_sink *s = malloc(sizeof(*s));

	if (s == NULL) {
		listing_free(listing);
		err_nomem(err);
		return NULL;
	}
	*s = (struct listing_sink){
		.base = {
			.put = listing_sink_put,
			.finish = listing_sink_finish,
			.free = listing_sink_free,
		},
		.listing = listing,
		.long_form = long_form,
	};
	return &s->base;
}
