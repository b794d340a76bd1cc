# The exact searches of src/split*.c against enumeration, outside the server.
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

my $program = PostgreSQL::Test::Utils::tempdir() . '/split_test';
command_ok([ $cc, '-O2', '-w', '-D_GNU_SOURCE', "-I$root/src", "-I$root/test/c", "-I$include", "$root/test/c/split_test.c", "$root/src/split.c", "$root/src/split_slab.c", '-o', $program ], 'compiles');
my @lines = split /\n/, `$program`;
is($?, 0, 'runs to its end');
is(scalar @lines, 24, 'every family');
for (@lines)
{
	my ($name, $instances, $wrong) = split /\|/;
	is($wrong, 0, "$name: $instances instances");
}
done_testing();
