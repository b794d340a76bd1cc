# Attached, used, detached, uninstalled, dropped: the ERP's database is what
# it was, by its own dump.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(dirname(File::Spec->rel2abs(__FILE__))));
my $node = PostgreSQL::Test::Cluster->new('uninstall');
$node->init;
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

sub dump_of
{
	my ($db, @options) = @_;
	my ($out, $err) = run_command([ 'pg_dump', @options, '-d', $node->connstr($db) ]);
	$out =~ s/^\\(un)?restrict .*$//mg;
	return $out;
}

# a toy of an ERP, with its own triggers, rights and comments
$node->safe_psql('postgres', 'CREATE DATABASE toy');
$node->safe_psql('toy', q{
	CREATE SCHEMA erp;
	CREATE TABLE erp.item (id serial PRIMARY KEY, code text UNIQUE NOT NULL, price numeric(12,2));
	CREATE TABLE erp.stock (item integer REFERENCES erp.item, place text, qty numeric, PRIMARY KEY (item, place));
	CREATE FUNCTION erp.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
	CREATE TRIGGER touch BEFORE UPDATE ON erp.stock FOR EACH ROW EXECUTE FUNCTION erp.touch();
	COMMENT ON TABLE erp.item IS 'Items';
	CREATE VIEW erp.value AS SELECT i.code, sum(s.qty * i.price) AS value FROM erp.item i JOIN erp.stock s ON s.item = i.id GROUP BY 1;
	INSERT INTO erp.item (code, price) SELECT 'i' || i, i FROM generate_series(1, 10) i;
	INSERT INTO erp.stock SELECT i, 'here', 5 FROM generate_series(1, 10) i;
});
my $before = dump_of('toy');
like($before, qr/CREATE TABLE erp\.item/, 'there is something to compare');
$node->command_ok([ 'psql', '-Xqd', $node->connstr('toy'), '-v', 'ON_ERROR_STOP=1', '-f', "$root/test/sql/include/shop.inc" ], 'installed, a shop beside it');
$node->safe_psql('toy', q{
	SET oms.company = 'SHOP';
	SELECT oms.adjust_stock('BLR', 'BOOK', 5);
	SELECT oms.capture_order('{"channel": "WEB", "external_id": "1", "payment": {"mode": "COD"}, "ship_to": {"pincode": "981001"}, "lines": [{"sku": "BOOK", "qty": 1}]}')});
my $out = dump_of('toy', '-s');
like($out, qr/CREATE TABLE oms\.allocation/, 'its tables are in the dump');
is($node->safe_psql('toy', 'SELECT oms.uninstall()'), 'uninstalled', 'uninstalled');
is($node->safe_psql('toy', 'SELECT oms.uninstall()'), 'nothing installed', 'once');
is($node->safe_psql('toy', q{SELECT relname FROM pg_class WHERE relnamespace = 'oms'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype IN ('e', 'i', 'a'))}),
	'', 'only what the extension owns is left');
my ($rc, $stdout, $stderr) = $node->psql('toy', q{SELECT oms.capture_order('{}')});
like($stderr, qr/no tables in this database yet/, 'calls say so');
is($node->safe_psql('toy', 'SELECT oms.install()') =~ /^installed/ ? 1 : 0, 1, 'it can be installed again');
is($node->safe_psql('toy', 'SELECT oms.uninstall()'), 'uninstalled', 'and uninstalled');
$node->safe_psql('toy', 'DROP EXTENSION pg_oms; DROP SCHEMA oms; DROP EXTENSION postgis');
is(dump_of('toy'), $before, 'nothing is left, data included');

# an attached ERP: triggers on its tables, gone with uninstall()
SKIP:
{
	my ($schema, $seed) = map { "$root/demo/erp/$_.sql" } 'schema', 'seed';
	skip 'no demo ERP here', 1 if !-f $schema;
	$node->safe_psql('postgres', 'CREATE DATABASE erp');
	$node->command_ok([ 'psql', '-Xqd', $node->connstr('erp'), '-v', 'ON_ERROR_STOP=1', '-f', $schema ], "the demo's ERP");
	$node->safe_psql('erp', q{INSERT INTO company VALUES (1, 'SAH', 'Sahyadri')});
	$before = dump_of('erp');
	$node->safe_psql('erp', q{SET client_min_messages = warning; CREATE EXTENSION pg_oms CASCADE; SELECT oms.attach_erp('shop')});
	like(dump_of('erp', '-s'), qr/CREATE TRIGGER \S*oms/, 'attached: triggers on its tables');
	is($node->safe_psql('erp', 'SELECT oms.uninstall()'), 'uninstalled', 'uninstalled while attached');
	$node->safe_psql('erp', 'DROP EXTENSION pg_oms; DROP SCHEMA oms; DROP EXTENSION postgis');
	is(dump_of('erp'), $before, 'the ERP is what it was');
}
$node->stop;
done_testing();
