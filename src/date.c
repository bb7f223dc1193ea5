#include "config.h"

#include "date.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/*
 * Only forms are understood that mean one thing, to the last character: not days and months without
 * a leading zero, nor names of weekdays.  A day that does not exist is refused rather than
 * interpreted, and so is ±HH without a time.  Phrases ("2 days ago") mean what GNU tar takes them
 * to mean.
 *
 * Most parsers take a pointer to the rest of the text and move it behind what they have understood;
 * they return false for what they have not.  The pointer may be behind the end of the text then.
 */

/* Exactly ${n} digits: no sign, no space, and at most four, so that an int holds them. */
static bool parse_digits(const char **text, int n, int *value) {
	*value = 0;
	for (; n > 0; n--, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		*value = *value * 10 + (**text - '0');
	}
	return true;
}

/* A point and digits, if there is one; what is finer than a nanosecond is cut off. */
static bool parse_fraction(const char **text, long *nanoseconds) {
	long unit = 100000000;

	*nanoseconds = 0;
	if (**text != '.')
		return true;
	if (!isdigit((unsigned char)*++*text))
		return false;
	/* Behind nine digits the unit is 0. */
	for (; isdigit((unsigned char)**text); (*text)++, unit /= 10)
		*nanoseconds += unit * (**text - '0');
	return true;
}

