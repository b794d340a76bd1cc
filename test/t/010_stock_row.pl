# Rows of oms.stock are found by hints: whatever happened to a row since the
# hint was made, who takes it takes the right one, and the levels are right.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $shop = dirname(dirname(File::Spec->rel2abs(__FILE__))) . '/sql/include/shop.inc';
my $node = PostgreSQL::Test::Cluster->new('row');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_oms'\noms.worker_autostart = off\nautovacuum = off\nfsync = off\nlock_timeout = 60s\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->command_ok([ 'psql', '-Xqd', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', $shop ], 'a shop');
$node->safe_psql('shop', q{
	SELECT oms.adjust_stock('BLR', i, 100000, company => 'SHOP') FROM unnest('{SHIRT,BOOK}'::text[]) i;
	CREATE SEQUENCE public.orders;
	CREATE FUNCTION public.doc(item text) RETURNS jsonb LANGUAGE sql AS $$
		SELECT jsonb_build_object('company', 'SHOP', 'channel', 'WEB', 'external_id', nextval('public.orders')::text, 'payment', '{"mode": "PREPAID"}'::jsonb,
			'customer', '{"phone": "9876500001"}'::jsonb, 'ship_to', '{"pincode": "981001", "address1": "12, Long Street"}'::jsonb,
			'lines', jsonb_build_array(jsonb_build_object('sku', item, 'qty', 1, 'unit_price', 400))) $$;
	CREATE FUNCTION public.take(item text DEFAULT 'SHIRT') RETURNS text LANGUAGE sql AS $$ SELECT coalesce(oms.capture_order(public.doc(item)) #>> '{plan,0,node}', 'waits') $$;
	CREATE FUNCTION public.held(item text DEFAULT 'SHIRT') RETURNS int LANGUAGE sql AS $$
		SELECT trim_scale(reserved)::int FROM oms.stock JOIN oms.sku k USING (sku_id) JOIN oms.node n USING (node_id) WHERE k.code = item AND n.code = 'BLR' $$;
	-- did statements look at the table in this transaction?  Levels are read by stock_sku either way; held() is a statement
	CREATE FUNCTION public.scans(takes int DEFAULT 1) RETURNS text LANGUAGE sql AS $$
		SELECT CASE WHEN pg_stat_get_xact_numscans('oms.stock'::regclass) = 0
			AND (SELECT sum(pg_stat_get_xact_numscans(indexrelid)) FROM pg_index WHERE indrelid = 'oms.stock'::regclass AND indexrelid <> 'oms.stock_sku'::regclass) = 0
			AND pg_stat_get_xact_numscans('oms.stock_sku'::regclass) <= 2 * takes THEN 'hint' ELSE 'index' END $$;
	CREATE FUNCTION public.free(item text DEFAULT 'SHIRT') RETURNS int LANGUAGE sql AS $$ SELECT available::int FROM oms.available(item, 'BLR', 'SHOP') $$});

# a session of its own each time: hints are shared
my $held = 0;
sub took
{
	my ($how, $name, $before) = @_;
	$before //= '';
	like($node->safe_psql('shop', "$before BEGIN; SELECT take(), scans(); COMMIT"), qr/^BLR\|($how)$/, "$name: taken by $how");
	$held++;
	is($node->safe_psql('shop', q{SELECT held(), free()}), $held . '|' . (100000 - $held), '... once');
}

took('index', 'the first one');
took('hint', 'the second');
took('index', 'switched off', 'SET oms.stock_hints = off;');
took('hint', 'switched on');

# rolled back: the hint stays at the version that counts
$node->safe_psql('shop', 'BEGIN; SELECT take(); SELECT take(); ROLLBACK');
took('hint', 'after a rollback');
$node->safe_psql('shop', 'BEGIN; SAVEPOINT a; SELECT take(); ROLLBACK TO a; SELECT take(); RELEASE a; COMMIT');
$held++;
took('hint', 'after a savepoint');
is($node->safe_psql('shop', 'BEGIN; SELECT take(); SELECT take(); SELECT take(); SELECT scans(3), held(); COMMIT'), "BLR\nBLR\nBLR\nhint|" . ($held + 3), 'one transaction takes three times');
$held += 3;
is($node->safe_psql('shop', 'BEGIN; SELECT take(); SAVEPOINT a; SELECT take(); ROLLBACK TO a; SELECT take(), held(); COMMIT'), "BLR\nBLR\nBLR|" . ($held + 2), 'own versions, one rolled back');
$held += 2;

# what cleans up, and what moves the row
$node->safe_psql('shop', "DO \$\$ BEGIN FOR i IN 1..300 LOOP PERFORM take(); END LOOP; END \$\$");
$held += 300;
took('hint', 'many versions in one transaction');
for my $command ('VACUUM oms.stock', 'VACUUM FULL oms.stock', 'CLUSTER oms.stock USING stock_pkey', 'REINDEX TABLE CONCURRENTLY oms.stock', 'VACUUM FREEZE oms.stock', 'ALTER TABLE oms.stock ALTER safety SET NOT NULL', 'ANALYZE oms.stock')
{
	$node->safe_psql('shop', $command);
	is($node->safe_psql('shop', 'SELECT take(), held()'), 'BLR|' . ++$held, "after $command");
	took('hint', '... and again');
}

# the row's place is given to another row; the row comes again
my $row = q{SELECT s FROM oms.stock s JOIN oms.sku k USING (sku_id) WHERE s.node_id = 9211 AND k.code = 'SHIRT'};
my $place = $node->safe_psql('shop', "CREATE TABLE public.kept AS SELECT (x.s).* FROM ($row) x; DELETE FROM oms.stock WHERE node_id = 9211 AND sku_id = 9221");
is($node->safe_psql('shop', q{SELECT take(), (SELECT count(*) FROM oms.available('SHIRT', 'BLR', 'SHOP'))}), 'waits|0', 'a row that was deleted is not there');
$node->safe_psql('shop', 'VACUUM oms.stock');
$node->safe_psql('shop', q{INSERT INTO oms.stock (company_id, node_id, sku_id, on_hand) SELECT 9200, 9211, s, 7 FROM generate_series(100001, 100400) s; VACUUM oms.stock});
is($node->safe_psql('shop', q{SELECT take(), (SELECT count(*) FROM oms.available('SHIRT', 'BLR', 'SHOP')), (SELECT count(*) FROM oms.stock WHERE sku_id > 100000 AND reserved <> 0)}), 'waits|0|0', 'and its place belongs to others');
$node->safe_psql('shop', 'INSERT INTO oms.stock SELECT * FROM public.kept');
is($node->safe_psql('shop', 'SELECT take(), held()'), 'BLR|' . ++$held, 'it comes again elsewhere');
took('hint', '... and is found');
$node->safe_psql('shop', 'DELETE FROM oms.stock WHERE sku_id > 100000');

# an old snapshot keeps all versions, and sees its own
my $report = $node->background_psql('shop', on_error_stop => 0);
my $then = $held;
$report->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($report->query_safe('SELECT held()'), $then, 'a report begins');
$node->safe_psql('shop', 'SELECT take()') for 1 .. 3;
$node->safe_psql('shop', "DO \$\$ BEGIN FOR i IN 1..600 LOOP PERFORM take(); COMMIT; END LOOP; END \$\$");
$held += 603;
took('hint', 'versions on several pages');
is($report->query_safe('SELECT held(), free()'), "$then|" . (100000 - $then), 'the report sees what it saw');
my $out = '';
my $err = '';
$report->query('SELECT take()');
like($report->{stderr}, qr/could not serialize access due to concurrent update/, 'and takes nothing on a row that changed since');
$report->{stderr} = '';
$report->query_safe('ROLLBACK');
is($node->safe_psql('shop', 'SELECT held()'), $held, 'nothing was taken');
for my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	is($node->safe_psql('shop', "BEGIN ISOLATION LEVEL $level; SELECT take(), scans(), held(); COMMIT"), 'BLR|index|' . ++$held, "$level: by statements");
	# by index where a scan has pruned the version that the hint names
	took('hint|index', '... and READ COMMITTED after it');
}

