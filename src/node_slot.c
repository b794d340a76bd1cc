/*
 * node_slot.c
 *	  Capacity of nodes, reserved like stock: slots of a day or of hours.
 *
 * A slot is a row of oms.node_slot, made when first taken.  It is taken by a
 * guarded UPDATE in the transaction that takes the stock, so a slot of n
 * admits n; what took it is in oms.slot_use, and oms.verify() compares.
 *
 * The slot of a parcel is that of the day on which it is handed over; where
 * slots are shorter than a day, that in which it is packed.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "catalog.h"
#include "node_slot.h"

/* Slots looked at before a node is given up, and for how long ahead. */
#define SLOTS_AHEAD 60
#define DAYS_AHEAD 30

uint64		oms_slots_taken = 0;

typedef struct SlotRow
{
	int32		node_id;
	TimestampTz starts_at;
	int64		capacity;
	int64		used;
} SlotRow;

static int	read_slots(const OmsPlanRequest *req, const int32 *nodes,
					   int nnodes, SlotRow **rows);
static bool find_slot(const OmsPlanRequest *req, const OmsCalendar *cal,
					  const OmsNode *node, int64 need, const SlotRow *rows,
					  int nrows, OmsNodeSlot *slot);
static void cut_to_room(const OmsPlanRequest *req, int64 room,
						int64 *at_node, int64 *filled);

void
oms_slots_look(const OmsPlanRequest *req, int64 *filled, int64 *at_node,
			   OmsPlanResult *res)
{
	int32	   *limited = NULL;
	int			nlimited = 0;
	SlotRow    *rows;
	int			nrows;
	OmsCalendar cal;

	for (int i = 0; i < res->nnodes; i++)
		if (res->nodes[i].refused == NULL && res->nodes[i].capacity >= 0)
		{
			if (limited == NULL)
				limited = palloc(sizeof(int32) * res->nnodes);
			limited[nlimited++] = res->nodes[i].node_id;
		}
	if (nlimited == 0)
		return;
	nrows = read_slots(req, limited, nlimited, &rows);
	oms_calendar_load(req->mesh.company_id, req->mesh.at, false, &cal);
	res->slots = palloc0(sizeof(OmsNodeSlot) * res->nnodes);
	for (int i = 0; i < res->nnodes; i++)
	{
		OmsNode    *node = &res->nodes[i];
		int64		room;

		if (node->refused || node->capacity < 0)
			continue;
		if (!find_slot(req, &cal, node, node->capacity_units ? filled[i] : 1000,
					   rows, nrows, &res->slots[i]))
		{
			node->refused = "CAPACITY_FULL";
			continue;
		}
		room = res->slots[i].capacity - res->slots[i].used;
		if (node->capacity_units && room < filled[i])
		{
			cut_to_room(req, room, &at_node[i * req->ndemand], &filled[i]);
			res->cut = true;
		}
	}
}

static OmsPlan slots_plan = {
	"SELECT node_id, starts_at, capacity, used FROM oms.node_slot"
	" WHERE company_id = $1 AND node_id = ANY ($2) AND starts_at > $3 AND starts_at < $4",
	4, {INT4OID, INT4ARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID}, NULL
};

static int
read_slots(const OmsPlanRequest *req, const int32 *nodes, int nnodes,
		   SlotRow **rows)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[4] = {
		Int32GetDatum(req->mesh.company_id), oms_int4_array(nodes, nnodes),
		TimestampTzGetDatum(req->mesh.at - 2 * USECS_PER_DAY),
		TimestampTzGetDatum(req->mesh.at + (DAYS_AHEAD + 2) * USECS_PER_DAY)
	};
	int			n;

	oms_spi_connect();
	n = (int) oms_exec(&slots_plan, values, NULL, false, 0);
	*rows = MemoryContextAlloc(caller, sizeof(SlotRow) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		(*rows)[i].node_id = oms_int4(i, 1);
		(*rows)[i].starts_at = oms_time(i, 2);
		(*rows)[i].capacity = oms_milli(i, 3);
		(*rows)[i].used = oms_milli(i, 4);
	}
	oms_spi_finish();
	return n;
}

/*
 * The slot of a parcel planned at "at", and from when on a later plan falls
 * into the next one.
 */
