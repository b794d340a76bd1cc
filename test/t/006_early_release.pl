# Early lock release: others have the rows of a transaction that takes stock
# before its commit is durable; its own answer waits until it is, on disk and
# on the standby, however it ends.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $shop = dirname(dirname(File::Spec->rel2abs(__FILE__))) . '/sql/include/shop.inc';

# Orders that clients were told of: a psql whose server dies may print the row
# of the statement that was never completed, which tells of none.
sub told { return grep { /^c\d-\d+$/ } map { split /\n/, slurp_file($_) } @_ }

sub shop
{
	my ($node) = @_;
	$node->safe_psql('postgres', 'CREATE DATABASE shop');
	$node->command_ok([ 'psql', '-Xqd', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', $shop ], 'a shop');
	$node->safe_psql('shop', q{
		SELECT oms.adjust_stock('BLR', 'SHIRT', 100000, company => 'SHOP');
		CREATE FUNCTION public.doc(id text) RETURNS jsonb LANGUAGE sql AS $$
			SELECT jsonb_build_object('company', 'SHOP', 'channel', 'WEB', 'external_id', id, 'payment', '{"mode": "PREPAID"}'::jsonb,
				'customer', '{"phone": "9876500001"}'::jsonb, 'ship_to', '{"pincode": "981001", "address1": "12, Long Street"}'::jsonb,
				'lines', '[{"sku": "SHIRT", "qty": 1}]'::jsonb) $$;
		CREATE FUNCTION public.take(id text) RETURNS text LANGUAGE sql AS $$ SELECT oms.capture_order(public.doc(id)) ->> 'duplicate' $$});
}

# On disk.  The walwriter is slow and nothing else writes, so that a commit
# which nobody waits for stays in memory.
my $node = PostgreSQL::Test::Cluster->new('disk');
$node->init;
$node->append_conf('postgresql.conf', "fsync = on\nwal_writer_delay = 10s\nwal_level = minimal\nmax_wal_senders = 0\nautovacuum = off\nmax_prepared_transactions = 5\n");
$node->start;
shop($node);

my $ahead = q{SELECT pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()};

# what is left to flush after $before and a capture; one connection a time
sub unflushed { $node->safe_psql('shop', "$_[0]; SELECT 'order ' || take('$_[1]'); $_[2]; $ahead; SHOW synchronous_commit") }
is(unflushed("SET synchronous_commit = off", 'd1', ''), "order false\nt\noff", 'asynchronous commit: the log is not flushed (this test can tell)');
is(unflushed('SET oms.early_lock_release = on', 'd2', ''), "order false\nf\non", 'early release: answered when flushed');
is(unflushed('SET oms.early_lock_release = off', 'd3', ''), "order false\nf\non", 'switched off: the same');
is(unflushed('SET synchronous_commit = local', 'd4', ''), "order false\nf\nlocal", 'local');
is(unflushed('SET synchronous_commit = remote_apply', 'd5', ''), "order false\nf\nremote_apply", 'remote_apply');
is(unflushed('BEGIN; SET LOCAL synchronous_commit = off', 'd6', 'COMMIT'), "order false\nt\non", 'SET LOCAL off: as asked, for this one only');
is(unflushed('SET synchronous_commit = off; BEGIN; SET LOCAL synchronous_commit = on', 'd7', 'COMMIT'), "order false\nf\noff", 'SET LOCAL on: the same');
is(unflushed('BEGIN; SAVEPOINT a', 'd8', 'ROLLBACK TO a; COMMIT'), "order false\nf\non", 'rolled back to a savepoint');
is(unflushed('BEGIN; SAVEPOINT a', 'd8', 'RELEASE a; COMMIT'), "order false\nf\non", 'in a savepoint');
is(unflushed("BEGIN ISOLATION LEVEL $_", "d9 $_", 'COMMIT'), "order false\nf\non", lc $_) for ('REPEATABLE READ', 'SERIALIZABLE');
is(unflushed('BEGIN', 'd10', q{PREPARE TRANSACTION 'p'}), "order false\nf\non", 'PREPARE TRANSACTION');
my ($rc, $out, $err) = $node->psql('shop', q{SELECT count(*) FROM oms."order" WHERE external_id = 'd10'; SET lock_timeout = '100ms'; SELECT take('d11')});
is($out, '0', 'which is not committed');
like($err, qr/canceling statement due to lock timeout/, '... and keeps its locks');
is($node->safe_psql('shop', qq{COMMIT PREPARED 'p'; $ahead; SELECT take('d10')}), "f\ntrue", 'until it is committed');
is(unflushed('BEGIN; CREATE TABLE public.t (i int); INSERT INTO public.t VALUES (1)', 'd12', 'DROP TABLE public.t; COMMIT'), "order false\nf\non", 'with a table made and dropped');
is($node->safe_psql('shop', "SET synchronous_commit = off; SELECT take('d13'); SET synchronous_commit = on; SELECT take('d13'); $ahead"), "false\ntrue\nf",
	'a known order is answered when what is known is durable');
is($node->safe_psql('shop', "SET synchronous_commit = off; SELECT count(oms.reserve_cart(doc('') - 'external_id' - 'payment' || '{\"cart_id\": \"C\"}'));
	SELECT oms.release_cart('C', 'SHOP') > 0; SET synchronous_commit = on; SELECT oms.release_cart('C', 'SHOP'); $ahead"), "1\nt\n0.000\nf", 'so is a cart given up already');

# errors after PRE_COMMIT: a constraint trigger runs before it, a write skew
# shows after it
$node->safe_psql('shop', q{
	CREATE TABLE public.duty (who int PRIMARY KEY, yes bool); INSERT INTO public.duty VALUES (1, true), (2, true)});
my $other = $node->background_psql('shop');
my $one = $node->background_psql('shop', on_error_stop => 0);
$other->query_safe('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(who) FROM public.duty WHERE yes');
$one->query_safe('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(who) FROM public.duty WHERE yes');
$one->query_safe(q{SELECT take('skew'); UPDATE public.duty SET yes = false WHERE who = 1});
$other->query_safe('UPDATE public.duty SET yes = false WHERE who = 2; COMMIT');
$one->query('COMMIT');
like($one->{stderr}, qr/could not serialize.*during commit attempt/s, 'a serialization failure at commit');
$one->{stderr} = '';
is($one->query_safe(q{SHOW synchronous_commit; SELECT count(*) FROM oms."order" WHERE external_id = 'skew'}), "on\n0", '... the setting at once as it was, nothing taken');
is($one->query_safe(qq{SELECT take('skew'); $ahead}), "false\nf", 'and the session goes on');
$one->quit;
$other->quit;

# crash in a rush on one item
my $dir = PostgreSQL::Test::Utils::tempdir();
my @clients;
for my $c (1 .. 4)
{
	open my $script, '>', "$dir/client$c.sql" or die $!;
	print $script "SELECT take('c$c-$_') AS t \\gset\n\\echo c$c-$_\n" for 1 .. 20000;
	close $script;
	push @clients, IPC::Run::start([ 'psql', '-XAtq', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', "$dir/client$c.sql" ], '<', \undef, '>', "$dir/client$c.out", '2>', "$dir/client$c.err");
}
ok($node->poll_query_until('shop', q{SELECT count(*) > 400 FROM oms."order"}), 'a rush on one item');
$node->stop('immediate');
$_->finish for @clients;
$node->start;
my %there = map { $_ => 1 } split /\n/, $node->safe_psql('shop', q{SELECT external_id FROM oms."order"});
my @told = told(map { "$dir/client$_.out" } 1 .. 4);
cmp_ok(scalar @told, '>', 300, scalar(@told) . ' orders were acknowledged before an immediate stop');
is_deeply([ grep { !$there{$_} } @told ], [], 'and are all there after it');
is($node->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'everything adds up');
is($node->safe_psql('shop', q{SELECT s.reserved - (SELECT sum(r.qty) FROM oms.reservation r WHERE r.sku_id = s.sku_id AND r.node_id = s.node_id AND r.state = 'open')
	FROM oms.stock s JOIN oms.sku k USING (sku_id) WHERE k.code = 'SHIRT' AND s.reserved > 0}), '0.000', 'reserved is what reservations hold');
$node->stop;

# On a standby that must confirm.  It is down for a while: whoever commits
# waits for it.
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "max_prepared_transactions = 5\n");
$primary->start;
shop($primary);
$primary->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'b', has_streaming => 1);
$standby->start;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\n");
$primary->reload;
$primary->poll_query_until('postgres', q{SELECT sync_state = 'sync' FROM pg_stat_replication});

# A session that runs SQL while the test goes on.
sub client
{
	my ($name, $sql) = @_;
	my %c = (out => '', err => '');
	$c{run} = IPC::Run::start([ 'psql', '-XAtq', $primary->connstr('shop') . " application_name=$name", '-c', $sql, '-c', 'SHOW synchronous_commit' ], '<', \undef, '>', \$c{out}, '2>', \$c{err});
	return \%c;
}
sub waits { $primary->poll_query_until('shop', qq{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = '$_[0]' AND wait_event = 'SyncRep'}) }
sub pid { $primary->safe_psql('shop', "SET synchronous_commit = local; SELECT $_[1](pid) FROM pg_stat_activity WHERE application_name = '$_[0]'") }
sub result { $_[0]{run}->finish; return $_[0]{out} }
# may others have the row?
my $try = q{SET synchronous_commit = off; SELECT count(*) FROM (SELECT 1 FROM oms.stock s JOIN oms.sku k USING (sku_id) WHERE k.code = 'SHIRT' AND s.on_hand > 0 FOR NO KEY UPDATE OF s NOWAIT) x};
sub row { ($rc, $out, $err) = $primary->psql('shop', $try); return $rc == 0 ? 'free' : $err =~ /could not obtain lock/ ? 'locked' : $err }

is(result(client('s0', q{SELECT take('s0')})), "false\non\n", 'with the standby up orders are answered');
$standby->stop;
my $off = client('off', q{SET oms.early_lock_release = off; SELECT take('s1')});
ok(waits('off'), 'switched off: waits for the standby');
is(row(), 'locked', '... and everybody waits for the row');
pid('off', 'pg_cancel_backend');
my $plain = client('plain', q{UPDATE oms.channel SET name = name WHERE code = 'WEB'});
ok(waits('plain'), 'a transaction that takes no stock waits');
($rc, $out, $err) = $primary->psql('shop', q{SET synchronous_commit = off; SELECT 1 FROM oms.channel WHERE code = 'WEB' FOR NO KEY UPDATE NOWAIT});
like($err, qr/could not obtain lock/, '... with its locks');
pid('plain', 'pg_cancel_backend');
result($plain);
result($off);
like($off->{err}, qr/canceling wait for synchronous replication/, 'a cancel ends the wait');
my $apply = client('apply', q{SET synchronous_commit = remote_apply; SELECT take('s2')});
ok(waits('apply'), 'remote_apply is left to the server: it waits');
is(row(), 'locked', '... with its locks');
pid('apply', 'pg_cancel_backend');
result($apply);

my $on = client('on', q{SELECT take('s3')});
ok(waits('on'), 'early release: waits for the standby');
is(row(), 'free', '... but others have the row');
is($primary->safe_psql('shop', q{SET synchronous_commit = local; SELECT take('s4')}), 'false', 'a second one takes the next unit; it asked for the local disk only');
my $again = client('again', q{SELECT take('s3')});
ok(waits('again'), 'the same order sent again waits likewise: it is not answered before what it names');
my $cart = client('cart', q{BEGIN; SAVEPOINT a; SELECT count(oms.reserve_cart(doc('') - 'external_id' - 'payment' || '{"cart_id": "C"}')); RELEASE a; COMMIT});
ok(waits('cart'), 'a cart taken in a savepoint waits');
is(row(), 'free', '... and others have the row');
my $cancelled = client('cancelled', q{SELECT take('s5')});
ok(waits('cancelled'), 'one who will be cancelled');
pid('cancelled', 'pg_cancel_backend');
is(result($cancelled), "false\non\n", '... is answered, the setting as it was');
like($cancelled->{err}, qr/WARNING:  canceling wait for synchronous replication due to user request\nDETAIL:  The transaction has already committed locally/, '... with the warning of the server');
my $killed = client('killed', q{SELECT take('s6')});
ok(waits('killed'), 'one who will be cut off');
pid('killed', 'pg_terminate_backend');
result($killed);
like($killed->{err}, qr/connection|terminating/, '... is never told that it failed');
is($primary->safe_psql('shop', q{SET synchronous_commit = local; SELECT count(*) FROM oms."order" WHERE external_id IN ('s3', 's5', 's6')}), '3', 'what was committed stays');
my $prepared = client('prepared', q{BEGIN; SELECT take('s7'); PREPARE TRANSACTION 'p'});
ok(waits('prepared'), 'PREPARE TRANSACTION waits');
is(row(), 'locked', '... with its locks');
is($on->{run}->pumpable && $on->{out}, '', 'nobody has been answered meanwhile');
is($again->{run}->pumpable && $again->{out}, '', '... nor who sent an order again');

$standby->start;
is(result($on), "false\non\n", 'the standby is back: the order is answered');
is(result($again), "true\non\n", '... and who sent it again');
is(result($cart), "1\non\n", '... and the cart');
is(result($prepared), "false\non\n", '... and what is prepared');
is(result(client('commit', q{COMMIT PREPARED 'p'})), "on\n", 'which is committed');

# clients in a rush, the primary dies, the standby takes over
@clients = ();
for my $c (1 .. 4)
{
	open my $script, '>', "$dir/sync$c.sql" or die $!;
	print $script "SELECT take('c$c-$_') AS t \\gset\n\\echo c$c-$_\n" for 1 .. 20000;
	close $script;
	push @clients, IPC::Run::start([ 'psql', '-XAtq', $primary->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', "$dir/sync$c.sql" ], '<', \undef, '>', "$dir/sync$c.out", '2>', "$dir/sync$c.err");
}
ok($primary->poll_query_until('shop', q{SELECT count(*) > 300 FROM oms."order"}), 'a rush with a standby');
$primary->stop('immediate');
$_->finish for @clients;
$standby->promote;
%there = map { $_ => 1 } split /\n/, $standby->safe_psql('shop', q{SELECT external_id FROM oms."order"});
@told = told(map { "$dir/sync$_.out" } 1 .. 4);
cmp_ok(scalar @told, '>', 200, scalar(@told) . ' orders were acknowledged before the primary died');
is_deeply([ grep { !$there{$_} } @told, 's0', 's3', 's4', 's7' ], [], 'and are all on the promoted standby');
is($standby->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'where everything adds up');
$standby->stop;
done_testing();
