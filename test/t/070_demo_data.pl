# The demo's data: made by its scripts byte for byte, sound, and loadable; the
# small ERP's stock adds up; the Tryton driver says and does what SQL sees.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use File::Compare;
use JSON::PP;

my $python = '/usr/bin/python3';
my $made = PostgreSQL::Test::Utils::tempdir();
my %packed;

sub csv_rows
{
	my ($file) = @_;
	open my $f, '<', $file or die "$file: $!";
	chomp(my $head = <$f>);
	my @names = split /,/, $head;
	my @rows;
	while (my $line = <$f>)
	{
		chomp $line;
		my (@cells, %row);
		push @cells, defined $1 ? $1 : $2 while $line =~ /\G(?:"([^"]*)"|([^,]*))(?:,|$)/g && @cells < @names;
		@row{@names} = @cells;
		push @rows, \%row;
	}
	return @rows;
}

### The scripts make what is committed

system_or_bail($python, 'demo/data/make_masters.py', $made);
system_or_bail($python, 'demo/orders/make_orders.py', '--out', $made);
for my $name (qw(items tax_rates warehouses dark_stores customers opening_stock erp_sales))
{
	is(compare("$made/$name.csv", "demo/data/$name.csv"), 0, "$name.csv is what its script makes");
}
for my $dir ($made, 'demo/data')    # the packed bytes depend on the version of zlib
{
	my ($text) = run_command([ 'gzip', '-dc', "$dir/orders.ndjson.gz" ]);
	$packed{$dir} = $text;
}
ok($packed{$made} eq $packed{'demo/data'} && length $packed{$made} > 1e6, 'orders.ndjson.gz is what its script makes');
for my $name (qw(orders_small.ndjson orders_expect.json))
{
	is(compare("$made/$name", "demo/data/$name"), 0, "$name is what its script makes");
}

### Masters

sub gstin_ok    # GST's check digit: base 36, weights 1 and 2
{
	my @value = map { index '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', $_ } split //, shift;
	my $sum = 0;
	for my $i (0 .. 13)
	{
		my $p = $value[$i] * (1 + $i % 2);
		$sum += int($p / 36) + $p % 36;
	}
	return @value == 15 && $value[14] == (36 - $sum % 36) % 36;
}

sub ean_ok
{
	my @d = split //, shift;
	my $sum = 0;
	$sum += $d[$_] * ($_ % 2 ? 3 : 1) for 0 .. 12;
	return @d == 13 && $sum % 10 == 0;
}

ok(gstin_ok('27AAPFU0939F1ZV') && !gstin_ok('01AABCE2207R1Z5'), 'this test knows a GSTIN');
my @places = (csv_rows('demo/data/warehouses.csv'), csv_rows('demo/data/dark_stores.csv'));
my @business = grep { $_->{gstin} ne '' } csv_rows('demo/data/customers.csv');
is(scalar(grep { gstin_ok($_->{gstin}) && $_->{gstin} =~ /^$_->{state_code}ZZ/ } @places, @business),
	@places + @business, 'GSTINs have valid digits, the right state, and PANs of nobody');
my %pin = map { $_->{pincode} => $_ } csv_rows('data/pincodes.csv');
is(scalar(keys %pin), 19756, 'pincodes');
is(scalar(grep { $pin{ $_->{pincode} }{state_code} eq $_->{state_code} } @places, csv_rows('demo/data/customers.csv')),
	16 + 120, 'places and customers lie in the state of their pincode');
my %item = map { $_->{sku} => $_ } csv_rows('demo/data/items.csv');
is(scalar(grep { ean_ok($_->{ean13}) } values %item), 119, 'EAN-13 check digits');

my %rate;
push @{ $rate{ $_->{hsn} } }, [ @$_{qw(above_value percent)} ]
	for grep { $_->{valid_from} eq '2025-09-22' } csv_rows('demo/data/tax_rates.csv');
$rate{ $_->{hsn} } //= [ [ 0, $_->{percent} ] ] for csv_rows('demo/data/tax_rates.csv');
my @wrong;
for my $i (values %item)
{
	my ($low, $high) = @{ $rate{ $i->{hsn} } };
	my $net = $i->{mrp} / (1 + $low->[1] / 100);
	my $want = $high && $net > $high->[0] ? $high->[1] : $low->[1];
	push @wrong, "$i->{sku} $i->{gst_percent} not $want" if $want != $i->{gst_percent};
}
is("@wrong", '', 'the GST rate of each item follows from its HSN, price and the rates');

### Orders

SKIP:
{
	skip 'python3-jsonschema is not installed', 1 if system("$python -c 'import jsonschema' 2>/dev/null");
	my $check = <<'PY';
import collections, gzip, json
from jsonschema import Draft7Validator
valid = Draft7Validator(json.load(open('doc/order.schema.json')))
lines = gzip.open('demo/data/orders.ndjson.gz', 'rt', encoding='utf-8').read().splitlines()
count, seen = collections.Counter(), set()
for line in lines:
    try:
        doc = json.loads(line)
    except ValueError:
        count['text'] += 1
        continue
    if line in seen:
        count['again'] += 1
    elif not valid.is_valid(doc):
        count['schema'] += 1
    elif doc['external_id'].startswith('BAD-'):
        count['wrong'] += 1
    else:
        count['good'] += 1
        count['key', doc['channel'], doc['external_id']] += 1
    seen.add(line)
keys = sum(1 for k in count if isinstance(k, tuple))
print(len(lines), count['good'], keys, count['again'], count['text'], count['schema'], count['wrong'])
PY
	my ($out) = run_command([ $python, '-c', $check ]);
	is($out, '2500 2415 2415 60 2 13 10', 'good orders fit the schema, the others are as told');
}

