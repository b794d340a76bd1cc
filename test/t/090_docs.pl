# The documentation says what is there: functions, tables, settings, errors;
# pages that are linked exist; the README's tour runs from top to bottom and
# leaves nothing behind.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run;
use File::Basename;

my @pages = ('README.md', glob('doc/*.md'));
my %text = map { $_ => slurp_file($_) } @pages;

my $node = PostgreSQL::Test::Cluster->new('docs');
$node->init;
$node->start;

sub lines_of { my ($sql) = @_; return split /\n/, $node->safe_psql('tour', $sql); }

### The tour, in an empty database

$node->safe_psql('postgres', 'CREATE DATABASE tour');
my ($tour) = $text{'README.md'} =~ /^```sql tour\n(.*?)^```$/ms;
ok($tour, 'the README has a tour');
my ($out, $err) = ('', '');
local $ENV{PGTZ} = 'Asia/Kolkata';
my $good = IPC::Run::run([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-P', 'pager=off', '-d', $node->connstr('tour'), '-f', '-' ],
	'<', \$tour, '>', \$out, '2>', \$err);
ok($good, 'it runs without an error') or diag($err);
like($out, qr/"status": "reserved"/, 'its order is reserved');
like($out, qr/^ cancelled +\| cancelled$/m, 'and cancelled');
like($out, qr/^ T-2 +\| part_delivered /m, 'the other one arrives in part');
like($out, qr/^ invariant [^\n]*\n[-+]+\n\(0 rows\)\n\nROLLBACK\n\z/m, 'all is sound');
is($node->safe_psql('tour', 'SELECT count(*) FROM oms.company'), 0, 'nothing is left of it');

### Names

my %function = map { $_ => 1 } lines_of(q{SELECT proname FROM pg_proc WHERE pronamespace = 'oms'::regnamespace});
my %relation = map { $_ => 1 } lines_of(q{SELECT relname FROM pg_class WHERE relnamespace IN ('oms'::regnamespace, 'oms_bi'::regnamespace) AND relkind IN ('r', 'p', 'v', 'm')});

# settings as the sources define them; pg_settings hides some
my %setting;
for my $file (glob('src/*.c'))
{
	my $c = slurp_file($file);
	$setting{$1} = 1 while $c =~ /DefineCustom\w+Variable\(\s*"oms\.(\w+)"/g;
}
cmp_ok(scalar(keys %setting), '>=', 7, 'settings are found in the sources');

# files as links name them, and headings as the anchors of links
sub canonical { my ($f) = @_; $f =~ s{^\./}{}; 1 while $f =~ s{[^/.]+/\.\./}{}; return $f; }
my %heading;
for my $page (@pages)
{
	while ($text{$page} =~ /^#+ (.*)$/mg)
	{
		my $slug = lc $1;
		$slug =~ s/[^\w\- ]//g;
		$slug =~ s/ /-/g;
		$heading{$page}{$slug} = 1;
	}
}

for my $page (@pages)
{
	my @wrong;
	while ($text{$page} =~ /\boms(?:_bi)?\.(?:"(\w+)"|(\w+))(\()?/g)
	{
		my ($name, $call) = (defined $1 ? $1 : $2, $3);
		next if $name =~ /^(?:md|sql|c|h|conf|pl|png|xxx)$/;
		push @wrong, $name . ($call ? '()' : '')
		  unless $call ? $function{$name} : $function{$name} || $relation{$name} || $setting{$name};
	}
	is_deeply(\@wrong, [], "$page names only what exists");

	my @dead;
	while ($text{$page} =~ /\]\(([^)#:]*)(?:#([^)]*))?\)/g)
	{
		my ($file, $part) = ($1 eq '' ? $page : canonical(dirname($page) . "/$1"), $2);
		push @dead, $file unless -e $file;
		push @dead, "$file#$part" if defined $part && -e $file && !$heading{$file}{$part};
	}
	is_deeply(\@dead, [], "$page has no dead link");
}
my ($index) = $text{'doc/README.md'};
is_deeply([ grep { my $b = basename($_); $b ne 'README.md' && index($index, "($b)") < 0 } @pages ], [ ], 'every page is in the index');

### Settings

my %row = $text{'doc/settings.md'} =~ /^\| `oms\.(\w+)` \| ([^|]+ \| \w+) \|/mg;
is_deeply([ sort keys %row ], [ sort keys %setting ], 'doc/settings.md has every setting and no other');
my %shown = map { split /=/, $_, 2 } split /\n/, $node->safe_psql('tour', q{
	LOAD 'pg_oms';
	SELECT substr(name, 5) || '=' || coalesce(nullif(current_setting(name), ''), '(empty)') || ' | ' || context FROM pg_settings WHERE name LIKE 'oms.%'});
is($row{$_}, $shown{$_}, "default and context of oms.$_") for sort keys %shown;

### Errors

my %raised = reverse slurp_file('src/errors.h') =~ /^#define ERRCODE_OMS_(\w+)\s+OMS_SQLSTATE\('(.', '.', '.)'\)/mg;
my %code = map { (my $c = $_) =~ s/', '//g; "OM$c" => 1 } keys %raised;
my %listed = map { $_ => 1 } $text{'doc/errors.md'} =~ /^\| (OM\w{3}) \|/mg;
cmp_ok(scalar(keys %code), '>=', 20, 'errors are found in the sources');
is_deeply([ sort keys %listed ], [ sort keys %code ], 'doc/errors.md has every error and no other');
for my $page (@pages)
{
	my %seen = map { $_ => 1 } $text{$page} =~ /\b(OM\d{3})\b/g;
	is_deeply([ grep { !$code{$_} } sort keys %seen ], [], "$page names no error that is none");
}

done_testing();
