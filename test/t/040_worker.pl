# The worker: with and without preload, one a database, errors, wake-up,
# crash, and that it stands in nobody's way.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('worker');
$node->init;
$node->append_conf('postgresql.conf', "oms.worker_naptime = 200ms\n");
$node->start;

# A database with one quick job of ours and one that always fails.
sub make_database
{
	my ($db, $node) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, q{
		SET client_min_messages = warning;
		CREATE EXTENSION pg_oms CASCADE;
		CREATE TABLE beat (at timestamptz DEFAULT clock_timestamp(), who text DEFAULT current_user, session text DEFAULT session_user, iso text DEFAULT current_setting('transaction_isolation'));
		BEGIN;
		SELECT oms.install();
		UPDATE oms.job SET enabled = false;
		INSERT INTO oms.job (name, command, every) VALUES
			('beat', 'INSERT INTO public.beat DEFAULT VALUES', '100 milliseconds'),
			('bad', 'SELECT oms.there_is_no_such_function()', '10 milliseconds');
		COMMIT;
	});
}

sub beats_on
{
	my ($db, $name) = @_;
	my $count = $node->safe_psql($db, 'SELECT count(*) FROM beat');
	ok($node->poll_query_until($db, "SELECT count(*) > $count + 1 FROM beat"), $name);
}

### Not preloaded: started by SQL
make_database('plain', $node);
my $pid = $node->safe_psql('plain', 'SELECT oms.start_worker()');
like($pid, qr/^[0-9]+$/, 'start_worker() returns a pid');
beats_on('plain', 'it runs jobs');
is($node->safe_psql('plain', 'SELECT pid, supervised FROM oms.worker_status()'), "$pid|f", 'worker_status()');
my ($rc, $out, $err) = $node->psql('plain', 'SELECT oms.start_worker()');
like($err, qr/has a worker already/, 'a second one is refused');
ok($node->poll_query_until('plain', q{SELECT failures >= 3 AND last_error ~ '^42883' FROM oms.job WHERE name = 'bad'}),
	'a job that fails shows in last_error, and is tried again');
beats_on('plain', 'and does not stop the others');
is($node->safe_psql('plain', 'SELECT oms.worker_pid()'), $pid, 'it is still the same process');

# a deferred constraint fails at commit, outside the run's subtransaction
$node->safe_psql('plain', q{
	CREATE TABLE parent (id int PRIMARY KEY);
	CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
	INSERT INTO oms.job (name, command, every) VALUES ('late', 'INSERT INTO public.child VALUES (1)', '50 milliseconds')});
ok($node->poll_query_until('plain', q{SELECT failures >= 2 AND last_error ~ '^23503' FROM oms.job WHERE name = 'late'}),
	'an error at commit is noted too');
is($node->safe_psql('plain', 'SELECT oms.worker_pid()'), $pid, 'and survived');

# a run that is cancelled
$node->safe_psql('plain', q{
	UPDATE oms.job SET enabled = false WHERE name = 'late';
	INSERT INTO oms.job (name, command, every) VALUES ('slow', 'SELECT pg_sleep(600)', '1 hour')});
ok($node->poll_query_until('plain', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'pg_oms job: slow' AND state = 'active')}),
	'the running job is named in pg_stat_activity');
is($node->safe_psql('plain', q{SELECT last_took IS NULL AND last_run IS NOT NULL FROM oms.job WHERE name = 'slow'}), 't',
	'and its start is marked');
is($node->safe_psql('plain', q{SELECT count(*) FROM oms.run_jobs() WHERE name = 'slow'}), '0', 'nobody else runs it meanwhile');
$node->safe_psql('plain', "SELECT pg_cancel_backend($pid)");
ok($node->poll_query_until('plain', q{SELECT last_error ~ '^57014' FROM oms.job WHERE name = 'slow'}), 'a cancelled job is noted');
beats_on('plain', 'and the worker goes on');

