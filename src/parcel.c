/*
 * parcel.c
 *	  Parcels whose contents change before they are handed over.
 *
 * Called under the order's lock, after the allocations were written.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"

#include "node_slot.h"
#include "shipment.h"

static OmsPlan contents_plan = {
	"SELECT coalesce(sum(a.net_amount), 0), coalesce(sum(round(a.qty * k.weight_g)), 0)::int8,"
	" coalesce(ceil(sum(a.qty * k.length_mm * k.width_mm * k.height_mm) / 1000), 0)::int8, count(*)"
	" FROM oms.allocation a JOIN oms.sku k ON k.sku_id = a.sku_id"
	" WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan cancel_plan = {
	"UPDATE oms.shipment SET state = 'CANCELLED', cod_amount = 0 WHERE company_id = $1 AND shipment_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan resize_plan = {
	"UPDATE oms.shipment SET declared_value = $3, dead_g = $4, volume_cm3 = $5, cod_amount = $6"
	" WHERE company_id = $1 AND shipment_id = $2",
	6, {INT4OID, INT8OID, NUMERICOID, INT4OID, INT4OID, NUMERICOID}, NULL
};

static void
resized(OmsShipment *s)
{
	Datum		values[6] = {
		Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id),
		oms_paise_numeric(s->declared_value), Int32GetDatum(s->dead_g),
		Int32GetDatum(s->volume_cm3), oms_paise_numeric(s->cod_amount)
	};
	OmsJson		j;

	oms_exec(&resize_plan, values, NULL, false, 0);
	oms_shipment_requote(s);
	/* a courier that has it booked must be told */
	oms_json_begin(&j);
	oms_json_int(&j, "order_id", s->order_id);
	oms_json_str(&j, "awb", s->awb);
	oms_json_paise(&j, "declared_value", s->declared_value);
	oms_json_paise(&j, "cod_amount", s->cod_amount);
	oms_json_int(&j, "dead_g", s->dead_g);
	oms_event(s->company_id, "shipment", s->shipment_id, "shipment.changed",
			  oms_json_end(&j));
}

void
oms_shipment_taken_out(int32 company_id, int64 shipment_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(shipment_id)};
	OmsShipment s;
	int64		value;

	oms_shipment_lock(company_id, shipment_id, &s);
	if (s.terminal || s.shipped_at != 0)
		return;
	oms_slots_settle(company_id, s.order_id, shipment_id);
	oms_exec(&contents_plan, values, NULL, false, 1);
	if (oms_int8(0, 4) == 0)
	{
		OmsJson		j;

		oms_exec(&cancel_plan, values, NULL, false, 0);
		oms_json_begin(&j);
		oms_json_int(&j, "order_id", s.order_id);
		oms_json_str(&j, "awb", s.awb);
		oms_event(company_id, "shipment", shipment_id, "shipment.cancelled",
				  oms_json_end(&j));
		return;
	}
	value = oms_paise(0, 1);
	if (s.cod_amount > 0 && value < s.declared_value)
		s.cod_amount = oms_muldiv(s.cod_amount, value, s.declared_value);
	s.declared_value = value;
	s.dead_g = (int32) Min(Max(oms_int8(0, 2), 1), 1000000000);
	s.volume_cm3 = (int32) Min(Max(oms_int8(0, 3), 1), 1000000000);
	resized(&s);
}

void
oms_shipment_put_in(int32 company_id, int64 shipment_id, int64 more_cod)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(shipment_id)};
	OmsShipment s;

	oms_shipment_lock(company_id, shipment_id, &s);
	oms_exec(&contents_plan, values, NULL, false, 1);
	s.cod_amount += more_cod;
	s.declared_value = oms_paise(0, 1);
	s.dead_g = (int32) Min(Max(oms_int8(0, 2), 1), 1000000000);
	s.volume_cm3 = (int32) Min(Max(oms_int8(0, 3), 1), 1000000000);
	resized(&s);
}

