# ./run erp, as far as it needs no build of its own: dumps in every form become
# plain SQL, what leads out of the database is left out, and its SQL scripts
# say whether all is right, also when it is not.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname(dirname(abs_path($0))));
my $python = '/usr/bin/python3';
plan skip_all => 'python3 is not installed' unless -x $python;
my $dump = "$root/demo/lib/dump.py";

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'Asia/Kolkata'\njit = off\nfsync = off\n");
$node->start;
my $dir = $node->basedir;
$node->safe_psql('postgres', 'CREATE DATABASE erp');
{
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	system('sh', "$root/demo/erp/build.sh", '-q', '-d', 'erp') == 0 or die 'cannot build the ERP';
}
# what a dump of somebody else's has: an owner, rights, a text that looks like SQL
$node->safe_psql('erp', q{
	CREATE ROLE elsewhere; ALTER TABLE item OWNER TO elsewhere; GRANT SELECT ON price TO elsewhere;
	CREATE TABLE note (id int, body text);
	INSERT INTO note VALUES (1, E'CREATE DATABASE x;\n\\\\connect x\n\\\\.'), (2, '\connect y'), (3, 'DROP DATABASE z;')});
my $notes = $node->safe_psql('erp', "SELECT md5(string_agg(body, '|' ORDER BY id)) FROM note");
my $items = $node->safe_psql('erp', 'SELECT md5(string_agg(i::text, chr(10) ORDER BY i.item_id)) FROM item i');

sub pg_dump { $node->command_ok([ 'pg_dump', '-d', $node->connstr('erp'), @_ ], "pg_dump @_"); }
pg_dump('-C', '-f', "$dir/plain.sql");
pg_dump('-Fc', '-f', "$dir/archive");
pg_dump('-Ft', '-f', "$dir/archive.tar");
pg_dump('-Fd', '-f', "$dir/folder");
system("cd '$dir' && gzip -kc plain.sql >p.gz && zstd -qc plain.sql >p.zst && gzip -kc archive >a.gz && cp p.gz misnamed.sql && tar cf folder.tar folder") == 0 or die 'cannot pack';
system($python, '-c', 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED); z.writestr("manifest.json", "{}"); z.write(sys.argv[1], "dump.sql"); z.writestr("filestore/ab/cd", "x")',
	"$dir/plain.sql", "$dir/backup.zip") == 0 or die 'cannot zip';
$node->safe_psql('erp', 'REASSIGN OWNED BY elsewhere TO CURRENT_USER; DROP OWNED BY elsewhere; DROP ROLE elsewhere');

sub unpacked
{
	my ($file) = @_;
	my ($out, $err) = ('', '');
	my $good = IPC::Run::run([ $python, $dump, $file ], '>', \$out, '2>', \$err);
	return ($good, $out, $err);
}

sub restore
{
	my ($file, $db) = @_;
	my ($good, $sql, $why) = unpacked($file);
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	my $err = '';
	IPC::Run::run([ 'psql', '-Xq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr($db) ], '<', \$sql, '>', '/dev/null', '2>', \$err) if $good;
	diag($why) unless $good;
	return $err;
}

my $n = 0;
for my $file (qw(plain.sql p.gz p.zst archive archive.tar folder folder.tar a.gz misnamed.sql backup.zip))
{
	my $db = 'r' . ++$n;
	my $err = restore("$dir/$file", $db);
	is($node->safe_psql($db, 'SELECT md5(string_agg(i::text, chr(10) ORDER BY i.item_id)) FROM item i'), $items, "$file: its rows are there");
	is($node->safe_psql($db, "SELECT md5(string_agg(body, '|' ORDER BY id)) FROM note"), $notes, '... and texts that look like commands are rows');
	unlike($err, qr/ERROR:  (?!42704: role "elsewhere")/, '... nothing failed but for the role');
	$node->safe_psql('postgres', "DROP DATABASE $db") unless $n == 1;
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_database WHERE datname IN ('x', 'y')}), '0', 'no other database was made');

# refused
append_to_file("$dir/empty", '');
append_to_file("$dir/two.sql", "CREATE DATABASE a;\n\\connect a\nCREATE TABLE t (x int);\nCREATE DATABASE b;\n\\connect b\n");
append_to_file("$dir/utf16.sql", "\xff\xfeS\0E\0");
for (
	[ 'empty', qr/it is empty/ ],
	[ 'two.sql', qr/several databases \(a, b\)/ ],
	[ 'utf16.sql', qr/UTF-16/ ],
	[ 'nosuch', qr/No such file/ ])
{
	my ($good, undef, $why) = unpacked("$dir/$_->[0]");
	ok(!$good, "$_->[0] is refused");
	like($why, $_->[1], '... and it says why');
}
{
	my $cut = slurp_file("$dir/p.gz");
	append_to_file("$dir/cut.gz", substr($cut, 0, length($cut) / 2));
	my ($good) = unpacked("$dir/cut.gz");
	ok(!$good, 'half a file is refused');
}