static void
slot_at(const OmsCalendar *cal, const OmsNode *node, TimestampTz at,
		OmsNodeSlot *slot, TimestampTz *next)
{
	int			hours = node->slot_hours;
	TimestampTz moment;
	DateADT		day;
	TimeADT		time;

	slot->ready_at = oms_mesh_ready_on(cal, node, at);
	moment = hours == 24 ? slot->ready_at :
		at + node->pick_minutes * USECS_PER_MINUTE;
	day = oms_calendar_day(cal, moment, &time);
	time -= time % (hours * USECS_PER_HOUR);
	slot->starts_at = oms_calendar_moment(cal, day, time);
	if (hours == 24)
		*next = oms_calendar_moment(cal, day + 1, 0);
	else
	{
		time += hours * USECS_PER_HOUR;
		*next = (time < USECS_PER_DAY ? oms_calendar_moment(cal, day, time) :
				 oms_calendar_moment(cal, day + 1, 0)) -
			node->pick_minutes * USECS_PER_MINUTE;
	}
	/* clocks put back must not stop us */
	*next = Max(*next, at + USECS_PER_MINUTE);
}

/*
 * The first slot with room for "need"; a node that counts units also takes
 * a part: the slot with most room, where no slot has room for all.
 */
static bool
find_slot(const OmsPlanRequest *req, const OmsCalendar *cal,
		  const OmsNode *node, int64 need, const SlotRow *rows, int nrows,
		  OmsNodeSlot *found)
{
	const OmsSourcingRule *rule = &req->rule;
	TimestampTz at = req->mesh.at;
	int64		most = 0;

	for (int try = 0; try < (rule->refuse_full ? 1 : SLOTS_AHEAD); try++)
	{
		OmsNodeSlot slot = {0};
		TimestampTz next;
		int64		room;

		slot_at(cal, node, at, &slot, &next);
		if (slot.starts_at > req->mesh.at + DAYS_AHEAD * USECS_PER_DAY)
			break;
		slot.capacity = node->capacity;
		for (int i = 0; i < nrows; i++)
			if (rows[i].node_id == node->node_id &&
				rows[i].starts_at == slot.starts_at)
			{
				slot.capacity = rows[i].capacity;
				slot.used = rows[i].used;
				slot.known = true;
			}
		room = slot.capacity - slot.used;
		if (room >= need && room >= rule->min_capacity)
		{
			*found = slot;
			return true;
		}
		if (node->capacity_units && room > most && room >= rule->min_capacity)
		{
			most = room;
			*found = slot;
		}
		at = next;
	}
	return most > 0;
}

/* Line by line, as far as there is room. */
static void
cut_to_room(const OmsPlanRequest *req, int64 room, int64 *at_node,
			int64 *filled)
{
	*filled = 0;
	for (int j = 0; j < req->ndemand; j++)
	{
		at_node[j] = Min(Min(at_node[j], req->demand[j].qty), room);
		/* kits whole */
		if (req->demand[j].ncomponents)
			at_node[j] -= at_node[j] % 1000;
		room -= at_node[j];
		*filled += at_node[j];
	}
}

bool
oms_slots_wanted(const OmsPlanRequest *req, const OmsPlanResult *res)
{
	if (res->slots == NULL)
		return false;
	for (int i = 0; i < res->npieces; i++)
		if (res->slots[res->pieces[i].node].starts_at != 0)
			return true;
	return false;
}

static OmsPlan make_plan = {
	"INSERT INTO oms.node_slot (company_id, node_id, starts_at, capacity) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
	4, {INT4OID, INT4OID, TIMESTAMPTZOID, NUMERICOID}, NULL
};

/* The lock it takes is that of a change of no key: FOR NO KEY UPDATE. */
static OmsPlan take_plan = {
	"UPDATE oms.node_slot SET used = used + $4 WHERE company_id = $1 AND node_id = $2 AND starts_at = $3"
	" AND used + $4 <= capacity",
	4, {INT4OID, INT4OID, TIMESTAMPTZOID, NUMERICOID}, NULL
};

bool
oms_slots_take(const OmsPlanRequest *req, OmsPlanResult *res)
{
	int32		last = PG_INT32_MIN;
	Datum		values[4] = {Int32GetDatum(req->mesh.company_id)};

	oms_slots_taken++;
	for (int i = 0; i < res->nnodes; i++)
		res->slots[i].take = 0;
	for (int i = 0; i < res->npieces; i++)
	{
		const OmsPiece *p = &res->pieces[i];
		OmsNodeSlot *slot = &res->slots[p->node];

		if (slot->starts_at == 0)
			continue;
		slot->take = res->nodes[p->node].capacity_units ?
			slot->take + p->qty : 1000;
	}
	oms_spi_connect();
	for (;;)
	{
		int			next = -1;

		for (int i = 0; i < res->nnodes; i++)
			if (res->slots[i].take > 0 && res->nodes[i].node_id > last &&
				(next < 0 || res->nodes[i].node_id < res->nodes[next].node_id))
				next = i;
		if (next < 0)
			break;
		last = res->nodes[next].node_id;
		values[1] = Int32GetDatum(last);
		values[2] = TimestampTzGetDatum(res->slots[next].starts_at);
		if (!res->slots[next].known)
		{
			values[3] = oms_milli_numeric(res->slots[next].capacity);
			oms_exec(&make_plan, values, NULL, false, 0);
		}
		values[3] = oms_milli_numeric(res->slots[next].take);
		if (oms_exec(&take_plan, values, NULL, false, 0) == 0)
		{
			oms_spi_finish();
			return false;
		}
	}
	oms_spi_finish();
	return true;
}