# two sessions at one row, the second waits, then goes on from the newest
my $one = $node->background_psql('shop');
my $two = $node->background_psql('shop');
for my $end ('COMMIT', 'ROLLBACK')
{
	$one->query_safe('BEGIN; SELECT take(); SELECT take()');
	$two->query_until(qr/asked/, "\\echo asked\nSELECT take() || ' ' || held();\n");
	ok($node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'}), 'the second waits');
	$one->query_safe($end);
	$held += $end eq 'COMMIT' ? 3 : 1;
	is($two->query_safe('SELECT 1'), "BLR $held\n1", "$end: the second goes on");
}
$_->quit for $one, $two, $report;

# a table that is not as it was made: statements, which know
$node->safe_psql('shop', q{
	CREATE TABLE public.seen (n numeric);
	CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (NEW.reserved); RETURN NEW; END $$;
	CREATE TRIGGER see AFTER UPDATE ON oms.stock FOR EACH ROW EXECUTE FUNCTION public.see()});
took('index', 'with a trigger');
is($node->safe_psql('shop', 'SELECT max(n)::int FROM public.seen'), $held, 'which runs');
$node->safe_psql('shop', 'DROP TRIGGER see ON oms.stock');
took('hint', 'without it');
$node->safe_psql('shop', "ALTER TABLE oms.stock ADD CONSTRAINT mine CHECK (reserved <= $held) NOT VALID");
($_, $out, $err) = $node->psql('shop', 'SELECT take()');
like($err, qr/violates check constraint "mine"/, 'with a constraint of somebody');
# one of ours that somebody changed counts as he wrote it, though it has our name; the same under another name is ours
$node->safe_psql('shop', "ALTER TABLE oms.stock DROP CONSTRAINT mine, DROP CONSTRAINT stock_reserved_check; ALTER TABLE oms.stock ADD CONSTRAINT stock_reserved_check CHECK (reserved >= 0 AND reserved <= $held) NOT VALID");
($_, $out, $err) = $node->psql('shop', 'SELECT take()');
like($err, qr/violates check constraint "stock_reserved_check"/, 'with a constraint of ours changed');
$node->safe_psql('shop', 'ALTER TABLE oms.stock DROP CONSTRAINT stock_reserved_check');
took('index', 'without one of ours');
$node->safe_psql('shop', 'ALTER TABLE oms.stock ADD CONSTRAINT not_below CHECK (reserved >= 0)');
took('hint', 'with one of ours under another name');
$node->safe_psql('shop', 'ALTER TABLE oms.stock ADD CONSTRAINT mine CHECK (lead_days < 400)');
took('hint', 'with a constraint of somebody on a column that is not touched');
$node->safe_psql('shop', 'ALTER TABLE oms.stock DROP CONSTRAINT mine; ALTER TABLE oms.stock ADD COLUMN remark text; UPDATE oms.stock SET remark = sku_id; CREATE INDEX mine ON oms.stock (remark, sku_id)');
took('hint', 'with a column and an index of somebody');
is($node->safe_psql('shop', q{SELECT count(*) FROM oms.stock WHERE remark IS DISTINCT FROM sku_id::text}), '0', 'which stays as it is');
$node->safe_psql('shop', 'CREATE INDEX other ON oms.stock (reserved)');
took('index', 'with an index on what changes');
$node->safe_psql('shop', 'DROP INDEX oms.other');

# rights: of the table, of columns, none
$node->safe_psql('shop', q{CREATE ROLE app; SELECT oms.grant_role('app', 'app'); GRANT USAGE ON SEQUENCE public.orders TO app; CREATE ROLE poor; GRANT app TO poor});
took('hint', 'an app', 'SET ROLE app;');
$node->safe_psql('shop', 'REVOKE UPDATE ON oms.stock FROM app; GRANT UPDATE (reserved, version, updated_at, shortfall) ON oms.stock TO app');
took('index', 'with rights on columns', 'SET ROLE app;');
$node->safe_psql('shop', 'REVOKE ALL ON oms.stock FROM app; GRANT SELECT ON oms.stock TO app');
($_, $out, $err) = $node->psql('shop', 'SET ROLE app; SELECT take()');
like($err, qr/permission denied for table stock/, 'and without');

# indexes after all that: every version has its entries
$node->safe_psql('shop', 'CREATE EXTENSION amcheck');
is($node->safe_psql('shop', q{SELECT bt_index_check(i, true) FROM unnest('{oms.stock_pkey,oms.stock_sku,oms.mine}'::regclass[]) i}), "\n\n", 'indexes and heap agree');

# a rush with a report open, under VACUUM and VACUUM FULL
my $reader = $node->background_psql('shop');
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_snapshot() IS NOT NULL');
my @clients = map { IPC::Run::start([ 'psql', '-XAtq', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-c', "DO \$\$ BEGIN FOR i IN 1..150 LOOP PERFORM take(CASE WHEN i % 3 = 0 THEN 'BOOK' ELSE 'SHIRT' END); IF i % 5 = 0 THEN ROLLBACK; ELSE COMMIT; END IF; END LOOP; END \$\$" ], '<', \undef, '>', \my $o, '2>', \my $e) } 1 .. 4;
for (1 .. 3)
{
	$node->safe_psql('shop', 'VACUUM oms.stock');
	$node->safe_psql('shop', 'VACUUM FULL oms.stock');
}
my $failed = grep { !$_->finish } @clients;
is($failed, 0, 'all clients got through');
is($node->safe_psql('shop', q{SELECT held()}), $held + 4 * 100 - 4 * 20, 'what was committed was taken, what was rolled back was not');
$reader->quit;
is($node->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'everything adds up');
is($node->safe_psql('shop', q{SELECT bt_index_check(i, true) FROM unnest('{oms.stock_pkey,oms.stock_sku,oms.mine}'::regclass[]) i}), "\n\n", 'indexes and heap agree');
$node->stop;
done_testing();