# what psql said, summed up
append_to_file("$dir/log", <<'LOG');
psql:<stdin>:1: ERROR:  42704: role "boss" does not exist
psql:<stdin>:2: ERROR:  0A000: extension "fancy" is not available
DETAIL:  Could not open extension control file "/usr/share/fancy.control": No such file or directory.
psql:<stdin>:3: ERROR:  42P06: schema "public" already exists
psql:<stdin>:4: ERROR:  42704: unrecognized configuration parameter "transaction_timeout"
psql:<stdin>:5: ERROR:  22P02: invalid input syntax for type integer: "x"
CONTEXT:  COPY lots, line 1, column a: "x"
psql:<stdin>:6: ERROR:  42704: type "fancy.kind" does not exist
LOG
my ($said) = run_command([ $python, $dump, '--errors', "$dir/log" ]);
is($said, '  roles of the dump that are not here, left out: boss
  extensions of the dump that are not here, left out: fancy
  tables whose rows were NOT restored: lots
  statements that failed: 2
    invalid input syntax for type integer: "x"
    type "fancy.kind" does not exist', 'errors are told by what they mean');

# the scripts, one after the other as ./run erp does
sub script
{
	my ($db, $name, @vars) = @_;
	my ($out, $err) = ('', '');
	my $good = IPC::Run::run([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', (map { ('-v', $_) } @vars), '-d', $node->connstr($db), '-f', "$root/demo/lib/erp_$name.sql" ], '>', \$out, '2>', \$err);
	diag($err) unless $good;
	return ($good, $out);
}
sub run_all
{
	my ($db, $params) = @_;
	$node->safe_psql($db, 'CREATE SCHEMA IF NOT EXISTS oms_gis; CREATE EXTENSION IF NOT EXISTS postgis SCHEMA oms_gis; CREATE EXTENSION IF NOT EXISTS pg_oms');
	for my $step ([ 'begin', 'profile=shop', "params=$params" ], ['check'], ['attach'], ['verify'])
	{
		my ($good) = script($db, @$step);
		ok($good, "$db: $step->[0]");
	}
	return $node->safe_psql($db, 'SELECT ok FROM oms_run.verdict');
}

is(run_all('r1', '{"compnay": 1}'), 't', 'a sound ERP is attached and nothing differs');
like($node->safe_psql('r1', 'SELECT line FROM oms_run.said'), qr/^parameter "compnay" is left out.*Parameters are .*company/m, 'a parameter that is not known is left out, and told');
is($node->safe_psql('r1', q{SELECT count(*) FROM oms_run.finding WHERE severity IN ('error', 'warning')}), '0', 'the check has nothing to complain of');
is($node->safe_psql('r1', q{SELECT string_agg(entity || ' ' || substring(problem FROM '^\d+'), ', ' ORDER BY entity) FROM oms_run.finding WHERE severity = 'info' AND entity IN ('node', 'sku')}),
	$node->safe_psql('r1', q{SELECT format('node %s, sku %s', (SELECT count(*) FROM warehouse WHERE kind <> 'virtual'), (SELECT count(*) FROM item))}), 'as many rows as the ERP has');
for my $what (qw(findings attached verdict))
{
	my ($good, $out) = script('r1', 'print', "what=$what");
	ok($good, "what was found is printed: $what");
	like($out, qr/sku\|123\|123\|0\|0\|attached/, '... each entity with its rows') if $what eq 'verdict';
}

# a change the triggers missed is found; so is a trigger that is off
$node->safe_psql('r1', q{DROP TABLE oms_run.drift, oms_run.failed, oms_run.state, oms_run.verdict;
	SET session_replication_role = replica; UPDATE item SET description = 'changed behind our back' WHERE item_id = (SELECT min(item_id) FROM item)});
script('r1', 'verify');
is($node->safe_psql('r1', 'SELECT ok FROM oms_run.verdict'), 'f', 'drift is no success');
is($node->safe_psql('r1', q{SELECT entity || ' ' || (oms_value ~ 'changed') || ' ' || (erp_value ~ 'changed') FROM oms_run.drift}), 'sku false true', '... and is the row that was changed');
$node->safe_psql('r1', q{SELECT oms.erp_refresh(); DROP TABLE oms_run.drift, oms_run.failed, oms_run.state, oms_run.verdict; ALTER TABLE price DISABLE TRIGGER oms_capture});
script('r1', 'verify');
is($node->safe_psql('r1', q{SELECT v.ok || ' ' || (SELECT count(*) FROM oms_run.drift) || ' ' || (SELECT string_agg(entity, ',') FROM oms_run.state WHERE problem IS NOT NULL) FROM oms_run.verdict v}),
	'false 0 price', 'a trigger that is off is no success either');

# tables in another schema are found
$node->safe_psql('postgres', 'CREATE DATABASE moved TEMPLATE erp');
$node->safe_psql('moved', 'ALTER SCHEMA public RENAME TO "The ERP"; CREATE SCHEMA public');
is(run_all('moved', '{}'), 't', 'another schema is found');
like($node->safe_psql('moved', 'SELECT line FROM oms_run.said'), qr/^schema "The ERP"/m, '... and told');

done_testing();
