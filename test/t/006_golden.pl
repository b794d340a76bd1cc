# test/replay/golden.py, which ./run golden calls: it passes what is right,
# and finds what is wrong.
use strict;
use warnings;
use File::Basename;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(dirname(File::Spec->rel2abs(__FILE__))));
plan skip_all => 'no python3' if system('python3 --version >/dev/null 2>&1') != 0;

my $node = PostgreSQL::Test::Cluster->new('golden');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_oms CASCADE');

sub replay
{
	my ($dir) = @_;
	my ($out, $err) = ('', '');
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres');
	my $good = IPC::Run::run([ 'python3', "$root/test/replay/golden.py", $dir ], '<', \undef, '>', \$out, '2>', \$err);
	return ($good ? 1 : 0, $out, $err);
}

# One order small enough to work out by hand (test/sql/sourcing_whatif.sql).
my %order = (id => 1,
	nodes => [
		{ id => 0, open => 1, km => 1.5, fixed => 4000, base => 3000, add => 1000 },
		{ id => 1, open => 1, km => 2.5, fixed => 4500, base => 3100, add => 1000 },
		{ id => 2, open => 1, km => 900, fixed => 9050, base => 8000, add => 3000 },
		{ id => 3, open => 0, km => 1, fixed => 1, base => 1, add => 1 } ],
	lines => [
		{ sku => 'S0', qty => 2, grams => 250, stock => [ 5, 1, 3, 9 ], unit_cost => [ 100, 200, 300, 1 ] },
		{ sku => 'S1', qty => 1, grams => 1200, stock => [ 0, 4, 2, 9 ], unit_cost => [ 500, 500, 225, 1 ] } ]);
my @columns = qw(id lines nodes whole_feasible whole_min_ships whole_cost_at_min_ships whole_min_cost whole_ships_at_min_cost whole_min_slab_cost whole_ships_at_min_slab
	split_min_ships split_cost_at_min_ships split_min_cost split_ships_at_min_cost greedy_ships greedy_cost greedy_slab_cost partial_lines partial_ships partial_cost);
my %known = (id => 1, lines => 2, nodes => 4, whole_feasible => 1, whole_min_ships => 1, whole_cost_at_min_ships => 9875, whole_min_cost => 9200, whole_ships_at_min_cost => 2,
	whole_min_slab_cost => 8800, whole_ships_at_min_slab => 2, split_min_ships => 1, split_cost_at_min_ships => 9875, split_min_cost => 9200, split_ships_at_min_cost => 2,
	greedy_ships => 2, greedy_cost => 13475, greedy_slab_cost => 17425, partial_lines => 2, partial_ships => 1, partial_cost => 9875);

sub split_folder
{
	my ($dir, %wrong) = @_;
	my %row = (%known, %wrong);
	mkdir $dir or die "$dir: $!";
	append_to_file("$dir/instances.jsonl", encode_json(\%order) . "\n");
	append_to_file("$dir/expected.csv", join(',', @columns) . "\n" . join(',', map { $row{$_} } @columns) . "\n");
}

my $top = PostgreSQL::Test::Utils::tempdir();
split_folder("$top/right");
mkdir "$top/strange" or die $!;
my ($good, $out) = replay($top);
ok($good, 'right figures pass') or diag($out);
like($out, qr/^right order 1: passed$/m, 'a line a case');
like($out, qr/^strange: not covered$/m, 'folders of other kinds are listed');
like($out, qr/^1 passed, 0 failed, 1 not covered$/m, 'the counts');
($good, $out) = replay("$top/right");
ok($good, 'one folder by itself');

# each figure is compared
for my $column (grep { !/^(?:id|lines|nodes|whole_feasible)$/ } @columns)
{
	my $dir = "$top/wrong_$column";
	split_folder($dir, $column => $known{$column} + 1);
	($good, $out) = replay($dir);
	ok(!$good && $out =~ /order 1: FAILED: .*\b$known{$column}(?:\.00)?, not @{[ $known{$column} + 1 ]}|order 1: FAILED: .*2 lines, not 3/, "a wrong $column is found") or diag($out);
}

