/*
 * shims.h
 *	  What src/split*.c need of the server, and chance that is the same
 *	  everywhere; for programs that run without one.
 */
#ifndef SHIMS_H
#define SHIMS_H

#include "postgres.h"

#include "core.h"
#include "split.h"

#undef printf					/* the plain one: no libpgport here */
#undef qsort

volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

void *
palloc(Size size)
{
	return malloc(size);
}

void *
palloc0(Size size)
{
	return calloc(1, size);
}

#ifdef USE_ASSERT_CHECKING
void
ExceptionalCondition(const char *conditionName, const char *errorType,
					 const char *fileName, int lineNumber)
{
	abort();
}
#endif

/* half away from zero; operands are not negative here */
int64
oms_muldiv(int64 a, int64 b, int64 c)
{
	return (a * b + c / 2) / c;
}

/* splitmix64: the same instances everywhere */
static uint64 seed;

static int
pick(int lo, int hi)
{
	uint64		z = (seed += UINT64CONST(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	z ^= z >> 31;
	return lo + (int) (z % (uint64) (hi - lo + 1));
}

#endif							/* SHIMS_H */
