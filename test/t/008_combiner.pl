# The combiner: orders of many sessions in one transaction of a worker.  What
# is answered and written is what the row path answers and writes, however a
# request, its session or the worker ends.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use feature "state";

my $shop = dirname(dirname(File::Spec->rel2abs(__FILE__))) . '/sql/include/shop.inc';

our $node = PostgreSQL::Test::Cluster->new('combiner');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_oms'\noms.worker_autostart = off\noms.combiner_queue = 6\nautovacuum = off\nwal_writer_delay = 10s\nrestart_after_crash = on\nlc_messages = 'C'\n");
$node->start;

# An order named hold... keeps the worker, and nobody else, in the middle of
# its capture while somebody holds the advisory lock 1; stop...: 2.
sub shop
{
	$node->safe_psql('postgres', 'CREATE DATABASE shop');
	$node->command_ok([ 'psql', '-Xqd', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', $shop ], 'a shop');
	$node->safe_psql('shop', q{
		SELECT count(oms.adjust_stock('BLR', i, 100000, company => 'SHOP')) FROM unnest('{SHIRT,BOOK,TV}'::text[]) i;
		CREATE FUNCTION public.doc(id text, items text DEFAULT 'SHIRT', channel text DEFAULT 'WEB') RETURNS jsonb LANGUAGE sql AS $$
			SELECT jsonb_build_object('company', 'SHOP', 'channel', channel, 'external_id', id, 'payment', '{"mode": "PREPAID"}'::jsonb,
				'customer', '{"phone": "9876500001"}'::jsonb, 'ship_to', '{"pincode": "981001", "address1": "12, Long Street"}'::jsonb,
				'lines', (SELECT jsonb_agg(jsonb_build_object('sku', i, 'qty', 1)) FROM regexp_split_to_table(items, ' ') i)) $$;
		CREATE FUNCTION public.in_combiner() RETURNS boolean LANGUAGE sql AS $$ SELECT current_setting('application_name') = 'pg_oms combiner' $$;
		CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			WHILE public.in_combiner() AND NOT pg_try_advisory_xact_lock(CASE WHEN NEW.external_id LIKE 'hold%' THEN 1 ELSE 2 END) LOOP PERFORM pg_sleep(0.005); END LOOP;
			RETURN NEW;
		END $$;
		CREATE TRIGGER hold BEFORE INSERT ON oms."order" FOR EACH ROW WHEN (NEW.external_id ~ '^(hold|stop)') EXECUTE FUNCTION public.hold();
		CREATE TABLE public.who (external_id text, at_work text, who text, session text, zone text);
		CREATE FUNCTION public.who() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO public.who VALUES (NEW.external_id, CASE WHEN public.in_combiner() THEN 'combiner' ELSE 'session' END, current_user, session_user, current_setting('TimeZone'));
			RETURN NEW;
		END $$;
		CREATE TRIGGER who BEFORE INSERT ON oms."order" FOR EACH ROW EXECUTE FUNCTION public.who();
		ALTER TABLE oms."order" ENABLE ALWAYS TRIGGER who});
}
shop();

sub sql { return $node->safe_psql('shop', $_[0]) }
sub stat_of { return sql("SELECT $_[0] FROM oms.combiner_stat()") }
# who captured it: combiner, session, or nothing for nobody
sub by { return sql("SELECT at_work FROM public.who WHERE external_id = '$_[0]'") }
sub until_true { my ($q, $what) = @_; ok($node->poll_query_until('shop', $q), $what) }
# a session that runs SQL while the test goes on
sub client
{
	my ($name, $sql, $db) = @_;
	my %c = (out => '', err => '');
	my @sql = map { ('-c', $_) } ref $sql ? @$sql : $sql;
	$name = "application_name=$name" if $name !~ /=/;
	$c{run} = IPC::Run::start([ 'psql', '-XAtq', $node->connstr($db // 'shop') . " $name", '-v', 'VERBOSITY=verbose', @sql ], '<', \undef, '>', \$c{out}, '2>', \$c{err});
	return \%c;
}
sub result { $_[0]{run}->finish; return $_[0]{out} }
sub with_combiner { return until_true("SELECT waiting = $_[0] FROM oms.combiner_stat()", $_[1]) }
my $on = 'SET oms.combiner = on';
sub take { return "SELECT oms.capture_order(public.doc('$_[0]'" . (@_ > 1 ? ", '$_[1]'" : '') . (@_ > 2 ? ", '$_[2]'" : '') . ")) ->> 'status'" }

### Who takes part

is(sql(take('alone')), 'reserved', 'auto, nobody waits');
is(by('alone'), 'session', 'the row path');
is(stat_of('pid IS NULL'), 't', 'and no worker is started');

# the first one starts the worker
sub start_worker
{
	my $n = 0;
	$node->poll_query_until('shop', q{SELECT pid IS NULL FROM oms.combiner_stat()}) if $_[0];
	sql("$on; " . take('start ' . $_[1]));
	until_true('SELECT pid IS NOT NULL FROM oms.combiner_stat()', 'the first order starts the worker');
	is(by("start $_[1]"), 'session', '... and does not wait for it');
}
start_worker(0, 'a');
is(sql("$on; " . take('one')), 'reserved', 'switched on: answered');
is(by('one'), 'combiner', '... by the combiner');
is(sql("$on; " . take('one')), 'reserved', 'the same order again');
is(sql(q{SELECT count(*) FROM oms."order" WHERE external_id = 'one'}), '1', '... is captured once');
is(sql("$on; SELECT oms.capture_order(public.doc('one')) -> 'duplicate'"), 'true', '... and said to be known');
is(sql(q{SET oms.combiner = off; } . take('off')) . ' ' . by('off'), 'reserved session', 'switched off: the row path');

# nothing but the call, in a transaction of its own
my $call = q{oms.capture_order(public.doc('%s'))};
my %alone = (
	'plain' => [ "SELECT count(*) FROM (SELECT 1) x", "SELECT $call" ],
	'from' => [ "SELECT * FROM $call" ],
	'field' => [ "SELECT $call -> 'risk' ->> 'action'" ],
	'fields' => [ "SELECT a ->> 'order_id', a -> 'risk' ->> 'action' FROM $call a" ],
	'at' => [ "SELECT oms.capture_order(public.doc('%s'), '2026-03-02 10:00+05:30')" ],
	'harmless' => [ "SET work_mem = '8MB'; SET statement_timeout = '100s'; SET application_name = 'x'; SELECT $call" ],
	'zone' => [ "SET TimeZone = 'Asia/Tokyo'; SELECT $call" ],
);
my %not_alone = (
	'block' => [ "BEGIN", "SELECT $call", "COMMIT" ],
	'savepoint' => [ "BEGIN", "SAVEPOINT a", "SELECT $call", "COMMIT" ],
	'script' => [ "SELECT 1\\; SELECT $call" ],
	'isolation' => [ "SET default_transaction_isolation = 'repeatable read'; SELECT $call" ],
	'setting' => [ "SET shop.branch = 'x'; SELECT $call" ],
	'replica' => [ "SET session_replication_role = replica; SELECT $call" ],
	'where' => [ "SELECT $call WHERE now() > '2000-01-01'" ],
	'rows' => [ "SELECT $call FROM generate_series(1, 1)" ],
	'expression from' => [ "SELECT length(a::text) FROM $call a" ],
	'expression' => [ "SELECT 1 / length(($call)::text)" ],
	'two columns' => [ "SELECT 1, $call" ],
	'inner' => [ "SELECT oms.capture_order(public.nested('%s'))" ],
	'function' => [ "SELECT public.nested('%s')" ],
	'do' => [ "DO \$\$ BEGIN PERFORM $call; END \$\$" ],
	'insert' => [ "CREATE TEMP TABLE t (j jsonb); INSERT INTO t SELECT $call" ],
	'with' => [ "CREATE TEMP TABLE t (i int); WITH w AS (INSERT INTO t VALUES (1) RETURNING i) SELECT oms.capture_order(public.doc('%s')) FROM w" ],
	'cursor' => [ "DECLARE c CURSOR WITH HOLD FOR SELECT $call", "FETCH c" ],
	'explain' => [ "EXPLAIN ANALYZE SELECT $call" ],
	'role' => [ "SET ROLE pg_monitor; SET ROLE other; SELECT $call" ],
	'bulk' => [ "SELECT oms.capture_orders(ARRAY[public.doc('%s')::text])" ],
);
$node->safe_psql('shop', q{
	CREATE ROLE other SUPERUSER;
	CREATE FUNCTION public.nested(id text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM oms.capture_order(public.doc(id)); RETURN public.doc(id || ' outer'); END $$});
for my $kind (sort keys %alone)
{
	sql("$on; " . join('; ', map { s/%s/$kind/r } @{ $alone{$kind} }));
	is(by($kind), 'combiner', "may be left to the combiner: $kind");
}
for my $kind (sort keys %not_alone)
{
	sql("$on; " . join('; ', map { s/%s/$kind/r } @{ $not_alone{$kind} }));
	is(by($kind), 'session', "stays with its session: $kind");
}
is(by('inner outer'), 'session', 'so does a call whose argument wrote');
is(sql(q{SELECT zone FROM public.who WHERE external_id = 'zone'}), 'Asia/Tokyo', 'settings go along');
is(sql("$on; SELECT oms.capture_order(public.doc('tz')) ->> 'promised_at' LIKE '%+00'") . ' ' . by('tz'), 't session', 'an operator around the call keeps it');

# the walwriter is slow and nothing else writes
my $ahead = 'SELECT pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()';
is(sql("$on; SET synchronous_commit = off; " . take('async') . "; $ahead") . ' ' . by('async'), "reserved\nt combiner", 'asynchronous commit: the log is not flushed (this test can tell)');
is(sql("$on; " . take('durable') . "; $ahead") . ' ' . by('durable'), "reserved\nf combiner", 'else it is, when the answer comes');
is(sql("$on; SET oms.early_lock_release = off; " . take('late locks') . "; $ahead") . ' ' . by('late locks'), "reserved\nf combiner", '... also without early lock release');
is(sql("$on; SET synchronous_commit = off; " . take('known') . "; SET synchronous_commit = on; SELECT oms.capture_order(public.doc('known')) ->> 'duplicate'; $ahead"), "reserved\ntrue\nf", '... and of an order that is known, when what is known is durable');

### The same rows and answers

$node->safe_psql('postgres', 'SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = \'shop\'');
$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE shop") for 'rows_off', 'rows_on';
$node->safe_psql('rows_on', q{SET oms.combiner = on; SELECT oms.available('SHIRT', NULL, 'SHOP')});
# a worker of another database, without taking numbers from the sequences
$node->psql('rows_on', "$on; " . take('x', 'SHIRT', 'NONE'));
ok($node->poll_query_until('rows_on', 'SELECT pid IS NOT NULL FROM oms.combiner_stat()'), 'a worker in another database');
my (%answer, %rows);
for my $way ('off', 'on')
{
	for my $items ('SHIRT', 'SHIRT BOOK', 'PAIR', 'DRESS BOOK', 'RICE', 'TV', 'SHIRT')
	{
		state $n = 0;
		my $id = "$items " . ($n++ % 7);
		$answer{$way} .= $node->safe_psql("rows_$way", "SET oms.combiner = $way; SELECT oms.capture_order(public.doc('$id', '$items'), '2026-03-02 10:00+05:30')") . "\n";
	}
	$rows{$way} = join "\n", map {
		$node->safe_psql("rows_$way", qq{
			SELECT '$_', to_jsonb(t) - ARRAY(SELECT attname::text FROM pg_attribute a WHERE a.attrelid = 'oms.$_'::regclass AND a.atttypid = 'timestamptz'::regtype AND a.attname NOT IN ('placed_at', 'promised_at'))
			  FROM oms.$_ t ORDER BY to_jsonb(t)::text COLLATE "C"})
	} qw("order" order_line order_charge order_hold allocation decision reservation stock shipment risk_score customer event);
}
is($node->safe_psql('rows_on', 'SELECT captured FROM oms.combiner_stat()'), '7', 'seven orders by the combiner there');
is($answer{on}, $answer{off}, 'the same answers');
ok(length $rows{off} > 10000, 'many rows');
is($rows{on}, $rows{off}, 'the same rows');
is(stat_of('pid IS NULL'), 't', 'databases do not mix');
$node->safe_psql('postgres', 'DROP DATABASE rows_off');
$node->safe_psql('postgres', 'DROP DATABASE rows_on');
ok(1, 'DROP DATABASE does not wait for a worker at rest');

### Batches, one bad order among them

start_worker(1, 'b');
my $gate = $node->background_psql('shop');
sub close_gate { $gate->query_safe('SELECT pg_advisory_lock(1)') }
sub open_gate { $gate->query_safe('SELECT pg_advisory_unlock(1)') }
my ($rc, $out, $err);

close_gate();
my $holder = client('holder', [ $on, take('hold 1', 'TV') ]);
with_combiner(1, 'an order keeps the worker busy');
my $batches = stat_of('batches');
my @c;
for my $i (1 .. 5)
{
	push @c, client("c$i", [ $on, $i == 3 ? take('bad', 'SHIRT', 'NONE') : take("good $i", $i == 4 ? 'SHIRT BOOK' : 'SHIRT') ]);
	with_combiner(1 + $i, "$i wait behind it");
}
is(sql("$on; " . take('one too many')) . ' ' . by('one too many'), 'reserved session', 'the queue is full: the row path');
is(stat_of('queue_full'), '1', '... which is counted');
open_gate();
is(result($holder), "reserved\n", 'the first is answered');
is(join('', map { result($c[$_]) } 0, 1, 3, 4), "reserved\n" x 4, 'so are the good ones');
result($c[2]);
($rc, $out, $err) = $node->psql('shop', '\set VERBOSITY verbose' . "\nSET oms.combiner = off; " . take('bad', 'SHIRT', 'NONE'));
# the row path's message, as psql -c has it
(my $plain = $err) =~ s/^psql:<stdin>:\d+: //mg;
is($c[2]{err} =~ s/\s+\z//r, $plain =~ s/\s+\z//r, 'the bad one has the error of the row path, word for word');
like($c[2]{err}, qr/ERROR:  OM002: .*\nDETAIL|ERROR:  OM002: .*\nHINT/, '... with its SQLSTATE and the way out');
is(sql(q{SELECT string_agg(external_id, ', ' ORDER BY order_id) FROM oms."order" WHERE external_id LIKE 'good %' OR external_id LIKE 'hold %'}),
	'hold 1, good 1, good 2, good 4, good 5', 'in the order in which they came');
is(sql(q{SELECT string_agg(at_work, ' ') FROM public.who WHERE external_id LIKE 'good %'}), 'combiner combiner combiner combiner', 'by the combiner');
is(stat_of("batches - $batches || ' ' || redone || ' ' || returned"), '2 1 1', 'in one transaction, after one that was undone');
is(stat_of('waiting'), '0', 'no slot is left');

### One version of a row for the whole batch

# orders [items, channel, node, id] behind one that keeps the worker; answers
sub together
{
	close_gate();
	my @all = client('holder', [ $on, take("hold $_[0]", 'TV') ]);
	with_combiner(1, "$_[0]: busy");
	for my $o (@_[ 1 .. $#_ ])
	{
		my ($items, $channel, $node, $id) = @$o;
		$id //= "$_[0] " . @all;
		push @all, client("c", [ $on, "SELECT oms.capture_order(public.doc('$id', '$items', '$channel')" . ($node ? qq{ || '{"fulfilment": {"mode": "CARRY_OUT", "node": "$node"}}'} : '') . ") ->> 'status'" ]);
		with_combiner(scalar @all, scalar(@all) - 1 . ' wait');
	}
	open_gate();
	return join ' ', map { chomp(my $r = result($_)); $r || ($_->{err} =~ /ERROR:  (\w+)/)[0] } @all[ 1 .. $#all ];
}
sub stock { return sql("SELECT (s.on_hand - s.reserved)::int || ' ' || s.version FROM oms.stock s JOIN oms.sku k USING (sku_id) JOIN oms.node n USING (node_id) WHERE k.code = '$_[0]' AND n.code = 'BLR'") }
sub set_stock { sql("SELECT oms.adjust_stock('BLR', '$_[0]', $_[1] + (SELECT s.reserved FROM oms.stock s JOIN oms.sku k USING (sku_id) JOIN oms.node n USING (node_id) WHERE k.code = '$_[0]' AND n.code = 'BLR'), company => 'SHOP')") }
# a new worker: one that had to do a batch again does the next ones with care
sql('SELECT pg_terminate_backend(pid, 10000) FROM oms.combiner_stat()');
start_worker(1, 'books');
set_stock('BOOK', 7);
my ($free, $version) = split / /, stock('BOOK');
is(together('plain', map { [ $_, 'WEB' ] } 'BOOK', 'SHIRT BOOK', 'BOOK', 'BOOK'), 'reserved reserved reserved reserved', 'four orders of one item');
is(stock('BOOK'), '3 ' . ($version + 1), '... write its row once');
is(together('last', map { [ 'BOOK', 'WEB' ] } 1 .. 5), 'reserved reserved reserved backordered backordered', 'the last three of an item, in one batch');
is((split / /, stock('BOOK'))[0], '0', '... are gone');
set_stock('BOOK', 10);
is(together('same', map { [ 'BOOK', 'WEB', undef, 'same' ] } 1 .. 3), 'reserved reserved reserved', 'one order three times in a batch');
is((split / /, stock('BOOK'))[0], '9', '... is captured once');
sql(q{SELECT oms.reserve_cart(public.doc('') - 'external_id' - 'payment' || '{"cart_id": "C", "lines": [{"sku": "BOOK", "qty": 3}]}', now() - interval '1 day')});
is(together('cart', [ 'SHIRT', 'WEB' ], [ 'BOOK', 'WEB' ], [ 'BOOK', 'WEB' ]), 'reserved reserved reserved', 'a cart that expired gives its units back in the middle');
is((split / /, stock('BOOK'))[0], '7', '... once');
is(together('counter', [ 'BOOK', 'WEB' ], [ 'BOOK', 'POS', 'BLR' ], [ 'BOOK', 'WEB' ]), 'reserved delivered reserved', 'a sale at the counter between others');
is((split / /, stock('BOOK'))[0], '4', '... all counted');
sql(q{SELECT oms.adjust_stock('BOM', 'BOOK', 5, company => 'SHOP')});
set_stock('BOOK', 1);
close_gate();
$gate->query_safe('SELECT pg_advisory_lock(2)');
$holder = client('holder', [ $on, take('hold stale', 'TV') ]);
with_combiner(1, 'busy');
@c = ();
for ([ 'stale 1', 'BOOK' ], [ 'stop', 'TV' ], [ 'stale 2', 'BOOK' ])
{
	push @c, client('c', [ $on, take(@$_) ]);
	with_combiner(1 + @c, "$_->[0] waits");
}
open_gate();
result($holder);
until_true(q{SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE application_name = 'pg_oms combiner'}, 'in the middle of a batch');
sql(q{SELECT oms.adjust_stock('BOM', 'BOOK', 0, company => 'SHOP')});
$gate->query_safe('SELECT pg_advisory_unlock(2)');
is(join('', map { result($_) } @c), "reserved\nreserved\nbackordered\n", 'what others took meanwhile is not promised');
is(join(' ', map { by($_) } 'stale 1', 'stale 2'), 'combiner combiner', '... in one batch');
set_stock('BOOK', 2);
is(together('out', map { [ 'BOOK', 'NOW' ] } 1 .. 4), 'reserved reserved OM101 OM101', 'who comes too late is refused');
is(sql(q{SELECT count(*) FROM public.who WHERE external_id ~ '^(plain|last|same|cart|counter)' AND at_work <> 'combiner'}), '0', 'all by the combiner');
is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');
set_stock('BOOK', 100000);

### Clients that go away

close_gate();
$holder = client('holder', [ $on, take('hold 2', 'TV') ]);
with_combiner(1, 'busy again');
my $waits = client('waits', [ $on, take('not taken') ]);
my $dies = client('dies', [ $on, take('not taken, dead') ]);
my $times = client('times', [ $on, q{SET statement_timeout = '50ms'}, take('timed out') ]);
result($times);
like($times->{err}, qr/57014: canceling statement due to statement timeout/, 'a statement timeout while it waits');
unlike($times->{err}, qr/WARNING/, '... withdraws it');
with_combiner(3, 'two more wait');
sql(qq{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'});
result($waits);
like($waits->{err}, qr/57014/, 'a cancel');
unlike($waits->{err}, qr/WARNING/, '... withdraws it');
sql(qq{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dies'});
result($dies);
with_combiner(1, 'a terminated session leaves no slot');
sql(qq{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
result($holder);
like($holder->{err}, qr/WARNING:  01000: the order may have been captured all the same\nDETAIL: .*\nHINT:  Ask again with the same external_id.*ERROR:  57014/s, 'a cancel of one that was taken says so');
my $late = client('late', [ $on, take('hold 3', 'TV') ]);
with_combiner(2, 'its slot is still with the worker');
open_gate();
is(result($late), "reserved\n", 'the next is answered');
is(stat_of('waiting'), '0', 'all slots are back');
is(by('hold 2'), 'combiner', 'the cancelled order was captured all the same');
is(sql("$on; SELECT oms.capture_order(public.doc('hold 2', 'TV')) ->> 'duplicate'"), 'true', 'asked again it is known');
is(sql(q{SELECT count(*) FROM oms."order" WHERE external_id LIKE 'not taken%' OR external_id = 'timed out'}), '0', 'those withdrawn were not captured');

close_gate();
$holder = client('holder', [ $on, take('hold 4', 'TV') ]);
with_combiner(1, 'busy');
sql(qq{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'holder'});
with_combiner(1, 'the slot of a dead client stays until the worker is done');
open_gate();
with_combiner(0, '... and no longer');
is(by('hold 4'), 'combiner', 'it was captured');

### The worker ends

close_gate();
$holder = client('holder', [ $on, take('hold 5', 'TV') ]);
with_combiner(1, 'busy');
$waits = client('waits', [ $on, take('behind') ]);
with_combiner(2, 'and one behind');
sql('SELECT pg_terminate_backend(pid, 10000) FROM oms.combiner_stat()');
is(result($holder) . result($waits), "reserved\nreserved\n", 'terminated: both are answered');
is($holder->{err} . $waits->{err}, '', '... without a word');
is(by('hold 5') . ' ' . by('behind'), 'session session', '... by their own sessions');
open_gate();
is(stat_of("coalesce(pid, 0) || ' ' || waiting"), '0 0', 'no worker, no slots');
start_worker(1, 'c');
is(sql("$on; " . take('next')) . ' ' . by('next'), 'reserved combiner', 'and it goes on');

### Locks

my $locker = $node->background_psql('shop');
$locker->query_safe(q{BEGIN; SELECT count(*) FROM (SELECT 1 FROM oms.stock s JOIN oms.sku k USING (sku_id) WHERE k.code = 'SHIRT' FOR NO KEY UPDATE OF s) x});
my $blocked = client('blocked', [ $on, take('blocked') ]);
until_true(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'blocked' AND wait_event_type = 'Lock'}, 'an order that meets a lock waits for it in its own session');
is(sql("$on; " . take('free', 'BOOK')) . ' ' . by('free'), 'reserved combiner', 'the others go on');
is(sql(q{SET oms.combiner = auto; } . take('calm', 'BOOK')) . ' ' . by('calm'), 'reserved session', 'auto: an item without a rush');
$locker->query_safe('COMMIT');
is(result($blocked) . by('blocked'), "reserved\nsession", 'when the lock is gone it is captured');
for my $n (7, 8)
{
	$locker->query_safe(q{BEGIN; SELECT count(*) FROM (SELECT 1 FROM oms.stock s JOIN oms.sku k USING (sku_id) WHERE k.code = 'SHIRT' FOR NO KEY UPDATE OF s) x});
	@c = map { client("crowd$_", [ 'SET oms.combiner = auto', take("crowd $n $_") ]) } 1 .. $n;
	until_true(qq{SELECT count(*) = $n FROM pg_stat_activity WHERE application_name ~ '^crowd' AND wait_event_type = 'Lock'}, "$n orders of one item wait for it");
	$locker->query_safe('COMMIT');
	is(join('', map { result($_) } @c), "reserved\n" x $n, '... and are captured');
	is(sql('SET oms.combiner = auto; ' . take("rush $n")) . ' ' . by("rush $n"), $n == 8 ? 'reserved combiner' : 'reserved session', '... auto: ' . ($n == 8 ? 'a rush' : 'no rush'));
}
$locker->quit;

### Rights

sql(q{CREATE ROLE seller LOGIN; CREATE ROLE nobody LOGIN;
	SELECT oms.grant_role('app', 'seller'); GRANT USAGE ON SCHEMA oms TO nobody; GRANT EXECUTE ON FUNCTION oms.capture_order(jsonb, timestamptz) TO nobody;
	GRANT INSERT, SELECT ON public.who TO PUBLIC});
is($node->safe_psql('shop', "$on; " . take('by seller'), connstr => $node->connstr('shop') . ' user=seller'), 'reserved', 'a role with the rights of an app');
is(sql(q{SELECT at_work || ' ' || who || ' ' || session FROM public.who WHERE external_id = 'by seller'}), 'combiner seller seller', '... is who captures');
($rc, $out, $err) = $node->psql('shop', "$on; " . take('by nobody'), connstr => $node->connstr('shop') . ' user=nobody');
like($err, qr/permission denied/, 'one without rights is refused');
sql(q{ALTER TABLE oms."order" ENABLE ROW LEVEL SECURITY; CREATE POLICY shop ON oms."order" USING (external_id NOT LIKE '%secret%')});
($rc, $out, $err) = $node->psql('shop', "$on; " . take('secret'), connstr => $node->connstr('shop') . ' user=seller');
like($err, qr/row-level security/, 'policies hold');
is($node->safe_psql('shop', "$on; " . take('public'), connstr => $node->connstr('shop') . ' user=seller') . ' ' . by('public'), 'reserved combiner', '... for those they concern');
is(sql("$on; " . take('secret')) . ' ' . by('secret'), 'reserved combiner', '... and not for a superuser');
sql('ALTER TABLE oms."order" DISABLE ROW LEVEL SECURITY');

### Failure at the commit

sql(q{CREATE FUNCTION public.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'too late' USING ERRCODE = 'XX099', HINT = 'Come earlier.'; END $$;
	CREATE CONSTRAINT TRIGGER late AFTER INSERT ON oms."order" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.external_id LIKE 'late%') EXECUTE FUNCTION public.late()});
close_gate();
$holder = client('holder', [ $on, take('hold 6', 'TV') ]);
with_combiner(1, 'busy');
@c = ();
for my $i (1 .. 3)
{
	push @c, client("c$i", [ $on, take($i == 2 ? 'late' : "in time $i") ]);
	with_combiner(1 + $i, "$i wait behind it");
}
open_gate();
result($holder);
is(result($c[0]) . result($c[2]), "reserved\nreserved\n", 'an error at the commit: the others are captured');
result($c[1]);
like($c[1]{err}, qr/ERROR:  XX099: too late\nHINT:  Come earlier\./, '... and only one has it');
is(sql(q{SELECT count(*) FROM oms."order" WHERE external_id IN ('late', 'in time 1', 'in time 3')}), '2', '... and is not there');

### Whose turn it is

sql('CREATE ROLE other_seller LOGIN; SELECT oms.grant_role(\'app\', \'other_seller\')');
close_gate();
$holder = client('holder', [ $on, take('hold 7', 'TV') ]);
with_combiner(1, 'busy');
$batches = stat_of('batches');
my @who = qw(seller other_seller seller other_seller seller);
@c = ();
for my $i (0 .. 4)
{
	push @c, client("user=$who[$i]", [ $on, ($i == 4 ? q{SET TimeZone = 'UTC'} : ()), take("turn $i") ]);
	with_combiner(2 + $i, "$who[$i] waits");
}
open_gate();
result($holder);
is(join('', map { result($_) } @c), "reserved\n" x 5, 'orders of several users');
is(sql(q{SELECT string_agg(external_id || ' ' || who, ', ' ORDER BY order_id) FROM public.who JOIN oms."order" USING (external_id) WHERE external_id LIKE 'turn %'}),
	'turn 0 seller, turn 2 seller, turn 1 other_seller, turn 3 other_seller, turn 4 seller', 'the oldest first, with those of the same user and settings');
is(stat_of("batches - $batches"), '4', 'four transactions');

### An answer too long for its place in the queue

my $lines = join ' ', map { ('SHIRT', 'BOOK', 'TV') } 1 .. 33;
my $long = sql("SET oms.combiner = off; SELECT oms.capture_order(public.doc('long off', '$lines')) - 'order_id' - 'promised_at'");
cmp_ok(length $long, '>', 8192, 'a long answer');
my $answer = sql("$on; SELECT oms.capture_order(public.doc('long on', '$lines'))");
is(by('long on'), 'combiner', 'is given by the combiner, too');
is(sql("SELECT '$answer'::jsonb - 'order_id' - 'promised_at'"), $long, '... word for word');

is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');
$gate->quit;

### At rest, at the end

sql(q{ALTER SYSTEM SET oms.combiner_idle = '1s'; SELECT pg_reload_conf()});
until_true('SELECT pid IS NULL FROM oms.combiner_stat()', 'a worker with nothing to do ends');
sql(q{ALTER SYSTEM RESET oms.combiner_idle; SELECT pg_reload_conf()});
start_worker(0, 'd');
sql('CREATE DATABASE copied TEMPLATE template1');
sql('BEGIN; DROP EXTENSION pg_oms CASCADE; ROLLBACK');
ok(1, 'DROP EXTENSION does not wait for a worker at rest');
$node->stop('fast');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'no crash');
$node->start;
start_worker(0, 'e');
my $pid = stat_of('pid');
my $log = -s $node->logfile;
kill 'KILL', $pid;
ok($node->wait_for_log(qr/database system is ready to accept connections/, $log), 'the server recovers from a worker that is killed');
$node->poll_query_until('shop', 'SELECT pid IS NULL FROM oms.combiner_stat()');
start_worker(0, 'f');
is(sql("$on; " . take('after all')) . ' ' . by('after all'), 'reserved combiner', 'and the combiner works');
is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');
$node->stop('smart');

### A rush in which workers and sessions are ended, and then the server

$node->start;
start_worker(0, 'rush');
my $dir = PostgreSQL::Test::Utils::tempdir();
my @rush;
for my $c (1 .. 6)
{
	open my $script, '>', "$dir/client$c.sql" or die $!;
	print $script "SET oms.combiner = on;\n";
	# every third is another session's order, too
	print $script 'SELECT o.a ->> \'order_id\' AS id FROM oms.capture_order(public.doc(\'' . ($_ % 3 ? "rush$c-$_" : "rush-$_") . "')) o(a) \\gset\n\\if :{?id}\n\\echo " . ($_ % 3 ? "rush$c-$_" : "rush-$_") . "=:id\n\\unset id\n\\endif\n" for 1 .. 20000;
	close $script;
	push @rush, IPC::Run::start([ 'psql', '-XAtq', $node->connstr('shop') . " application_name=rush", '-f', "$dir/client$c.sql" ], '<', \undef, '>', "$dir/client$c.out", '2>', "$dir/client$c.err");
}
for my $n (1 .. 5)
{
	until_true(q{SELECT pid IS NOT NULL AND captured > 0 FROM oms.combiner_stat()}, "rush: a worker, $n");
	my $now = sql(q{SELECT count(*) FROM oms."order"});
	until_true(qq{SELECT count(*) > $now + 40 FROM oms."order"}, '... at work');
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'rush' ORDER BY random() LIMIT 2});
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rush' ORDER BY backend_start LIMIT 1}) if $n == 3;
	sql('SELECT pg_terminate_backend(pid) FROM oms.combiner_stat()');
}
cmp_ok(sql(q{SELECT count(*) FROM public.who WHERE external_id LIKE 'rush%' AND at_work = 'combiner'}), '>', 100, 'many are captured by the combiner');
is(sql(q{SELECT count(*) FROM (SELECT 1 FROM oms."order" GROUP BY channel_id, external_id HAVING count(*) > 1) x}), '0', 'none twice');
$node->stop('immediate');
$_->finish for @rush;
$node->start;
my %id = map { split /=/ } split /\n/, sql(q{SELECT external_id || '=' || order_id FROM oms."order" WHERE external_id LIKE 'rush%'});
my @told = grep { /^rush[-\d]+=\d+$/ } map { split /\n/, slurp_file("$dir/client$_.out") } 1 .. 6;
cmp_ok(scalar @told, '>', 150, scalar(@told) . ' answers were given before the server was stopped');
is_deeply([ grep { my ($x, $i) = split /=/; ($id{$x} // '') ne $i } @told ], [], 'all of them of orders that are there');
my %errors = map { $_ => 1 } map { slurp_file("$dir/client$_.err") =~ /ERROR:  (.*)/g } 1 .. 6;
is(join(', ', sort keys %errors), 'canceling statement due to user request', 'nobody was told of anything but a cancel');
is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');
$node->stop;

### Standbys: each session awaits them as it asks, the worker goes on

$node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_oms'\noms.worker_autostart = off\nlc_messages = 'C'\n");
$node->start;
shop();
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\n");
$node->reload;
$node->poll_query_until('postgres', q{SELECT sync_state = 'sync' FROM pg_stat_replication});
start_worker(0, 'g');
is(sql("$on; " . take('both up')) . ' ' . by('both up'), 'reserved combiner', 'with the standby up');
$standby->stop;
my $local = 'SET synchronous_commit = local; ';
sub awaits_standby { return until_true(qq{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = '$_[0]' AND wait_event = 'SyncRep'}, $_[1]) }
my $s1 = client('s1', [ $on, take('s1') ]);
awaits_standby('s1', 'it is down: who asks for it waits');
is(sql("$on; $local" . take('s2')) . ' ' . by('s2'), 'reserved combiner', '... and nobody else');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 's1'});
is(result($s1), "reserved\n", 'a cancel: answered');
like($s1->{err}, qr/WARNING:  01000: canceling wait for synchronous replication/, "... with the server's warning");
my $s3 = client('s3', [ "$on", 'SET oms.early_lock_release = off', take('s3') ]);
awaits_standby('pg_oms combiner', 'without early lock release the worker waits, with its locks');
my $s4 = client('s4', [ $on, take('s4') ]);
with_combiner(2, 'who comes now waits with it');
sql(q{SET synchronous_commit = local; SELECT pg_terminate_backend(pid) FROM oms.combiner_stat()});
awaits_standby('s3', 'the worker ends in that wait: its client goes on waiting');
awaits_standby('s4', 'so does the one behind, who had to capture himself');
$standby->start;
is(result($s3) . result($s4), "reserved\nreserved\n", 'answered when the standby is back');
is(by('s3') . ' ' . by('s4'), 'combiner session', '... captured once each');
start_worker(0, 'h');
is(sql("$on; SET synchronous_commit = remote_apply; " . take('s5')) . ' ' . by('s5'), 'reserved combiner', 'remote_apply');
is($standby->safe_psql('shop', q{SELECT count(*) FROM oms."order" WHERE external_id = 's5'}), '1', '... is seen on the standby at once');
($rc, $out, $err) = $standby->psql('shop', "$on; " . take('s6'));
like($err, qr/read-only|recovery/, 'on the standby itself nothing is captured');
$standby->promote;
$node->stop('immediate');
$node = $standby;
$node->append_conf('postgresql.conf', "synchronous_standby_names = ''\n");
$node->reload;
start_worker(0, 'i');
is(sql("$on; " . take('s7')) . ' ' . by('s7'), 'reserved combiner', 'but once it is promoted');
is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');

done_testing();