### The small ERP

my $node = PostgreSQL::Test::Cluster->new('demo_data');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE erp');
my ($script) = run_command([ 'sh', 'demo/erp/build.sh' ]);
$node->safe_psql('erp', $script);
is($node->safe_psql('erp', q{
	SELECT count(*) FROM stock_level s FULL JOIN
	  (SELECT item_id, warehouse_id, sum(qty) AS q FROM stock_movement GROUP BY 1, 2) m USING (item_id, warehouse_id)
	 WHERE s.qty_on_hand IS DISTINCT FROM m.q}), '0', 'stock levels are the sums of the movements');
is($node->safe_psql('erp', q{
	SELECT (SELECT count(*) FROM item WHERE status = 'A'), (SELECT count(*) FROM warehouse WHERE kind <> 'virtual'),
	       (SELECT count(*) FROM sales_order), (SELECT count(*) FROM stock_level WHERE qty_on_hand < 0)}),
	'119|16|300|0', 'its rows');
is($node->safe_psql('erp', q{
	BEGIN;
	SELECT erp_count('KUR-0001-M', 'BLR1', 7);
	SELECT erp_post('not-0001', 'BLR1', -1000, 'DAMAGE') < 0;
	SELECT qty_on_hand FROM stock_level s JOIN item i USING (item_id) JOIN warehouse w USING (warehouse_id)
	 WHERE i.item_code = 'KUR-0001-M' AND w.code = 'BLR1';
	ROLLBACK;}), "7.000\nt\n7.000", 'its programs count and post');

### Tryton

SKIP:
{
	my $dump = $ENV{OMS_TRYTON_DUMP};
	skip 'no Tryton dump (OMS_TRYTON_DUMP)', 5 unless $dump && -f $dump;
	skip 'tryton-server is not installed', 5 unless -x '/usr/bin/trytond-admin';
	$node->safe_psql('postgres', "CREATE DATABASE tryton TEMPLATE template0 ENCODING 'UTF8'");
	system_log(sprintf q{gzip -dc '%s' | psql -Xq -v ON_ERROR_STOP=1 -d '%s' >/dev/null}, $dump, $node->connstr('tryton'))
		and BAIL_OUT('the Tryton dump does not load');
	my $uri = sprintf 'postgresql://%s@%s:%d/tryton', scalar getpwuid($<), $node->host =~ s{/}{%2F}gr, $node->port;
	my $tree = q{
		WITH RECURSIVE tree AS (
			SELECT id AS wh, code, storage_location AS loc FROM stock_location WHERE type = 'warehouse' AND active
			UNION ALL SELECT t.wh, t.code, l.id FROM tree t JOIN stock_location l ON l.parent = t.loc),
		hand AS (
			SELECT t.code AS place, p.code AS sku, sum(m.internal_quantity * s.sign)::numeric(14,3) AS qty
			  FROM stock_move m CROSS JOIN (VALUES (1), (-1)) s(sign)
			  JOIN tree t ON t.loc = CASE s.sign WHEN 1 THEN m.to_location ELSE m.from_location END
			  JOIN product_product p ON p.id = m.product
			 WHERE m.state = 'done' AND coalesce(m.effective_date, m.planned_date) <= (now() AT TIME ZONE 'Asia/Kolkata')::date
			 GROUP BY 1, 2)};
	my $act = sub {
		my ($out, $err) = run_command([ $python, 'demo/tryton/act.py', $uri, @_ ]);
		note $out if length $out < 500;
		note $err if $err;
		return decode_json($out || '{}');
	};
	my $all = $act->('stock-all')->{stock};
	is(join("\n", map { sprintf '%s|%s|%.3f', @$_[ 0 .. 2 ] } sort { "$a->[0] $a->[1]" cmp "$b->[0] $b->[1]" } grep { $_->[2] } @$all),
		$node->safe_psql('tryton', qq{$tree SELECT place, sku, qty FROM hand WHERE qty <> 0 ORDER BY (place || ' ' || sku) COLLATE "C"}),
		'Tryton reckons its stock as SQL does');
	# something sold by the piece
	my ($place, $sku) = split /\|/, $node->safe_psql('tryton', qq{$tree
		SELECT place, sku FROM hand
		  JOIN product_product p ON p.code = sku JOIN product_template t ON t.id = p.template
		  JOIN product_uom u ON u.id = t.default_uom AND u.factor = 1 AND u.rounding = 1
		 WHERE qty > 10 AND t.salable AND t.type = 'goods' ORDER BY 1, 2 LIMIT 1});
	my $counted = $act->('inventory', $sku, $place, 60);
	is($counted->{on_hand}, 60, 'an inventory sets the stock');
	my $sale = $act->('confirm-sale', $sku, 3, $place);
	is("$sale->{state} $sale->{shipments}[0]{state}", 'processing waiting', 'a sale is confirmed');
	my $picked = $act->('assign-pick-shipment', $sale->{sale});
	is($picked->{shipments}[0]{state}, 'picked', 'its shipment is picked');
	is($node->safe_psql('tryton', qq{$tree SELECT qty FROM hand WHERE place = '$place' AND sku = '$sku'}), '57.000',
		'picking takes it out of storage');
}

done_testing();