# a job that takes too long
$node->append_conf('postgresql.conf', "oms.job_timeout = 300ms\n");
$node->reload;
$node->safe_psql('plain', q{UPDATE oms.job SET next_run = now(), last_error = NULL WHERE name = 'slow'});
ok($node->poll_query_until('plain', q{SELECT last_error ~ '^57014.*timeout' FROM oms.job WHERE name = 'slow'}), 'oms.job_timeout ends it');
$node->safe_psql('plain', q{DELETE FROM oms.job WHERE name IN ('slow', 'late')});
$node->append_conf('postgresql.conf', "oms.job_timeout = 0\n");
$node->reload;

# jobs run with the rights of the table's owner, at READ COMMITTED
is($node->safe_psql('plain', q{SELECT oms.stop_worker(), oms.worker_pid() IS NULL, oms.stop_worker()}), 't|t|f', 'stop_worker()');
$node->safe_psql('plain', q{
	CREATE ROLE keeper;
	GRANT ALL ON SCHEMA oms TO keeper; GRANT ALL ON beat TO keeper; ALTER TABLE oms.job OWNER TO keeper; TRUNCATE beat;
	ALTER DATABASE plain SET default_transaction_isolation = 'repeatable read';
	SELECT oms.start_worker()});
beats_on('plain', 'it runs again');
is($node->safe_psql('plain', 'SELECT DISTINCT who, iso FROM beat'), 'keeper|read committed', q{as the owner of oms.job, at READ COMMITTED});

# DROP EXTENSION does not wait for a worker at rest, and ends it
$node->safe_psql('plain', 'SET client_min_messages = warning; DROP EXTENSION pg_oms CASCADE');
ok($node->poll_query_until('plain', q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_oms worker')}),
	'it ends when the extension is dropped');

# two at once: one wins
make_database('race', $node);
{
	my ($in1, $out1, $in2, $out2) = ('', '', '', '');
	my ($h1, $h2) = map { $_ } (
		IPC::Run::start([ 'psql', '-XAtq', $node->connstr('race'), '-c', 'SELECT oms.start_worker()' ], '<', \$in1, '&>', \$out1),
		IPC::Run::start([ 'psql', '-XAtq', $node->connstr('race'), '-c', 'SELECT oms.start_worker()' ], '<', \$in2, '&>', \$out2));
	$h1->finish; $h2->finish;
	is($node->safe_psql('race', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_oms worker' AND datname = 'race'}), '1',
		'two starts at the same time give one worker');
}
$node->safe_psql('postgres', 'DROP DATABASE race WITH (FORCE)');
pass('DROP DATABASE WITH (FORCE) gets through');
$node->safe_psql('postgres', 'DROP DATABASE plain');

### Preloaded: the launcher does it
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_oms'\noms.worker_naptime = 1h\n");
$node->restart;
make_database('one', $node);
ok($node->poll_query_until('one', 'SELECT oms.worker_pid() IS NOT NULL'), 'oms.install() has the worker started');
make_database('two', $node);
ok($node->poll_query_until('two', 'SELECT oms.worker_pid() IS NOT NULL'), 'in every database that has it');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM pg_stat_activity WHERE backend_type = 'pg_oms worker'}), 'one each, no others');
is($node->safe_psql('one', 'SELECT supervised FROM oms.worker_status()'), 't', 'a launcher is there');
beats_on('one', 'it runs jobs');

# waking: nothing else is due, and the nap is an hour
$node->safe_psql('one', q{UPDATE oms.job SET enabled = false;
	CREATE TABLE woken (at timestamptz);
	INSERT INTO oms.job (name, command, every, wake, next_run)
	VALUES ('ears', 'INSERT INTO public.woken VALUES (clock_timestamp())', '1 hour', true, now() + '1 hour');
	SELECT oms.wake_worker()});
