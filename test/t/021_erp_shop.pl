# The demo's small ERP, attached while it is busy: the worker takes in and
# writes back by itself, a standby promises by the ERP's last word, a dump
# and restore goes on.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(dirname(abs_path($0))));
my $node = PostgreSQL::Test::Cluster->new('shop');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "timezone = 'Asia/Kolkata'\n");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE erp TEMPLATE template0 ENCODING 'UTF8'");
$node->command_ok([ 'sh', "$root/demo/erp/build.sh", '-q', '-d', $node->connstr('erp') ], 'the ERP is made');

my $db = 'erp';
sub query { return $node->safe_psql($db, $_[0]) }
my $sound = 'SELECT drifted, erp_key, erp_value, oms_value FROM oms.erp_verify() LIMIT 5';

### Attached online, with a writer in the middle of its work
my $writer = $node->background_psql('erp');
$writer->query_safe("BEGIN; SELECT erp_post('KUR-0001-M', 'BLR1', 5)");
query('SET client_min_messages = warning; CREATE EXTENSION pg_oms CASCADE');
my ($rc, $out, $err) = $node->psql('erp', "SELECT oms.attach_erp('shop')");
isnt($rc, 0, 'a table in use is not waited for without end');
like($err, qr/in use and could not be attached/, 'and it says so');
is(query("SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname LIKE 'oms%' AND c.relnamespace <> 'oms'::regnamespace"), '0', 'nothing is left half done');
$writer->query_safe('COMMIT');
query("CALL oms.attach_erp_online('shop')");
is(query("SELECT count(*) FROM oms.erp_lag() WHERE problem IS NULL"), '11', 'eleven tables');
is(query($sound), '', 'the snapshot is the ERP');
is(query(q{SELECT count(*), sum(o.total)::numeric(14,2), sum((SELECT sum((l->>'qty')::numeric) FROM jsonb_array_elements(o.lines) l)), count(*) FILTER (WHERE o.status IS NULL) FROM oms.erp_order o}),
	query(q{SELECT count(DISTINCT order_id), sum(round(qty * unit_price, 2)), trim_scale(sum(qty)), 0 FROM sales_order JOIN sales_order_line USING (order_id)}), 'its orders');
is(query(q{SELECT count(*) FROM oms.customer_address WHERE active}), query(q{SELECT count(*) FROM customer_address a JOIN customer c USING (customer_id) WHERE c.is_active}), 'addresses of its customers');
is(query(q{SELECT count(*) FROM oms.erp_waiting WHERE entity = 'address'}), query(q{SELECT count(*) FROM customer_address a JOIN customer c USING (customer_id) WHERE NOT c.is_active}), 'those of others wait');
my $number = query(q{SELECT order_no FROM sales_order WHERE status = 'confirmed' ORDER BY order_no LIMIT 1});
query("SELECT erp_ship('$number'); UPDATE customer SET is_active = true; UPDATE customer_address SET line1 = 'moved' WHERE address_id = (SELECT max(address_id) FROM customer_address)");
is(query($sound), '', 'no drift');
is(query("SELECT status FROM oms.erp_order WHERE number = '$number'"), 'shipped', 'shipped there: known here');
is(query(q{SELECT count(*) FROM oms.customer_address WHERE address1 = 'moved' AND active}) . query('SELECT count(*) FROM oms.erp_waiting'), '10', 'an address follows, and nothing waits for customers who are back');
my $was = query("SELECT on_hand FROM oms.available('KUR-0001-M', 'BLR1')");

# items with batches: together the count; the ERP takes out of the first to end
is(query(q{SELECT count(*) > 10, bool_and(s.on_hand = b.qty) FROM (SELECT node_id, sku_id, sum(on_hand) AS qty FROM oms.stock_lot WHERE NOT gone GROUP BY 1, 2) b
	JOIN oms.stock s USING (node_id, sku_id)}), 't|t', 'its batches are our lots');
my $ghee = q{SELECT b.lot, b.on_hand, (SELECT l.available FROM oms.available('GHE-0001', 'BLR1') l)
	FROM oms.stock_lot b JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) WHERE k.code = 'GHE-0001' AND n.code = 'BLR1' ORDER BY b.lot};
