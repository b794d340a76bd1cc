# An ERP on another server, by native logical replication into tables of the
# same names here, with our triggers ENABLE ALWAYS: what it commits is seen,
# whatever it is, and there is no drift.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $erp = PostgreSQL::Test::Cluster->new('erp');
$erp->init(allows_streaming => 'logical');
$erp->start;
my $oms = PostgreSQL::Test::Cluster->new('oms');
$oms->init;
$oms->append_conf('postgresql.conf', "timezone = 'Asia/Kolkata'\nmax_worker_processes = 16\n");
$oms->start;

# The ERP's tables: one without a primary key (an m:n table), one in partitions
my $tables = q{
	CREATE TABLE place (code text PRIMARY KEY, pin text);
	CREATE TABLE product (id int PRIMARY KEY, sku text, title text);
	CREATE TABLE level (place text, product int, qty numeric, PRIMARY KEY (place, product)) PARTITION BY LIST (place);
	CREATE TABLE level_n PARTITION OF level FOR VALUES IN ('N');
	CREATE TABLE level_rest PARTITION OF level DEFAULT;
	CREATE TABLE hidden (place text, product int);
};
sub at_erp { return $erp->safe_psql('postgres', $_[0]) }
sub query { return $oms->safe_psql('postgres', $_[0]) }
sub caught_up { $erp->wait_for_catchup('oms') }
my $sound = 'SELECT drifted, erp_key, erp_value, oms_value FROM oms.erp_verify() LIMIT 5';

at_erp($tables . q{
	ALTER TABLE hidden REPLICA IDENTITY FULL;
	INSERT INTO place VALUES ('N', '110001'), ('S', '560001');
	INSERT INTO product SELECT i, 'P' || i, 'Product ' || i FROM generate_series(1, 500) AS i;
	INSERT INTO level SELECT p, i, i FROM unnest('{N,S}'::text[]) AS p, generate_series(1, 500) AS i;
	INSERT INTO hidden VALUES ('N', 500);
	CREATE PUBLICATION oms FOR TABLE place, product, level, hidden WITH (publish_via_partition_root = true);
});

# Here: the same tables, the profile, then the first copy, then attached
query($tables);
query(q{SET client_min_messages = warning; CREATE EXTENSION pg_oms CASCADE});
query(q{
	INSERT INTO oms.erp_profile (profile, title, params, company_query) VALUES
	('far', 'Far', '{}', 'SELECT 1 AS key, ''FAR'' AS code, ''Far'' AS name, NULL AS currency, NULL AS timezone, ''29'' AS state');
	INSERT INTO oms.erp_entity (profile, entity, query) VALUES
	('far', 'node', $q$SELECT code AS key, code, pin AS pincode FROM @erp@.place WHERE $1::text[] IS NULL OR code = ANY ($1)$q$),
	('far', 'sku', $q$SELECT id AS key, sku AS code, title AS name FROM @erp@.product WHERE $1::text[] IS NULL OR id = ANY ($1::int[])$q$),
	('far', 'stock', $q$SELECT l.place || '|' || l.product AS key, l.qty AS on_hand FROM @erp@.level l
	   WHERE ($1::text[] IS NULL OR l.place || '|' || l.product = ANY ($1)) AND NOT EXISTS (SELECT FROM @erp@.hidden h WHERE h.place = l.place AND h.product = l.product)$q$);
	INSERT INTO oms.erp_source (profile, entity, relation, watch, resolve) VALUES
	('far', 'node', '@erp@.place', '{code,pin}', $q$SELECT i->>'code' FROM unnest($1) i$q$),
	('far', 'sku', '@erp@.product', '{id,sku,title}', $q$SELECT i->>'id' FROM unnest($1) i$q$),
	('far', 'stock', '@erp@.level', '{place,product,qty}', $q$SELECT (i->>'place') || '|' || (i->>'product') FROM unnest($1) i$q$),
	('far', 'stock', '@erp@.hidden', '{place,product}', $q$SELECT (i->>'place') || '|' || (i->>'product') FROM unnest($1) i$q$);
});
my $from = $erp->connstr('postgres');
query("CREATE SUBSCRIPTION oms CONNECTION \$c\$$from application_name=oms\$c\$ PUBLICATION oms");
$oms->wait_for_subscription_sync($erp, 'oms');
query(q{SELECT oms.attach_erp('far', '{"always": true}')});
is(query("SELECT string_agg(DISTINCT tgenabled::text, '') FROM pg_trigger WHERE tgname LIKE 'oms%' AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"), 'A', 'triggers fire for what is replicated, on partitions too');
is(query('SELECT count(*) FROM oms.erp_lag() WHERE problem IS NULL'), '4', 'four tables in order');
is(query('SELECT count(*) FROM oms.stock WHERE on_hand > 0'), '999', 'the first copy is taken in: a thousand, one hidden');
is(query($sound), '', 'no drift');

