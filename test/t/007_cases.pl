# The replay of cases: our own file passes; a wrong expectation fails and says
# so; what has no counterpart is told, not passed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run;

my $node = PostgreSQL::Test::Cluster->new('cases');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE cases');
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'cases';

sub replay
{
	my ($text) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ 'python3', 'test/replay/cases.py', '-' ], '<', \$text, '>', \$out, '2>', \$err);
	return ($ok, $out, $err);
}

my $own = slurp_file('test/replay/cases.json');
my ($ok, $out, $err) = replay($own);
ok($ok, 'our own cases are replayed') or diag($out . $err);
like($out, qr/^OWN-001 +sourcing +passed$/m, 'a line a case');
my $covered = () = $own =~ /"id": "OWN-/g;
$covered--;    # one is of a kind that there is not
like($out, qr/^$covered passed, 0 failed, 1 not covered\n\z/m, 'all that is covered passes');
is($node->safe_psql('cases', 'SELECT count(*) FROM oms.company'), 0, 'nothing is left of them');

(my $wrong = $own) =~ s/"atp": \{"S": 5\}/"atp": {"S": 6}/;
($ok, $out) = replay($wrong);
ok(!$ok, 'a wrong expectation fails');
like($out, qr/^OWN-005 +atp +failed: atp: wanted \{"S": 6\}, got \{"S": 5\}$/m, 'and says what differs');

(my $strange = $own) =~ s/"qty_increment": 6/"qty_increment": 6, "moon": "full"/;
($ok, $out) = replay($strange);
like($out, qr/^OWN-006 +qty_validation +not covered: option moon$/m, 'an option nobody reads is not passed over');

done_testing();
