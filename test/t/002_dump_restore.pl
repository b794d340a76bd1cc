# pg_dump of the whole database, restored: every row, users' own columns,
# indexes and triggers, and work goes on.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $shop = dirname(dirname(File::Spec->rel2abs(__FILE__))) . '/sql/include/shop.inc';
my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->command_ok([ 'psql', '-Xqd', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', $shop ], 'a shop');
$node->safe_psql('shop', q{
	-- what users add to tables, which are theirs
	ALTER TABLE oms."order" ADD COLUMN gift_note text;
	CREATE INDEX my_lines ON oms.order_line (sku_id, qty) INCLUDE (unit_price);
	CREATE TABLE public.seen (order_id bigint, status text);
	CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (new.order_id, new.status); RETURN NULL; END $$;
	CREATE TRIGGER my_trigger AFTER INSERT ON oms.allocation FOR EACH ROW EXECUTE FUNCTION public.see();
	CREATE TRIGGER my_sleeper AFTER INSERT ON oms.order_line FOR EACH ROW EXECUTE FUNCTION public.see();
	ALTER TABLE oms.order_line DISABLE TRIGGER my_sleeper;
	CREATE VIEW public.my_view AS SELECT o.external_id, a.status, oms.lat(o.ship_place) AS lat FROM oms."order" o JOIN oms.allocation a USING (company_id, order_id);
	INSERT INTO oms.status_move (entity, from_status, to_status) VALUES ('allocation', 'cancelled', 'planned');
	INSERT INTO oms.reason_code (code, kind, text) VALUES ('MOON', 'cancel', 'The moon was in the wrong house');
	INSERT INTO oms.gst_rate (hsn, valid_from, rate, source) VALUES ('9988', '2026-01-01', 7, 'test');
	SELECT oms.make_event_partitions('2026-03-02');
	-- business
	CREATE FUNCTION public.doc(id text, sku text, qty numeric, mode text DEFAULT 'PREPAID') RETURNS jsonb LANGUAGE sql AS $$
		SELECT jsonb_build_object('company', 'SHOP', 'channel', 'WEB', 'external_id', id, 'payment', jsonb_build_object('mode', mode), 'customer', '{"phone": "9876512345", "name": "Åsa ''N\"; --"}'::jsonb,
			'ship_to', '{"pincode": "981001", "address1": "12, Long Street"}'::jsonb, 'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'qty', qty))) $$;
	SELECT oms.adjust_stock(n, i, 40, company => 'SHOP') FROM unnest('{BLR,BOM}'::text[]) n, unnest('{SHIRT,BOOK,RICE}'::text[]) i;
	SELECT oms.capture_order(doc('o' || i, (ARRAY['SHIRT', 'BOOK', 'PAIR', 'RICE', 'TV'])[1 + i % 5], 1 + i % 3, CASE WHEN i % 2 = 0 THEN 'COD' ELSE 'PREPAID' END)) FROM generate_series(1, 40) i;
	SELECT oms.cancel_order(order_id, company => 'SHOP') FROM oms."order" WHERE external_id IN ('o1', 'o6', 'o7');
	SELECT oms.reserve_cart(doc('-', 'BOOK', 2) - 'external_id' - 'payment' || '{"cart_id": "c"}');
	SELECT * FROM oms.capture_orders(ARRAY['no order']);
	SELECT oms.add_awbs('SHOPC', ARRAY['SH0001', 'SH0002', 'SH0003']);
	SELECT oms.pack_shipment(shipment_id, 'SHOP') FROM oms.shipment WHERE state = 'PLANNED' AND order_id IN (SELECT order_id FROM oms."order" WHERE external_id IN ('o11', 'o13'));
	SELECT oms.dispatch_shipment(shipment_id, 'SHOP') FROM oms.shipment WHERE order_id IN (SELECT order_id FROM oms."order" WHERE external_id = 'o13');
	UPDATE oms."order" SET gift_note = 'for ' || external_id WHERE external_id < 'o2';
});

# Every row of every table, as text: number and hash.
my $contents = q{
	SELECT c.oid::regclass, (xpath('/row/n/text()', x))[1], (xpath('/row/h/text()', x))[1]
	  FROM pg_class c, query_to_xml(format('SELECT count(*) AS n, md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text COLLATE "C"), '''')) AS h FROM %s t', c.oid::regclass), true, true, '') x
	 WHERE c.relnamespace IN ('oms'::regnamespace, 'oms_bi'::regnamespace, 'public'::regnamespace) AND c.relkind IN ('r', 'm')
	   AND c.relname <> 'spatial_ref_sys' ORDER BY 1::text COLLATE "C"};
$contents =~ s/ORDER BY 1::text/ORDER BY c.oid::regclass::text/;
# texts of views may be folded otherwise when they are read again; what they give may not
my $views = q{SELECT a.attrelid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
	WHERE c.relnamespace = 'oms_bi'::regnamespace AND a.attnum > 0 ORDER BY c.relname, 2};
my $own = q{
	SELECT 'column', attname FROM pg_attribute WHERE attrelid = 'oms."order"'::regclass AND attname = 'gift_note'
	UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE indexname = 'my_lines'
	UNION ALL SELECT 'trigger', tgname || ' ' || tgenabled::text FROM pg_trigger WHERE tgname LIKE 'my\_%' ORDER BY 1, 2};
my $sequences = q{SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname = 'oms' ORDER BY 2};
sub schema_of { my ($db) = @_; my $text = `pg_dump -s -N oms_bi -d '${\ $node->connstr($db)}'`; $text =~ s/^\\(un)?restrict .*$//mg; return $text }

my $before = $node->safe_psql('shop', $contents);
like($before, qr/^oms\."order"\|40\|/m, 'the shop has orders');
like($before, qr/^oms\.scan|^oms\.manifest\|1\|/m, 'and a parcel on its way');
my $own_before = $node->safe_psql('shop', $own);
like($own_before, qr/my_sleeper D/, 'a trigger sleeps');
is($node->safe_psql('shop', 'SELECT * FROM oms.verify()'), '', 'everything adds up before');

my $dir = PostgreSQL::Test::Utils::tempdir();
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('shop'), '-f', "$dir/shop.dump" ], 'pg_dump -Fc');
$node->command_ok([ 'pg_dump', '-d', $node->connstr('shop'), '-f', "$dir/shop.sql" ], 'pg_dump, plain');
$node->safe_psql('postgres', 'CREATE DATABASE custom; ');
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('custom'), "$dir/shop.dump" ], 'pg_restore --exit-on-error');
$node->command_ok([ 'psql', '-Xqd', $node->connstr('plain'), '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/shop.sql" ], 'psql with ON_ERROR_STOP');

for my $db ('custom', 'plain')
{
	is($node->safe_psql($db, $contents), $before, "$db: every row of every table");
	is($node->safe_psql($db, $own), $own_before, "$db: users' column, index and triggers, the sleeping one asleep");
	is($node->safe_psql($db, $sequences), $node->safe_psql('shop', $sequences), "$db: sequences stand where they stood");
	my %theirs = map { $_ => 1 } split /\n/, schema_of($db);
	my %ours = map { $_ => 1 } split /\n/, schema_of('shop');
	is_deeply([ [ grep { !$theirs{$_} } sort keys %ours ], [ grep { !$ours{$_} } sort keys %theirs ] ], [ [], [] ], "$db: dumped again, the schema is the same");
	is($node->safe_psql($db, $views), $node->safe_psql('shop', $views), "$db: reports have the same columns");
	is($node->safe_psql($db, q{SELECT 1 FROM oms.status_move WHERE from_status = 'cancelled' AND NOT builtin}), '1', "$db: the user's status move");
	is($node->safe_psql($db, q{SELECT d ->> 'duplicate' FROM oms.capture_order(doc('o2', 'PAIR', 3, 'COD')) d}), 'true', "$db: orders of before are known");
	is($node->safe_psql($db, q{SELECT d ->> 'status', (d ->> 'order_id')::bigint > (SELECT max(order_id) FROM oms."order" WHERE external_id <> 'after') FROM oms.capture_order(doc('after', 'BOOK', 1)) d}),
		'reserved|t', "$db: new ones get new numbers");
	is($node->safe_psql($db, q{SELECT count(*) FROM public.seen s JOIN oms."order" o USING (order_id) WHERE external_id = 'after'}), '1', "$db: the user's trigger fires");
	is($node->safe_psql($db, q{SELECT oms.release_cart('c', 'SHOP')}), '2.000', "$db: the cart is held");
	is($node->safe_psql($db, q{SELECT oms.cancel_order(order_id, company => 'SHOP') FROM oms."order" WHERE external_id = 'o3'}), 'cancelled', "$db: an old order can be cancelled");
	is($node->safe_psql($db, q{SELECT oms.adjust_stock('BLR', 'TV', 50, company => 'SHOP'); SELECT oms.retry_backorders() > 0}), "50.000\nt", "$db: backorders are filled");
	is($node->safe_psql($db, 'SELECT oms.install()'), $node->safe_psql('shop', 'SELECT oms.install()'), "$db: is installed");
	is($node->safe_psql($db, 'SELECT * FROM oms.verify()'), '', "$db: everything adds up");
}
$node->stop;
done_testing();
