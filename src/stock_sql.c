/*
 * stock_sql.c
 *	  Stock for people: counts by hand, availability, what is kept back.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "stock_sql.h"

PG_FUNCTION_INFO_V1(oms_adjust_stock);
PG_FUNCTION_INFO_V1(oms_available);
PG_FUNCTION_INFO_V1(oms_set_stock_policy);

char *
oms_stock_text_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

void
oms_stock_refuse_argument(const char *arg, const char *problem,
						  const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
			 errmsg("%s %s", arg, problem),
			 errdetail("Argument %s.", arg),
			 errhint("%s", hint)));
}

/* A quantity not below zero; "dflt" where the argument is NULL. */
int64
oms_stock_quantity_arg(FunctionCallInfo fcinfo, int arg, const char *name,
					   int64 dflt)
{
	int64		milli;

	if (PG_ARGISNULL(arg))
		return dflt;
	milli = oms_milli_arg(PG_GETARG_DATUM(arg), name);
	if (milli < 0)
		oms_stock_refuse_argument(name, "is below zero",
								  "A number of stock units, not below zero.");
	return milli;
}

static OmsPlan node_plan = {
	"SELECT node_id, stock_from = 'erp' FROM oms.node WHERE company_id = $1 AND code = $2",
	2, {INT4OID, TEXTOID}, NULL
};
static OmsPlan sku_plan = {
	"SELECT k.sku_id, EXISTS (SELECT FROM oms.kit_component c WHERE c.company_id = $1 AND c.kit_sku_id = k.sku_id)"
	" FROM oms.sku k WHERE k.company_id = $1 AND k.code = $2",
	2, {INT4OID, TEXTOID}, NULL
};

int32
oms_stock_find_node(int32 company_id, const char *code, bool *erp)
{
	Datum		values[2] = {Int32GetDatum(company_id), oms_text(code)};
	int32		node_id;

	oms_spi_connect();
	if (code == NULL || oms_exec(&node_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 code ? errmsg("node \"%s\" does not exist", code) :
				 errmsg("no node was named"),
				 errhint("The nodes are the rows of oms.node.")));
	node_id = oms_int4(0, 1);
	*erp = oms_bool(0, 2);
	oms_spi_finish();
	return node_id;
}

int32
oms_stock_find_sku(int32 company_id, const char *code, bool *kit)
{
	Datum		values[2] = {Int32GetDatum(company_id), oms_text(code)};
	int32		sku_id;

	oms_spi_connect();
	if (code == NULL || oms_exec(&sku_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 code ? errmsg("item \"%s\" does not exist", code) :
				 errmsg("no item was named"),
				 errhint("The items are the rows of oms.sku.")));
	sku_id = oms_int4(0, 1);
	*kit = oms_bool(0, 2);
	oms_spi_finish();
	return sku_id;
}

static OmsPlan channel_plan = {
	"SELECT channel_id FROM oms.channel WHERE company_id = $1 AND code = $2",
	2, {INT4OID, TEXTOID}, NULL
};

int32
oms_stock_find_channel(int32 company_id, const char *code)
{
	Datum		values[2] = {Int32GetDatum(company_id), oms_text(code)};
	int32		channel_id;

	oms_spi_connect();
	if (code == NULL || oms_exec(&channel_plan, values, NULL, false, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 code ? errmsg("channel \"%s\" does not exist", code) :
				 errmsg("no channel was named"),
				 errhint("The channels are the rows of oms.channel.")));
	channel_id = oms_int4(0, 1);
	oms_spi_finish();
	return channel_id;
}

static OmsPlan on_hand_plan = {
	"SELECT (on_hand * 1000)::int8 FROM oms.stock WHERE company_id = $1 AND node_id = $2 AND sku_id = $3 FOR NO KEY UPDATE",
	3, {INT4OID, INT4OID, INT4OID}, NULL
};

/* oms.adjust_stock(node, sku, on_hand, document, company) returns numeric */
Datum
oms_adjust_stock(PG_FUNCTION_ARGS)
{
	char	   *node = oms_stock_text_arg(fcinfo, 0);
	char	   *sku = oms_stock_text_arg(fcinfo, 1);
	int64		on_hand;
	int64		before;
	int32		company_id;
	OmsStockKey key;
	bool		erp;
	bool		kit;
	Datum		values[3];

	oms_require_installed();
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 4));
	key.node_id = oms_stock_find_node(company_id, node, &erp);
	key.sku_id = oms_stock_find_sku(company_id, sku, &kit);
	if (PG_ARGISNULL(2))
		oms_stock_refuse_argument("on_hand", "is missing",
								  "A number of stock units, not below zero.");
	on_hand = oms_stock_quantity_arg(fcinfo, 2, "on_hand", 0);
	if (erp)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("the stock of node \"%s\" is counted in the ERP", node),
				 errdetail("Its oms.node.stock_from is erp."),
				 errhint("Correct the count in the ERP; it is taken in by itself.")));
	if (kit)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("\"%s\" is a kit and has no stock of its own", sku),
				 errdetail("Argument sku."),
				 errhint("Count its components (oms.kit_component).")));

	oms_spi_connect();
	values[0] = Int32GetDatum(company_id);
	values[1] = Int32GetDatum(key.node_id);
	values[2] = Int32GetDatum(key.sku_id);
	before = oms_exec(&on_hand_plan, values, NULL, false, 1) > 0 ?
		oms_int8(0, 1) : 0;
	oms_spi_finish();
	oms_stock_count(company_id, key, on_hand, "adjust", oms_stock_text_arg(fcinfo, 3));
	PG_RETURN_DATUM(oms_milli_numeric(on_hand - before));
}

