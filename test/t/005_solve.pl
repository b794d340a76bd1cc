# What rules demand of a plan (src/sourcing_solve.c) against enumeration,
# outside the server: a plan keeps to it, and one that says it is proven is
# as good as the best.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(dirname(File::Spec->rel2abs(__FILE__))));
my $include = `pg_config --includedir-server`;
my ($cc) = `pg_config --cc` =~ /^(\S+)/;
chomp $include;
plan skip_all => 'no C compiler or no headers of the server'
	if !defined $cc || system("$cc --version >/dev/null 2>&1") != 0 || !-f "$include/postgres.h";

my $program = PostgreSQL::Test::Utils::tempdir() . '/solve_test';
command_ok([ $cc, '-O2', '-w', '-D_GNU_SOURCE', "-I$root/src", "-I$include", "$root/test/c/solve_test.c", "$root/src/sourcing_solve.c", "$root/src/split.c", '-o', $program ], 'compiles');
my @lines = split /\n/, `$program`;
is($?, 0, 'runs to its end');
is(scalar @lines, 10, 'every family');
for (@lines)
{
	my ($name, $instances, $wrong, $unproven) = split /\|/;
	is($wrong, 0, "$name: $instances instances, $unproven not proven");
	is($unproven, 0, "$name: all are proven") if $name =~ /^(plain|sites|whole)/ && $name !~ /dear/;
}
done_testing();
