# Orders written into a real Tryton 6.0 database: draft rows and its own queue,
# done by a real trytond-worker; found again, counted once at every step.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dump = $ENV{OMS_TRYTON_DUMP};
plan skip_all => 'OMS_TRYTON_DUMP names no Tryton dump' unless defined $dump && -f $dump;

my $python = '/usr/bin/python3';
my $tryton = -f '/usr/bin/trytond-worker' && system("$python -W ignore -c 'import trytond, psycopg2' 2>/dev/null") == 0;

my $node = PostgreSQL::Test::Cluster->new('tryton_orders');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'Asia/Kolkata'\njit = off\n");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE erp TEMPLATE template0 ENCODING 'UTF8'");
my $restore = $node->basedir . '/restore.sql';
system("gzip -dc '$dump' >'$restore'") == 0 or die 'cannot unpack the dump';
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $restore, $node->connstr('erp') ], 'the dump is restored');
unlink $restore;
sub query { return $node->safe_psql('erp', $_[0]) }

query('ANALYZE; CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis; CREATE EXTENSION pg_oms');
my $party = query(q{SELECT min(p.id) FROM party_party p JOIN party_address a ON a.party = p.id JOIN party_party_account c ON c.party = p.id WHERE p.code LIKE 'C0%' AND c.customer_tax_rule IS NULL});
query(qq{SELECT * FROM oms.attach_erp('tryton', '{"party": $party}')});

# an item at a warehouse, a channel, a courier that goes everywhere
my ($sku, $sku_id, $place, $place_id) = split /\|/, query(q{
	SELECT k.code, k.sku_id, n.code, n.node_id FROM oms.stock s JOIN oms.sku k USING (sku_id) JOIN oms.node n USING (node_id)
	 WHERE s.on_hand > 50 AND k.uom = 'NOS' AND n.state_code = '29' ORDER BY k.code, n.code LIMIT 1});
query(q{
	INSERT INTO oms.channel (company_id, code, name, kind) SELECT company_id, 'WEB', 'Web', 'web' FROM oms.company;
	INSERT INTO oms.pincode (pincode, state_code, district, place) VALUES ('560001', '29', 'Bengaluru', oms.geo_point(12.97, 77.59)), ('400001', '27', 'Mumbai', oms.geo_point(19.07, 72.87));
	INSERT INTO oms.pincode (pincode, state_code, district, place) SELECT pincode, min(state_code), 'of a node', oms.geo_point(20, 70 + min(node_id)) FROM oms.node WHERE pincode IS NOT NULL GROUP BY 1 ON CONFLICT DO NOTHING;
	INSERT INTO oms.courier (courier_id, code, name) VALUES (1, 'C', 'Courier');
	INSERT INTO oms.courier_service (courier_service_id, courier_id, code, name, mode) VALUES (1, 1, 'C-S', 'Surface', 'surface');
	INSERT INTO oms.serviceability (courier_service_id, pincode, cod) SELECT 1, pincode, true FROM oms.pincode;
	INSERT INTO oms.zone_rule (courier_id, seq, test, zone) VALUES (1, 1, 'otherwise', 'Z');
	INSERT INTO oms.zone_transit (courier_service_id, zone, days) VALUES (1, 'Z', 2);
	INSERT INTO oms.rate_card (rate_card_id, company_id, courier_service_id, note) SELECT 1, company_id, 1, 'test' FROM oms.company;
	INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add) SELECT 1, 'Z', l, 40, 20 FROM unnest('{forward,rto,reverse}'::text[]) l;
	SELECT oms.add_awbs('C', ARRAY(SELECT 'A' || i FROM generate_series(1, 50) i));
	UPDATE oms.node SET open = false WHERE node_id <> } . $place_id);
