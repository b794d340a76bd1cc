# oms.check_json() and an independent validator (python3-jsonschema) find the
# same in documents that were changed in one place: orders, and the e-way bill
# and the e-invoice of a parcel, which themselves are as the schemas say.
use strict;
use warnings;
use File::Basename;
use File::Spec;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $here = dirname(File::Spec->rel2abs(__FILE__));
my $root = dirname(dirname($here));
if (system('/usr/bin/python3 -c "import jsonschema" 2>/dev/null') != 0)
{
	plan skip_all => 'python3-jsonschema is not installed';
}

my $node = PostgreSQL::Test::Cluster->new('json_schema');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->command_ok([ 'psql', '-Xqd', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', "$here/../sql/include/shop.inc" ], 'a shop');
$node->safe_psql('shop', q{
	SET client_min_messages = warning;
	SET oms.company = 'SHOP';
	UPDATE oms.node SET gstin = '29ABCDE1234F1ZW', address = '12, Hosur Road', city = 'Bengaluru', pincode = '560034' WHERE node_id = 9211;
	UPDATE oms.sku SET hsn = '61091000' WHERE sku_id = 9221;
	INSERT INTO oms.gstin (company_id, gstin, state_code, legal_name, trade_name, address, city, pincode)
	VALUES (9200, '29ABCDE1234F1ZW', '29', 'Shop Private Limited', 'The Shop', '9 Residency Road', 'Bengaluru', '560025');
	SELECT oms.adjust_stock('BLR', 'SHIRT', 10);
	SELECT oms.capture_order('{"channel": "B2B", "external_id": "J", "payment": {"mode": "PREPAID"}, "ship_to": {"pincode": "981002", "address1": "12, Long Street", "city": "Mumbai"},
		"customer": {"gstin": "27AAPFU0939F1ZV", "phone": "9876543210", "name": "Acme Traders"}, "lines": [{"sku": "SHIRT", "qty": 3, "unit_price": 400, "discount": 100}], "charges": [{"kind": "SHIPPING", "amount": 100}]}');
	SELECT oms.make_invoice(shipment_id, '{"legal_name": "Acme LLP", "address1": "7 Fort", "place": "Mumbai", "pincode": "400001"}') FROM oms.shipment;
	CREATE TABLE changed (n serial, name text, doc text);
});
my %doc = (
	eway_bill => $node->safe_psql('shop', q{SELECT oms.eway_json(shipment_id, '{"mode": 1, "vehicle_no": "KA01AB1234", "distance_km": 984}', 'SHOP') FROM oms.shipment}),
	einvoice => $node->safe_psql('shop', q{SELECT oms.einvoice_json(invoice_id, '{"mode": 1, "vehicle_no": "KA01AB1234", "distance_km": 984, "transporter_id": "29AAFCA7488L1Z0"}', 'SHOP') FROM oms.invoice}),
	order => '{"channel": "WEB", "external_id": "X", "payment": {"mode": "COD", "paid_amount": 0}, "customer": {"name": "n", "phone": "9876543210"}, "ship_to": {"address1": "1 Road", "pincode": "411001", "lat": 18.5, "lng": 73.8},
		"lines": [{"line_no": 1, "sku": "A", "qty": 1, "unit_price": 100}], "charges": [{"kind": "SHIPPING", "amount": 10}], "fulfilment": {"mode": "SHIP", "max_days": 30}}');

my @cases;
for my $name (sort keys %doc)
{
	my $file = $name eq 'order' ? "$root/doc/order.schema.json" : "$root/data/schema/$name.schema.json";
	my ($out, $err);
	IPC::Run::run([ '/usr/bin/python3', "$here/schema_mutations.py", $name, $file ], '<', \$doc{$name}, '>', \$out, '2>', \$err) or die $err;
	my @mine = map { decode_json($_) } split /\n/, $out;
	is($mine[0]{rules}, '', "$name: the document itself is as the schema says");
	cmp_ok(scalar @mine, '>', 400, "$name: enough changes were made");
	push @cases, @mine;
}
my $copy = join '', map { my $d = $_->{doc}; $d =~ s/\\/\\\\/g; "$_->{schema}\t$d\n" } @cases;
my $file = $node->basedir . '/changed.txt';
append_to_file($file, $copy);
$node->safe_psql('shop', "COPY changed (name, doc) FROM '$file'");
my @rules = split /\n/, $node->safe_psql('shop', q{
	SELECT '=' || coalesce((SELECT string_agg(v.rule, ',' ORDER BY v.rule COLLATE "C") FROM oms.check_json(c.doc::jsonb, c.name) v), '') FROM changed c ORDER BY c.n});
is(scalar @rules, scalar @cases, 'every document got an answer');
my @differ;
for my $i (0 .. $#cases)
{
	push @differ, "$cases[$i]{schema}: $cases[$i]{what}: $cases[$i]{rules} here $rules[$i]" if "=$cases[$i]{rules}" ne $rules[$i];
}
is(join("\n", @differ[ 0 .. ($#differ > 20 ? 20 : $#differ) ]), '', 'both find the same rules violated');
cmp_ok(scalar(grep { $_->{rules} eq '' } @cases), '>', 100, 'many changes are allowed');
$node->stop;
done_testing();