static OmsPlan cash_plan = {
	"SELECT ((greatest(o.total_amount - o.paid_amount, 0) - coalesce((SELECT sum(s.cod_amount) FROM oms.shipment s"
	"  WHERE s.company_id = $1 AND s.order_id = $2 AND s.direction = 'forward' AND s.state <> 'CANCELLED'), 0)) * 100)::int8,"
	" EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = $1 AND a.order_id = $2 AND a.status = 'backordered')"
	" FROM oms.\"order\" o WHERE o.company_id = $1 AND o.order_id = $2 AND o.payment_mode = 'COD' AND o.fulfilment_mode = 'SHIP'",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan here_plan = {
	"SELECT shipment_id FROM oms.shipment WHERE company_id = $1 AND order_id = $2 AND direction = 'forward'"
	" AND state <> 'CANCELLED' AND shipped_at IS NULL ORDER BY cod_amount = 0, shipment_id",
	2, {INT4OID, INT8OID}, NULL
};

void
oms_shipment_balance_cash(int32 company_id, int64 order_id)
{
	Datum		values[2] = {Int32GetDatum(company_id), Int64GetDatum(order_id)};
	int64		more;
	int64	   *ids;
	int			n;

	if (oms_exec(&cash_plan, values, NULL, false, 1) == 0)
		return;
	more = oms_int8(0, 1);
	if (more > 0 && oms_bool(0, 2))
		return;					/* due with what waits */
	n = (int) oms_exec(&here_plan, values, NULL, false, 0);
	ids = palloc(sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
		ids[i] = oms_int8(i, 1);
	for (int i = 0; i < n && more != 0; i++)
	{
		OmsShipment s;
		int64		step;

		oms_shipment_lock(company_id, ids[i], &s);
		step = Max(more, -s.cod_amount);
		if (step == 0)
			continue;
		s.cod_amount += step;
		more -= step;
		resized(&s);
	}
}

static OmsPlan same_node_plan = {
	"SELECT n.shipment_id, min(o.shipment_id), n.cod_amount FROM oms.shipment n JOIN oms.shipment o"
	" ON o.company_id = n.company_id AND o.order_id = n.order_id AND o.node_id = n.node_id AND o.shipment_id <= $3"
	"  AND o.direction = 'forward' AND o.state = 'PLANNED' AND o.awb IS NULL AND o.shipped_at IS NULL"
	" WHERE n.company_id = $1 AND n.order_id = $2 AND n.shipment_id > $3 AND n.direction = 'forward' AND n.state = 'PLANNED'"
	" AND NOT EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = $1 AND a.shipment_id = o.shipment_id AND a.status = 'packed')"
	" GROUP BY n.company_id, n.shipment_id ORDER BY 1",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};
static OmsPlan join_plan = {
	"WITH moved AS (UPDATE oms.allocation SET shipment_id = $3 WHERE company_id = $1 AND shipment_id = $2)"
	" DELETE FROM oms.shipment WHERE company_id = $1 AND shipment_id = $2",
	3, {INT4OID, INT8OID, INT8OID}, NULL
};

void
oms_shipment_merge(int32 company_id, int64 order_id, int64 last)
{
	Datum		values[3] = {
		Int32GetDatum(company_id), Int64GetDatum(order_id), Int64GetDatum(last)
	};
	int			n = (int) oms_exec(&same_node_plan, values, NULL, false, 0);
	struct Join
	{
		int64		from;
		int64		to;
		int64		cod;
	}		   *joins = palloc(sizeof(*joins) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		joins[i].from = oms_int8(i, 1);
		joins[i].to = oms_int8(i, 2);
		joins[i].cod = oms_paise(i, 3);
	}
	for (int i = 0; i < n; i++)
	{
		values[1] = Int64GetDatum(joins[i].from);
		values[2] = Int64GetDatum(joins[i].to);
		oms_exec(&join_plan, values, NULL, false, 0);
		oms_shipment_put_in(company_id, joins[i].to, joins[i].cod);
	}
}
