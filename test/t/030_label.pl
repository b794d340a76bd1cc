# Labels as paper has them: drawn at a label printer's resolution, their bars
# read back by a barcode reader, their text by a PDF reader.
use strict;
use warnings;
use IPC::Run qw(run);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

for my $tool (qw(pdftoppm pdftotext zbarimg))
{
	plan skip_all => "$tool is missing"
	  unless grep { -x "$_/$tool" } split /:/, $ENV{PATH};
}

my $node = PostgreSQL::Test::Cluster->new('label');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->start;
my $fixture = 'test/sql/include/parcels.inc';
$fixture = "$ENV{PWD}/$fixture" unless -e $fixture;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $at = 0;

# Label bytes of each parcel that the script leaves in table label, in order.
sub labels
{
	my ($script) = @_;
	my $out = $node->safe_psql('postgres',
		"BEGIN;\n\\i $fixture\n\\set ECHO none\n\\o /dev/null\n$script\n\\o\n"
		  . "SELECT encode(pdf, 'hex') FROM label ORDER BY i; ROLLBACK;");
	return map { pack 'H*', $_ } grep { /^25504446/ } split /\n/, $out;
}

# What the reader sees: [bars sorted, text].
sub seen
{
	my ($pdf) = @_;
	my $file = "$dir/" . ++$at;
	append_to_file("$file.pdf", $pdf);
	my ($bars, $text, $err) = ('', '', '');
	run [ 'pdftoppm', '-r', '203', '-png', '-singlefile', "$file.pdf", $file ], '>', \my $none, '2>', \$err
	  or die "pdftoppm: $err";
	run [ 'zbarimg', '-q', '--raw', "$file.png" ], '>', \$bars, '2>', \$err;
	run [ 'pdftotext', '-layout', "$file.pdf", '-' ], '>', \$text, '2>', \$err;
	return ([ sort split /\n/, $bars ], $text);
}