static OmsPlan keep_plan = {
	"INSERT INTO oms.slot_use (company_id, order_id, shipment_id, node_id, starts_at, qty) VALUES ($1, $2, $3, $4, $5, $6)",
	6, {INT4OID, INT8OID, INT8OID, INT4OID, TIMESTAMPTZOID, NUMERICOID}, NULL
};

void
oms_slots_keep(int32 company_id, int64 order_id, int64 shipment_id,
			   const OmsPlanResult *res, int node, int part)
{
	Datum		values[6] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		Int64GetDatum(shipment_id)
	};
	int64		units = 0;
	bool		first = true;

	if (res->slots == NULL || res->slots[node].take == 0)
		return;
	for (int i = 0; i < res->npieces; i++)
		if (res->pieces[i].node == node)
		{
			units += res->pieces[i].part == part ? res->pieces[i].qty : 0;
			first &= res->pieces[i].part >= part;
		}
	if (!res->nodes[node].capacity_units)
		units = first && units > 0 ? res->slots[node].take : 0;
	if (units == 0)
		return;
	values[3] = Int32GetDatum(res->nodes[node].node_id);
	values[4] = TimestampTzGetDatum(res->slots[node].starts_at);
	values[5] = oms_milli_numeric(units);
	oms_exec(&keep_plan, values, NULL, false, 0);
}

static OmsPlan held_plan = {
	"SELECT u.node_id, u.starts_at FROM oms.slot_use u WHERE u.company_id = $1 AND u.order_id = $2 AND u.shipment_id IN"
	" (SELECT a.shipment_id FROM oms.allocation a WHERE a.company_id = $1 AND a.allocation_id = ANY ($3))",
	3, {INT4OID, INT8OID, INT8ARRAYOID}, NULL
};
static OmsPlan lock_plan = {
	"SELECT 1 FROM oms.node_slot WHERE company_id = $1 AND node_id = $2 AND starts_at = $3 FOR NO KEY UPDATE",
	3, {INT4OID, INT4OID, TIMESTAMPTZOID}, NULL
};

static int
compare_slots(const void *a, const void *b)
{
	const SlotRow *x = a;
	const SlotRow *y = b;

	if (x->node_id != y->node_id)
		return x->node_id < y->node_id ? -1 : 1;
	return x->starts_at == y->starts_at ? 0 :
		x->starts_at < y->starts_at ? -1 : 1;
}

void
oms_slots_lock(int32 company_id, int64 order_id, const int64 *ids, int nids,
			   const OmsPlanResult *plan)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		oms_int8_array(ids, nids)
	};
	int			n = (int) oms_exec(&held_plan, values, NULL, false, 0);
	SlotRow    *rows;

	if (n == 0)
		return;					/* what is taken is taken in order */
	rows = palloc0(sizeof(SlotRow) * (n + (plan ? plan->npieces : 0)));
	for (int i = 0; i < n; i++)
	{
		rows[i].node_id = oms_int4(i, 1);
		rows[i].starts_at = oms_time(i, 2);
		rows[i].capacity = -1;
	}
	for (int i = 0; plan && plan->slots && i < plan->npieces; i++)
	{
		const OmsNodeSlot *slot = &plan->slots[plan->pieces[i].node];

		if (slot->starts_at == 0)
			continue;
		rows[n].node_id = plan->nodes[plan->pieces[i].node].node_id;
		rows[n].starts_at = slot->starts_at;
		rows[n++].capacity = slot->known ? -1 : slot->capacity;
	}
	qsort(rows, n, sizeof(SlotRow), compare_slots);
	for (int i = 0; i < n; i++)
	{
		values[1] = Int32GetDatum(rows[i].node_id);
		values[2] = TimestampTzGetDatum(rows[i].starts_at);
		if (rows[i].capacity >= 0)
		{
			values[3] = oms_milli_numeric(rows[i].capacity);
			oms_exec(&make_plan, values, NULL, false, 0);
		}
		oms_exec(&lock_plan, values, NULL, false, 0);
	}
	pfree(rows);
}

