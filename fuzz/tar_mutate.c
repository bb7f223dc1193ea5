#include "config.h"

#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/*
 * An archive is seen as headers, each with the blocks of content that its size says.  What is no
 * tar, or nothing but damage, is left to the engine.
 */

#define BLOCK 512
#define MAX_MEMBERS 64
#define NAME_NBYTES 100
#define LINK_NAME 157
#define SIZE 124
#define CHECKSUM 148
#define TYPE 156

struct member {
	size_t at, nbytes; /* with its header */
};

struct archive {
	uint8_t *data;
	size_t nbytes, max;
	struct member members[MAX_MEMBERS];
	size_t n;
	unsigned int seed;
};

/* A number below ${n}; 0 for none. */
static size_t any(struct archive *a, size_t n) {
	return n > 0 ? (size_t)rand_r(&a->seed) % n : 0;
}

/* As far as its checksum, right or wrong, has the form of one. */
static bool is_header(const uint8_t *block) {
	for (size_t i = CHECKSUM; i < CHECKSUM + 6; i++) {
		if (block[i] < '0' || block[i] > '7')
			return false;
	}
	return true;
}

static void find_members(struct archive *a) {
	size_t at = 0, blocks;
	char size[13] = "";

	for (a->n = 0; a->n < MAX_MEMBERS && a->nbytes - at >= BLOCK; a->n++) {
		if (!is_header(a->data + at))
			break;
		memcpy(size, a->data + at + SIZE, sizeof(size) - 1);
		blocks = 1 + ((size_t)strtoul(size, NULL, 8) + BLOCK - 1) / BLOCK;
		if (blocks > (a->nbytes - at) / BLOCK)
			blocks = 1;
		a->members[a->n] = (struct member){ at, blocks * BLOCK };
		at += blocks * BLOCK;
	}
}

static void set_checksums(struct archive *a) {
	for (size_t i = 0; i < a->n; i++) {
		uint8_t *header = a->data + a->members[i].at;
		char digits[8];
		unsigned int sum = 0;

		memset(header + CHECKSUM, ' ', 8);
		for (size_t k = 0; k < BLOCK; k++)
			sum += header[k];
		snprintf(digits, sizeof(digits), "%06o", sum);
		memcpy(header + CHECKSUM, digits, sizeof(digits) - 1);
	}
}

/* Put a copy of ${member} before ${at}. */
static void insert(struct archive *a, struct member member, size_t at) {
	uint8_t *copy;

	if (a->nbytes + member.nbytes > a->max || (copy = malloc(member.nbytes)) == NULL)
		return;
	memcpy(copy, a->data + member.at, member.nbytes);
	memmove(a->data + at + member.nbytes, a->data + at, a->nbytes - at);
	memcpy(a->data + at, copy, member.nbytes);
	a->nbytes += member.nbytes;
	free(copy);
}

static void erase(struct archive *a, struct member member) {
	memmove(a->data + member.at, a->data + member.at + member.nbytes,
	    a->nbytes - member.at - member.nbytes);
	a->nbytes -= member.nbytes;
}

/* A name for ${field}: another one's, or one that leads somewhere. */
static void set_name(struct archive *a, uint8_t *field) {
	static const char *const names[] = { "..", "../outside/file", "/outside/file",
		"relative/file", "absolute/file", "relative", "absolute", "shared", "file",
		"directory", "directory/file", "directory/..", ".", "./", "/", "", "a", "a/b",
		"a/b/../../../outside", "\xff\n\x1b[2J" };
	const uint8_t *other = a->data + a->members[any(a, a->n)].at + (any(a, 2) ? LINK_NAME : 0);
	uint8_t name[NAME_NBYTES] = "";

	if (any(a, 2))
		memcpy(name, other, NAME_NBYTES);
	else
		strcpy((char *)name, names[any(a, sizeof(names) / sizeof(names[0]))]);
	memcpy(field, name, NAME_NBYTES);
}

/* One change that a hand would make to a member. */
static void change(struct archive *a) {
	static const char types[] = "00001111122234555567LKxxgSDVM";
	struct member member = a->members[any(a, a->n)];
	uint8_t *header = a->data + member.at;
	size_t behind = member.at + member.nbytes;

	switch (any(a, 8)) {
	case 0:
		insert(a, member, a->members[any(a, a->n)].at);
		break;
	case 1:
		insert(a, member, behind);
		break;
	case 2:
		erase(a, member);
		break;
	case 3:
		header[TYPE] = (uint8_t)types[any(a, sizeof(types) - 1)];
		break;
	case 4:
		set_name(a, header);
		break;
	case 5:
	case 6:
		set_name(a, header + LINK_NAME);
		break;
	default:
		LLVMFuzzerMutate(header, BLOCK, BLOCK);
	}
}

size_t tar_mutate(uint8_t *data, size_t nbytes, size_t max, unsigned int seed) {
	struct archive a = { .data = data, .nbytes = nbytes, .max = max, .seed = seed };

	find_members(&a);
	if (a.n == 0 || any(&a, 4) == 0)
		a.nbytes = LLVMFuzzerMutate(data, nbytes, max);
	else
		for (size_t i = any(&a, 3) + 1; i > 0 && a.n > 0; i--, find_members(&a))
			change(&a);
	find_members(&a);
	if (any(&a, 16) > 0)
		set_checksums(&a);
	if (any(&a, 8) == 0 && a.nbytes > 1)
		a.data[a.nbytes - 1 - any(&a, 2)] = (uint8_t)any(&a, 256);
	return a.nbytes;
}
