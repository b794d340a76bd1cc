# A crash in the middle of a load: nothing acknowledged is lost, nothing is
# half done, and what is reserved is what open reservations hold.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $shop = dirname(dirname(File::Spec->rel2abs(__FILE__))) . '/sql/include/shop.inc';
my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', "fsync = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->command_ok([ 'psql', '-Xqd', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', $shop ], 'a shop');
$node->safe_psql('shop', q{
	SELECT oms.adjust_stock(n, i, 40000, company => 'SHOP') FROM unnest('{BLR,BOM}'::text[]) n, unnest('{SHIRT,BOOK,RICE}'::text[]) i;
	CREATE FUNCTION public.doc(id text, n integer) RETURNS jsonb LANGUAGE sql AS $$
		SELECT jsonb_build_object('company', 'SHOP', 'channel', 'WEB', 'external_id', id, 'payment', '{"mode": "PREPAID"}'::jsonb,
			'customer', jsonb_build_object('phone', '98765' || to_char(n % 50, 'FM00000')),
			'ship_to', '{"pincode": "981001", "address1": "12, Long Street"}'::jsonb,
			'lines', CASE n % 4 WHEN 0 THEN '[{"sku": "SHIRT", "qty": 1}, {"sku": "BOOK", "qty": 1}]'::jsonb WHEN 1 THEN '[{"sku": "BOOK", "qty": 2}, {"sku": "RICE", "qty": 0.5}]'
				WHEN 2 THEN '[{"sku": "PAIR", "qty": 1}]' ELSE '[{"sku": "RICE", "qty": 1}, {"sku": "SHIRT", "qty": 3}]' END) $$});

# Clients that capture, hold carts and cancel, and write down what they were
# told: the server answers a statement only after its commit.
my $dir = PostgreSQL::Test::Utils::tempdir();
my @clients;
for my $c (1 .. 4)
{
	open my $script, '>', "$dir/client$c.sql" or die $!;
	for my $i (1 .. 20000)
	{
		print $script "SELECT oms.capture_order(doc('c$c-$i', $i)) ->> 'order_id' AS id \\gset\n\\echo order :id c$c-$i\n";
		print $script "SELECT oms.cancel_order(:id, company => 'SHOP') AS done \\gset\n\\echo cancelled :id c$c-$i\n" if $i % 5 == 0;
		print $script "SELECT 1 FROM oms.reserve_cart(doc('', $i) - 'external_id' - 'payment' || '{\"cart_id\": \"cart$c\"}') \\g /dev/null\n" if $i % 7 == 0;
		print $script "SELECT oms.adjust_stock('BOM', 'RICE', 300 + $i % 100, company => 'SHOP') \\g /dev/null\n" if $i % 11 == 0;
	}
	close $script;
	push @clients, IPC::Run::start([ 'psql', '-XAtq', $node->connstr('shop') . " application_name=client$c", '-v', 'ON_ERROR_STOP=1', '-f', "$dir/client$c.sql" ],
		'<', \undef, '>', "$dir/client$c.out", '2>', "$dir/client$c.err");
}
sub orders { $node->poll_query_until('shop', qq{SELECT count(*) > $_[0] FROM oms."order"}) }

ok(orders(100), 'orders pour in');
is($node->safe_psql('shop', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'client1'}), 't', 'one client is cut off');
ok(orders(250), 'the others go on');
is($node->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'in the middle of it everything adds up');
ok(orders(400), 'and on');
$node->stop('immediate');
$_->finish for @clients;
$node->start;

my (%order, %cancelled);
for my $c (1 .. 4)
{
	for (split /\n/, slurp_file("$dir/client$c.out"))
	{
		my ($what, $id, $external) = split / /;
		$order{$external} = $id if $what eq 'order';
		$cancelled{$external} = $id if $what eq 'cancelled';
	}
	like(slurp_file("$dir/client$c.err"), qr/server closed the connection|connection to server was lost|terminating connection/, "client $c was interrupted");
}
cmp_ok(scalar keys %order, '>', 300, scalar(keys %order) . ' orders were acknowledged');
cmp_ok(scalar keys %cancelled, '>', 30, scalar(keys %cancelled) . ' cancellations too');
my %found = map { split /\|/ } split /\n/, $node->safe_psql('shop', 'SELECT external_id, order_id FROM oms."order"');
my %gone = map { $_ => 1 } split /\n/, $node->safe_psql('shop', q{SELECT external_id FROM oms."order" WHERE status = 'cancelled'});
is_deeply([ grep { ($found{$_} // 0) != $order{$_} } sort keys %order ], [], 'every acknowledged order is there');
is_deeply([ grep { !$gone{$_} } sort keys %cancelled ], [], 'every acknowledged cancellation too');
cmp_ok(keys(%found) - keys(%order), '<=', 4, 'and of the others at most one a client: committed, but cut off before the answer');

is($node->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'everything adds up');
is($node->safe_psql('shop', q{SELECT s.node_id, s.sku_id FROM oms.stock s WHERE s.reserved <> (SELECT coalesce(sum(r.qty), 0) FROM oms.reservation r
	WHERE r.company_id = s.company_id AND r.node_id = s.node_id AND r.sku_id = s.sku_id AND r.state <> 'closed')}), '', 'reserved is the sum of open reservations');
my ($again) = sort keys %order;
my ($n) = $again =~ /-(\d+)/;
is($node->safe_psql('shop', "SELECT d ->> 'duplicate', d ->> 'order_id' FROM oms.capture_order(doc('$again', $n)) d"), "true|$order{$again}", 'sent again, an order is known');
is($node->safe_psql('shop', q{SELECT oms.capture_order(doc('new', 1)) ->> 'duplicate'}), 'false', 'new ones are taken');

# trying backorders again never waits for somebody long, nor becomes an error
$node->safe_psql('shop', q{SELECT oms.capture_order(doc('waits', 1) || '{"lines": [{"sku": "TV", "qty": 1}]}'); SELECT oms.adjust_stock('BOM', 'TV', 1, company => 'SHOP')});
my $other = $node->background_psql('shop');
$other->query_safe(q{BEGIN; SELECT 1 FROM oms."order" WHERE external_id = 'waits' FOR UPDATE});
is($node->safe_psql('shop', q{SELECT oms.retry_backorders()}), '0', 'an order somebody is busy with is left');
$other->query_safe('COMMIT');
is($node->safe_psql('shop', q{SELECT oms.retry_backorders()}), '1', 'until the next time');
is($node->safe_psql('shop', q{SELECT count(*) FROM oms.event WHERE type = 'order.retry_failed'}), '0', 'which is no failure');
$other->quit;
$node->stop;
done_testing();