/* YYYY-MM-DD.  In ${tm}, years count from 1900 and January is 0. */
static bool parse_date(const char **text, struct tm *tm) {
	struct tm same;

	if (!parse_digits(text, 4, &tm->tm_year) || *(*text)++ != '-' ||
	    !parse_digits(text, 2, &tm->tm_mon) || *(*text)++ != '-' ||
	    !parse_digits(text, 2, &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	/* timegm() makes a day that exists out of one that does not, as March 1 of February 30. */
	same = *tm;
	timegm(&same);
	return same.tm_mon == tm->tm_mon && same.tm_mday == tm->tm_mday;
}

/* HH:MM[:SS[.FRACTION]]; second 60 is a leap second, which becomes the first of the next minute. */
static bool parse_clock(const char **text, struct tm *tm, long *nanoseconds) {
	if (!parse_digits(text, 2, &tm->tm_hour) || *(*text)++ != ':' ||
	    !parse_digits(text, 2, &tm->tm_min))
		return false;
	if (**text == ':') {
		++*text;
		if (!parse_digits(text, 2, &tm->tm_sec) || !parse_fraction(text, nanoseconds))
			return false;
	}
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* Z, UTC or ±HH[[:]MM]: the seconds that it is ahead of UTC. */
static bool parse_zone(const char **text, int *ahead) {
	int sign = **text == '-' ? -1 : 1, hours, minutes = 0;

	*ahead = 0;
	if (strncmp(*text, "UTC", 3) == 0) {
		*text += 3;
		return true;
	}
	if (*(*text)++ == 'Z')
		return true;
	if ((*text)[-1] != '+' && (*text)[-1] != '-')
		return false;
	if (!parse_digits(text, 2, &hours))
		return false;
	if (**text == ':')
		++*text;
	if ((isdigit((unsigned char)**text) || (*text)[-1] == ':') &&
	    !parse_digits(text, 2, &minutes))
		return false;
	*ahead = sign * (hours * 60 + minutes) * 60;
	return hours <= 24 && minutes < 60;
}

/* A date, perhaps a time and a zone, and nothing behind them. */
static bool parse_calendar(const char *text, struct timespec *time) {
	struct tm tm = { .tm_isdst = -1 }; /* mktime() finds out */
	bool has_clock;
	int ahead;

	time->tv_nsec = 0;
	if (!parse_date(&text, &tm))
		return false;
	has_clock = (*text == 'T' || *text == ' ') && isdigit((unsigned char)text[1]);
	if (has_clock) {
		text++;
		if (!parse_clock(&text, &tm, &time->tv_nsec))
			return false;
	}
	if (*text == '\0') {
		time->tv_sec = mktime(&tm);
		return true;
	}
	text += *text == ' ';
	/* Z and UTC may follow a date alone.  "2024-05-01-02" is more likely a slip than a zone. */
	if ((!has_clock && *text != 'Z' && *text != 'U') || !parse_zone(&text, &ahead))
		return false;
	/* A clock that is ahead of UTC shows the same moment as a later time. */
	time->tv_sec = timegm(&tm) - ahead;
	return *text == '\0';
}

/* How far a phrase is from now; days and months as the calendar has them. */
struct distance {
	int days, months;
	long long seconds;
};

/* What one of each is.  Of a unit there may be many, and ago. */
static const struct word {
	const char *name;
	struct distance distance;
	bool is_unit;
} words[] = {
	{ "now", { 0 }, false },
	{ "today", { 0 }, false },
	{ "yesterday", { .days = -1 }, false },
	{ "tomorrow", { .days = 1 }, false },
	{ "sec", { .seconds = 1 }, true },
	{ "second", { .seconds = 1 }, true },
	{ "min", { .seconds = 60 }, true },
	{ "minute", { .seconds = 60 }, true },
	{ "hour", { .seconds = 3600 }, true },
	{ "day", { .days = 1 }, true },
	{ "week", { .days = 7 }, true },
	{ "fortnight", { .days = 14 }, true },
	{ "month", { .months = 1 }, true },
	{ "year", { .months = 12 }, true },
};

/* Is ${name} the word at *${text}, but for case?  Then *${text} moves behind it and spaces. */
static bool skip_word(const char **text, const char *name, bool may_be_plural) {
	size_t n = strlen(name);

	if (strncasecmp(*text, name, n) != 0)
		return false;
	n += may_be_plural && ((*text)[n] == 's' || (*text)[n] == 'S');
	if (isalnum((unsigned char)(*text)[n]))
		return false;
	*text += n;
	*text += strspn(*text, " ");
	return true;
}

/* ±N, last or next; *${count} is what it was if it is none of these.  False: there are too many. */
static bool parse_count(const char **text, int *count) {
	char *end;
	long n = strtol(*text, &end, 10);

	if (skip_word(text, "last", false)) {
		*count = -1;
	} else if (!skip_word(text, "next", false) && end != *text) {
		*text = end + strspn(end, " ");
		*count = (int)n;
	}
	/* As many fortnights in days, and years in months, are an int. */
	return n >= -1000000 && n <= 1000000;
}

/* [±N|last|next] UNIT[s] [ago], or a word such as "yesterday": added to ${distance}. */
static bool parse_step(const char **text, struct distance *distance) {
	const struct word *word = words, *end = words + sizeof(words) / sizeof(words[0]);
	const char *start = *text;
	int count = 1;

	if (!parse_count(text, &count))
		return false;
	while (word < end && !skip_word(text, word->name, word->is_unit))
		word++;
	if (word == end)
		return false;
	/* Not "2 yesterday". */
	if (!word->is_unit && strncasecmp(start, word->name, strlen(word->name)) != 0)
		return false;
	if (word->is_unit && skip_word(text, "ago", false))
		count = -count;
	distance->seconds += count * word->distance.seconds;
	return !__builtin_add_overflow(
	           distance->days, count * word->distance.days, &distance->days) &&
	    !__builtin_add_overflow(
	        distance->months, count * word->distance.months, &distance->months);
}

/* "yesterday", "2 weeks ago", "-1 month 12 hours": so far from now. */
static bool parse_phrase(const char *text, struct timespec *time) {
	struct distance distance = { 0 };
	struct tm tm;

	do {
		if (!parse_step(&text, &distance))
			return false;
	} while (*text != '\0');
	clock_gettime(CLOCK_REALTIME, time);
	/* Whether clocks are an hour ahead is as of now, as in GNU tar. */
	localtime_r(&time->tv_sec, &tm);
	if (__builtin_add_overflow(tm.tm_mday, distance.days, &tm.tm_mday) ||
	    __builtin_add_overflow(tm.tm_mon, distance.months, &tm.tm_mon))
		return false;
	time->tv_sec = mktime(&tm);
	return !__builtin_add_overflow(time->tv_sec, distance.seconds, &time->tv_sec);
}

/* Seconds since the Epoch, negative before it.  The sign holds for the fraction, too. */
static bool parse_seconds(const char *text, struct timespec *time) {
	bool before = *text == '-';
	intmax_t seconds;
	char *end;

	/* strtoimax() would take space and a plus sign. */
	if (!isdigit((unsigned char)text[before]))
		return false;
	errno = 0;
	seconds = strtoimax(text, &end, 10);
	text = end;
	if (errno != 0 || !parse_fraction(&text, &time->tv_nsec) || *text != '\0')
		return false;
	/* tv_nsec is never negative: -1.25 is -2 + 0.75. */
	if (before && time->tv_nsec != 0) {
		time->tv_nsec = 1000000000 - time->tv_nsec;
		if (__builtin_sub_overflow(seconds, 1, &seconds))
			return false;
	}
	/* False if a time_t cannot hold them. */
	return !__builtin_add_overflow(seconds, 0, &time->tv_sec);
}

int date_parse(const char *text, struct timespec *time, struct error *err) {
	struct timespec parsed;
	struct stat st;

	if (*text == '/' || *text == '.') {
		if (stat(text, &st) != 0)
			return err_set(err, TARN_ESYSTEM, errno, "%s: Cannot stat", text);
		parsed = st.st_mtim;
	} else if (*text == '@' ? !parse_seconds(text + 1, &parsed) :
	                          !parse_calendar(text, &parsed) && !parse_phrase(text, &parsed)) {
		return err_set(err, TARN_EUSAGE, 0, "%s: Unknown date format", text);
	}
	*time = parsed;
	return TARN_OK;
}

bool date_is_before(struct timespec a, struct timespec b) {
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}
