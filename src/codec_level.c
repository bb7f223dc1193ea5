#include "config.h"

#include "codec_level.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/*
 * The environment is read here and not by the libraries, which do not look at it.  What is no level
 * is passed over in silence: these variables hold for all programs, and may have options that mean
 * nothing here (-T0, --memlimit).
 */

/* As that of xz; liblzma calls it LZMA_PRESET_DEFAULT. */
#define XZ_PRESET 6

int zstd_default_level(void) {
	const char *text = getenv("ZSTD_CLEVEL");
	char *end;
	long level;

	if (text == NULL || *text == '\0')
		return ZSTD_CLEVEL_DEFAULT;
	level = strtol(text, &end, 10);
	if (*end != '\0' || level == 0 || level < ZSTD_minCLevel() || level > ZSTD_maxCLevel())
		return ZSTD_CLEVEL_DEFAULT;
	return (int)level;
}

/* Apply the options in ${text}, of which there may be none, to ${preset}. */
static uint32_t apply(const char *text, uint32_t preset) {
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, " \t\n");

		if (n == strlen("--extreme") && strncmp(text, "--extreme", n) == 0)
			preset |= LZMA_PRESET_EXTREME;
		/* Letters that take an argument have it behind them. */
		for (size_t i = 1; text[0] == '-' && i < n && strchr("0123456789e", text[i]); i++) {
			if (text[i] == 'e')
				preset |= LZMA_PRESET_EXTREME;
			else
				preset = (preset & LZMA_PRESET_EXTREME) | (uint32_t)(text[i] - '0');
		}
		text += n + strspn(text + n, " \t\n");
	}
	return preset;
}

uint32_t xz_default_preset(void) {
	/* xz reads XZ_DEFAULTS first, so that XZ_OPT has the last word. */
	return apply(getenv("XZ_OPT"), apply(getenv("XZ_DEFAULTS"), XZ_PRESET));
}