# A flow small enough too: two units by the cheap way, one by the dear one;
# at least one of them must take the arc that costs 9.
sub flow_folder
{
	my ($dir, $cost, $least) = @_;
	mkdir $dir or die "$dir: $!";
	append_to_file("$dir/01.min", "c by hand\np min 3 4\nn 1 3\nn 3 -3\na 1 2 0 2 3\na 2 3 0 5 1\na 1 3 0 5 7\na 1 3 $least 5 9\n");
	append_to_file("$dir/expected.csv", "file,nodes,arcs,optimal_cost\n01.min,3,4,$cost\n");
}
flow_folder("$top/flow", 15, 0);
flow_folder("$top/flow_least", 17, 1);
flow_folder("$top/flow_wrong", 14, 0);
($good, $out) = replay("$top/$_"), ok($good && $out =~ /01\.min: passed/, "$_: the optimum passes") for qw(flow flow_least);
($good, $out) = replay("$top/flow_wrong");
ok(!$good && $out =~ /01\.min: FAILED: optimal_cost is 15, not 14/, 'a wrong optimum is found');

# A day of two nodes and two regions.  Without prices both units of item 0 at
# node 0 go to region 1 (5000 + 1000 against 5500 + 1100), the third order is
# split (3000 + 300 and 9000 + 2000) and the fourth comes from afar (9000 +
# 2000): 37,300.  With them region 1 is served from node 1 and the rest from
# node 0: 2 x 6,600 + 3000 + 2 x 300 + 3,300 = 20,100.
sub week_folder
{
	my ($dir, $reference, $bound, $expected) = @_;
	mkdir $dir or die "$dir: $!";
	append_to_file("$dir/freight.csv", "node,region,base_per_shipment,per_unit\n0,0,3000,300\n0,1,5000,1000\n1,0,9000,2000\n1,1,5500,1100\n");
	append_to_file("$dir/stock.csv", "sku,node,qty\n0,0,2\n0,1,4\n1,0,1\n");
	append_to_file("$dir/orders.csv", "order,minute,region,lines_sku:qty\n0,0,1,0:1\n1,10,1,0:1\n2,400,0,0:1 1:1\n3,500,0,0:1\n");
	append_to_file("$dir/forecast.csv", "sku,region,units_per_day\n0,0,$expected\n0,1,2\n");
	append_to_file("$dir/scoreboard.json", qq({"penalty_per_unserved_unit": 20000, "clairvoyant_lower_bound": $bound, "policies": {"C_exact_per_order": {"cost": $reference}}}));
}
week_folder("$top/week", 37300, 20000, 2);
($good, $out) = replay("$top/week");
ok($good, 'a week replayed passes') or diag($out);
like($out, qr/myopic: cost 373\.00, 1 split orders \(1 avoidable\), 0 units unserved, 4 orders/, 'what it costs without prices');
like($out, qr/priced: cost 201\.00, 0 split orders \(0 avoidable\), 0 units unserved, 4 orders/, 'and with them');
like($out, qr/^week saving by stock prices 46\.11 %: passed$/m, 'the saving');
like($out, qr/^week gap to the bound 0\.50 %: passed$/m, 'the gap');
week_folder("$top/week_reference", 37000, 20000, 2);
($good, $out) = replay("$top/week_reference");
ok(!$good && $out =~ /myopic cost \+0\.811 % of the reference's: FAILED/, 'another reference is found');
week_folder("$top/week_bound", 37300, 10000, 2);
($good, $out) = replay("$top/week_bound");
ok(!$good && $out =~ /gap to the bound 101\.00 %: FAILED/, 'a gap too large is found');
week_folder("$top/week_blind", 37300, 37300, 0);
($good, $out) = replay("$top/week_blind");
ok(!$good && $out =~ /saving by stock prices 0\.00 %: FAILED/ && $out =~ /avoidable splits -0\.0 %: FAILED/, 'without a forecast nothing is saved, and that is found') or diag($out);

($good, $out, my $err) = replay("$top/nowhere");
ok(!$good && $err =~ /wants a directory/, 'no directory, no replay');
($good, $out) = replay("$top/strange");
ok(!$good, 'nothing replayed is no success');

done_testing();