my @ghee = map { [ split /\|/ ] } split /\n/, query($ghee);
is(join(' ', map { $_->[0] } @ghee), 'P2607 P2608', 'two of an item');
cmp_ok($ghee[0][1], '>', 2, 'with stock');
my $batch = q{item_id = (SELECT item_id FROM item WHERE item_code = 'GHE-0001') AND warehouse_id = (SELECT warehouse_id FROM warehouse WHERE code = 'BLR1')};
query("SELECT erp_post('GHE-0001', 'BLR1', -2, 'SALE')");
query("UPDATE item_batch SET best_before = '2020-01-01' WHERE batch_no = 'P2608' AND $batch");
is(query("SELECT available FROM oms.available('GHE-0001', 'BLR1')"), $ghee[0][1] - 2 . '.000', 'sold, and a batch past its day: the next promise knows');
is(query($sound), '', 'no drift');
query("UPDATE item_batch SET best_before = '2027-07-31' WHERE batch_no = 'P2608' AND $batch");
is(query($sound), '', 'no drift');
is(query("SELECT available FROM oms.available('GHE-0001', 'BLR1')") - $ghee[0][2], -2, 'all but the two again');

### No worker: a promise sees it all the same, at every isolation level
$writer->query_safe("SELECT erp_post('KUR-0001-M', 'BLR1', -1)");
is(query("SELECT on_hand FROM oms.available('KUR-0001-M', 'BLR1')") - $was, -1, 'seen with nothing taken in');
my $old = $node->background_psql('erp');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM item');
$writer->query_safe("SELECT erp_post('KUR-0001-M', 'BLR1', -1)");
is($old->query_safe("SELECT on_hand - $was FROM oms.available('KUR-0001-M', 'BLR1')"), '-2.000', 'by an old transaction too');
$old->query_safe('COMMIT');

### A standby
my $backup = $node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
query("SELECT erp_post('KUR-0001-M', 'BLR1', -1)");
query("UPDATE item_batch SET best_before = '2020-01-01' WHERE $batch");
$node->wait_for_catchup($standby);
is($standby->safe_psql('erp', "SELECT available FROM oms.available('GHE-0001', 'BLR1')"), '0.000', 'a standby knows what is past its day');
is($standby->safe_psql('erp', "SELECT on_hand FROM oms.available('KUR-0001-M', 'BLR1')") - $was, -3, 'a standby promises by the ERP\'s last word');
is(query('SELECT sum(changes) FROM oms.erp_change'), '5', 'nothing has been taken in yet');
$standby->stop;

### The worker does it by itself
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_oms'\noms.worker_naptime = 60s\n");
$writer->quit;
$old->quit;
$node->restart;
ok($node->poll_query_until('erp', 'SELECT NOT EXISTS (SELECT FROM oms.erp_change)'), 'it takes in what was pending');
is(query("SELECT on_hand - $was FROM oms.stock s JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) WHERE k.code = 'KUR-0001-M' AND n.code = 'BLR1'"), '-3.000', 'into our stock');
my $began = time;
query("SELECT erp_count('KUR-0001-M', 'BLR1', 0)");
ok($node->poll_query_until('erp', "SELECT EXISTS (SELECT FROM oms.event WHERE type = 'stock.out')"), 'sold out: an alert, with nobody asking');
query("SELECT erp_count('KUR-0001-M', 'BLR1', 20)");
ok($node->poll_query_until('erp', "SELECT s.on_hand = 20 FROM oms.stock s JOIN oms.node n USING (node_id) JOIN oms.sku k USING (sku_id) WHERE k.code = 'KUR-0001-M' AND n.code = 'BLR1'"), 'twenty come in');
cmp_ok(time - $began, '<', 50, 'woken, not at its next nap');

# write-back: out and in again
query(q{BEGIN;
	INSERT INTO oms.reservation (company_id, reservation_id, node_id, sku_id, qty, state, allocation_id)
	SELECT n.company_id, 900001, n.node_id, k.sku_id, 6, 'leaving', 900001 FROM oms.node n, oms.sku k WHERE n.code = 'BLR1' AND k.code = 'KUR-0001-M';
	UPDATE oms.stock s SET reserved = s.reserved + 6 FROM oms.reservation r WHERE r.reservation_id = 900001 AND (s.node_id, s.sku_id) = (r.node_id, r.sku_id);
	INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id)
	SELECT company_id, 'stock_out', node_id, sku_id, qty, 'shipment 1', reservation_id FROM oms.reservation WHERE reservation_id = 900001;
	INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document)
	SELECT company_id, 'stock_in', node_id, sku_id, 2, 'return 1' FROM oms.reservation WHERE reservation_id = 900001;
	SELECT oms.wake_worker();
	COMMIT});