ok($node->poll_query_until('one', 'SELECT count(*) = 1 FROM woken'), 'a wake-up runs the jobs marked wake at once');
# a wake-up that came late would be served between two beats of another job
$node->safe_psql('one', q{UPDATE oms.job SET enabled = true, next_run = now() WHERE name = 'beat'; SELECT oms.wake_worker()});
ok($node->poll_query_until('one', 'SELECT count(*) = 2 FROM woken'), 'and again');
$node->safe_psql('one', 'BEGIN; SELECT oms.wake_worker(); ROLLBACK');
beats_on('one', 'the worker goes round');
is($node->safe_psql('one', q{SELECT count(*) FROM woken}), '2', 'after the commit, not after a rollback');
# more of an item wakes the jobs marked wake_stock, where an order waits for it
$node->safe_psql('one', q{CREATE TABLE came (at timestamptz);
	INSERT INTO oms.job (name, command, every, wake_stock, next_run)
	VALUES ('nose', 'INSERT INTO public.came VALUES (clock_timestamp())', '1 hour', true, now() + '1 hour');
	INSERT INTO oms.company (company_id, code, name) VALUES (1, 'W', 'Woken');
	INSERT INTO oms.node (company_id, code, name) VALUES (1, 'N', 'Node');
	INSERT INTO oms.sku (company_id, code, name) VALUES (1, 'S', 'Item');
	SELECT oms.adjust_stock('N', 'S', 3)});
beats_on('one', 'the worker goes round');
is($node->safe_psql('one', 'SELECT count(*) FROM came'), '0', 'an item nobody waits for wakes nothing');
$node->safe_psql('one', q{INSERT INTO oms.allocation (company_id, order_id, line_no, sku_id, qty, status, net_amount)
	SELECT 1, 1, 1, sku_id, 9, 'backordered', 0 FROM oms.sku;
	SELECT oms.adjust_stock('N', 'S', 2)});
beats_on('one', 'the worker goes round');
is($node->safe_psql('one', 'SELECT count(*) FROM came'), '0', 'less of it neither');
$node->safe_psql('one', q{SELECT oms.adjust_stock('N', 'S', 4)});
ok($node->poll_query_until('one', 'SELECT count(*) = 1 FROM came'), 'more of an item that an order waits for wakes the worker');
is($node->safe_psql('one', 'SELECT count(*) FROM woken'), '2', 'but not for the jobs that wait for work');
$node->safe_psql('one', 'SELECT oms.wake_worker()');
ok($node->poll_query_until('one', 'SELECT (SELECT count(*) FROM came) = 2 AND (SELECT count(*) FROM woken) = 3'), 'who wakes it by hand wakes both');
$node->safe_psql('one', q{UPDATE oms.job SET enabled = false WHERE name = 'beat'});

# a run that filled as many as it may has the rest looked at in another, at once
$node->safe_psql('one', q{DELETE FROM oms.allocation;
	UPDATE oms.company SET state_code = '29'; UPDATE oms.node SET state_code = '29', pincode = '999999'; UPDATE oms.sku SET hsn = '6109';
	INSERT INTO oms.channel (company_id, code, name, kind, allow_backorder) VALUES (1, 'C', 'Channel', 'web', true);
	INSERT INTO oms.pincode (pincode, state_code, district) VALUES ('999999', '29', 'Somewhere');
	SELECT oms.adjust_stock('N', 'S', 0);
	SELECT oms.capture_order(jsonb_build_object('channel', 'C', 'external_id', 'W' || i, 'payment', '{"mode": "PREPAID"}'::jsonb,
		'ship_to', '{"pincode": "999999", "address1": "1, Long Street", "city": "Town"}'::jsonb, 'lines', '[{"sku": "S", "qty": 1, "unit_price": 10}]'::jsonb))
	  FROM generate_series(1, 3) i;
	UPDATE oms.job SET command = 'SELECT oms.retry_backorders(1)', every = '1 hour', next_run = now() + '1 hour', enabled = true WHERE name = 'retry_backorders'});
