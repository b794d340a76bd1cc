/*
 * stock_batch.c
 *	  Takes of many orders in one transaction, written once.
 *
 * The combiner captures many orders of one item in a transaction.  Each of
 * them would write the item's row, and each look-up after it walk over the
 * versions of those before, which nobody can remove until the commit.  So
 * the row is locked and read by the first; takes add up here, are added to
 * whatever is read from the table, and are written once, before the commit
 * or before anything else touches the table.  Locks, checks, reservation
 * rows and events are those of single takes.
 *
 * For plans the levels of an item are read once, too.  All orders of a batch
 * were there before it began, so what they see is no older than they are.  A
 * plan that turns out to be too old, as any may, has them read again.
 *
 * A row that is locked changes by this transaction only, and whoever changes
 * it calls oms_stock_batch_write() first, which forgets all rows.  Within a
 * subtransaction nothing is collected; what was collected before it is
 * written there if need be, and comes back here if that is undone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/memutils.h"

#include "stock_batch.h"
#include "stock_row.h"

#define MAX_ENTRIES 256
#define MAX_ITEMS 64

typedef struct Entry
{
	int32		company_id;
	OmsStockLevel level;		/* as read */
	int64		qty;			/* taken since */
} Entry;

/* The levels of an item at all nodes, as read; in the transaction's memory. */
typedef struct ItemLevels
{
	int32		company_id;
	int32		sku_id;
	int			n;
	OmsStockLevel *levels;
} ItemLevels;

static Entry entries[MAX_ENTRIES];
static int	nentries = 0;
static ItemLevels items[MAX_ITEMS];
static int	nitems = 0;
static bool collecting = false;

/* the subtransaction that has written the entries, if not yet for good */
static SubTransactionId written_in = InvalidSubTransactionId;

static bool callbacks_set = false;

static OmsPlan take_plan = {
	"UPDATE oms.stock SET reserved = reserved + $4, version = version + 1, updated_at = now()"
	" WHERE company_id = $1 AND node_id = $2 AND sku_id = $3",
	4, {INT4OID, INT4OID, INT4OID, NUMERICOID}, NULL
};

static void
write_take(int32 company_id, OmsStockKey key, int64 qty)
{
	Datum		values[4] = {
		Int32GetDatum(company_id), Int32GetDatum(key.node_id),
		Int32GetDatum(key.sku_id), oms_milli_numeric(qty)
	};

	if (oms_stock_row_add(company_id, key, qty) == OMS_STOCK_ROW_DONE)
		return;
	oms_spi_connect();
	oms_exec(&take_plan, values, NULL, false, 0);
	oms_spi_finish();
}

static void
on_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			for (int i = 0; i < nentries; i++)
				if (entries[i].qty != 0)
					elog(ERROR, "takes of stock were not written");
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			collecting = false;
			nentries = nitems = 0;
			written_in = InvalidSubTransactionId;
			break;
		default:
			break;
	}
}

static void
on_subtransaction(SubXactEvent event, SubTransactionId subid,
				  SubTransactionId parent, void *arg)
{
	if (written_in == InvalidSubTransactionId || subid != written_in)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		written_in = InvalidSubTransactionId;	/* to be written again */
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		written_in = parent;
		if (parent == TopSubTransactionId)
		{
			written_in = InvalidSubTransactionId;
			nentries = nitems = 0;
		}
	}
}

void
oms_stock_batch_begin(void)
{
	if (!callbacks_set)
	{
		RegisterXactCallback(on_transaction, NULL);
		RegisterSubXactCallback(on_subtransaction, NULL);
		callbacks_set = true;
	}
	Assert(GetCurrentTransactionNestLevel() == 1);
	collecting = true;
	nentries = nitems = 0;
	written_in = InvalidSubTransactionId;
}

bool
oms_stock_batch_collecting(void)
{
	return collecting;
}

static Entry *
find(int32 company_id, OmsStockKey key)
{
	if (written_in == InvalidSubTransactionId)
		for (int i = 0; i < nentries; i++)
			if (entries[i].level.key.sku_id == key.sku_id &&
				entries[i].level.key.node_id == key.node_id &&
				entries[i].company_id == company_id)
				return &entries[i];
	return NULL;
}

void
oms_stock_batch_write(void)
{
	bool		nested = GetCurrentTransactionNestLevel() > 1;

	if (!collecting || written_in != InvalidSubTransactionId)
		return;
	for (int i = 0; i < nentries; i++)
		if (entries[i].qty != 0)
			write_take(entries[i].company_id, entries[i].level.key,
					   entries[i].qty);
	if (nested)
		written_in = GetCurrentSubTransactionId();
	else
		nentries = nitems = 0;
}

bool
oms_stock_batch_item(int32 company_id, int32 sku_id,
					 OmsStockLevel **levels, int *n)
{
	if (written_in == InvalidSubTransactionId)
		for (int i = 0; i < nitems; i++)
			if (items[i].sku_id == sku_id && items[i].company_id == company_id)
			{
				*levels = items[i].levels;
				*n = items[i].n;
				return true;
			}
	return false;
}

void
oms_stock_batch_keep_item(int32 company_id, int32 sku_id,
						  const OmsStockLevel *levels, int n)
{
	if (!collecting || GetCurrentTransactionNestLevel() > 1 ||
		nitems == MAX_ITEMS || n == 0)
		return;
	items[nitems].company_id = company_id;
	items[nitems].sku_id = sku_id;
	items[nitems].n = n;
	items[nitems].levels = MemoryContextAlloc(TopTransactionContext,
											  sizeof(OmsStockLevel) * n);
	memcpy(items[nitems++].levels, levels, sizeof(OmsStockLevel) * n);
}

void
oms_stock_batch_reread(void)
{
	nitems = 0;
}

bool
oms_stock_batch_level(int32 company_id, OmsStockKey key,
					  OmsStockLevel *level)
{
	Entry	   *e = collecting ? find(company_id, key) : NULL;

	if (e == NULL)
		return false;
	*level = e->level;
	level->reserved += e->qty;
	return true;
}

void
oms_stock_batch_keep(int32 company_id, const OmsStockLevel *level)
{
	if (!collecting || GetCurrentTransactionNestLevel() > 1 ||
		find(company_id, level->key))
		return;
	if (nentries == MAX_ENTRIES)
		oms_stock_batch_write();
	entries[nentries].company_id = company_id;
	entries[nentries].level = *level;
	entries[nentries].qty = 0;
	nentries++;
}

void
oms_stock_batch_take(int32 company_id, OmsStockKey key, int64 qty)
{
	Entry	   *e = NULL;

	if (collecting)
	{
		if (GetCurrentTransactionNestLevel() == 1)
			e = find(company_id, key);
		else
			oms_stock_batch_write();
	}
	if (e)
		e->qty += qty;
	else
	{
		write_take(company_id, key, qty);
		oms_stock_batch_reread();
	}
}

void
oms_stock_batch_add(int32 company_id, OmsStockLevel *levels, int n,
					OmsStockLevel *(*find_level) (OmsStockLevel *levels, int n,
												  int32 node_id, int32 sku_id))
{
	if (written_in != InvalidSubTransactionId)
		return;
	for (int i = 0; i < nentries; i++)
	{
		OmsStockLevel *level;

		if (entries[i].qty == 0 || entries[i].company_id != company_id)
			continue;
		level = find_level(levels, n, entries[i].level.key.node_id,
						   entries[i].level.key.sku_id);
		if (level)
			level->reserved += entries[i].qty;
	}
}
