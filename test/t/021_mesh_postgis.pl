# PostGIS may live in any schema, and the caller's search_path is not to be
# trusted: the mesh finds its way, also when PostGIS is replaced meanwhile.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

my $make = q{
	CREATE EXTENSION pg_oms;
	DO $$ BEGIN PERFORM oms.install(); END $$;
	INSERT INTO oms.company (code, name) VALUES ('X', 'X');
	INSERT INTO oms.pincode (pincode, state_code) VALUES ('560034', '29');
	SELECT oms.add_dark_store('KOR', 'Koramangala', 12.9352, 77.6245, 2500, '560034');
	INSERT INTO oms.node (company_id, code, name, state_code) SELECT company_id, 'W', 'W', '29' FROM oms.company;
	SELECT oms.place_node('W', 12.9784, 77.6408);
};
my $near = q{SELECT string_agg(node || ':' || inside || ':' || coalesce(refused, 'ok') || ':' || (distance_m BETWEEN 5090 AND 5145 OR distance_m = 0), ' ')
	FROM oms.nodes_near(12.9352, 77.6245)};
my $want = 'KOR:true:ok:true W:false:ok:true';

for my $schema ('public', 'gis', '"Geo data"')
{
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS shop');
	$node->safe_psql('postgres', 'CREATE DATABASE shop');
	$node->safe_psql('shop', "CREATE SCHEMA IF NOT EXISTS $schema; CREATE EXTENSION postgis SCHEMA $schema; $make");
	is($node->safe_psql('shop', $near), $want, "PostGIS in schema $schema");
	is($node->safe_psql('shop', "SET search_path = ''; $near"), $want, '... and an empty search_path');
}

# operators and functions of the caller's that would be nearer
$node->safe_psql('shop', q{
	CREATE SCHEMA trap;
	CREATE FUNCTION trap.no(integer, integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
	CREATE FUNCTION trap.no(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
	CREATE FUNCTION trap.no(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
	CREATE FUNCTION trap.no(date, date) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
	CREATE OPERATOR trap.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = trap.no);
	CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.no);
	CREATE OPERATOR trap.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.no);
	CREATE OPERATOR trap.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.no);
	CREATE OPERATOR trap.<= (LEFTARG = date, RIGHTARG = date, FUNCTION = trap.no);
	CREATE OPERATOR trap.>= (LEFTARG = date, RIGHTARG = date, FUNCTION = trap.no);
	CREATE OPERATOR trap.> (LEFTARG = date, RIGHTARG = date, FUNCTION = trap.no);
	INSERT INTO oms.courier (code, name) VALUES ('C', 'C');
	INSERT INTO oms.courier_service (courier_id, code, name, mode) SELECT courier_id, 'C', 'C', 'surface' FROM oms.courier;
	INSERT INTO oms.serviceability (courier_service_id, pincode) SELECT courier_service_id, '560034' FROM oms.courier_service;
	INSERT INTO oms.zone_rule (seq, test, zone) VALUES (1, 'same_state', 'B');
	INSERT INTO oms.rate_card (company_id, courier_service_id) SELECT company_id, courier_service_id FROM oms.company, oms.courier_service;
	INSERT INTO oms.rate_slab SELECT rate_card_id, 'B', 'forward', 40, 30 FROM oms.rate_card;
	INSERT INTO oms.network_status (region, delay_days, valid_from) VALUES ('29', 1, '-infinity');
	INSERT INTO oms.calendar SELECT company_id, current_date, 'today' FROM oms.company;
});
my ($rc, $out, $err) = $node->psql('shop', 'SET search_path = trap, pg_catalog; SELECT 1 = 1');
like($err, qr/trapped/, 'the trap works');
my ($quote) = q{SELECT service, refused IS NULL, zone, freight, days FROM oms.courier_quotes('560034', '560034', 600, 0)};
# (PostGIS itself looks its reference system up once a session, without naming its operators: let it do so before)
my $warm = 'SELECT sum(distance_m) IS NULL FROM oms.nodes_near(12.9352, 77.6245);';
is($node->safe_psql('shop', "$warm SET search_path = trap, pg_catalog; SELECT count(*) FROM oms.nodes_near(12.9352, 77.6245)"), "f\n2", 'nodes are found past it');
is($node->safe_psql('shop', "SET search_path = trap, pg_catalog; $quote"), 'C|t|B|70.00|8', 'quotes too');

# PostGIS goes, with all that leans on it, and comes back elsewhere: one session lives through it
my $session = $node->background_psql('shop', on_error_stop => 0) if $node->can('background_psql');
if ($session)
{
	is($session->query_safe($near), $want, 'a session knows PostGIS');
	$session->query_safe(q{SET client_min_messages = error; DROP SCHEMA oms CASCADE; DROP SCHEMA oms_bi CASCADE; DROP EXTENSION postgis CASCADE});
	$session->query_safe("CREATE EXTENSION postgis SCHEMA public; $make");
	is($session->query_safe($near), $want, '... and finds the new one');
	$session->quit;
}
else
{
	my $lived = $node->safe_psql('shop', "SET client_min_messages = error; $near; DROP SCHEMA oms CASCADE; DROP SCHEMA oms_bi CASCADE; DROP EXTENSION postgis CASCADE;"
		  . "CREATE EXTENSION postgis SCHEMA public; $make; $near");
	is((split /\n/, $lived)[0], $want, 'a session knows PostGIS');
	is((split /\n/, $lived)[-1], $want, '... and finds the new one');
}

$node->stop;
done_testing();