# Changes arrive, and a promise knows at once
at_erp("UPDATE level SET qty = 7 WHERE place = 'N' AND product = 1; INSERT INTO product VALUES (501, 'NEW', 'New'); INSERT INTO level VALUES ('S', 501, 3); DELETE FROM level WHERE place = 'S' AND product = 2");
caught_up();
is(query('SELECT string_agg(op || changes, chr(32) ORDER BY relation, op) FROM oms.erp_change'), 'D1 I1 U1 I1', 'each in the log');
is(query("SELECT on_hand FROM oms.available('P1', 'N')"), '7.000', 'promised by before anybody took it in');
is(query('SELECT oms.erp_apply()'), '4', 'taken in');
is(query("SELECT on_hand FROM oms.available('NEW', 'S')"), '3.000', 'a new item with its stock');
is(query($sound), '', 'no drift');

# What has no key of its own
at_erp("DELETE FROM hidden; INSERT INTO hidden VALUES ('N', 3), ('S', 3); UPDATE hidden SET product = 4 WHERE place = 'S'");
caught_up();
is(query('SELECT sum(changes) FROM oms.erp_change'), '4', 'rows of a table without a key');
is(query("SELECT a.on_hand, b.on_hand FROM oms.available('P500', 'N') a, oms.available('P3', 'N') b"), '500.000|0.000', 'shown again, and hidden');
is(query($sound), '', 'no drift');

# Nothing of a transaction that the ERP rolled back; all of one in pieces
at_erp("BEGIN; UPDATE level SET qty = 0; ROLLBACK; BEGIN; UPDATE level SET qty = qty + 1 WHERE product <= 10; SAVEPOINT a; UPDATE level SET qty = -5 WHERE product = 11; ROLLBACK TO a; UPDATE level SET qty = qty + 1 WHERE product <= 10; COMMIT");
caught_up();
is(query('SELECT oms.erp_apply()'), '38', 'nineteen rows twice');
is(query($sound), '', 'no drift');

# Many rows, a row that moves between partitions, TRUNCATE
at_erp("UPDATE level SET qty = qty + 100; UPDATE level SET place = 'E' WHERE place = 'S' AND product = 5; UPDATE level SET place = 'N' WHERE place = 'S' AND product = 501");
caught_up();
is(query('SELECT count(*) < sum(changes) / 5 FROM oms.erp_change'), 't', 'many changes in a row of the log');
is(query($sound), '', 'no drift');
at_erp('TRUNCATE hidden');
caught_up();
is(query("SELECT on_hand FROM oms.available('P3', 'N')"), '105.000', 'TRUNCATE is replicated, and seen');
is(query($sound), '', 'no drift');
at_erp("TRUNCATE level; INSERT INTO level VALUES ('N', 1, 42)");
caught_up();
is(query("SELECT on_hand FROM oms.available('P1', 'N')"), '42.000', 'of a table in partitions too');
is(query("SELECT on_hand FROM oms.available('P2', 'N')"), '0.000', 'and what is gone is gone');
is(query($sound), '', 'no drift');

# A crash here: what had arrived is in the log, what had not arrives
at_erp("UPDATE level SET qty = 43");
caught_up();
$oms->stop('immediate');
at_erp("INSERT INTO level VALUES ('S', 1, 9)");
$oms->start;
caught_up();
is(query("SELECT a.on_hand, b.on_hand FROM oms.available('P1', 'N') a, oms.available('P1', 'S') b"), '43.000|9.000', 'after a crash');
is(query($sound), '', 'no drift');

# A column more, here first, then there; then one renamed at both ends
query('ALTER TABLE level ADD COLUMN bin text');
at_erp("ALTER TABLE level ADD COLUMN bin text; UPDATE level SET bin = 'b', qty = 44 WHERE place = 'N'");
caught_up();
is(query("SELECT on_hand FROM oms.available('P1', 'N')"), '44.000', 'replication goes on');
is(query('SELECT oms.erp_apply() > 0'), 't', 'taken in');
query('ALTER TABLE level RENAME qty TO quantity');
at_erp('ALTER TABLE level RENAME qty TO quantity; UPDATE level SET quantity = 45');
caught_up();
is(query('SELECT oms.erp_apply()'), '0', 'the entity is paused, its changes kept');
is(query("SELECT on_hand FROM oms.available('P1', 'N')"), '44.000', 'the last count stands');
query(q{UPDATE oms.erp_entity SET query = replace(query, 'l.qty', 'l.quantity') WHERE profile = 'far' AND entity = 'stock';
	UPDATE oms.erp_source SET watch = '{place,product,quantity}' WHERE profile = 'far' AND relation = '@erp@.level'; SELECT oms.attach_erp('far', '{"always": true}')});
is(query("SELECT on_hand FROM oms.available('P1', 'N')"), '45.000', 'with the profile settled it goes on');
is(query($sound), '', 'no drift');

# A subscription that was away: a trigger not ALWAYS would be told
query('ALTER TABLE product ENABLE TRIGGER oms_capture');
is(query("SELECT problem FROM oms.erp_lag() WHERE relation = 'public.product'"), 'trigger is missing or disabled', 'a trigger that would not fire is told');
query('SELECT count(*) FROM oms.erp_resync()');
is(query("SELECT count(*) FROM oms.erp_lag() WHERE problem IS NULL AND state = 'attached'"), '4', 'and put right');
at_erp("UPDATE product SET title = 'Renamed' WHERE id = 1");
caught_up();
is(query($sound), '', 'no drift');
is(query("SELECT name FROM oms.sku WHERE code = 'P1'"), 'Renamed', 'taken in');

query('DROP SUBSCRIPTION oms');
$oms->stop;
$erp->stop;
done_testing();