static OmsPlan needed_plan = {
	"SELECT u.shipment_id, u.node_id, u.starts_at, u.qty, CASE WHEN s.state = 'CANCELLED' OR l.qty IS NULL THEN 0"
	"  WHEN n.capacity_unit = 'units' THEN least(u.qty, l.qty) ELSE u.qty END"
	" FROM oms.slot_use u JOIN oms.shipment s ON s.company_id = u.company_id AND s.shipment_id = u.shipment_id"
	" JOIN oms.node n ON n.node_id = u.node_id"
	" CROSS JOIN LATERAL (SELECT sum(a.qty) AS qty FROM oms.allocation a WHERE a.company_id = u.company_id"
	"  AND a.shipment_id = u.shipment_id AND a.node_id = u.node_id AND a.status <> 'cancelled') l"
	" WHERE u.company_id = $1 AND u.order_id = $2 AND ($3 = 0 OR u.shipment_id = $3) ORDER BY u.node_id, u.starts_at, u.shipment_id",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};
static OmsPlan give_back_plan = {
	"UPDATE oms.node_slot SET used = used - $4 WHERE company_id = $1 AND node_id = $2 AND starts_at = $3",
	4, {INT4OID, INT4OID, TIMESTAMPTZOID, NUMERICOID}, NULL
};
static OmsPlan drop_plan = {
	"DELETE FROM oms.slot_use WHERE company_id = $1 AND order_id = $2 AND shipment_id = $3 AND node_id = $4",
	4, {INT4OID, INT8OID, INT8OID, INT4OID}, NULL
};
static OmsPlan shrink_plan = {
	"UPDATE oms.slot_use SET qty = $5 WHERE company_id = $1 AND order_id = $2 AND shipment_id = $3 AND node_id = $4",
	5, {INT4OID, INT8OID, INT8OID, INT4OID, NUMERICOID}, NULL
};

typedef struct SlotUse
{
	int64		shipment_id;
	int32		node_id;
	TimestampTz starts_at;
	int64		qty;
	int64		needed;
} SlotUse;

void
oms_slots_settle(int32 company_id, int64 order_id, int64 shipment_id)
{
	Datum		values[5] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		Int64GetDatum(shipment_id)
	};
	int			n = (int) oms_exec(&needed_plan, values, NULL, false, 0);
	SlotUse    *uses = palloc(sizeof(SlotUse) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		uses[i].shipment_id = oms_int8(i, 1);
		uses[i].node_id = oms_int4(i, 2);
		uses[i].starts_at = oms_time(i, 3);
		uses[i].qty = oms_milli(i, 4);
		uses[i].needed = oms_milli(i, 5);
	}
	for (int i = 0; i < n; i++)
	{
		const SlotUse *u = &uses[i];
		Datum		slot[4];

		if (u->needed >= u->qty)
			continue;
		slot[0] = values[0];
		slot[1] = Int32GetDatum(u->node_id);
		slot[2] = TimestampTzGetDatum(u->starts_at);
		slot[3] = oms_milli_numeric(u->qty - u->needed);
		oms_exec(&give_back_plan, slot, NULL, false, 0);
		values[2] = Int64GetDatum(u->shipment_id);
		values[3] = Int32GetDatum(u->node_id);
		values[4] = oms_milli_numeric(u->needed);
		oms_exec(u->needed > 0 ? &shrink_plan : &drop_plan, values, NULL, false, 0);
	}
}

static OmsPlan follow_plan = {
	"WITH moved AS (SELECT u.node_id, u.starts_at, least(u.qty, sum(a.qty)) AS qty FROM oms.slot_use u"
	"  JOIN oms.node n ON n.node_id = u.node_id AND n.capacity_unit = 'units'"
	"  JOIN oms.allocation a ON a.company_id = u.company_id AND a.shipment_id = $4 AND a.node_id = u.node_id AND a.status <> 'cancelled'"
	"  WHERE u.company_id = $1 AND u.order_id = $2 AND u.shipment_id = $3 GROUP BY u.node_id, u.starts_at, u.qty),"
	" gone AS (DELETE FROM oms.slot_use u USING moved m"
	"  WHERE u.company_id = $1 AND u.order_id = $2 AND u.shipment_id = $3 AND u.node_id = m.node_id AND u.qty = m.qty),"
	" less AS (UPDATE oms.slot_use u SET qty = u.qty - m.qty FROM moved m"
	"  WHERE u.company_id = $1 AND u.order_id = $2 AND u.shipment_id = $3 AND u.node_id = m.node_id AND u.qty > m.qty)"
	" INSERT INTO oms.slot_use (company_id, order_id, shipment_id, node_id, starts_at, qty)"
	" SELECT $1, $2, $4, node_id, starts_at, qty FROM moved",
	4, {INT4OID, INT8OID, INT8OID, INT8OID}, NULL
};

void
oms_slots_follow(int32 company_id, int64 order_id, int64 from_shipment_id,
				 int64 to_shipment_id)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id),
		Int64GetDatum(from_shipment_id), Int64GetDatum(to_shipment_id)
	};

	oms_exec(&follow_plan, values, NULL, false, 0);
}
