# Ten thousand captures in one session, and as many promises in another: the
# backend does not grow.  OMS_MEMORY_PLANS (10000): how many promises.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $shop = dirname(dirname(File::Spec->rel2abs(__FILE__))) . '/sql/include/shop.inc';
my $node = PostgreSQL::Test::Cluster->new('memory');
$node->init;
$node->append_conf('postgresql.conf', "synchronous_commit = off\nautovacuum = off\nmax_wal_size = 4GB\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->command_ok([ 'psql', '-Xqd', $node->connstr('shop'), '-v', 'ON_ERROR_STOP=1', '-f', $shop ], 'a shop');
$node->safe_psql('shop', q{SELECT oms.adjust_stock(n, i, 100000, company => 'SHOP') FROM unnest('{BLR,BOM}'::text[]) n, unnest('{SHIRT,BOOK,RICE}'::text[]) i});

# one statement, one transaction each: two lines, a kit, COD, a duplicate, a refusal
my $script = PostgreSQL::Test::Utils::tempdir() . '/load.sql';
my @lines = ('[{"sku": "SHIRT", "qty": 1}, {"sku": "BOOK", "qty": 2}]', '[{"sku": "PAIR", "qty": 1}]', '[{"sku": "RICE", "qty": 1.25}, {"sku": "BOOK", "qty": 1}]');
my $look = <<'E2';
SELECT 'contexts', sum(total_bytes) FROM pg_backend_memory_contexts;
SELECT 'anonymous', substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s+(\d+)')::bigint * 1024;
E2
open my $f, '>', $script or die $!;
print $f "SET oms.company = 'SHOP';\n";
for my $i (1 .. 10000)
{
	my $mode = $i % 3 ? 'PREPAID' : 'COD';
	my $id = $i % 100 ? $i : $i - 1;
	my ($n, $phone) = ($i % 3, 9000000000 + $id % 3000);
	$n = ($i - 1) % 3, $mode = ($i - 1) % 3 ? 'PREPAID' : 'COD' if $id != $i;
	print $f qq{SELECT oms.capture_order('{"channel": "WEB", "external_id": "$id", "payment": {"mode": "$mode"}, "customer": {"phone": "$phone"}, "ship_to": {"pincode": "981001", "address1": "12, Long Street"}, "lines": $lines[$n]}') \\g /dev/null\n};
	print $f "SELECT oms.capture_order('{}') \\g /dev/null\n" if $i % 500 == 250;
	print $f $look if $i == 2000 || $i == 10000;
}
close $f;
my ($out, $err) = run_command([ 'psql', '-XAtqd', $node->connstr('shop'), '-f', $script ]);
my %seen;
push @{ $seen{$1} }, $2 while $out =~ /^(\w+)\|(\d+)$/mg;
is($node->safe_psql('shop', 'SELECT count(*) FROM oms."order"'), '9900', '9,900 orders, 100 duplicates');
is($node->safe_psql('shop', q{SELECT count(DISTINCT status), min(status) FROM oms."order"}), '1|reserved', 'all reserved');
is(() = $err =~ /invalid order document/g, 20, '20 refusals');
my %growth = map { $_ => $seen{$_}[1] - $seen{$_}[0] } keys %seen;
note "after 2,000: contexts $seen{contexts}[0], anonymous memory $seen{anonymous}[0]; growth to 10,000: $growth{contexts}, $growth{anonymous}";
cmp_ok($growth{contexts}, '<', 512 * 1024, "memory contexts grew by $growth{contexts} bytes in 8,000 captures: below 512 kB");
cmp_ok($growth{anonymous}, '<', 2 * 1024 * 1024, "anonymous memory grew by $growth{anonymous} bytes: below 2 MB");

# plans that take nothing: to four places, from one node and several, kits,
# more than there is, what nobody has, and what is refused
my $plans = $ENV{OMS_MEMORY_PLANS} || 10000;
my @asked = ('{"sku": "SHIRT", "qty": 1}', '{"sku": "SHIRT", "qty": 2}, {"sku": "BOOK", "qty": 1}, {"sku": "RICE", "qty": 0.5}', '{"sku": "PAIR", "qty": 3}, {"sku": "DRESS", "qty": 1}',
	'{"sku": "BOOK", "qty": 150000}', '{"sku": "TV", "qty": 1}, {"sku": "SHIRT", "qty": 1}', '{"sku": "SHIRT", "qty": 120000}, {"sku": "BOOK", "qty": 120000}');
open $f, '>', $script or die $!;
print $f "SET oms.company = 'SHOP';\n";
for my $i (1 .. $plans)
{
	my ($lines, $channel, $pincode) = ($asked[ $i % @asked ], (qw(WEB NOW ONE TWO B2B))[ $i % 5 ], 981001 + $i % 4);
	print $f qq{SELECT oms.promise('{"channel": "$channel", "payment": {"mode": "COD"}, "ship_to": {"pincode": "$pincode"}, "lines": [$lines]}') \\g /dev/null\n};
	print $f qq{SELECT oms.promise('{"channel": "WEB", "lines": []}') \\g /dev/null\n} if $i % 500 == 250;
	print $f $look if $i == int($plans / 5) || $i == $plans;
}
close $f;
($out, $err) = run_command([ 'psql', '-XAtqd', $node->connstr('shop'), '-f', $script ]);
%seen = ();
push @{ $seen{$1} }, $2 while $out =~ /^(\w+)\|(\d+)$/mg;
is(() = $err =~ /ERROR/g, int(($plans + 250) / 500), 'only what is no document is refused');
%growth = map { $_ => $seen{$_}[1] - $seen{$_}[0] } keys %seen;
note "promises: after a fifth of $plans: contexts $seen{contexts}[0], anonymous memory $seen{anonymous}[0]; growth to the end: $growth{contexts}, $growth{anonymous}";
cmp_ok($growth{contexts}, '<', 512 * 1024, "memory contexts grew by $growth{contexts} bytes over $plans plans: below 512 kB");
cmp_ok($growth{anonymous}, '<', 2 * 1024 * 1024, "anonymous memory grew by $growth{anonymous} bytes: below 2 MB");
$node->stop('immediate');
done_testing();
