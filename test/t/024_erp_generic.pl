# The worked example of doc/erp-generic.md, run as it is written; what it says
# comes of it, and that a dump keeps a profile made by a mapping.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(dirname(abs_path($0))));
my $page = slurp_file("$root/doc/erp-generic.md");
my @blocks = $page =~ /^```sql\n(.*?)^```$/msg;
is(scalar @blocks, 4, 'the page has four pieces of SQL');

my $node = PostgreSQL::Test::Cluster->new('generic');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'Asia/Kolkata'\n");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE erp TEMPLATE template0 ENCODING 'UTF8'");
$node->safe_psql('erp', 'SET client_min_messages = warning; CREATE EXTENSION pg_oms CASCADE');
sub query { return $node->safe_psql('erp', $_[0]) }

query($blocks[0]);
like(query($blocks[1]), qr/^profile trade: 6 entities, 7 tables\./, 'the profile is made');
my $said = query($blocks[2]);
unlike($said, qr/^(error|warning)\|/m, 'nothing is wrong with it');
like($said, qr/^BLR\|BAT-1\|8\.000\nPNQ\|BALL-6\|40\.000\z/m, 'stock is what the page says');
is(query("SELECT count(*), count(*) FILTER (WHERE open), min(state_code) FROM oms.node"), '2|2|27', 'two branches, the closed one is none');
is(query("SELECT string_agg(concat_ws(' ', code, name, category, hsn, tax_code, uom, weight_g, active), ', ' ORDER BY erp_key) FROM oms.sku"),
	'BAT-1 Willow bat Bats 950699 12 NOS 1200 t, BALL-6 Leather ball Balls 950669 12 NOS 160 t, GONE No more Balls 5 NOS 1 f', 'items');
is(query("SELECT string_agg(code || ' ' || rate, ', ' ORDER BY code) FROM oms.tax_code"), '12 12.000, 5 5.000', 'taxes');
is(query("SELECT string_agg(k.code || ' ' || p.amount || ' ' || (p.valid_from AT TIME ZONE 'Asia/Kolkata')::date, ', ' ORDER BY k.code, p.valid_from) FROM oms.price p JOIN oms.sku k USING (sku_id)"),
	'BALL-6 650.00 2026-01-01, BAT-1 4500.00 2026-01-01, BAT-1 4800.00 2026-04-01', 'prices');
is(query("SELECT concat_ws(' ', number, reference, node_key, status, erp_status, lines) FROM oms.erp_order"),
	'INV-7 WEB-100 1 confirmed OPEN [{"qty": 2, "item": "501", "unit_price": 4500}]', 'an order with its line');
my @changed = split /\n/, query($blocks[3]);
is_deeply(\@changed, [ 'PNQ|5.000', '1' ], 'a promise sees a count at once, and takes in masters itself; the rest follows; nothing differs');
is(query("SELECT category FROM oms.sku WHERE code = 'BAT-1'"), 'Cricket bats', 'through a lookup');

$node->command_ok([ 'pg_dump', '-Fc', '-f', "$PostgreSQL::Test::Utils::tmp_check/generic.dump", $node->connstr('erp') ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE again TEMPLATE template0');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('again'), "$PostgreSQL::Test::Utils::tmp_check/generic.dump" ], 'restored');
is($node->safe_psql('again', "UPDATE trade.product SET gst = 18 WHERE id = 502; SELECT oms.erp_apply(); SELECT tax_code FROM oms.sku WHERE code = 'BALL-6'; SELECT * FROM oms.erp_verify()"), "1\n18", 'and goes on');
done_testing();
