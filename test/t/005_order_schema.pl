# The order's JSON Schema and the server agree: what the schema forbids is
# refused as an invalid document, what it allows is not refused for its form.
use strict;
use warnings;
use File::Basename;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $here = dirname(__FILE__);
my $schema = "$here/../../doc/order.schema.json";
if (system('/usr/bin/python3 -c "import jsonschema" 2>/dev/null') != 0)
{
	plan skip_all => 'python3-jsonschema is not installed';
}

my @cases = map { decode_json($_) }
  split /\n/, qx(/usr/bin/python3 '$here/order_mutations.py' '$schema');
cmp_ok(scalar @cases, '>', 500, 'enough mutations were made');
cmp_ok(scalar(grep { $_->{valid} } @cases), '>', 50, 'some of them allowed by the schema');

my $node = PostgreSQL::Test::Cluster->new('schema');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE EXTENSION pg_oms CASCADE;
	CREATE TABLE doc (n serial, doc text);
});
my $copy = join '', map { my $d = encode_json([ $_->{doc} ]); $d = substr($d, 1, -1); $d =~ s/\\/\\\\/g; "$d\n" } @cases;
my $file = $node->basedir . '/docs.txt';
PostgreSQL::Test::Utils::append_to_file($file, $copy);
$node->safe_psql('postgres', "COPY doc (doc) FROM '$file'");
# nothing is in the catalogue: a document of the right form goes on to be
# refused for its company or channel
$node->safe_psql('postgres', 'SELECT oms.install()');
my @states = split /\n/, $node->safe_psql('postgres',
	q{SELECT coalesce(a.sqlstate, 'taken') FROM (SELECT array_agg(doc ORDER BY n) AS docs FROM doc) d, oms.capture_orders(d.docs) a ORDER BY a.seq});
is(scalar @states, scalar @cases, 'every document got an answer');

# Rules of the server beyond what a schema can say; each is tested in SQL.
my $stricter = qr/phone|placed_at|email|gstin|line_no|'lat'|'lng'|country|mode', 'CARRY_OUT'|= ' '|= '(X|COD|INR|inr|0411001|41100|x+)'$/;
my (@lenient, @strict);
for my $i (0 .. $#cases)
{
	my $form = $states[$i] eq 'OM001' || $states[$i] eq 'OM202';
	push @lenient, "$cases[$i]{what}: $states[$i]" if !$cases[$i]{valid} && !$form;
	push @strict, "$cases[$i]{what}: $states[$i]"
	  if $cases[$i]{valid} && $form && $cases[$i]{what} !~ $stricter;
}
is(join("\n", @lenient), '', 'what the schema forbids is refused for its form');
is(join("\n", @strict), '', 'what the schema allows is not');

$node->stop;
done_testing();
