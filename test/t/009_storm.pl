# A storm: clients capture, or are accepted in a rush, hold carts, cancel, reject, reroute, count and hand
# over at random, in transactions with savepoints and without, are cut off and
# cancelled; the server is stopped in the middle of it, then another one is,
# and its standby promoted.  Everything adds up, what was acknowledged is
# there, what was rolled back is not, and no unit is sold twice.
#
# OMS_STORM_SECONDS (60) is how long in all, OMS_STORM_CLIENTS (32) how many,
# OMS_STORM_SEED the choices the clients make (not how they meet).
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $test = dirname(dirname(File::Spec->rel2abs(__FILE__)));
my $seconds = $ENV{OMS_STORM_SECONDS} || 60;
my $clients = $ENV{OMS_STORM_CLIENTS} || 32;
my $seed = $ENV{OMS_STORM_SEED} || time % 100000;
note "$clients clients for $seconds s, OMS_STORM_SEED=$seed";

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_oms'\noms.worker_naptime = 1s\nmax_connections = 100\nmax_prepared_transactions = 50\ndeadlock_timeout = 200ms\nautovacuum_naptime = 5s\nclient_connection_check_interval = 500ms\n");
$primary->start;
$primary->safe_psql('postgres', 'CREATE DATABASE shop');
$primary->command_ok([ 'psql', '-Xqd', $primary->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', "$test/sql/include/shop.inc" ], 'a shop');
# few of everything, so that all fight for it; shirts are never counted again
$primary->safe_psql('shop', q{
	SET oms.company = 'SHOP';
	SELECT oms.adjust_stock(n, i, q, 'first') FROM unnest('{BLR,BOM,DEL}'::text[]) n, (VALUES ('SHIRT', 150), ('BOOK', 100), ('RICE', 60), ('TV', 20)) v (i, q);
	UPDATE oms.channel SET accept_first = true WHERE code IN ('NOW', 'TWO');
	SELECT oms.add_awbs('SHOPC', array_agg('AWB' || i)) FROM generate_series(1, 200000) i});

my $node = $primary;
my $dir = PostgreSQL::Test::Utils::tempdir();
my (@storm, %told);

sub begin_storm
{
	my ($name, $connstr, $cancels) = @_;
	mkdir "$dir/$name" or die $!;
	@storm = map { IPC::Run::start([ $^X, "$test/storm/client.pl", $connstr, $_, $seed, "$dir/$name", $cancels ], '<', \undef) } 1 .. $clients;
}

# $_[0] seconds from now, and some orders more
sub blow
{
	my $n = $node->safe_psql('shop', 'SELECT count(*) FROM oms."order"') + $clients;
	my $until = $node->safe_psql('shop', "SELECT now() + '$_[0] s'");
	ok($node->poll_query_until('shop', qq{SELECT now() > '$until' AND count(*) > $n FROM oms."order"}), $_[1]);
}

sub end_storm
{
	my ($name) = @_;
	open my $f, '>', "$dir/$name/stop" or die $!;
	$_->finish for @storm;
	# a client that was told to end may leave one behind, which is its right
	$node->safe_psql('shop', "COMMIT PREPARED '$_'") for split /\n/, $node->safe_psql('shop', 'SELECT gid FROM pg_prepared_xacts');
	my %did;
	for my $book (glob "$dir/$name/c*.log")
	{
		for (split /\n/, slurp_file($book))
		{
			my ($what, @rest) = split / /;
			if ($what eq 'did') { my $n = pop @rest; $did{"@rest"} += $n }
			else { $told{$what}{"@rest"} = 1 }
		}
	}
	note "$name: " . join ', ', map { "$_ $did{$_}" } sort keys %did;
	is_deeply([ keys %{ $told{unexpected} } ], [], "$name: nothing unexpected was answered");
	is($did{'gave up'} // 0, 0, 'whoever asks again gets an answer');
}

sub pairs { return map { split /\|/ } split /\n/, $node->safe_psql('shop', $_[0]) }
sub missing { my ($told, %found) = @_; return [ grep { ($found{$_} // '') eq '' } sort @$told ] }

sub adds_up
{
	is($node->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'with what is accepted and not made yet everything adds up');
	my $left = 'SELECT count(*) FROM oms.accepted_order';
	note $node->safe_psql('shop', $left) . ' are accepted and not made yet';
	ok($node->poll_query_until('shop', 'SELECT oms.complete_orders(1000) = 0'), 'all that can be made is made');
	is($node->safe_psql('shop', "$left WHERE error !~ '^OM101: '"), '0', '... the others, if any, lack stock since a count');
	$node->safe_psql('shop', q{SELECT oms.refuse_order(order_id, 'a count', 'SHOP') FROM oms.accepted_order});
	is($node->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'everything adds up');

	# what was acknowledged
	my %found = pairs(q{SELECT external_id, order_id FROM oms."order"
		UNION ALL SELECT external_ref, (regexp_match(message, '^accepted order ([0-9]+) '))[1]::bigint FROM oms.reject WHERE source = 'refuse_order'});
	my @orders = keys %{ $told{order} };
	my @ids = map { /^\S+/; $& } @orders;
	is_deeply([ grep { my ($ext, $id) = split / /; ($found{$ext} // 0) != $id } @orders ], [], @orders . ' acknowledged orders are there');
	is_deeply([ grep { exists $found{$_} } keys %{ $told{undone} } ], [], keys(%{ $told{undone} }) . ' that were rolled back are not');
	delete @found{@ids};
	cmp_ok(scalar keys %found, '<=', 6 * $clients, keys(%found) . ' are there that nobody was told of: a few a client, the last ones of each storm');
	is_deeply(missing([ keys %{ $told{cancelled} } ], pairs(q{SELECT order_id, order_id FROM oms."order" WHERE status = 'cancelled'})), [],
		keys(%{ $told{cancelled} }) . ' acknowledged cancellations are');
	is_deeply(missing([ keys %{ $told{line} } ], pairs(q{SELECT concat_ws(' ', order_id, request_id, trim_scale(qty)), 1 FROM oms.line_cancellation})), [],
		keys(%{ $told{line} }) . ' of lines are, as many units as was said');
	is_deeply(missing([ keys %{ $told{shipped} } ], pairs(q{SELECT shipment_id, shipment_id FROM oms.shipment WHERE shipped_at IS NOT NULL})), [],
		keys(%{ $told{shipped} }) . ' parcels left');
	is_deeply(missing([ keys %{ $told{rejected} } ], pairs(q{SELECT allocation_id, allocation_id FROM oms.allocation_rejection})), [],
		keys(%{ $told{rejected} }) . ' rejections are kept');
	is_deeply(missing([ keys %{ $told{rerouted} } ], pairs(q{SELECT DISTINCT subject_id, subject_id FROM oms.event WHERE type = 'order.rerouted'})), [],
		keys(%{ $told{rerouted} }) . ' orders rerouted');
	is_deeply(missing([ grep { !/ 0\.000$/ } keys %{ $told{count} } ], pairs(q{SELECT concat_ws(' ', document, sum(delta)), 1 FROM oms.stock_ledger WHERE reason = 'adjust' GROUP BY document, ledger_id})), [],
		keys(%{ $told{count} }) . ' counts are in the ledger');

	# what left, by the parcels; what was counted, by the ledger; what is there
	is($node->safe_psql('shop', q{
		WITH gone AS (
			SELECT a.node_id, coalesce(k.sku_id, a.sku_id) AS sku_id, sum(a.qty * coalesce(k.qty, 1)) AS qty
			  FROM oms.allocation a JOIN oms.shipment s USING (company_id, shipment_id)
			  LEFT JOIN oms.kit_component k ON k.company_id = a.company_id AND k.kit_sku_id = a.sku_id
			 WHERE s.shipped_at IS NOT NULL AND a.status <> 'cancelled' GROUP BY 1, 2
		), counted AS (SELECT node_id, sku_id, sum(delta) AS qty FROM oms.stock_ledger WHERE reason = 'adjust' GROUP BY 1, 2
		), held AS (SELECT node_id, sku_id, sum(qty) AS qty FROM oms.reservation WHERE state <> 'closed' GROUP BY 1, 2)
		SELECT s.node_id, s.sku_id, s.on_hand, c.qty, g.qty, s.reserved, h.qty
		  FROM oms.stock s LEFT JOIN gone g USING (node_id, sku_id) LEFT JOIN counted c USING (node_id, sku_id) LEFT JOIN held h USING (node_id, sku_id)
		 WHERE s.on_hand <> coalesce(c.qty, 0) - coalesce(g.qty, 0) OR s.reserved <> coalesce(h.qty, 0)}), '',
		'on hand is what was counted less what left; reserved is what is held');
	is($node->safe_psql('shop', q{
		SELECT sum(CASE WHEN a.status IN ('cancelled', 'backordered') THEN 0 ELSE a.qty * coalesce(k.qty, 1) END) + (SELECT coalesce(sum(qty), 0) FROM oms.reservation WHERE sku_id = 9221 AND cart_id IS NOT NULL AND state = 'open') <= 450
		  FROM oms.allocation a LEFT JOIN oms.kit_component k ON k.company_id = a.company_id AND k.kit_sku_id = a.sku_id
		 WHERE coalesce(k.sku_id, a.sku_id) = 9221}), 't', 'of 450 shirts no more than 450 are sold and held');
	is($node->safe_psql('shop', q{SELECT sum(shortfall), min(on_hand) >= 0, count(*) FROM oms.stock WHERE sku_id = 9221}), '0.000|t|3', '... none of them twice');
}

### One server, stopped in the middle of it
begin_storm('alone', $primary->connstr('shop'), 1);
blow($seconds / 4, 'it blows');
is($node->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'in the middle of it everything adds up');
$primary->stop('immediate');
$primary->start;
blow($seconds / 4, 'after an immediate stop it goes on');
end_storm('alone');
adds_up();

### With a standby that must confirm, which takes over
$primary->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'b', has_streaming => 1);
$standby->start;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\n");
$primary->reload;
$primary->poll_query_until('postgres', q{SELECT sync_state = 'sync' FROM pg_stat_replication});
begin_storm('failover', sprintf('host=%s,%s port=%s,%s dbname=shop target_session_attrs=read-write', map { $primary->$_, $standby->$_ } 'host', 'port'), 0);
blow($seconds / 4, 'again, with a standby');
is($standby->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'on which everything adds up, too');
cmp_ok($standby->safe_psql('shop', q{SET oms.company = 'SHOP'; SELECT count(nodes) FROM oms.simulate('{"node": {"BOM": {"open": false}}}', '-infinity', 'infinity')}), '>', 50,
	'... and past orders are planned again under other rules, where nothing can be written');
$primary->stop('immediate');
$standby->promote;
$node = $standby;
blow($seconds / 4, 'the standby takes over');
end_storm('failover');
adds_up();

for my $what (qw(order undone cancelled line shipped rejected rerouted count))
{
	cmp_ok(scalar keys %{ $told{$what} }, '>', 5, "it was a storm: $what");
}
unlike(slurp_file($_->logfile), qr/TRAP|PANIC|terminated by signal (?!9)/, $_->name . ' did not crash') for $primary, $standby;
$standby->stop;
done_testing();
