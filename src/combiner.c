/*
 * combiner.c
 *	  Orders of many sessions captured in one transaction: the client's side.
 *
 * In a rush on one item every order writes the same stock row, one after the
 * other.  So, where the library is preloaded, a session may leave its order
 * to a worker, which captures what waits in one transaction, commits once,
 * and answers each.  The call is the same, and so are rows and answers.
 *
 * What may be left to another session: a statement that is nothing but the
 * call, outside a transaction block, by a user who is what he logged in as,
 * with no setting that we cannot carry over.  Its transaction would have
 * begun and ended with it, so that nobody can tell who made it.  Everything
 * else, and everything that goes wrong, takes the row path: the client does
 * it himself, as if there were no combiner.  So errors are those of the row
 * path, word for word, and the worker never has to tell one.
 *
 * The client waits until the commit is durable, on disk and on standbys, as
 * his own synchronous_commit says; the worker need not.
 *
 * doc/stock.md has the races.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "nodes/primnodes.h"
#include "pgstat.h"
#include "replication/syncrep.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/portal.h"
#include "utils/timeout.h"

#include "accept.h"
#include "combiner.h"
#include "core_process.h"
#include "node_slot.h"
#include "stock.h"

/*
 * An item is in a rush for so long after so many of its orders were under
 * way at once and had to wait for each other.  With fewer the row path
 * answers sooner: many sessions do at once what the worker does in turn.
 */
#define RUSH_MS			5000
#define RUSH_ORDERS		8

/* A worker that has not come up after so long is started again. */
#define START_MS		10000

/* A cancel is noticed so late at most. */
#define AWAIT_MS		50

#define SETTINGS_MAX	2048
#define COUNTED_MAX		64

enum
{
	COMBINER_OFF,
	COMBINER_ON,
	COMBINER_AUTO
};

typedef enum ItemVisit
{
	ITEM_RUSH,
	ITEM_MARK,
	ITEM_COUNT,
	ITEM_CROWD
} ItemVisit;

static const struct config_enum_entry combiner_options[] = {
	{"auto", COMBINER_AUTO, false},
	{"on", COMBINER_ON, false},
	{"off", COMBINER_OFF, false},
	{"true", COMBINER_ON, true},
	{"false", COMBINER_OFF, true},
	{"yes", COMBINER_ON, true},
	{"no", COMBINER_OFF, true},
	{"1", COMBINER_ON, true},
	{"0", COMBINER_OFF, true},
	{NULL, 0, false}
};

OmsCombinerShared *oms_combiner = NULL;
int			oms_combiner_batch = 64;
int			oms_combiner_idle = 60;

static int	combiner = COMBINER_AUTO;
static int	combiner_queue = 256;

static OmsCombinerSlot *mine = NULL;
static bool exit_callback_set = false;

/* items of this transaction's captures on the row path, as counted */
static int	counted[COUNTED_MAX];
static int	ncounted = 0;
static bool xact_callback_set = false;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void request_shared(void);
static void startup_shared(void);
static bool self_contained(Node *call);
static bool is_whole_statement(Node *call);
static bool visit_items(Jsonb *doc, ItemVisit visit, TimestampTz t,
						uint32 *crowd);
static bool in_rush(Jsonb *doc);
static void mark_rush(Jsonb *doc, TimestampTz until);
static int	write_settings(char *to);
static int	write_accept_settings(char *to);
static bool enter_queue(Jsonb *doc, TimestampTz at, bool accept,
						const char *settings, int settings_len);
static OmsCombinerQueue *find_queue(void);
static void start_worker(void);
static void await_answer(void);
static void wake_batch(int slot);
static Jsonb *take_answer(bool *refused, int *together);
static bool leave_queue(void);
static void leave_at_exit(int code, Datum arg);

