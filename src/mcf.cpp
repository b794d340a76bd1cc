/*
 * mcf.cpp
 *	  Minimum-cost flow by LEMON's network simplex; the contract is mcf.h's.
 *
 * LEMON offers no way of stopping it.  The type of costs is ours, though:
 * each pivot adds to the potentials of a subtree, and that addition counts,
 * and asks now and then whether to go on.  If not it throws, LEMON's
 * containers unwind, and the exception ends here.
 */
#include "mcf.h"

#include <limits>
#include <new>
#include <stdexcept>

/* A failed assertion must not abort the server. */
static void
assertion_failed(const char *, int, const char *, const char *, const char *)
{
	throw std::logic_error("assertion of LEMON failed");
}
#define LEMON_ASSERT_CUSTOM
#define LEMON_CUSTOM_ASSERT_HANDLER assertion_failed

namespace
{

const int STEPS_BETWEEN_STOPS = 256;

struct Stopped
{
};

bool		(*ask_stop) (void);
int			steps_left;

void
count_step()
{
	if (--steps_left > 0)
		return;
	steps_left = STEPS_BETWEEN_STOPS;
	if (ask_stop && ask_stop())
		throw Stopped();
}

/* An int64 that counts its additions in place. */
struct Cost
{
	int64_t		v;

	Cost() : v(0) {}
	Cost(int64_t x) : v(x) {}
	Cost &operator+=(Cost o) { count_step(); v += o.v; return *this; }
	Cost &operator-=(Cost o) { v -= o.v; return *this; }
	Cost operator-() const { return Cost(-v); }
	friend Cost operator+(Cost a, Cost b) { return Cost(a.v + b.v); }
	friend Cost operator-(Cost a, Cost b) { return Cost(a.v - b.v); }
	friend Cost operator*(Cost a, Cost b) { return Cost(a.v * b.v); }
	friend Cost operator/(Cost a, Cost b) { return Cost(a.v / b.v); }
	friend bool operator<(Cost a, Cost b) { return a.v < b.v; }
	friend bool operator>(Cost a, Cost b) { return a.v > b.v; }
	friend bool operator>=(Cost a, Cost b) { return a.v >= b.v; }
};

}								/* namespace */

namespace std
{
template<> struct numeric_limits<Cost> : numeric_limits<int64_t>
{
	static Cost max() { return Cost(numeric_limits<int64_t>::max()); }
	static Cost min() { return Cost(numeric_limits<int64_t>::min()); }
};
}

/* LEMON copies nodes and arcs before it fills them. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

namespace
{

typedef lemon::SmartDigraph Graph;
typedef lemon::NetworkSimplex<Graph, int64_t, Cost> Simplex;

/* Arrays by number, as LEMON reads maps. */
struct ArcValues
{
	const int64_t *v;
	int64_t operator[](const Graph::Arc &a) const { return v[Graph::id(a)]; }
};

struct NodeValues
{
	const int64_t *v;
	int64_t operator[](const Graph::Node &u) const { return v[Graph::id(u)]; }
};

OmsFlowStatus
solve(const OmsFlowProblem *p, int64_t *flow, int64_t *potential)
{
	Graph		g;

	g.reserveNode(p->n);
	g.reserveArc(p->m);
	for (int i = 0; i < p->n; i++)
		g.addNode();
	for (int a = 0; a < p->m; a++)
		g.addArc(Graph::nodeFromId(p->from[a]), Graph::nodeFromId(p->to[a]));

	Simplex		simplex(g);
	ArcValues	capacity = {p->capacity};
	ArcValues	cost = {p->cost};
	NodeValues	supply = {p->supply};

	simplex.upperMap(capacity).costMap(cost).supplyMap(supply);
	switch (simplex.run())
	{
		case Simplex::OPTIMAL:
			break;
		case Simplex::INFEASIBLE:
			return OMS_FLOW_INFEASIBLE;
		default:
			return OMS_FLOW_BROKEN; /* every capacity is finite */
	}
	for (int a = 0; a < p->m; a++)
		flow[a] = simplex.flow(Graph::arcFromId(a));
	for (int i = 0; i < p->n; i++)
		potential[i] = simplex.potential(Graph::nodeFromId(i)).v;
	return OMS_FLOW_OPTIMAL;
}

}								/* namespace */

extern "C" OmsFlowStatus
oms_mcf_solve(const OmsFlowProblem *p, bool (*stop) (void), int64_t *flow,
			  int64_t *potential)
{
	ask_stop = stop;
	steps_left = STEPS_BETWEEN_STOPS;
	try
	{
		return solve(p, flow, potential);
	}
	catch (const Stopped &)
	{
		return OMS_FLOW_STOPPED;
	}
	catch (const std::bad_alloc &)
	{
		return OMS_FLOW_NO_MEMORY;
	}
	catch (...)
	{
		return OMS_FLOW_BROKEN;
	}
}
