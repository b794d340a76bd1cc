# Numbers of tax documents in a storm: clients take them in transactions that
# commit, roll back, roll back to a savepoint, or are cut off; the server
# crashes. Every number that was committed is there once, none is missing, and
# the next one follows.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('invoice_crash');
$node->init;
$node->append_conf('postgresql.conf', "fsync = on\n");
$node->start;
$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE EXTENSION pg_oms CASCADE;
	SELECT oms.install();
	INSERT INTO oms.company (company_id, code, name) VALUES (1, 'BOOKS', 'Books Pvt Ltd');
	CREATE TABLE document (series text, number text, PRIMARY KEY (series, number));
});

my $dir = PostgreSQL::Test::Utils::tempdir();
my @clients;
for my $c (1 .. 4)
{
	open my $script, '>', "$dir/client$c.sql" or die $!;
	for my $i (1 .. 20000)
	{
		my $gstin = ('29ABCDE1234F1ZW', '27ABCDE1234F1Z0')[ $i % 2 ];
		my $take = "INSERT INTO document VALUES ('$gstin', oms.next_invoice_number('$gstin', at => '2026-04-01 12:00+05:30')) RETURNING number AS n \\gset\n";
		my $kind = ($i * 7 + $c) % 5;
		print $script "BEGIN;\n$take";
		print $script "SAVEPOINT a;\n${take}ROLLBACK TO a;\n" if $kind == 1;
		print $script $kind == 2 ? "ROLLBACK;\n" : "COMMIT;\n" . ($kind == 1 ? '' : "\\echo $gstin :n\n");
	}
	close $script;
	push @clients, IPC::Run::start([ 'psql', '-XAtq', $node->connstr('postgres') . " application_name=client$c", '-v', 'ON_ERROR_STOP=1', '-f', "$dir/client$c.sql" ],
		'<', \undef, '>', "$dir/client$c.out", '2>', "$dir/client$c.err");
}
sub documents { $node->poll_query_until('postgres', qq{SELECT count(*) > $_[0] FROM document}) }

ok(documents(100), 'documents are written');
is($node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'client1'}), 't', 'one client is cut off');
ok(documents(300), 'the others go on');
is($node->safe_psql('postgres', q{SELECT * FROM oms.verify()}), '', 'in the middle of it none is missing');
$node->stop('immediate');
$_->finish for @clients;
$node->start;

is($node->safe_psql('postgres', q{SELECT * FROM oms.verify()}), '', 'nor after the crash');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM document d FULL JOIN oms.invoice_number n ON n.gstin = d.series AND n.number = d.number WHERE d.number IS NULL OR n.number IS NULL}), '0', 'every number belongs to a document');
is($node->safe_psql('postgres', q{
	SELECT bool_and(count = highest AND lowest = 1) FROM (SELECT count(*), min(right(number, 6)::integer) AS lowest, max(right(number, 6)::integer) AS highest FROM document GROUP BY series) s}), 't', 'they run from 1 without a gap');
my @told = map { split /\n/, slurp_file("$dir/client$_.out") } 1 .. 4;
cmp_ok(scalar @told, '>', 100, 'clients were told of numbers');
my %there = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', q{SELECT series || ' ' || number FROM document});
is_deeply([ grep { !$there{$_} } @told ], [], 'what was acknowledged is there');
my $next = $node->safe_psql('postgres', q{SELECT right(oms.next_invoice_number('29ABCDE1234F1ZW', at => '2026-04-02 12:00+05:30'), 6)::integer - count(*) FROM document WHERE series = '29ABCDE1234F1ZW'});
is($next, '1', 'the next one follows');
$node->stop;
done_testing();