static OmsPlan codes_plan = {
	"SELECT n.code FROM unnest($1::int4[]) WITH ORDINALITY AS u (node_id, ord) LEFT JOIN oms.node n ON n.node_id = u.node_id ORDER BY u.ord",
	1, {INT4ARRAYOID}, NULL
};

/* oms.available(sku, node, company, channel, at) */
Datum
oms_available(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *node = oms_stock_text_arg(fcinfo, 1);
	int32		company_id;
	int32		sku_id;
	int32		node_id = 0;
	bool		flag;
	OmsStockLevel *levels;
	int			n;
	int32	   *node_ids;
	Datum		values[1];
	OmsStockView view = {0};

	oms_require_installed();
	InitMaterializedSRF(fcinfo, 0);
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 2));
	view.at = PG_ARGISNULL(4) ? GetCurrentTransactionStartTimestamp() :
		PG_GETARG_TIMESTAMPTZ(4);
	if (!PG_ARGISNULL(3))
		view.channel_id = oms_stock_find_channel(company_id,
												 oms_stock_text_arg(fcinfo, 3));
	if (oms_erp_before_promise && !RecoveryInProgress())
		oms_erp_before_promise(company_id);
	sku_id = oms_stock_find_sku(company_id, oms_stock_text_arg(fcinfo, 0), &flag);
	if (node)
		node_id = oms_stock_find_node(company_id, node, &flag);

	n = oms_stock_levels(company_id, &sku_id, 1, &view, &levels);
	node_ids = palloc(sizeof(int32) * (n + 1));
	for (int i = 0; i < n; i++)
		node_ids[i] = levels[i].key.node_id;
	oms_spi_connect();
	values[0] = oms_int4_array(node_ids, n);
	oms_exec(&codes_plan, values, NULL, false, 0);
	for (int i = 0; i < n; i++)
	{
		OmsStockLevel *l = &levels[i];
		Datum		row[6];
		bool		nulls[6] = {0};

		if (node_id != 0 && l->key.node_id != node_id)
			continue;
		row[0] = oms_text(oms_cstr(i, 1));
		nulls[0] = oms_isnull(i, 1);
		row[1] = oms_milli_numeric(l->on_hand);
		row[2] = oms_milli_numeric(l->reserved);
		row[3] = oms_milli_numeric(l->safety);
		row[4] = oms_milli_numeric(l->backorder_limit);
		row[5] = oms_milli_numeric(l->tracked && !l->blocked ?
								   Max(oms_stock_available(l) - l->backorder_limit, 0) : 0);
		nulls[5] = !l->tracked;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
	}
	oms_spi_finish();
	return (Datum) 0;
}

/* oms.set_stock_policy(node, sku, safety, backorder_limit, company, sellable) */
Datum
oms_set_stock_policy(PG_FUNCTION_ARGS)
{
	int64		safety = oms_stock_quantity_arg(fcinfo, 2, "safety", -1);
	int64		limit = oms_stock_quantity_arg(fcinfo, 3, "backorder_limit", -1);
	char	   *node = oms_stock_text_arg(fcinfo, 0);
	char	   *sku = oms_stock_text_arg(fcinfo, 1);
	int32		company_id;
	OmsStockKey key;
	bool		flag;
	int64		over;

	oms_require_installed();
	company_id = oms_company_id(oms_stock_text_arg(fcinfo, 4));
	key.node_id = oms_stock_find_node(company_id, node, &flag);
	key.sku_id = oms_stock_find_sku(company_id, sku, &flag);
	over = oms_stock_policy(company_id, key, safety, limit,
							PG_ARGISNULL(5) ? -1 : PG_GETARG_BOOL(5));
	if (over > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_INVALID_DOCUMENT),
				 errmsg("more of \"%s\" is promised at node \"%s\" than this limit allows",
						sku, node),
				 errdetail("Reservations exceed the count by %s.",
						   DatumGetCString(DirectFunctionCall1(numeric_out,
															   oms_milli_numeric(over)))),
				 errhint("Set backorder_limit to at least that, or move or cancel orders first.")));
	PG_RETURN_VOID();
}