my $parcels = q{
	SELECT oms.add_awbs('TESTDLV', ARRAY['1', '13163116000123', 'SF49245NER/x-Y', 'ABCDEFGHIJKLMNOPQRSTUVWX']);
	CREATE TEMP TABLE label (i integer, pdf bytea);
	CREATE FUNCTION pg_temp.label(i integer, ref text, cod boolean, lines text, awb text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_temp.make_order(ref, cod, lines);
		UPDATE oms.shipment SET awb = $5, state = 'BOOKED' WHERE shipment_id = pg_temp.parcel(ref);
		INSERT INTO label SELECT $1, oms.label_pdf(pg_temp.parcel(ref));
	END $$;
	UPDATE oms.sku SET name = 'Kaffeetasse, groß — Ø 9 cm ' || repeat('very ', 40) || 'long name' WHERE sku_id = 9122;
};
my @pdf = labels($parcels . q{
	SELECT pg_temp.label(1, 'ORD-2026/0001', true, '9121 2 123999.00, 9122 1 499.00, 9123 3 100.00', '13163116000123');
	SELECT pg_temp.label(2, 'Bestellung-Ü-' || repeat('7', 40), false, '9121 1 500.00', 'SF49245NER/x-Y');
	SELECT pg_temp.label(3, 'X', true, '9121 1 1.05', 'ABCDEFGHIJKLMNOPQRSTUVWX');
	SELECT pg_temp.label(4, 'Y', true, '9121 1 1234.00', '1');
	UPDATE oms."order" SET ship_name = repeat('Raghavendra ', 20), ship_address = repeat('Near the old temple, ', 60) WHERE external_id = 'Y';
	INSERT INTO label SELECT 5, oms.label_pdf(pg_temp.parcel('Y'));
	INSERT INTO label SELECT 6, oms.label_pdf(pg_temp.parcel('Y'));
	SET oms.label_font = '/nowhere/font.ttf';
	INSERT INTO label SELECT 7, oms.label_pdf(pg_temp.parcel('ORD-2026/0001'));
});
is(scalar @pdf, 7, 'seven labels');
like($_, qr/^%PDF-1\.\d.*%%EOF\s*$/s, 'a whole PDF') for @pdf;

my ($bars, $text) = seen($pdf[0]);
is_deeply($bars, [ '13163116000123', 'ORD-2026/0001' ], 'AWB and order number are read from the bars');
like($text, qr/COD \xe2\x82\xb9 1,24,598\.00/, 'cash to collect, in Indian grouping');
like($text, qr/$_/, "label says $_")
  for ('Test Delhivery', 'Asha Rao', 'MG Road', '560001', 'Phone 9876543210', '0\.500 kg', 'Zone D',
	'2 x T-shirt, blue', 'Bengaluru Warehouse', '560034', 'GSTIN 29ABCDE1234F1ZW');

($bars, $text) = seen($pdf[1]);
is($bars->[1], 'SF49245NER/x-Y', 'letters of both cases and signs');
like($bars->[0], qr/^\d+$/, 'a reference bars cannot carry gives way to order_id');
like($text, qr/PREPAID/, 'nothing to collect');
unlike($text, qr/COD/, 'and nothing that says so');

($bars) = seen($pdf[2]);
is($bars->[0], 'ABCDEFGHIJKLMNOPQRSTUVWX', 'as long an AWB as fits');
($bars, $text) = seen($pdf[4]);
is_deeply($bars, [ '1', 'Y' ], 'a long address covers no bars');
like($text, qr/COD \xe2\x82\xb9 1,234\.00/, 'nor the amount');
ok($pdf[4] eq $pdf[5], 'same parcel, same bytes');

($bars, $text) = seen($pdf[6]);
is_deeply($bars, [ '13163116000123', 'ORD-2026/0001' ], 'without a font file the bars are the same');
like($text, qr/COD Rs\. 1,24,598\.00/, 'and the rupee is spelt');

# what cannot be drawn is an error, and the session goes on
my ($ret, $out, $err) = $node->psql('postgres',
	"BEGIN;\n\\i $fixture\n\\set ECHO none\n\\o /dev/null\n$parcels\n" . q{
	\set ON_ERROR_STOP off
	\o
	SELECT pg_temp.fails($$SELECT pg_temp.label(1, 'A', true, '9121 1 5.00', repeat('Long', 9))$$);
	SELECT pg_temp.fails($$SELECT pg_temp.label(1, 'B', true, '9121 1 5.00', NULL)$$);
	SELECT pg_temp.fails($$SELECT oms.label_pdf(0)$$);
	SET oms.label_font = '/etc/passwd';
	SELECT pg_temp.fails($$SELECT pg_temp.label(1, 'C', true, '9121 1 5.00', '1')$$);
	RESET oms.label_font;
	SELECT pg_temp.label(1, 'D', true, '9121 1 5.00', '1');
	SELECT 'drawn ' || count(*) FROM label;
	SELECT sum(total_bytes)::bigint AS before FROM pg_backend_memory_contexts \gset
	SELECT 'made ' || sum(length(oms.label_pdf(pg_temp.parcel('D')))) FROM generate_series(1, 200);
	SELECT 'growth ' || (sum(total_bytes)::bigint - :before) / 1024 FROM pg_backend_memory_contexts;
	ROLLBACK;});
like($out, qr/OM405 AWB or order number is too long for the label/, 'bars too long');
like($out, qr/OM405 shipment N has no AWB number to print/, 'not booked');
like($out, qr/OM002 shipment N does not exist/, 'no such parcel');
like($out, qr/OM405 label could not be drawn \| libharu error 0x/, 'a font that is none');
like($out, qr/drawn 1/, 'and then one is drawn');
cmp_ok(($out =~ /growth (-?\d+)/)[0] // 99999, '<', 256, '200 labels leave no memory behind (kB)');

$node->stop;
done_testing();
