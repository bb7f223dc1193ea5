#ifndef TARN_MEMBER_ORDER_H
#define TARN_MEMBER_ORDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "error.h"

/*
 * Members that several lanes put at the same time, each one after the other: which of those that
 * are on their way has a member to wait for, so that all ends as on one lane?
 *
 * Two members may come in either order when neither makes what the other makes or uses.  A member
 * makes its own name; it uses the directories above it, and a later name its first name as well,
 * with the directories above that.
 *
 * Any member may go to any lane.  A later name should go where its first name is still on its way,
 * and need not wait for it then; else members of one directory should go together, as two lanes in
 * one get in each other's way.  A later name that carries content may become what those behind it
 * link to: it counts as making its first name, too.
 *
 * Embed it; all zero but for the seed is legal.
 */
struct member_order {
	uint64_t seed;
	uint64_t done; /* all members up to this number are complete; kept by the owner */
	uint64_t last; /* number of the last member that was added */
	/*
	 * The directories above the last first name and the last name: those of the next are mostly
	 * the same.
	 */
	struct member_parents {
		char *name; /* what their keys are of; not ended, and NULL for none */
		size_t nbytes, capacity;
		uint64_t *keys;
		size_t nkeys, keys_capacity;
		/*
		 * It is noted that members of this lane up to this number use them; 0: it is not.
		 */
		unsigned int lane;
		uint64_t noted;
	} of_first, of_name;
	/* Open addressing by key; those that only members up to done have touched are forgotten. */
	struct member_place {
		uint64_t key;                  /* of the name; 0: free */
		uint64_t made;                 /* number of the last member that did so; 0: none */
		uint64_t used;                 /* the same, or a later one; see member_order.c */
		unsigned int made_by, used_by; /* their lanes */
		unsigned int directory_lane;   /* that of the last member in it */
	} * places;
	size_t capacity, n;
};

/* Where a member belongs. */
struct member_home {
	unsigned int lane;       /* NO_LANE: it may as well go to any */
	bool is_bound;           /* elsewhere it would have to wait */
	bool makes_first;        /* its first name counts as made by it */
	uint64_t key, first_key; /* of its name and its first one; 0: it has none */
};
#define NO_LANE UINT_MAX

/**
 * Where the next member, ${e}, belongs; member_order_add() comes next.  Returns TARN_OK or
 * TARN_ENOMEM.
 */
int member_order_find_home(
    struct member_order *order, const struct entry *e, struct member_home *home, struct error *err);

/**
 * The member whose ${home} was found is on its way, with the next ${number}, to ${lane}.  Returns
 * the number of the member up to which all other lanes must have come before it is its turn; 0: it
 * need not wait.
 */
uint64_t member_order_add(
    struct member_order *order, const struct member_home *home, uint64_t number, unsigned int lane);

/**
 * The member ${e} is put before another one is added: *${after} is as of member_order_add, but
 * counts for all lanes.  Returns TARN_OK or TARN_ENOMEM.
 */
int member_order_pass(
    struct member_order *order, const struct entry *e, uint64_t *after, struct error *err);

void member_order_fini(struct member_order *order);

#endif