my $all = query("SELECT trim_scale(available) FROM oms.available('$sku', '$place')");
my $price = query("SELECT amount FROM oms.price WHERE sku_id = $sku_id ORDER BY valid_from DESC LIMIT 1");
my $free = sub { return query("SELECT trim_scale(available) FROM oms.available('$sku', '$place')") };
my $sound = 'SELECT drifted, erp_key, erp_value, oms_value FROM oms.erp_verify() LIMIT 5';
my $capture = sub {
	my ($id, $qty, $pincode) = @_;
	return query(qq{SELECT oms.capture_order('{"channel": "WEB", "external_id": "$id", "payment": {"mode": "PREPAID"},
		"ship_to": {"name": "A", "phone": "9876543210", "address1": "1 MG Road", "city": "Town", "pincode": "$pincode"},
		"lines": [{"sku": "$sku", "qty": $qty, "unit_price": $price}]}') ->> 'order_id'});
};

### Off by default
my $silent = $capture->('S0', 1, '560001');
is(query('SELECT oms.erp_send(); SELECT count(*) FROM oms.erp_order_note; SELECT count(*) FROM oms.erp_call'), "0\n0\n0", 'no order is told of unless asked');
query("SELECT oms.cancel_order($silent)");
query(qq{SELECT * FROM oms.attach_erp('tryton', '{"party": $party, "write_orders": true}')});

### An order becomes a draft sale
my $one = $capture->('S1', 3, '560001');
is($free->(), $all - 3, 'three are taken');
query('SELECT oms.erp_send()');
my $sale = query("SELECT erp_ref FROM oms.erp_document WHERE order_id = $one");
is(query("SELECT reference, state, party, number IS NULL, warehouse FROM sale_sale WHERE id = $sale"), "OMS-$one|draft|$party|t|" . query("SELECT erp_key FROM oms.node WHERE node_id = $place_id"), 'a draft sale by our reference');
is(query("SELECT count(*), min(l.product), sum(l.quantity) FROM sale_line l WHERE l.sale = $sale"), '1|' . query("SELECT erp_key FROM oms.sku WHERE sku_id = $sku_id") . '|3', 'with our line');
is(query("SELECT count(*) FROM sale_sale WHERE reference LIKE 'OMS-%'"), '1', 'one');
is(query(q{SELECT string_agg(kind || ' ' || state, ', ' ORDER BY call_id) FROM oms.erp_call}), 'order_create done, order_confirm sent', 'made, and asked to be confirmed');
is(query("SELECT string_agg((data::jsonb->>'method') || ' ' || (data::jsonb->'instances')::text, ', ' ORDER BY expected_at) FROM ir_queue WHERE data LIKE '%\"instances\" : [$sale]%'"), "quote [$sale], confirm [$sale]", 'by Tryton\'s own queue, in order');

# told twice it is one: the answer to the first was lost
query("UPDATE oms.erp_document SET erp_ref = NULL; UPDATE oms.erp_call SET state = 'pending', erp_ref = NULL, attempts = 0, next_at = now() WHERE kind = 'order_create'; DELETE FROM oms.erp_call WHERE kind = 'order_confirm'");
query('SELECT oms.erp_send()');
is(query("SELECT erp_ref, (SELECT count(*) FROM sale_sale WHERE reference LIKE 'OMS-%') FROM oms.erp_document"), "$sale|1", 'told twice, it is found by its reference');
query("DELETE FROM ir_queue WHERE dequeued_at IS NULL; DELETE FROM oms.erp_call WHERE kind = 'order_confirm'; UPDATE oms.erp_document SET erp_ref = NULL; UPDATE oms.erp_call SET erp_ref = NULL WHERE kind = 'order_create'");
is(query('SELECT oms.erp_find_documents(); SELECT erp_ref FROM oms.erp_document'), "1\n$sale", 'and so is one whose answer was lost after it was done');
query("INSERT INTO oms.erp_order_note (company_id, order_id, event) SELECT company_id, order_id, 'order.status' FROM oms.erp_document");

# a task that Tryton has tried in vain is told again, later
query('SELECT oms.erp_send()');
query(q{UPDATE oms.erp_call SET sent_at = now() - interval '10 minutes', next_at = now() WHERE kind = 'order_confirm'});
is(query(q{SELECT oms.erp_poll(); SELECT state FROM oms.erp_call WHERE kind = 'order_confirm'}), "0\nsent", 'a task that waits its turn is left alone');
query(q{UPDATE ir_queue SET dequeued_at = now() AT TIME ZONE 'UTC' - interval '5 minutes' WHERE dequeued_at IS NULL;
	UPDATE oms.erp_call SET next_at = now() WHERE kind = 'order_confirm'});
query('SELECT oms.erp_poll()');
like(query(q{SELECT state, attempts, error FROM oms.erp_call WHERE kind = 'order_confirm'}), qr/^pending\|2\|Tryton did not do it/, 'one that it tried in vain is told again');
query(q{UPDATE oms.erp_call SET next_at = now() WHERE kind = 'order_confirm'});

# a buyer nobody knows, where no party stands for them
query(qq{UPDATE oms.erp_attachment SET params = params - 'party'});
my $nobody = $capture->('S2', 1, '560001');
query('SELECT oms.erp_send()');
is(query("SELECT state, error FROM oms.erp_call WHERE document = 'order $nobody' AND kind = 'order_create'"), 'failed|Tryton does not know the buyer, and parameter "party" names nobody in their place', 'what cannot be written says why');
is(query(q{SELECT payload->>'error' FROM oms.event WHERE type = 'erp.call_failed'}), 'Tryton does not know the buyer, and parameter "party" names nobody in their place', 'as an event');
query(qq{UPDATE oms.erp_attachment SET params = params || '{"party": $party}'});
query("SELECT oms.erp_settle(call_id, again => true) FROM oms.erp_call WHERE state = 'failed'");
query('SELECT oms.erp_send()');
is(query("SELECT s.reference FROM oms.erp_document d JOIN sale_sale s ON s.id = d.erp_ref::int WHERE d.order_id = $nobody"), "OMS-$nobody", 'settled, it is written');
is($free->(), $all - 4, 'drafts count nothing');

SKIP:
{
	skip 'Tryton itself is not installed', 1 unless $tryton;

	(my $host = $node->host) =~ s{/}{%2F}g;
	my $uri = sprintf 'postgresql://%s@%s:%d', $ENV{USER} // scalar getpwuid($>), $host, $node->port;
	append_to_file($node->basedir . '/trytond.conf', "[database]\nuri = $uri/\n[queue]\nworker = True\n");
	my $log = '';
	my $worker = IPC::Run::start([ $python, '-W', 'ignore', '/usr/bin/trytond-worker', '-c', $node->basedir . '/trytond.conf', '-d', 'erp', '-n', '1' ], '>&', \$log);
	my $until = sub {
		my ($condition, $what) = @_;
		ok($node->poll_query_until('erp', "SELECT oms.erp_send() >= 0 AND ($condition)"), $what) or diag $log, query('SELECT kind, state, error FROM oms.erp_call ORDER BY call_id');
	};
	$until->("(SELECT state = 'done' FROM oms.erp_call WHERE kind = 'order_confirm' AND document = 'order $one')", 'a trytond-worker quotes and confirms');
	like(query("SELECT state, shipment_state, number FROM sale_sale WHERE id = $sale"), qr/^processing\|waiting\|\S+$/, 'it has a number and a shipment that waits');
	is(query("SELECT untaxed_amount_cache, tax_amount_cache FROM sale_sale WHERE id = $sale"), query("SELECT sum(taxable), sum(cgst + sgst + igst) FROM oms.allocation WHERE order_id = $one"), 'Tryton reckons the same amounts and tax');
	is($free->(), $all - 4, 'demand there and reservation here: counted once');
	query('SELECT oms.erp_apply()');
	is($free->(), $all - 4, 'taken in as well');
	is(query($sound), '', 'no drift');

	# into another state: IGST, by the tax rule
	my $far = $capture->('S3', 2, '400001');
	$until->("(SELECT state = 'done' FROM oms.erp_call WHERE kind = 'order_confirm' AND document = 'order $far')", 'an order into another state');
	like(query("SELECT string_agg(t.name, ', ') FROM oms.erp_document d JOIN sale_line l ON l.sale = d.erp_ref::int JOIN sale_line_account_tax x ON x.line = l.id JOIN account_tax t ON t.id = x.tax WHERE d.order_id = $far"), qr/^IGST/, 'has IGST');
	is(query("SELECT s.tax_amount_cache FROM oms.erp_document d JOIN sale_sale s ON s.id = d.erp_ref::int WHERE d.order_id = $far"), query("SELECT sum(igst) FROM oms.allocation WHERE order_id = $far"), 'as much as ours');

	# shipped here, then there
	query("SELECT oms.release_order($one)");
	query("SELECT oms.dispatch_shipment(shipment_id) FROM oms.shipment WHERE order_id = $one");
	is($free->(), $all - 6, 'handed over: nothing is free by that');
	$until->("(SELECT count(*) = 3 FROM oms.erp_call WHERE kind LIKE 'shipment%' AND state = 'done' AND document = 'order $one')", 'picked, packed and done by the worker');
	$until->("(SELECT shipment_state = 'sent' FROM sale_sale WHERE id = $sale)", 'Tryton has sent it');
	is($free->(), $all - 6, 'the very next promise counts it once');
	query('SELECT oms.erp_apply()');
	is(query("SELECT state, close_reason FROM oms.reservation r JOIN oms.allocation a USING (company_id, allocation_id) WHERE a.order_id = $one"), 'closed|consumed', 'reservation and count fell together');
	is(query(q{SELECT state FROM oms.erp_call WHERE kind = 'order_out'}), 'done', 'no stock move of our own was needed');
	is($free->(), $all - 6, 'and nothing changed by it');
	is(query($sound), '', 'no drift');

	# Tryton picks first: goods gone there, still reserved here
	query("INSERT INTO oms.erp_call (company_id, kind, document, document_id) SELECT company_id, 'shipment_pick', 'order $far', document_id FROM oms.erp_document WHERE order_id = $far");
	$until->("(SELECT state = 'done' FROM oms.erp_call WHERE kind = 'shipment_pick' AND document = 'order $far')", 'picked in Tryton before it is here');
	is($free->(), $all - 6, 'counted once');
	query('SELECT oms.erp_apply()');
	is($free->(), $all - 6, 'taken in: counted once');
	is(query($sound), '', 'no drift');

	# cancelled here: there too, as long as it is not picked
	query("SELECT oms.cancel_order($nobody)");
	is($free->(), $all - 6, 'cancelled here, Tryton still has it: not free yet');
	$until->("(SELECT state = 'done' FROM oms.erp_call WHERE kind = 'order_cancel' AND document = 'order $nobody')", 'the worker cancels it');
	is($free->(), $all - 5, 'free again');
	is(query('SELECT oms.erp_apply() > 0'), 't', 'taken in');
	is($free->(), $all - 5, 'once');
	query("SELECT oms.cancel_order($far)");
	$until->("(SELECT state = 'failed' FROM oms.erp_call WHERE kind = 'order_cancel' AND document = 'order $far')", 'what is picked there is not cancelled there');
	is(query("SELECT error FROM oms.erp_call WHERE kind = 'order_cancel' AND document = 'order $far'"), 'Tryton has picked it', 'and says so');
	is($free->(), $all - 5, 'the goods have left storage: not free');
	is(query($sound), '', 'no drift');

	# not told yet: dropped
	my $never = $capture->('S4', 1, '560001');
	query("SELECT oms.cancel_order($never)");
	query('SELECT oms.erp_send()');
	is(query("SELECT count(*) FROM sale_sale WHERE reference = 'OMS-$never'"), '0', 'cancelled before it was told: never there');
	is(query('SELECT * FROM oms.verify()'), '', 'all invariants hold');

	$worker->signal('INT');
	$worker->kill_kill(grace => 5);
}

query(q{SELECT oms.detach_erp('tryton')});
is(query(q{SELECT count(*) FROM oms.erp_call WHERE state IN ('pending', 'taken', 'sent')}), '0', 'detached: nothing is asked any more');
$node->stop;
done_testing();