void
oms_combiner_init(void)
{
	DefineCustomEnumVariable("oms.combiner",
							 "Whether orders of several sessions are captured in one transaction.",
							 "auto: those of items in a rush. Needs pg_oms in shared_preload_libraries.",
							 &combiner, COMBINER_AUTO, combiner_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("oms.combiner_batch",
							"Most orders the combiner captures in one transaction.",
							NULL, &oms_combiner_batch, 64, 1, 1024,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("oms.combiner_idle",
							"The combiner's worker ends when it had nothing to do for so long.",
							NULL, &oms_combiner_idle, 60, 1, 24 * 3600,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	DefineCustomIntVariable("oms.combiner_queue",
							"Orders that can wait for the combiner, of all databases.",
							"More take the row path.",
							&combiner_queue, 256, 1, 10000,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shared;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shared;
}

/*
 * Shared memory
 */
static Size
shared_size(void)
{
	return add_size(offsetof(OmsCombinerShared, slot),
					mul_size(combiner_queue, sizeof(OmsCombinerSlot)));
}

static void
request_shared(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(shared_size());
	RequestNamedLWLockTranche("pg_oms combiner", 1);
}

static void
startup_shared(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	oms_combiner = ShmemInitStruct("pg_oms combiner", shared_size(), &found);
	if (!found)
	{
		memset(oms_combiner, 0, shared_size());
		oms_combiner->lock = &GetNamedLWLockTranche("pg_oms combiner")->lock;
		oms_combiner->nslots = combiner_queue;
		dlist_init(&oms_combiner->free);
		for (int i = 0; i < OMS_COMBINER_DATABASES; i++)
		{
			oms_combiner->queue[i].procno = OMS_COMBINER_NO_PROC;
			dlist_init(&oms_combiner->queue[i].waiting);
		}
		for (int i = 0; i < OMS_COMBINER_RUSHES; i++)
		{
			pg_atomic_init_u64(&oms_combiner->rush[i], 0);
			pg_atomic_init_u32(&oms_combiner->orders[i], 0);
		}
		for (int i = 0; i < combiner_queue; i++)
		{
			pg_atomic_init_u32(&oms_combiner->slot[i].state, OMS_COMBINER_FREE);
			if (sem_init(&oms_combiner->slot[i].answered, 1, 0) != 0)
				elog(FATAL, "could not make a semaphore: %m");
			dlist_push_tail(&oms_combiner->free, &oms_combiner->slot[i].link);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

void
oms_combiner_free_slot(OmsCombinerSlot *slot)
{
	pg_atomic_write_u32(&slot->state, OMS_COMBINER_FREE);
	oms_combiner->queue[slot->queue].nslots--;
	dlist_push_head(&oms_combiner->free, &slot->link);
}

void
oms_combiner_wake(uint32 procno)
{
	if (procno != OMS_COMBINER_NO_PROC)
		SetLatch(&ProcGlobal->allProcs[procno].procLatch);
}

/* The queue of this database, a new one if need be, or NULL; lock held. */
static OmsCombinerQueue *
find_queue(void)
{
	OmsCombinerQueue *unused = NULL;

	for (int i = 0; i < OMS_COMBINER_DATABASES; i++)
	{
		OmsCombinerQueue *q = &oms_combiner->queue[i];

		if (q->database == MyDatabaseId)
			return q;
		/* one without a worker may be of a database that is gone */
		if (q->procno == OMS_COMBINER_NO_PROC && q->nslots == 0 &&
			(unused == NULL || q->started < unused->started))
			unused = q;
	}
	if (unused)
	{
		unused->database = MyDatabaseId;
		unused->started = 0;
		unused->batches = unused->captured = unused->redone = 0;
		unused->returned = unused->withdrawn = unused->full = 0;
	}
	return unused;
}

/*
 * The call
 */
Jsonb *
oms_combiner_capture(FunctionCallInfo fcinfo, Jsonb *doc, TimestampTz at)
{
	char		settings[SETTINGS_MAX];
	int			settings_len;
	Jsonb	   *answer = NULL;
	bool		refused = false;
	int			together = 0;
	bool		accept;

	if (oms_combiner == NULL || combiner == COMBINER_OFF ||
		(combiner == COMBINER_AUTO && !in_rush(doc)) ||
		!self_contained(fcinfo->flinfo->fn_expr))
		return NULL;
	/* another company's channel of that name may not: it takes both along */
	accept = oms_accepts_first(doc, true);
	settings_len = accept ? write_accept_settings(settings) : write_settings(settings);
	if (settings_len < 0 ||
		!enter_queue(doc, at, accept, settings, settings_len))
		return NULL;

	PG_TRY();
	{
		await_answer();
		answer = take_answer(&refused, &together);
	}
	PG_CATCH();
	{
		if (leave_queue())
			ereport(WARNING,
					(errmsg("the order may have been captured all the same"),
					 errdetail("It was with the combiner when the wait for the answer ended."),
					 errhint("Ask again with the same external_id: an order is captured once.")));
		PG_RE_THROW();
	}
	PG_END_TRY();

	/*
	 * The rush goes on while several come at once.  Orders that are refused
	 * (sold out) are refused without a lock, and better by many at once.
	 */
	if (combiner == COMBINER_AUTO)
	{
		if (refused)
			mark_rush(doc, 0);
		else if (together >= RUSH_ORDERS)
			mark_rush(doc, GetCurrentTimestamp() + RUSH_MS * INT64CONST(1000));
	}
	return answer;
}

/*
 * Whether the statement is nothing but this call, in a transaction of its
 * own, so that it makes no difference who commits it.
 */
static bool
self_contained(Node *call)
{
	Oid			userid;
	int			sec_context;

	if (IsTransactionBlock() || GetCurrentTransactionNestLevel() != 1 ||
		TransactionIdIsValid(GetTopTransactionIdIfAny()) ||
		XactIsoLevel != XACT_READ_COMMITTED || XactReadOnly ||
		RecoveryInProgress())
		return false;
	GetUserIdAndSecContext(&userid, &sec_context);
	return userid == GetSessionUserId() && sec_context == 0 &&
		is_whole_statement(call);
}

/* What a field of an answer is taken out of: what is left cannot fail. */
static Node *
without_fields(Node *expr)
{
	while (expr && IsA(expr, OpExpr) &&
		   (((OpExpr *) expr)->opfuncid == F_JSONB_OBJECT_FIELD ||
			((OpExpr *) expr)->opfuncid == F_JSONB_OBJECT_FIELD_TEXT) &&
		   IsA(lsecond(((OpExpr *) expr)->args), Const))
		expr = linitial(((OpExpr *) expr)->args);
	return expr;
}

/*
 * The plan that the client's statement runs has the very node of the call
 * for its only column, one row: SELECT oms.capture_order(...), or the same
 * in FROM.  A call from within a function is another node.
 */
static bool
is_whole_statement(Node *call)
{
	PlannedStmt *stmt;
	Plan	   *plan;

	if (call == NULL || ActivePortal == NULL ||
		ActivePortal->strategy != PORTAL_ONE_SELECT ||
		(ActivePortal->cursorOptions & CURSOR_OPT_HOLD) ||
		ActivePortal->queryDesc == NULL)
		return false;
	stmt = ActivePortal->queryDesc->plannedstmt;
	plan = stmt->planTree;
	if (stmt->commandType != CMD_SELECT || stmt->hasModifyingCTE ||
		plan->lefttree || plan->righttree || plan->qual)
		return false;
	if (IsA(plan, Result))
		return list_length(plan->targetlist) == 1 &&
			((Result *) plan)->resconstantqual == NULL &&
			without_fields((Node *) linitial_node(TargetEntry, plan->targetlist)->expr) == call;
	if (IsA(plan, FunctionScan))
	{
		List	   *functions = ((FunctionScan *) plan)->functions;
		ListCell   *lc;

		foreach(lc, plan->targetlist)
			if (!IsA(without_fields((Node *) lfirst_node(TargetEntry, lc)->expr), Var))
				return false;
		return list_length(functions) == 1 &&
			linitial_node(RangeTblFunction, functions)->funcexpr == call;
	}
	return false;
}

/*
 * Rushes
 *
 * Row paths count themselves by item until their transaction ends.  One that
 * had to wait for a lock has armed the deadlock timer, which remembers when:
 * that is exact, and costs nothing where nobody waits.
 */
static void
count_off(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			while (ncounted > 0)
				pg_atomic_fetch_sub_u32(&oms_combiner->orders[counted[--ncounted]], 1);
			break;
		default:
			break;
	}
}

void
oms_combiner_before_row_path(Jsonb *doc, OmsCombinerRow *row)
{
	row->slots = oms_slots_taken;
	row->waits = oms_stock_row_waits;
	row->timer = 0;
	row->crowd = 0;
	if (oms_combiner == NULL)
		return;
	if (!xact_callback_set)
	{
		RegisterXactCallback(count_off, NULL);
		xact_callback_set = true;
	}
	row->timer = get_timeout_start_time(DEADLOCK_TIMEOUT);
	(void) visit_items(doc, ITEM_COUNT, 0, &row->crowd);
}

void
oms_combiner_after_row_path(Jsonb *doc, OmsCombinerRow *row)
{
	/*
	 * Slots of nodes come after all stock rows; a transaction of several
	 * orders has no such order, so whoever takes slots does it alone.
	 */
	if (oms_combiner != NULL && oms_slots_taken == row->slots &&
		(oms_stock_row_waits != row->waits ||
		 get_timeout_start_time(DEADLOCK_TIMEOUT) != row->timer))
	{
		(void) visit_items(doc, ITEM_CROWD, 0, &row->crowd);
		if (row->crowd >= RUSH_ORDERS)
			mark_rush(doc, GetCurrentTimestamp() + RUSH_MS * INT64CONST(1000));
	}
}

static int
place_of(const JsonbValue *sku)
{
	uint32		h = hash_bytes((const unsigned char *) sku->val.string.val,
							   sku->val.string.len);

	return hash_combine(h, MyDatabaseId) & (OMS_COMBINER_RUSHES - 1);
}

static bool
is_counted(int place)
{
	for (int i = 0; i < ncounted; i++)
		if (counted[i] == place)
			return true;
	return false;
}

/*
 * Visits the items of a document, whatever it may be (it has not been
 * checked).  RUSH: true if one is in a rush at "t".  MARK: they are until
 * "t".  COUNT: one transaction more of each.  That and CROWD: *crowd becomes
 * the number of orders of the item that has most, unless it is more.
 */
static bool
visit_items(Jsonb *doc, ItemVisit visit, TimestampTz t, uint32 *crowd)
{
	JsonbValue	lines;

	if (!JB_ROOT_IS_OBJECT(doc) ||
		!getKeyJsonValueFromContainer(&doc->root, "lines", 5, &lines) ||
		lines.type != jbvBinary || !JsonContainerIsArray(lines.val.binary.data))
		return false;
	for (uint32 i = 0; i < JsonContainerSize(lines.val.binary.data); i++)
	{
		JsonbValue *line = getIthJsonbValueFromContainer(lines.val.binary.data, i);
		JsonbValue	sku;
		uint32		orders;
		int			place;

		if (line->type != jbvBinary ||
			!JsonContainerIsObject(line->val.binary.data) ||
			!getKeyJsonValueFromContainer(line->val.binary.data, "sku", 3, &sku) ||
			sku.type != jbvString)
			continue;
		place = place_of(&sku);
		switch (visit)
		{
			case ITEM_RUSH:
				if ((TimestampTz) pg_atomic_read_u64(&oms_combiner->rush[place]) > t)
					return true;
				break;
			case ITEM_MARK:
				pg_atomic_write_u64(&oms_combiner->rush[place], (uint64) t);
				break;
			case ITEM_COUNT:
				if (is_counted(place))
					break;
				if (ncounted == COUNTED_MAX)
					return false;
				counted[ncounted++] = place;
				orders = pg_atomic_add_fetch_u32(&oms_combiner->orders[place], 1);
				*crowd = Max(*crowd, orders);
				break;
			case ITEM_CROWD:
				orders = pg_atomic_read_u32(&oms_combiner->orders[place]);
				*crowd = Max(*crowd, orders);
				break;
		}
	}
	return false;
}

static bool
in_rush(Jsonb *doc)
{
	return visit_items(doc, ITEM_RUSH, GetCurrentStatementStartTimestamp(), NULL);
}

static void
mark_rush(Jsonb *doc, TimestampTz until)
{
	(void) visit_items(doc, ITEM_MARK, until, NULL);
}

/*
 * Settings
 *
 * Those of this session that may change what a capture does or answers are
 * carried over.  What is set in the server's or database's configuration the
 * worker has too; groups that only cost or save time do not matter; anything
 * else that was set for this session, role or connection keeps it on the row
 * path (a policy or a trigger may ask for any setting).
 */
static const char *const carried[] = {
	"DateStyle", "IntervalStyle", "TimeZone", "extra_float_digits"
};
static const char *const harmless[] = {
	"application_name", "client_encoding", "client_min_messages",
	"default_transaction_deferrable", "default_transaction_isolation",
	"default_transaction_read_only", "idle_in_transaction_session_timeout",
	"idle_session_timeout", "lock_timeout", "search_path",
	"statement_timeout", "synchronous_commit", "transaction_deferrable",
	"transaction_isolation", "transaction_read_only"
};

static bool
is_one_of(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool
harmless_group(enum config_group group)
{
	switch (group)
	{
		case UNGROUPED:			/* of the server's own, and who we are */
		case PRESET_OPTIONS:
		case PROCESS_TITLE:
			return true;
		default:
			return (group >= CONN_AUTH_SETTINGS && group <= RESOURCES_ASYNCHRONOUS) ||
				(group >= QUERY_TUNING_METHOD && group <= LOGGING_WHAT) ||
				(group >= STATS_MONITORING && group <= AUTOVACUUM);
	}
}

/* Name and value, both with their end, after "len" bytes; -1: no room. */
static int
append_setting(char *to, int len, const char *name)
{
	const char *value = GetConfigOption(name, true, false);
	int			name_len = strlen(name) + 1;
	int			value_len = strlen(value ? value : "") + 1;

	if (len + name_len + value_len > SETTINGS_MAX - MAXIMUM_ALIGNOF)
		return -1;
	memcpy(to + len, name, name_len);
	memcpy(to + len + name_len, value ? value : "", value_len);
	return len + name_len + value_len;
}

/* Returns the length, MAXALIGNed, or -1: this session stays on its own. */
static int
write_settings(char *to)
{
	struct config_generic **all = get_guc_variables();
	int			n = GetNumConfigOptions();
	int			len = 0;

	for (int i = 0; i < lengthof(carried); i++)
		if ((len = append_setting(to, len, carried[i])) < 0)
			return -1;
	for (int i = 0; i < n; i++)
	{
		struct config_generic *s = all[i];

		if (s->group == CUSTOM_OPTIONS && strncmp(s->name, "oms.", 4) == 0)
		{
			if ((s->context == PGC_USERSET || s->context == PGC_SUSET) &&
				strcmp(s->name, "oms.combiner") != 0 &&
				strcmp(s->name, "oms.early_lock_release") != 0 &&
				(len = append_setting(to, len, s->name)) < 0)
				return -1;
		}
		else if (s->source > PGC_S_DATABASE && s->source != PGC_S_OVERRIDE &&
				 !harmless_group(s->group) &&
				 !is_one_of(s->name, carried, lengthof(carried)) &&
				 !is_one_of(s->name, harmless, lengthof(harmless)))
			return -1;
	}
	memset(to + len, 0, MAXALIGN(len) - len);
	return MAXALIGN(len);
}

/*
 * The same for an order that is accepted first.  It is written without
 * anybody's triggers and policies, or given back, so that only those count
 * that say how a document is read.  They are looked up by name again when one
 * of them has changed.
 */
static int
write_accept_settings(char *to)
{
	static struct
	{
		pg_tz	   *zone;
		int			date_order;
		char		company[NAMEDATALEN];
		int			len;		/* 0: not made yet */
		char		text[SETTINGS_MAX];
	}			last;
	const char *company = oms_company_setting();

	if (last.len == 0 || last.zone != session_timezone ||
		last.date_order != DateOrder || strcmp(last.company, company) != 0)
	{
		int			len = append_setting(last.text, 0, "TimeZone");

		last.len = 0;
		if (len < 0 || strlen(company) >= sizeof(last.company) ||
			(len = append_setting(last.text, len, "DateStyle")) < 0 ||
			(len = append_setting(last.text, len, "oms.company")) < 0)
			return -1;
		memset(last.text + len, 0, MAXALIGN(len) - len);
		last.len = MAXALIGN(len);
		last.zone = session_timezone;
		last.date_order = DateOrder;
		strlcpy(last.company, company, sizeof(last.company));
	}
	memcpy(to, last.text, last.len);
	return last.len;
}

/*
 * The queue
 */

/* Puts the order into the queue; false when it has to take the row path. */
static bool
enter_queue(Jsonb *doc, TimestampTz at, bool accept, const char *settings,
			int settings_len)
{
	OmsCombinerQueue *q;
	OmsCombinerSlot *slot = NULL;
	bool		start = false;
	uint32		worker = OMS_COMBINER_NO_PROC;

	Assert(mine == NULL);
	if (settings_len + VARSIZE(doc) > OMS_COMBINER_DATA)
		return false;
	if (!exit_callback_set)
	{
		before_shmem_exit(leave_at_exit, (Datum) 0);
		exit_callback_set = true;
	}

	LWLockAcquire(oms_combiner->lock, LW_EXCLUSIVE);
	q = find_queue();
	if (q == NULL)
		;
	else if (q->procno == OMS_COMBINER_NO_PROC)
	{
		TimestampTz now = GetCurrentStatementStartTimestamp();

		if (q->started == 0 ||
			TimestampDifferenceExceeds(q->started, now, START_MS))
		{
			q->started = now;
			start = true;
		}
	}
	else if (dlist_is_empty(&oms_combiner->free))
		q->full++;
	else
	{
		/* a few hundred bytes: quicker than to come back for the lock */
		slot = dlist_container(OmsCombinerSlot, link,
							   dlist_pop_head_node(&oms_combiner->free));
		slot->queue = q - oms_combiner->queue;
		slot->userid = GetUserId();
		slot->superuser = session_auth_is_superuser;
		slot->early = oms_early_release_enabled();
		slot->synchronous = synchronous_commit;
		slot->accept = accept;
		slot->at = at;
		slot->settings_len = settings_len;
		slot->doc_len = VARSIZE(doc);
		slot->xid = InvalidTransactionId;
		slot->commit = InvalidXLogRecPtr;
		slot->answer_len = 0;
		slot->segment = DSM_HANDLE_INVALID;
		slot->refused = false;
		slot->leads = false;
		memcpy(slot->data, settings, settings_len);
		memcpy(slot->data + settings_len, doc, VARSIZE(doc));
		while (sem_trywait(&slot->answered) == 0)
			;
		pg_atomic_write_u32(&slot->state, OMS_COMBINER_WAITING);
		dlist_push_tail(&q->waiting, &slot->link);
		q->nwaiting++;
		q->nslots++;
		worker = q->procno;
		mine = slot;
	}
	LWLockRelease(oms_combiner->lock);
	if (start)
		start_worker();
	if (slot == NULL)
		return false;
	oms_combiner_wake(worker);
	return true;
}

/* The order that finds no worker has one started and does not wait for it. */
static void
start_worker(void)
{
	BackgroundWorker worker;

	oms_process_describe(&worker, "pg_oms combiner", "oms_combiner_main");
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	if (!RegisterDynamicBackgroundWorker(&worker, NULL))
		ereport(LOG,
				(errmsg("no room for the combiner of database %u, trying again later",
						MyDatabaseId),
				 errhint("Raise max_worker_processes.")));
}

/*
 * On a semaphore, which wakes without the signal that a latch takes; but
 * neither a cancel nor the death of the postmaster ends the sleep.
 */
static void
await_answer(void)
{
	while (pg_atomic_read_u32(&mine->state) < OMS_COMBINER_DONE)
	{
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += AWAIT_MS * 1000000L;
		if (until.tv_nsec >= 1000000000L)
		{
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
		if (sem_timedwait(&mine->answered, &until) != 0 &&
			!PostmasterIsAlive())
			proc_exit(1);
		pgstat_report_wait_end();
		CHECK_FOR_INTERRUPTS();
	}
	pg_read_barrier();
}

/*
 * Of a batch that is not on disk yet only the first client is woken; it has
 * written that for all, and now they find it done.  One that it does not get
 * to wakes by itself after AWAIT_MS.
 */
static void
wake_batch(int slot)
{
	/* slots may have others by now, who sleep on, and lead anywhere */
	for (int i = 0; slot >= 0 && i < oms_combiner->nslots; i++)
	{
		OmsCombinerSlot *s = &oms_combiner->slot[slot];

		slot = s->next;
		sem_post(&s->answered);
	}
}

/* The answer, once it is durable; NULL: the order was not captured. */
static Jsonb *
take_answer(bool *refused, int *together)
{
	OmsCombinerSlot *slot = mine;
	uint32		state = pg_atomic_read_u32(&slot->state);
	XLogRecPtr	commit = slot->commit;
	int			next = slot->leads ? slot->next : -1;
	Jsonb	   *answer = NULL;

	*refused = slot->refused;
	*together = slot->together;
	if (state == OMS_COMBINER_ORPHANED && TransactionIdIsValid(slot->xid))
	{
		/* it is about to abort, unless it was through */
		XactLockTableWait(slot->xid, NULL, NULL, XLTW_None);
		if (TransactionIdDidCommit(slot->xid))
		{
			state = OMS_COMBINER_DONE;
			oms_early_release_rely();
		}
	}
	if (state == OMS_COMBINER_DONE)
	{
		answer = palloc(slot->answer_len);
		if (slot->segment == DSM_HANDLE_INVALID)
			memcpy(answer, slot->data, slot->answer_len);
		else
		{
			dsm_segment *segment = dsm_attach(slot->segment);

			if (segment == NULL)
				elog(ERROR, "answer of the combiner is gone");
			memcpy(answer, dsm_segment_address(segment), slot->answer_len);
			dsm_detach(segment);
		}
	}
	(void) leave_queue();

	/*
	 * Durable as this session asks.  Where the worker had time for it, or
	 * another client of the batch was first, that is done on disk.  A cancel
	 * while waiting for a standby leaves the usual warning.
	 */
	if (answer && synchronous_commit > SYNCHRONOUS_COMMIT_OFF &&
		!XLogRecPtrIsInvalid(commit))
	{
		XLogFlush(commit);
		wake_batch(next);
		HOLD_INTERRUPTS();
		SyncRepWaitForLSN(commit, true);
		RESUME_INTERRUPTS();
	}
	return answer;
}

/*
 * Gives up our slot, wherever it is.  True when its order may have been, or
 * may yet be, captured and the answer was not fetched.
 */
static bool
leave_queue(void)
{
	OmsCombinerSlot *slot = mine;
	bool		unknown = false;
	dsm_handle	segment = DSM_HANDLE_INVALID;

	if (slot == NULL)
		return false;
	mine = NULL;
	LWLockAcquire(oms_combiner->lock, LW_EXCLUSIVE);
	switch ((OmsCombinerState) pg_atomic_read_u32(&slot->state))
	{
		case OMS_COMBINER_TAKEN:
			pg_atomic_write_u32(&slot->state, OMS_COMBINER_ABANDONED);
			oms_combiner->queue[slot->queue].withdrawn++;
			unknown = true;
			break;
		case OMS_COMBINER_WAITING:
			dlist_delete(&slot->link);
			oms_combiner->queue[slot->queue].nwaiting--;
			oms_combiner->queue[slot->queue].withdrawn++;
			oms_combiner_free_slot(slot);
			break;
		case OMS_COMBINER_DONE:
		case OMS_COMBINER_ORPHANED:
			unknown = true;
			/* fall through */
		default:
			segment = slot->segment;
			oms_combiner_free_slot(slot);
			break;
	}
	LWLockRelease(oms_combiner->lock);
	if (segment != DSM_HANDLE_INVALID)
		dsm_unpin_segment(segment);
	return unknown;
}

static void
leave_at_exit(int code, Datum arg)
{
	(void) leave_queue();
}

/*
 * oms.combiner_stat()
 */
PG_FUNCTION_INFO_V1(oms_combiner_stat);

Datum
oms_combiner_stat(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[9];
	bool		nulls[9] = {0};
	OmsCombinerQueue q = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (oms_combiner)
	{
		LWLockAcquire(oms_combiner->lock, LW_SHARED);
		for (int i = 0; i < OMS_COMBINER_DATABASES; i++)
			if (oms_combiner->queue[i].database == MyDatabaseId)
				q = oms_combiner->queue[i];
		LWLockRelease(oms_combiner->lock);
	}
	values[0] = Int32GetDatum(q.pid);
	nulls[0] = q.pid == 0;
	values[1] = Int32GetDatum(q.nslots);
	values[2] = Int64GetDatum((int64) q.batches);
	values[3] = Int64GetDatum((int64) q.captured);
	values[4] = Float8GetDatum(q.batches ? (double) q.captured / q.batches : 0);
	nulls[4] = q.batches == 0;
	values[5] = Int64GetDatum((int64) q.redone);
	values[6] = Int64GetDatum((int64) q.returned);
	values[7] = Int64GetDatum((int64) q.withdrawn);
	values[8] = Int64GetDatum((int64) q.full);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