ok($node->poll_query_until('erp', "SELECT bool_and(state = 'done') FROM oms.erp_call"), 'the ERP is told, books, and is seen to have booked');
is(query("SELECT qty, reason, document FROM stock_movement ORDER BY movement_id DESC LIMIT 2"), "2.000|RETURN|return 1\n-6.000|SALE|shipment 1", 'in its own ledger');
is(query("SELECT s.on_hand, s.reserved, r.state, r.close_reason FROM oms.reservation r JOIN oms.stock s USING (node_id, sku_id) WHERE reservation_id = 900001"), '16.000|0.000|closed|consumed', 'reservation and count fell together');
is(query($sound), '', 'no drift');

# of the batches that it was, and of which it was not
query("UPDATE item_batch SET best_before = '2027-07-31' WHERE $batch");
is(query($sound), '', 'no drift');
my $had = query("SELECT string_agg(batch_no || ' ' || qty, ', ' ORDER BY batch_no) FROM item_batch WHERE $batch");
query(q{BEGIN;
	INSERT INTO oms.reservation (company_id, reservation_id, node_id, sku_id, qty, state, allocation_id)
	SELECT n.company_id, 900002, n.node_id, k.sku_id, 4, 'leaving', 900002 FROM oms.node n, oms.sku k WHERE n.code = 'BLR1' AND k.code = 'GHE-0001';
	UPDATE oms.stock s SET reserved = s.reserved + 4 FROM oms.reservation r WHERE r.reservation_id = 900002 AND (s.node_id, s.sku_id) = (r.node_id, r.sku_id);
	INSERT INTO oms.reservation_lot (company_id, reservation_id, lot, node_id, sku_id, seq, qty)
	SELECT company_id, reservation_id, 'P2608', node_id, sku_id, 1, 3 FROM oms.reservation WHERE reservation_id = 900002;
	INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id)
	SELECT company_id, 'stock_out', node_id, sku_id, qty, 'shipment 2', reservation_id FROM oms.reservation WHERE reservation_id = 900002;
	SELECT oms.wake_worker();
	COMMIT});
ok($node->poll_query_until('erp', "SELECT bool_and(state = 'done') FROM oms.erp_call"), 'told, booked and seen');
is(query("SELECT qty, batch_no FROM stock_movement WHERE document = 'shipment 2' ORDER BY movement_id"), "-3.000|P2608\n-1.000|", 'three of the batch they were of, the one of which nobody knows apart');
is(query("SELECT state, close_reason FROM oms.reservation WHERE reservation_id = 900002"), 'closed|consumed', 'the reservation is closed');
(my $has = $had) =~ s/(P2607) ([0-9.]+), (P2608) ([0-9.]+)/sprintf '%s %.3f, %s %.3f', $1, $2 - 1, $3, $4 - 3/e;
is(query("SELECT string_agg(b.lot || ' ' || b.on_hand, ', ' ORDER BY b.lot) FROM oms.stock_lot b JOIN oms.reservation r USING (node_id, sku_id) WHERE r.reservation_id = 900002"), $has, 'and gone from the lots');
is(query($sound), '', 'no drift');
is(query("SELECT count(*) FROM oms.verify() WHERE invariant ~ 'lot|stock_terms'"), '0', 'and sound');
is(query("SELECT count(*) FROM oms.stock_ledger l JOIN oms.reservation r USING (node_id, sku_id) WHERE r.reservation_id = 900001 AND l.on_hand < 0"), '0', 'never below zero');

### Dump and restore: attached there too
$node->safe_psql('postgres', "CREATE DATABASE copy TEMPLATE template0 ENCODING 'UTF8'");
my $file = $node->basedir . '/erp.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $file, $node->connstr('erp') ], 'dumped');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), $file ], 'restored');
$db = 'copy';
is(query('SELECT count(*) FROM oms.erp_lag() WHERE problem IS NULL'), '11', 'triggers and fingerprints came along');
query("SELECT erp_post('KUR-0001-M', 'BLR1', 4)");
is(query("SELECT on_hand FROM oms.available('KUR-0001-M', 'BLR1')"), '20.000', 'it goes on');
is(query($sound), '', 'no drift');
query("SELECT oms.detach_erp('shop')");
is(query("SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname LIKE 'oms%' AND c.relnamespace <> 'oms'::regnamespace"), '0', 'detached');

$node->stop;
done_testing();
