# Waves in several sessions at once, beside captures, cancels and counts: no
# unit is sold twice, nothing stays half done, everybody gets on.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('wave');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_connections = 30\nlog_min_messages = error\n");
$node->start;
$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE EXTENSION pg_oms CASCADE;
	SELECT oms.install();
	INSERT INTO oms.company (company_id, code, name) VALUES (1, 'W', 'Waves');
	INSERT INTO oms.channel (company_id, code, name, kind) VALUES (1, 'WEB', 'Web', 'web');
	INSERT INTO oms.sourcing_rule (company_id, lane_costs, cost_per_minute) VALUES (1, true, 0);
	INSERT INTO oms.pincode (pincode, state_code, district) SELECT (990000 + r)::text, '29', 'W' FROM generate_series(1, 8) r;
	INSERT INTO oms.courier (courier_id, code, name) VALUES (1, 'C', 'Courier');
	INSERT INTO oms.courier_service (courier_service_id, courier_id, code, name, mode) VALUES (1, 1, 'C-S', 'Surface', 'surface');
	INSERT INTO oms.serviceability (courier_service_id, pincode) SELECT 1, (990000 + r)::text FROM generate_series(1, 8) r;
	INSERT INTO oms.zone_rule (courier_id, seq, test, zone) VALUES (1, 1, 'otherwise', 'Z');
	INSERT INTO oms.zone_transit (courier_service_id, zone, days) VALUES (1, 'Z', 2);
	INSERT INTO oms.rate_card (rate_card_id, company_id, courier_service_id) VALUES (1, 1, 1);
	INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add) SELECT 1, 'Z', l, 40, 0 FROM unnest('{forward,rto,reverse}'::text[]) l;
	INSERT INTO oms.node (node_id, company_id, code, name, state_code, pincode) SELECT n, 1, 'N' || n, 'Node', '29', '990001' FROM generate_series(1, 6) n;
	-- one node takes 25 parcels a day, no more
	UPDATE oms.node SET capacity = 25 WHERE node_id = 1;
	INSERT INTO oms.sku (sku_id, company_id, code, name, hsn) SELECT k, 1, 'S' || k, 'Item', '4901' FROM generate_series(1, 12) k;
	INSERT INTO oms.price (company_id, sku_id, amount) SELECT 1, k, 100 FROM generate_series(1, 12) k;
	INSERT INTO oms.lane_cost (company_id, node_id, region, shipment_cost) SELECT 1, n, (990000 + r)::text, 30 + (n * 7 + r * 13) % 29 FROM generate_series(1, 6) n, generate_series(1, 8) r;
	CREATE FUNCTION capture(i integer) RETURNS text LANGUAGE sql AS $$
		SELECT oms.capture_order(jsonb_build_object('channel', 'WEB', 'external_id', i::text, 'payment', '{"mode": "PREPAID"}'::jsonb,
			'ship_to', jsonb_build_object('pincode', (990001 + i % 8)::text, 'address1', '1, Long Street'),
			'lines', (SELECT jsonb_agg(jsonb_build_object('sku', 'S' || (1 + (i * 5 + l * 7) % 12), 'qty', 1)) FROM generate_series(1, 1 + i % 3) l)), '2026-03-02 10:00+05:30') ->> 'status'
	$$;
	SELECT count(capture(i)) FROM generate_series(1, 300) i;
	-- 600 units wait; 480 come
	SELECT count(oms.adjust_stock('N' || n, 'S' || k, 8)) FROM generate_series(1, 5) n, generate_series(1, 12) k;
});
is($node->safe_psql('postgres', q{SELECT count(*) FROM oms.allocation WHERE status = 'backordered'}), '600', 'all of it waits');

# four sessions write waves, three capture, cancel and correct counts
my $loop = q{
	DO $$
	DECLARE i integer;
	BEGIN
		FOR i IN %d .. %d LOOP
			BEGIN
				%s
			EXCEPTION WHEN deadlock_detected OR serialization_failure OR lock_not_available THEN NULL;
			END;
			COMMIT;
		END LOOP;
	END $$;
};
my @scripts = (
	("SET deadlock_timeout = '200ms'; CALL oms.run_wave(at => '2026-03-02 10:30+05:30', chunk => 7); CALL oms.run_wave(at => '2026-03-02 10:30+05:30', chunk => 3, switching_cost => 1);") x 4,
	sprintf($loop, 1001, 1100, 'PERFORM capture(i);'),
	sprintf($loop, 1, 60, q{PERFORM oms.cancel_order(order_id) FROM oms."order" WHERE external_id = (i * 5)::text;}),
	sprintf($loop, 1, 40, q{PERFORM oms.adjust_stock('N6', 'S' || (1 + i %% 12), i);} =~ s/%%/%/r));
my (@run, @err);
for my $i (0 .. $#scripts)
{
	$err[$i] = '';
	push @run, IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', '-' ],
		'<', \$scripts[$i], '>', \my $out, '2>', \$err[$i], IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
}
for my $i (0 .. $#scripts)
{
	$run[$i]->finish;
	# who is the victim of a deadlock is told so, and may try again
	ok($run[$i]->result(0) == 0 || $err[$i] =~ /deadlock detected/, "session $i comes to its end") or diag($err[$i]);
}
# what a session left open, if any
$node->safe_psql('postgres', q{CALL oms.run_wave(at => '2026-03-02 10:30+05:30')}) for 1 .. 2;

is($node->safe_psql('postgres', 'SELECT * FROM oms.verify()'), '', 'all is sound');
is($node->safe_psql('postgres', q{SELECT count(*) FROM oms.stock WHERE reserved > on_hand}), '0', 'no unit is sold twice');
is($node->safe_psql('postgres', q{SELECT count(*) FROM oms.wave_order WHERE state = 'open'}), '0', 'no order of a wave is left open');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM oms.wave_order WHERE state = 'planned'}), '>', 200, 'most orders are as a wave had them');
is($node->safe_psql('postgres', q{SELECT count(*) FROM oms.wave_order WHERE state = 'failed'}), '0', 'none failed');
cmp_ok($node->safe_psql('postgres', q{SELECT coalesce(max(used), 0) FROM oms.node_slot WHERE node_id = 1}), '<=', 25, 'a node that takes 25 takes 25');
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT order_id, line_no FROM oms.allocation WHERE status <> 'cancelled' GROUP BY 1, 2 HAVING sum(qty) <> 1) x}), '0', 'each line once');

# The same tables give the same plan: two copies of one database.
my $plan = q{SELECT oms.allocate_wave(at => '2026-03-02 11:00+05:30', chunk => 1) - 'wave_id'; SELECT line_no, node_id, qty, order_id FROM oms.wave_piece ORDER BY wave_id DESC, order_id, line_no, node_id};
$node->safe_psql('postgres', q{SELECT count(oms.adjust_stock('N' || n, 'S' || k, 40)) FROM generate_series(2, 6) n, generate_series(1, 12) k});
$node->safe_psql('template1', "CREATE DATABASE copy_$_ TEMPLATE postgres") for 1, 2;
my @plans = map { $node->safe_psql("copy_$_", $plan) } 1, 2;
is($plans[0], $plans[1], 'the same plan from the same tables');
like($plans[0], qr/^\{.*"left": [1-9]/, 'and there was something to plan');

done_testing();
