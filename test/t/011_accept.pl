# Orders accepted in a rush through the combiner: as certain as those captured
# whole when the buyer is answered, however a request, its session, the worker
# or the server ends; and nobody's triggers, policies or rights are passed by.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $shop = dirname(dirname(File::Spec->rel2abs(__FILE__))) . '/sql/include/shop.inc';
my $node = PostgreSQL::Test::Cluster->new('accept');
$node->init(allows_streaming => 1);
# no worker that makes the orders meanwhile
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_oms'\noms.worker_autostart = off\nautovacuum = off\nwal_writer_delay = 10s\nrestart_after_crash = on\nlc_messages = 'C'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->command_ok([ 'psql', '-Xqd', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', $shop ], 'a shop');
# orders of ONE are captured whole; named hold... they keep the combiner's
# worker, and nobody else, while somebody holds the advisory lock 1
$node->safe_psql('shop', q{
	UPDATE oms.channel SET accept_first = true WHERE company_id = 9200 AND code <> 'ONE';
	SELECT count(oms.adjust_stock('BLR', i, 100000, company => 'SHOP')) FROM unnest('{SHIRT,BOOK,TV}'::text[]) i;
	CREATE FUNCTION public.doc(id text, items text DEFAULT 'SHIRT', channel text DEFAULT 'WEB') RETURNS jsonb LANGUAGE sql AS $$
		SELECT jsonb_build_object('company', 'SHOP', 'channel', channel, 'external_id', id, 'payment', '{"mode": "PREPAID"}'::jsonb,
			'customer', '{"phone": "9876500001"}'::jsonb, 'ship_to', '{"pincode": "981001", "address1": "12, Long Street"}'::jsonb,
			'lines', (SELECT jsonb_agg(jsonb_build_object('sku', i, 'qty', 1)) FROM regexp_split_to_table(items, ' ') i)) $$;
	CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		WHILE current_setting('application_name') = 'pg_oms combiner' AND NOT pg_try_advisory_xact_lock(1) LOOP PERFORM pg_sleep(0.005); END LOOP;
		RETURN NEW;
	END $$;
	CREATE TRIGGER hold BEFORE INSERT ON oms."order" FOR EACH ROW WHEN (NEW.external_id LIKE 'hold%') EXECUTE FUNCTION public.hold()});

