/*
 * search.c
 *	  How long the search of src/split.c takes, for many random orders.
 *
 * Stand-alone, as test/c/split_test.c.  Orders are drawn as in the targets:
 * a node has an item with a chance of 45 %, in quantity mostly enough; costs
 * of nodes 3,000 to 12,000 paise, of a unit 0 to 2,000.  Prints a line a size:
 *	  lines|nodes|p50|p99|longest|mean sets examined
 * in microseconds of CPU time, the clock's own share taken off.
 */
#include "../../test/c/shims.h"

#include <time.h>

#define ORDERS 20000

static int64
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64CONST(1000000000) + t.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	int64		x = *(const int64 *) a,
				y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

static void
measure(int m, int n, bool split_lines, int max_nodes)
{
	static int64 took[ORDERS];
	int64		open_cost[64],
				unit_cost[64 * 32],
				available[64 * 32],
				need[32];
	OmsSplitProblem p = {n, m, open_cost, unit_cost, available, need, max_nodes, split_lines, false, false, OMS_SPLIT_COST};
	int64		clock = PG_INT64_MAX;
	double		examined = 0;
	int			unproven = 0;

	for (int k = 0; k < 1000; k++)
	{
		int64		a = now_ns();

		clock = Min(clock, now_ns() - a);
	}
	for (int k = -200; k < ORDERS; k++)
	{
		OmsSplitPlan plan;
		int64		a;

		seed = UINT64CONST(7919) * (k + 1000) + m * 100 + n;
		for (int j = 0; j < m; j++)
			need[j] = pick(1, 3) * 1000;
		for (int i = 0; i < n; i++)
		{
			open_cost[i] = pick(3000, 12000);
			for (int j = 0; j < m; j++)
			{
				unit_cost[i * m + j] = pick(0, 2000);
				available[i * m + j] = pick(1, 100) <= 45 ? pick(1, 20) * 1000 : 0;
			}
		}
		a = now_ns();
		oms_split_solve(&p, &plan);
		if (k < 0)
			continue;
		took[k] = Max(now_ns() - a - clock, 0);
		examined += plan.examined;
		unproven += !plan.proven;
	}
	qsort(took, ORDERS, sizeof(int64), compare);
	printf("%d|%d|%s|%.1f|%.1f|%.1f|%.0f|%d\n", m, n, split_lines ? "units" : "whole", took[ORDERS / 2] / 1e3,
		   took[ORDERS / 100 * 99] / 1e3, took[ORDERS - 1] / 1e3, examined / ORDERS, unproven);
}

int
main(void)
{
	static const int sizes[][2] = {{1, 5}, {3, 5}, {8, 5}, {1, 12}, {3, 12}, {4, 12}, {8, 12}, {8, 16}, {12, 12}, {12, 16}};

	for (int whole = 0; whole < 2; whole++)
		for (int k = 0; k < lengthof(sizes); k++)
			measure(sizes[k][0], sizes[k][1], !whole, sizes[k][1]);
	return 0;
}