is($node->safe_psql('one', q{SELECT string_agg(status, ' ') FROM oms.allocation}), 'backordered backordered backordered', 'three wait');
$node->safe_psql('one', q{SELECT oms.adjust_stock('N', 'S', 3)});
ok($node->poll_query_until('one', q{SELECT string_agg(status, ' ') = 'reserved reserved reserved' FROM oms.allocation}), 'all are filled, one a run');
$node->safe_psql('one', q{UPDATE oms.job SET enabled = false WHERE name = 'retry_backorders'});

# stopped by hand it stays stopped, until started
$pid = $node->safe_psql('one', 'SELECT oms.worker_pid()');
$node->safe_psql('one', 'SELECT oms.stop_worker(); SELECT oms.wake_worker();');
is($node->safe_psql('one', 'SELECT oms.worker_pid()'), '', 'stopped by hand it stays so');
isnt($node->safe_psql('one', 'SELECT oms.start_worker()'), $pid, 'and starts again when asked');

# a worker killed is replaced; a crash of the server is survived
$pid = $node->safe_psql('two', 'SELECT oms.worker_pid()');
$node->append_conf('postgresql.conf', "oms.launcher_naptime = 1s\n");
$node->reload;
$node->safe_psql('two', "SELECT pg_terminate_backend($pid)");
ok($node->poll_query_until('two', "SELECT oms.worker_pid() <> $pid"), 'a worker that was terminated is replaced');
$node->safe_psql('two', q{
	INSERT INTO oms.job (name, command, every) VALUES ('crash', 'SELECT pg_sleep(600)', '1 second');
	SELECT oms.stop_worker(); SELECT oms.start_worker()});
ok($node->poll_query_until('two', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'pg_oms job: crash' AND state = 'active')}),
	'a job is running');
$node->stop('immediate');
$node->start;
ok($node->poll_query_until('two', q{SELECT failures >= 1 AND last_error ~ 'did not finish' AND next_run > now() FROM oms.job WHERE name = 'crash'}),
	'after a crash the run that did not finish counts as a failure, and waits');
beats_on('two', 'the other jobs go on');

# kept away by setting
$node->safe_psql('postgres', 'ALTER DATABASE one SET oms.worker_autostart = off');
$node->restart;
ok($node->poll_query_until('two', 'SELECT oms.worker_pid() IS NOT NULL'), 'after a restart the worker is back');
is($node->safe_psql('one', 'SELECT oms.worker_pid()'), '', 'but not where oms.worker_autostart is off');

$node->safe_psql('two', q{DELETE FROM oms.job WHERE name = 'crash'; SELECT oms.stop_worker(); SELECT oms.start_worker()});

# in nobody's way: neither copying nor dropping needs force, whatever the nap
my $before = $node->safe_psql('two', 'SELECT oms.worker_pid()');
$node->safe_psql('postgres', 'CREATE DATABASE three TEMPLATE two');
pass('a database with a worker can be a template');
ok($node->poll_query_until('two', "SELECT oms.worker_pid() <> $before"), 'its worker is back');
ok($node->poll_query_until('three', 'SELECT oms.worker_pid() IS NOT NULL'), 'the copy gets a worker of its own');
$node->safe_psql('postgres', 'DROP DATABASE three');
pass('DROP DATABASE gets through');
$node->safe_psql('postgres', 'CREATE DATABASE four TEMPLATE two');
ok($node->poll_query_until('four', 'SELECT oms.worker_pid() IS NOT NULL'), 'another copy');
$node->safe_psql('postgres', 'DROP DATABASE four WITH (FORCE)');
pass('DROP DATABASE WITH (FORCE) gets through');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/TRAP|PANIC|terminated by signal (?!9)/, 'nothing crashed');
$node->stop;

done_testing();