sub sql { return $node->safe_psql('shop', @_) }
sub stat_of { return sql("SELECT $_[0] FROM oms.combiner_stat()") }
sub until_true { my ($q, $what) = @_; ok($node->poll_query_until('shop', $q), $what) }
sub waiting { return until_true("SELECT waiting = $_[0] FROM oms.combiner_stat()", $_[1]) }
sub accepted { return sql("SELECT count(*) FROM oms.accepted_order WHERE external_id LIKE '$_[0]'") }
sub made { return sql(qq{SELECT count(*) FROM oms."order" WHERE external_id LIKE '$_[0]'}) }
my $on = 'SET oms.combiner = on';
sub take { my ($id, $items, $channel) = @_; return 'SELECT oms.capture_order(public.doc(' . join(', ', map { "'$_'" } $id, $items // 'SHIRT', $channel // 'WEB') . ")) ->> 'status'" }
# what the combiner did of it: "status combiner" or "status session"
sub by
{
	my ($before, @more) = (stat_of('captured'), @_[ 1 .. $#_ ]);
	my $status = sql($_[0], @more);
	return "$status " . (stat_of('captured') > $before ? 'combiner' : 'session');
}
sub client
{
	my ($name, @sql) = @_;
	my %c = (out => '', err => '');
	$name = "application_name=$name" if $name !~ /=/;
	$c{run} = IPC::Run::start([ 'psql', '-XAtq', $node->connstr('shop') . " $name", '-v', 'VERBOSITY=verbose', map { ('-c', $_) } @sql ], '<', \undef, '>', \$c{out}, '2>', \$c{err});
	return \%c;
}
sub result { $_[0]{run}->finish; return $_[0]{out} }
my $gate;
sub close_gate { $gate->query_safe('SELECT pg_advisory_lock(1)') }
sub open_gate { $gate->query_safe('SELECT pg_advisory_unlock(1)') }
sub busy
{
	my $holder = client('holder', $on, take("hold $_[0]", 'TV', 'ONE'));
	waiting(1, "$_[0]: an order keeps the worker busy");
	return $holder;
}
my $start = 0;
sub start_worker
{
	$node->poll_query_until('shop', 'SELECT pid IS NULL FROM oms.combiner_stat()') if $start;
	sql("$on; " . take('start ' . ++$start));
	until_true('SELECT pid IS NOT NULL FROM oms.combiner_stat()', 'a worker of the combiner');
}

### By the session, by the combiner

is(by(take('alone')), 'accepted session', 'nobody waits: by the session');
is(accepted('alone') . made('alone'), '10', '... accepted, and no order yet');
start_worker();
is(by("$on; " . take('one')), 'accepted combiner', 'by the combiner');
is(accepted('one') . made('one'), '10', '... likewise');
is(sql(q{SELECT count(*) FROM oms.accepted_order a JOIN oms.accepted_order b USING (line_nos, node_ids, sku_ids, qtys) WHERE a.external_id = 'one' AND b.external_id = 'alone'}), '1', '... with the same plan');
# the second of one session: the channel is known, so no settings go along
is(by("$on; " . take('two a') . '; ' . take('two b')), "accepted\naccepted combiner", 'and of a session that knows the channel');
is(sql("$on; SELECT oms.capture_order(public.doc('one')) ->> 'duplicate'"), 'true', 'the same order again is known');
is(sql("$on; SELECT (oms.capture_order(public.doc('one')) ->> 'order_id')::bigint = (SELECT order_id FROM oms.accepted_order WHERE external_id = 'one')"), 't', '... under its number');
my ($rc, $out, $err) = $node->psql('shop', "\\set VERBOSITY verbose\n$on; " . take('one', 'BOOK'));
like($err, qr/OM005: order "one" of channel "WEB" came before/, 'with another content it is refused');
($rc, $out, $err) = $node->psql('shop', "\\set VERBOSITY verbose\n$on; " . take('warm') . '; ' . take('bad', 'NONE'));
like($err, qr/OM002: item "NONE" does not exist/, 'what the document is refused for is told');
is(sql("$on; " . take('kit 1', 'PAIR')), 'reserved', 'what is not for a row is captured whole');
is(sql("$on; " . take('warm 2') . '; ' . take('kit 2', 'PAIR')), "accepted\nreserved", '... also of a session that knows the channel');
is(made('kit%') . accepted('kit%'), '20', '... and no claim is left');
is(by("$on; SET oms.company = 'NOSUCH'; " . take('company')), 'accepted combiner', 'the document names the company');
is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');

# the walwriter is slow and nothing else writes
my $ahead = 'SELECT pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()';
is(by("$on; SET synchronous_commit = off; " . take('async') . "; $ahead"), "accepted\nt combiner", 'asynchronous commit: the log is not flushed (this test can tell)');
is(by("$on; " . take('durable') . "; $ahead"), "accepted\nf combiner", 'else it is, when the answer comes');
is(by(take('durable 2') . "; $ahead"), "accepted\nf session", '... by the session, too');
is(sql("$on; SET synchronous_commit = off; " . take('known') . "; SET synchronous_commit = on; SELECT oms.capture_order(public.doc('known')) ->> 'duplicate'; $ahead"), "accepted\ntrue\nf", '... and of an order that is known, when what is known is durable');

# another company's channel of the same name does not accept
sql(q{INSERT INTO oms.company (company_id, code, name, state_code) VALUES (9300, 'OTHER', 'Other Pvt Ltd', '29');
	INSERT INTO oms.channel (channel_id, company_id, code, name, kind) VALUES (9301, 9300, 'WEB', 'Web', 'web');
	INSERT INTO oms.node (node_id, company_id, code, name, state_code, pincode) VALUES (9311, 9300, 'BLR', 'Bengaluru', '29', '981001');
	INSERT INTO oms.sku (sku_id, company_id, code, name, hsn) VALUES (9321, 9300, 'BOOK', 'Book', '4901');
	INSERT INTO oms.stock (company_id, node_id, sku_id) VALUES (9300, 9311, 9321);
	SELECT oms.adjust_stock('BLR', 'BOOK', 50, company => 'OTHER')});
my $other = q{SELECT oms.capture_order(public.doc('%s', 'BOOK') || '{"company": "OTHER", "lines": [{"sku": "BOOK", "qty": 1, "unit_price": 200}]}') ->> 'duplicate'};
is(by("$on; " . sprintf($other, 'of other')), 'false combiner', "another company's channel of the same name: captured by the combiner");
is(made('of other') . accepted('of other'), '10', '... whole');
is(by("$on; " . take('ours')) . accepted('ours'), 'accepted combiner1', '... while ours accepts');
sql('UPDATE oms.channel SET accept_first = true WHERE company_id = 9300');

### Triggers, policies, rights

sql(q{CREATE TABLE public.fired (external_id text);
	CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.fired VALUES (NEW.external_id); RETURN NEW; END $$;
	CREATE TRIGGER fire AFTER INSERT ON oms.accepted_order FOR EACH ROW EXECUTE FUNCTION public.fire()});
is(by("$on; " . take('trigger')), 'accepted session', 'a trigger on the table: by the session');
is(by("$on; " . take('trigger 2') . '; ' . take('trigger 3')), "accepted\naccepted session", '... always');
is(sql('SELECT string_agg(external_id, \', \' ORDER BY external_id) FROM public.fired'), 'trigger, trigger 2, trigger 3', '... and it fires');
sql('DROP TRIGGER fire ON oms.accepted_order');
is(by("$on; " . take('no trigger')), 'accepted combiner', 'without it by the combiner again');
sql(q{CREATE ROLE seller LOGIN; CREATE ROLE other_seller LOGIN; CREATE ROLE nobody LOGIN;
	SELECT oms.grant_role('app', 'seller'); SELECT oms.grant_role('app', 'other_seller');
	GRANT USAGE ON SCHEMA oms TO nobody; GRANT EXECUTE ON FUNCTION oms.capture_order(jsonb, timestamptz) TO nobody});
my @as = map { [ connstr => $node->connstr('shop') . " user=$_" ] } qw(seller other_seller nobody);
is(by("$on; " . take('seller'), @{ $as[0] }), 'accepted combiner', 'a role with the rights of an app');
is(by("$on; " . take('other'), @{ $as[1] }), 'accepted combiner', 'another one');
($rc, $out, $err) = $node->psql('shop', "$on; " . take('nobody'), @{ $as[2] });
like($err, qr/permission denied/, 'one without rights is refused');
sql('REVOKE INSERT ON oms.accepted_order FROM other_seller');
($rc, $out, $err) = $node->psql('shop', "$on; " . take('not other'), @{ $as[1] });
like($err, qr/permission denied for table accepted_order/, '... also one that lost them');
is(by("$on; " . take('seller 2'), @{ $as[0] }), 'accepted combiner', '... and nobody else');
sql(q{ALTER TABLE oms.accepted_order ENABLE ROW LEVEL SECURITY; CREATE POLICY shop ON oms.accepted_order USING (external_id NOT LIKE '%secret%')});
($rc, $out, $err) = $node->psql('shop', "$on; " . take('secret'), @{ $as[0] });
like($err, qr/row-level security/, 'policies hold');
is(sql("$on; " . take('public'), @{ $as[0] }), 'accepted', '... for those they concern');
sql('ALTER TABLE oms.accepted_order DISABLE ROW LEVEL SECURITY; GRANT INSERT ON oms.accepted_order TO other_seller');
is(accepted('%secret%') . accepted('nobody') . accepted('not other'), '000', 'none of those refused is there');

### Batches, one bad order among them; several roles

$gate = $node->background_psql('shop');
close_gate();
my $holder = busy('batch');
my @c;
for my $o ([ 'good 1' ], [ 'good 2', 'SHIRT BOOK' ], [ 'bad', 'NONE' ], [ 'good 3' ], [ 'good 1' ], [ 'whole', 'PAIR' ], [ 'good 4' ])
{
	push @c, client('c', $on, take(@$o));
	waiting(1 + @c, "$o->[0] waits behind it");
}
open_gate();
result($holder);
is(join(' ', map { chomp(my $r = result($_)); $r || ($_->{err} =~ /ERROR:  (\w+)/)[0] } @c), 'accepted accepted OM002 accepted accepted reserved accepted', 'the good ones of a batch are accepted, the bad one is told so');
is(accepted('good%'), '4', '... one that came twice once');
close_gate();
$holder = busy('roles');
@c = ();
for my $who (qw(seller other_seller seller other_seller))
{
	push @c, client("user=$who", $on, take('role ' . @c));
	waiting(1 + @c, "$who waits");
}
open_gate();
result($holder);
is(join(' ', map { chomp(my $r = result($_)); $r || ($_->{err} =~ /ERROR:  (\w+)/)[0] } @c), 'accepted accepted accepted accepted', 'several roles at once, each with its own rights');
# the last units of an item, in one batch
sql(q{SELECT oms.adjust_stock('BLR', 'BOOK', 2 + (SELECT reserved FROM oms.stock WHERE (node_id, sku_id) = (9211, 9223)), company => 'SHOP')});
close_gate();
$holder = busy('last');
@c = ();
for (1 .. 4)
{
	push @c, client('c', $on, take("last $_", 'BOOK', $_ % 2 ? 'WEB' : 'NOW'));
	waiting(1 + @c, "$_ wait");
}
open_gate();
result($holder);
is(join(' ', map { chomp(my $r = result($_)); $r || ($_->{err} =~ /ERROR:  (\w+)/)[0] } @c), 'accepted accepted backordered OM101', 'the last two units are accepted twice, not more');
is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');

### Clients that go away, and the worker

close_gate();
$holder = busy('away');
my %gone = map { my $c = client($_, $on, take("gone $_")); ($_ => $c) } qw(cancelled ended);
my $times = client('times', $on, q{SET statement_timeout = '50ms'}, take('gone timeout'));
result($times);
like($times->{err}, qr/57014: canceling statement due to statement timeout/, 'a statement timeout while it waits');
waiting(3, 'two more wait');
my $asked = time;
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'cancelled'});
result($gone{cancelled});
# 50 ms, and a slow machine; not the end of the holder
cmp_ok(time - $asked, '<', 5, 'a cancel is noticed soon');
like($gone{cancelled}{err}, qr/57014/, '... and told');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended'});
result($gone{ended});
waiting(1, 'neither leaves a slot');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
result($holder);
like($holder->{err}, qr/WARNING:  01000: the order may have been captured all the same/, 'the one that was taken is told that it may be there');
open_gate();
waiting(0, 'all slots are back');
is(accepted('gone%') . made('gone%'), '00', 'none of those withdrawn is there');
is(by("$on; " . take('after')), 'accepted combiner', 'the next is accepted');
close_gate();
$holder = busy('ends');
my $behind = client('behind', $on, take('behind'));
waiting(2, 'one behind it');
sql('SELECT pg_terminate_backend(pid, 10000) FROM oms.combiner_stat()');
is(result($holder) . result($behind) . $holder->{err} . $behind->{err}, "reserved\naccepted\n", 'the worker ends: both are answered, by their own sessions');
open_gate();
$gate->quit;
is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');

### A rush in which workers and sessions are ended, orders are made, and the server stops

start_worker();
my $dir = PostgreSQL::Test::Utils::tempdir();
my @rush;
for my $c (1 .. 5)
{
	open my $script, '>', "$dir/$c.sql" or die $!;
	print $script "SET oms.combiner = on;\n";
	# every third is another session's order, too
	print $script 'SELECT o.a ->> \'order_id\' AS id FROM oms.capture_order(public.doc(\'' . ($_ % 3 ? "rush$c-$_" : "rush-$_") . "')) o(a) \\gset\n\\if :{?id}\n\\echo " . ($_ % 3 ? "rush$c-$_" : "rush-$_") . "=:id\n\\unset id\n\\endif\n" for 1 .. 50000;
	close $script;
	push @rush, IPC::Run::start([ 'psql', '-XAtq', $node->connstr('shop') . ' application_name=rush', '-f', "$dir/$c.sql" ], '<', \undef, '>', "$dir/$c.out", '2>', "$dir/$c.err");
}
for my $n (1 .. 4)
{
	my $now = sql('SELECT max(order_id) FROM oms.accepted_order');
	until_true("SELECT pid IS NOT NULL FROM oms.combiner_stat()", "rush: a worker, $n");
	until_true("SELECT last_value > $now + 200 FROM oms.order_order_id_seq", '... at work');
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'rush' ORDER BY random() LIMIT 2});
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rush' ORDER BY backend_start LIMIT 1}) if $n == 2;
	cmp_ok(sql('SELECT oms.complete_orders(50)'), '>', 0, 'orders are made meanwhile');
	is(sql('SELECT * FROM oms.verify()'), '', 'and everything adds up');
	sql('SELECT pg_terminate_backend(pid) FROM oms.combiner_stat()');
}
$node->stop('immediate');
$_->finish for @rush;
$node->start;
my %id = map { split /=/ } split /\n/, sql(q{SELECT external_id || '=' || order_id FROM oms."order" UNION ALL SELECT external_id || '=' || order_id FROM oms.accepted_order});
my @told = grep { /^rush[-\d]+=\d+$/ } map { split /\n/, slurp_file("$dir/$_.out") } 1 .. 5;
cmp_ok(scalar @told, '>', 500, scalar(@told) . ' answers were given before the server was stopped');
is_deeply([ grep { my ($x, $i) = split /=/; ($id{$x} // '') ne $i } @told ], [], 'all of them of orders that are accepted or made');
my %errors = map { $_ => 1 } map { slurp_file("$dir/$_.err") =~ /ERROR:  (.*)/g } 1 .. 5;
is(join(', ', sort keys %errors), 'canceling statement due to user request', 'nobody was told of anything but a cancel');
is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');
until_true('SELECT oms.complete_orders(10000) = 0', 'all are made');
is(accepted('%'), '0', 'none is left');
my %order = map { split /=/ } split /\n/, sql(q{SELECT external_id || '=' || order_id FROM oms."order"});
is_deeply([ grep { my ($x, $i) = split /=/; ($order{$x} // '') ne $i } @told ], [], 'under the numbers that were told');
is(sql('SELECT * FROM oms.verify()'), '', 'everything adds up');

### A standby that has to confirm

$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\n");
$node->reload;
$node->poll_query_until('postgres', q{SELECT sync_state = 'sync' FROM pg_stat_replication});
start_worker();
is(by("$on; SET synchronous_commit = remote_apply; " . take('applied')), 'accepted combiner', 'remote_apply');
is($standby->safe_psql('shop', q{SELECT count(*) FROM oms.accepted_order WHERE external_id = 'applied'}), '1', '... is seen on the standby at once');
$standby->stop;
my $waits = client('waits', $on, take('waits'));
until_true(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'waits' AND wait_event = 'SyncRep'}, 'the standby is down: who asks for it waits');
is(sql("$on; SET synchronous_commit = local; " . take('local')), 'accepted', '... and nobody else');
$standby->start;
is(result($waits), "accepted\n", 'answered when it is back');
$standby->promote;
is($standby->safe_psql('shop', q{SELECT count(*) FROM oms.accepted_order WHERE external_id IN ('waits', 'local', 'applied')}), '3', 'and there when it takes over');
is($standby->safe_psql('shop', 'SELECT oms.complete_orders() > 2'), 't', '... where the orders are made');
is($standby->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'everything adds up');
done_testing();
