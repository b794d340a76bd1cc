# A real Tryton 6.0 database: attached, changed by Tryton's own objects and
# its own worker, recounted after each step, and left as it was.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dump = $ENV{OMS_TRYTON_DUMP};
plan skip_all => 'OMS_TRYTON_DUMP names no Tryton dump' unless defined $dump && -f $dump;

my $root = dirname(dirname(dirname(abs_path($0))));
my $driver = "$root/demo/tryton/act.py";
my $python = '/usr/bin/python3';
my $tryton = -f $driver && system("$python -W ignore -c 'import trytond, psycopg2' 2>/dev/null") == 0;

my $node = PostgreSQL::Test::Cluster->new('tryton');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'Asia/Kolkata'\njit = off\n");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE erp TEMPLATE template0 ENCODING 'UTF8'");
{
	my $restore = $node->basedir . '/restore.sql';
	system("gzip -dc '$dump' >'$restore'") == 0 or die 'cannot unpack the dump';
	$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $restore, $node->connstr('erp') ], 'the dump is restored');
	unlink $restore;
}
$node->safe_psql('erp', 'ANALYZE');

sub schema
{
	my ($out) = run_command([ 'pg_dump', '-s', '-n', 'public', '-d', $node->connstr('erp') ]);
	# a random word of this run; what PostGIS puts into the schema is not the ERP's
	return join "\n", grep { !/^\\(un)?restrict / } split /\n/, $out;
}
sub query { return $node->safe_psql('erp', $_[0]) }
my $sound = 'SELECT drifted, erp_key, erp_value, oms_value FROM oms.erp_verify() LIMIT 5';

query('CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis');
my $before = schema();

### Attach
query('CREATE EXTENSION pg_oms');
my $report = query(q{SELECT * FROM oms.attach_erp('tryton')});
like($report, qr/^entity sku: [1-9]/m, 'one call attaches it');
unlike($report, qr/refused|paused|no GST state/, 'and finds nothing to complain of');
is(query($sound), '', 'the snapshot is the ERP');
is(query(q{SELECT count(*) FROM oms.erp_lag() WHERE problem IS NOT NULL}), '0', 'all triggers are there');
is(query(q{SELECT count(*) FROM oms.sku WHERE erp_key IS NOT NULL AND active}),
	query(q{SELECT count(*) FROM product_product p JOIN product_template t ON t.id = p.template WHERE p.active AND t.active AND t.salable AND t.type = 'goods'}),
	'as many items as Tryton sells');
is(query(q{SELECT count(*) FROM oms.price p JOIN oms.sku s USING (sku_id) JOIN product_product x ON x.id = s.erp_key::int
	JOIN product_list_price l ON l.template = x.template WHERE p.price_list_id = 0 AND round(l.list_price, 2) <> p.amount}), '0', 'list prices are Tryton\'s');
is(query(q{SELECT count(*) FROM oms.node WHERE erp_key IS NOT NULL AND state_code IS NULL}), '0', 'every warehouse has its GST state');

# documents, counted another way
is(query(q{SELECT count(*), count(*) FILTER (WHERE o.status IS NULL), count(*) FILTER (WHERE o.number IS DISTINCT FROM s.number OR o.customer_key <> s.party::text) FROM sale_sale s LEFT JOIN oms.erp_order o ON o.erp_key = s.id::text}),
	query(q{SELECT count(*) || '|0|0' FROM sale_sale}), 'every sale, none of unknown status');
is(query(q{SELECT count(*) FROM (SELECT l.sale, round(sum(l.quantity::numeric * u.factor::numeric), 3) AS base FROM sale_line l JOIN product_uom u ON u.id = l.unit WHERE l.type = 'line' GROUP BY 1) t
	JOIN (SELECT o.erp_key, sum((x->>'qty')::numeric * d.factor::numeric) AS base FROM oms.erp_order o, jsonb_array_elements(o.lines) x
	  JOIN product_product p ON p.id = (x->>'item')::int JOIN product_template t ON t.id = p.template JOIN product_uom d ON d.id = t.default_uom GROUP BY 1) m ON m.erp_key = t.sale::text
	WHERE abs(t.base - m.base) > 0.002}), '0', 'quantities are in stock units');
is(query(q{SELECT count(*) FROM oms.erp_shipment h JOIN stock_shipment_out s ON s.id::text = h.erp_key
	WHERE h.status IS NULL OR (SELECT coalesce(sum((x->>'qty')::numeric), 0) FROM jsonb_array_elements(h.lines) x) <>
	 (SELECT coalesce(round(sum(m.internal_quantity)::numeric, 3), 0) FROM stock_move m WHERE m.shipment = 'stock.shipment.out,' || s.id AND m.origin LIKE 'sale.line,%' AND m.state <> 'cancelled')}), '0', 'shipments hold what was sold');
is(query(q{SELECT count(*) FROM oms.erp_shipment h JOIN sale_sale s ON s.id::text = h.order_key}), query('SELECT count(*) FROM stock_shipment_out'), 'each of a sale');
is(query(q{SELECT count(*), sum(i.qty) FROM oms.inbound i WHERE i.erp_key IS NOT NULL AND i.state = 'expected'}),
	query(q{SELECT count(*), round(sum(internal_quantity)::numeric, 3) FROM stock_move WHERE state = 'draft' AND (origin LIKE 'purchase.line,%' OR shipment LIKE 'stock.shipment.in,%')}), 'supply: bought and not come, come and not put away');
is(query(q{SELECT count(*) FROM oms.customer_address WHERE active}), query(q{SELECT count(*) FROM party_address a WHERE a.active AND a.party NOT IN (SELECT party FROM company_company)
	AND a.party IN (SELECT id FROM party_party WHERE active)}), 'addresses of all parties but the company');
is(query(q{SELECT string_agg(name, ',' ORDER BY name) FROM oms.supplier}), query(q{SELECT string_agg(DISTINCT p.name, ',' ORDER BY p.name) FROM purchase_purchase u JOIN party_party p ON p.id = u.party}), 'suppliers are those who were bought from');

### What goes on while others write
my ($sku, $node_code, $sku_id, $on_hand) = split /\|/, query(q{
	SELECT k.code, n.code, k.sku_id, s.on_hand FROM oms.stock s JOIN oms.sku k USING (sku_id) JOIN oms.node n USING (node_id)
	 WHERE s.on_hand > 50 AND k.uom = 'NOS' ORDER BY k.code, n.code LIMIT 1});

# a plain SQL writer, as an import would be
query(qq{UPDATE product_template SET name = name || ' (new)' WHERE id = (SELECT template FROM product_product WHERE code = '$sku')});
query(q{UPDATE stock_location SET write_date = now()});
is(query('SELECT count(*) FROM oms.erp_change'), '1', 'unwatched columns leave nothing');
is(query('SELECT oms.erp_apply()'), '1', 'one change taken in');
like(query("SELECT name FROM oms.sku WHERE code = '$sku'"), qr/\(new\)/, 'a template\'s name is its products\'');
is(query($sound), '', 'no drift');

SKIP:
{
	skip 'Tryton itself is not installed, or the driver is missing', 1 unless $tryton;

	(my $host = $node->host) =~ s{/}{%2F}g;
	my $uri = sprintf 'postgresql://%s@%s:%d', $ENV{USER} // scalar getpwuid($>), $host, $node->port;
	my ($in, $out, $err) = ('', '', '');
	my $limit = IPC::Run::timeout(180);
	my $actor = IPC::Run::start([ $python, '-W', 'ignore', $driver, "$uri/erp", '-' ], \$in, \$out, \$err, $limit);
	my $act = sub {
		$in .= "$_[0]\n";
		$actor->pump until $out =~ s/^(.*)\n//;
		return decode_json($1);
	};
	my $step = sub {
		my ($action) = @_;
		my $result = $act->($action);
		ok(!$result->{error}, $action) or diag $result->{error};
		is(query($sound), '', '... no drift');
		return $result;
	};
	my $seen = sub {
		return query("SELECT on_hand FROM oms.available('$_[0]', '$_[1]')") + 0;
	};

	# Tryton's own reckoning: free is what is on hand less what is assigned;
	# ours also leaves out what is sold and not assigned yet
	my $all = $act->('stock-all');
	query(q{CREATE TABLE oms.theirs (node text, sku text, on_hand numeric, free numeric)});
	query('INSERT INTO oms.theirs VALUES ' . join(', ', map { "('$_->[0]', '$_->[1]', $_->[2], $_->[3])" } @{ $all->{stock} }));
	cmp_ok(scalar @{ $all->{stock} }, '>', 100, 'Tryton counts its stock');
	is(query(q{SELECT count(*) FROM oms.theirs t
		JOIN oms.sku k ON k.code = t.sku JOIN oms.node n ON n.code = t.node LEFT JOIN oms.stock s ON s.node_id = n.node_id AND s.sku_id = k.sku_id
		LEFT JOIN LATERAL (SELECT sum(m.internal_quantity)::numeric AS q FROM stock_move m JOIN stock_location w ON w.id = n.erp_key::int
			JOIN stock_location st ON st.id = w.storage_location JOIN stock_location f ON f.id = m.from_location AND f."left" BETWEEN st."left" AND st."right"
			WHERE m.product = k.erp_key::int AND m.state = 'draft' AND m.shipment LIKE 'stock.shipment.out,%') d ON true
		WHERE t.free - coalesce(d.q, 0) IS DISTINCT FROM coalesce(s.on_hand, 0)}), '0', 'our counts are Tryton\'s, for every warehouse and item');
	query('DROP TABLE oms.theirs');

	# a session of ours that holds whatever ours can hold, all along
	my $holder = $node->background_psql('erp');
	$holder->query_safe('BEGIN; SELECT 1 FROM oms.stock FOR UPDATE; SELECT 1 FROM oms.sku FOR UPDATE; SELECT 1 FROM oms.erp_attachment FOR UPDATE');
	my $start = time;
	my $sale = $act->("confirm-sale $sku 3 $node_code");
	ok(!$sale->{error}, 'Tryton confirms a sale while ours holds its rows') or diag $sale->{error};
	is($seen->($sku, $node_code), $on_hand - 3, 'the very next promise sees it, nothing taken in yet');
	my $picked = $act->("assign-pick-shipment $sale->{sale}");
	ok(!$picked->{error}, 'and assigns (NOWAIT locks) and picks') or diag $picked->{error};
	is($seen->($sku, $node_code), $on_hand - 3, 'sold once, counted once');
	cmp_ok(time - $start, '<', 60, 'nobody waited');
	$holder->query_safe('ROLLBACK');
	$holder->quit;
	is(query($sound), '', 'no drift');
	is(query("SELECT s.on_hand FROM oms.stock s JOIN oms.sku k USING (sku_id) JOIN oms.node n USING (node_id) WHERE k.code = '$sku' AND n.code = '$node_code'") + 0,
		$on_hand - 3, 'taken in');

	# and readers of ours in Tryton's tables do not stop NOWAIT either
	my $reader = $node->background_psql('erp', on_error_stop => 0);
	$reader->query_safe("BEGIN; SELECT * FROM oms.erp_pending(1, $sku_id); SELECT oms.erp_refresh()");
	my $second = $act->("confirm-sale $sku 2 $node_code");
	my $assigned = $act->("assign-pick-shipment $second->{sale}");
	ok(!$assigned->{error}, 'Tryton assigns and picks during a refresh of ours') or diag $assigned->{error};
	$reader->query_safe('COMMIT');
	$reader->quit;
	is(query($sound), '', 'no drift');

	$step->("pack-done-shipment $sale->{sale}");
	is($seen->($sku, $node_code), $on_hand - 5, 'done changes nothing more');
	my $third = $step->("confirm-sale $sku 4 $node_code");
	is($seen->($sku, $node_code), $on_hand - 9, 'a third sale');
	$step->("cancel-shipment $third->{sale}");
	is($seen->($sku, $node_code), $on_hand - 5, 'cancelled: free again');

	$step->("inventory $sku $node_code 0");
	cmp_ok($seen->($sku, $node_code), '<=', 0, 'counted to zero');
	is(query(q{SELECT count(*) > 0 FROM oms.event WHERE type = 'stock.out'}), 't', 'an alert');
	$step->("inventory $sku $node_code 40");
	is($seen->($sku, $node_code), 40, 'and forty are back');
	$step->("price $sku 1234.5");
	is(query("SELECT p.amount FROM oms.price p JOIN oms.sku k USING (sku_id) WHERE k.code = '$sku' AND p.price_list_id = 0"), '1234.50', 'the price follows');
	$step->("rename $sku 'Another name'");
	my $rate_sql = "SELECT round(t.rate)::int FROM oms.sku k JOIN oms.tax_code t ON t.company_id = k.company_id AND t.code = k.tax_code WHERE k.code = '$sku'";
	my $rate = query($rate_sql) eq '18' ? 5 : 18;
	$step->("tax $sku $rate");
	is(query($rate_sql), $rate, 'CGST and SGST of its category add up');
	my $log = query('SELECT coalesce(max(ledger_id), 0) FROM oms.stock_ledger');
	$step->("bin $node_code");
	is(query("SELECT count(*) FROM oms.stock_ledger WHERE ledger_id > $log"), '0', 'a new bin renumbers the tree and changes no count');
	$step->('new-product OMS-NEW 99');
	$step->("inventory OMS-NEW $node_code 7");
	is($seen->('OMS-NEW', $node_code), 7, 'a new product has stock');
	$step->('deactivate OMS-NEW');
	is(query("SELECT active FROM oms.sku WHERE code = 'OMS-NEW'"), 'f', 'and is gone');

	### Price lists, purchases, returns: Tryton's own reckoning again
	my $lists = sub {
		my $theirs = $act->('list-prices 1 10 29 30 49.5 50 1000');
		query('CREATE TABLE oms.theirs (list text, sku text, qty numeric, price numeric)');
		query('INSERT INTO oms.theirs VALUES ' . join(', ', map { "('$_->[0]', '$_->[1]', $_->[2], $_->[3])" } @{ $theirs->{prices} }));
		my $differ = query(q{SELECT count(*) > 1000, count(*) FILTER (WHERE round(t.price, 2) IS DISTINCT FROM
			(SELECT p.amount FROM oms.price p WHERE p.sku_id = k.sku_id AND p.price_list_id IN (0, l.price_list_id) AND p.min_qty <= t.qty ORDER BY p.price_list_id <> 0 DESC, p.min_qty DESC LIMIT 1))
			FROM oms.theirs t JOIN oms.sku k ON k.code = t.sku JOIN oms.price_list l ON l.name = t.list});
		query('DROP TABLE oms.theirs');
		return $differ;
	};
	is($lists->(), 't|0', 'what price lists make of prices is what Tryton makes of them');
	$step->(q{list-line Wholesale 30 'unit_price * 0.85'});
	is($lists->(), 't|0', 'a new first line');
	$step->(q{list-line Wholesale 45 'list_price * (1 - 0.3)'});
	$step->(q{list-line Wholesale 49 '77.5'});
	$step->(q{list-line Wholesale 900 'cost_price + 10'});
	is($lists->(), 't|0', 'of other shapes');
	$step->("price $sku 1500");
	is($lists->(), 't|0', 'and a price changes');
	my $bad = $act->(q{list-line Wholesale 5000 'unit_price if unit_price < 10 else cost_price'});
	is(query(q{SELECT count(*) FROM oms.erp_verify(); SELECT count(*) FROM oms.price p WHERE p.price_list_id <> 0}), "0\n0", 'a formula we cannot tell: no price of the list');
	like(query(q{SELECT detail FROM oms.reject WHERE source = 'erp.price' AND resolved_at IS NULL LIMIT 1}), qr/^Formula "unit_price if/, 'and that is said');
	query("DELETE FROM product_price_list_line WHERE id = $bad->{line}");
	is(query($sound), '', 'no drift');
	is(query(q{SELECT count(*) FROM oms.reject WHERE source = 'erp.price' AND resolved_at IS NULL}), '0', 'it is settled when it goes');
	is($lists->(), 't|0', 'and the prices are back');

	my $coming = sub { return query("SELECT string_agg(trim_scale(i.qty) || ' ' || i.state, ', ' ORDER BY i.inbound_id) FROM oms.inbound i JOIN oms.sku k USING (sku_id) JOIN oms.node n USING (node_id) WHERE k.code = '$sku' AND n.code = '$node_code' AND i.document = '$_[0]'") };
	my $level = $seen->($sku, $node_code);
	my $bought = $step->("buy $sku 12 $node_code");
	is($coming->($bought->{number}), '12 expected', 'bought: supply on its way');
	$step->("receive $bought->{purchase}");
	is($coming->($bought->{number}), '0 cancelled, 12 expected', 'come: one move done, the other to storage still to be made');
	is($seen->($sku, $node_code), $level, 'not counted yet');
	$step->("put-away $bought->{purchase}");
	is($coming->($bought->{number}), '0 cancelled, 0 cancelled', 'put away: nothing more comes');
	is($seen->($sku, $node_code), $level + 12, 'counted');
	my $back = $step->("confirm-sale $sku -3 $node_code");
	is(query(qq{SELECT status, lines->0->>'qty' FROM oms.erp_return WHERE order_key = '$back->{sale}'}), 'draft|3', 'a return is asked');
	$step->("receive-return $back->{sale}");
	is(query(qq{SELECT status FROM oms.erp_return WHERE order_key = '$back->{sale}'}), 'received', 'and received');
	is(query(qq{SELECT status FROM oms.erp_order WHERE erp_key = '$back->{sale}'}), 'shipped', 'the sale follows');
	my $party = query(q{SELECT p.code FROM party_party p JOIN oms.customer c ON c.erp_key = p.id::text WHERE p.code IS NOT NULL AND EXISTS (SELECT FROM party_address a WHERE a.party = p.id AND a.active) ORDER BY p.code LIMIT 1});
	$step->("address $party '7, Another Street'");
	is(query(q{SELECT count(*) FROM oms.customer_address WHERE address1 = '7, Another Street'}), '1', 'an address follows');
	is(query(qq{SELECT count(*) FROM oms.event WHERE type = 'erp.shipment_status' AND payload->>'status' = 'shipped'}) > 0, 1, 'what became of documents are events');
	$step->("inventory $sku $node_code 40");

	### Write-back through Tryton's own queue and worker
	my $free = sub { return query("SELECT on_hand - reserved FROM oms.stock s JOIN oms.node n USING (node_id) WHERE s.sku_id = $sku_id AND n.code = '$node_code'") + 0 };
	query(qq{
		BEGIN;
		INSERT INTO oms.reservation (company_id, reservation_id, node_id, sku_id, qty, state, allocation_id)
		SELECT n.company_id, 900001, n.node_id, $sku_id, 6, 'leaving', 900001 FROM oms.node n WHERE n.code = '$node_code';
		UPDATE oms.stock s SET reserved = s.reserved + 6 FROM oms.node n WHERE n.node_id = s.node_id AND n.code = '$node_code' AND s.sku_id = $sku_id;
		INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id)
		SELECT company_id, 'stock_out', node_id, sku_id, qty, 'shipment 1', reservation_id FROM oms.reservation WHERE reservation_id = 900001;
		INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document)
		SELECT company_id, 'stock_in', node_id, sku_id, 2, 'return 1' FROM oms.reservation WHERE reservation_id = 900001;
		COMMIT});
	is($free->(), 34, 'six have left, Tryton does not know');
	is(query('SELECT oms.erp_send()'), '2', 'it is told');
	is(query($sound), '', 'a draft move is no change of stock');
	is($free->(), 34, 'the six stay reserved');
	is(query(q{SELECT string_agg(state, ',') FROM oms.erp_call}), 'sent,sent', 'sent, not done');

	# less than Tryton's kilogram can say: booked in grams
	query(q{INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document)
		SELECT company_id, 'stock_out', node_id, sku_id, 0.485, 'shipment 2' FROM oms.stock JOIN oms.sku k USING (company_id, sku_id)
		 WHERE k.uom = 'KGS' AND on_hand > 1 ORDER BY k.code LIMIT 1});
	is(query('SELECT oms.erp_send()'), '1', 'by weight');
	is(query(q{SELECT m.quantity, u.symbol FROM oms.erp_call c JOIN stock_move m ON m.id = c.erp_ref::int JOIN product_uom u ON u.id = m.uom WHERE c.document = 'shipment 2'}), '485|g', 'in grams');

	append_to_file($node->basedir . '/trytond.conf', "[database]\nuri = $uri/\n[queue]\nworker = True\n");
	my $worker_log = '';
	my $worker = IPC::Run::start([ $python, '-W', 'ignore', '/usr/bin/trytond-worker', '-c', $node->basedir . '/trytond.conf', '-d', 'erp', '-n', '1' ],
		'>&', \$worker_log);
	ok($node->poll_query_until('erp', q{SELECT count(*) = 3 FROM oms.erp_call c JOIN stock_move m ON m.id = c.erp_ref::int WHERE m.state = 'done'}),
		'trytond-worker books the moves') or diag $worker_log;
	$worker->signal('INT');
	$worker->kill_kill(grace => 5);
	is($seen->($sku, $node_code), 42, 'seen at once: 40 - 6 + 2, and the six that are still reserved');
	is(query('SELECT oms.erp_apply() > 0'), 't', 'taken in');
	is($free->(), 36, 'nothing was free in between, nothing is counted twice');
	is(query('SELECT state, close_reason FROM oms.reservation WHERE reservation_id = 900001'), 'closed|consumed', 'the reservation is closed');
	is(query(q{SELECT string_agg(state, ',') FROM oms.erp_call}), 'done,done,done', 'the calls are done');
	is(query($sound), '', 'no drift');

	# a task that Tryton has tried in vain
	query(q{INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document) SELECT company_id, kind, node_id, sku_id, 1, 'shipment 3' FROM oms.erp_call ORDER BY call_id LIMIT 1});
	query('SELECT oms.erp_send()');
	query(q{UPDATE oms.erp_call SET next_at = now() - interval '1 hour' WHERE document = 'shipment 3'});
	is(query(q{SELECT oms.erp_send(); SELECT state FROM oms.erp_call WHERE document = 'shipment 3'}), "0\nsent", 'one that waits its turn is left alone');
	query(q{UPDATE ir_queue SET dequeued_at = now() AT TIME ZONE 'UTC' - interval '10 minutes' WHERE dequeued_at IS NULL});
	query(q{UPDATE oms.erp_call SET next_at = now() - interval '1 hour' WHERE document = 'shipment 3'});
	query('SELECT oms.erp_send()');
	like(query(q{SELECT state, error FROM oms.erp_call WHERE document = 'shipment 3'}), qr/^failed\|Tryton could not do move/, 'one that it tried in vain has failed');
	is(query(q{SELECT oms.erp_settle(call_id, again => true) FROM oms.erp_call WHERE document = 'shipment 3'}), 'pending', 'and may be tried again');

	close $in if ref $in;
	$actor->finish;
}

### The ERP alters a table
query('ALTER TABLE product_list_price ALTER list_price TYPE numeric(20,6)');
query(qq{UPDATE product_list_price SET list_price = 77 WHERE template = (SELECT template FROM product_product WHERE code = '$sku')});
query(qq{UPDATE product_template SET name = 'Yet another' WHERE id = (SELECT template FROM product_product WHERE code = '$sku')});
query('SELECT oms.erp_apply()');
is(query(q{SELECT relation, pending, state FROM oms.erp_lag() WHERE problem IS NOT NULL}), 'public.product_list_price|1|paused', 'prices pause, and say so');
is(query("SELECT name FROM oms.sku WHERE code = '$sku'") =~ /^Yet another/ ? 1 : 0, 1, 'items go on');
query(q{SELECT oms.attach_erp('tryton')});
is(query("SELECT p.amount FROM oms.price p JOIN oms.sku k USING (sku_id) WHERE k.code = '$sku' AND p.price_list_id = 0"), '77.00', 'attached again: prices go on');
is(query($sound), '', 'no drift');

### Taxes: groups in groups, several on one category, dates, fixed amounts
my $category = query("SELECT k.tax_code FROM oms.sku k WHERE k.code = '$sku'");
query(qq{
	CREATE TABLE oms.theirs AS SELECT id FROM account_tax;
	CREATE TABLE oms.were AS SELECT tax FROM product_category_customer_taxes_rel WHERE category = $category;
	DELETE FROM product_category_customer_taxes_rel WHERE category = $category;
	INSERT INTO account_tax (company, description, name, type, rate, amount, parent, active, start_date, end_date)
	VALUES (1, 'g', 'OMS group', 'none', NULL, NULL, NULL, true, NULL, NULL), (1, 'c', 'OMS CGST', 'percentage', 0.01125, NULL, NULL, true, NULL, NULL),
		(1, 's', 'OMS SGST', 'percentage', 0.01125, NULL, NULL, true, NULL, NULL), (1, 'i', 'OMS inner', 'none', NULL, NULL, NULL, true, NULL, NULL),
		(1, 'o', 'OMS over', 'percentage', 0.5, NULL, NULL, true, NULL, current_date - 1), (1, 'f', 'OMS future', 'percentage', 0.5, NULL, NULL, true, current_date + 2, NULL),
		(1, 'n', 'OMS not any more', 'percentage', 0.5, NULL, NULL, false, NULL, NULL), (1, 'x', 'OMS fixed', 'fixed', NULL, 7, NULL, true, NULL, NULL),
		(1, 'e', 'OMS extra', 'percentage', 0.03, NULL, NULL, true, NULL, NULL);
	UPDATE account_tax SET parent = (SELECT id FROM account_tax WHERE name = 'OMS group') WHERE name IN ('OMS inner', 'OMS over', 'OMS future', 'OMS not any more');
	UPDATE account_tax SET parent = (SELECT id FROM account_tax WHERE name = 'OMS inner') WHERE name IN ('OMS CGST', 'OMS SGST');
	INSERT INTO product_category_customer_taxes_rel (category, tax) SELECT $category, id FROM account_tax WHERE name = 'OMS group'});
my $code_sql = "SELECT trim_scale(t.rate), t.description LIKE '%without%' FROM oms.tax_code t WHERE t.code = '$category'";
query('SELECT oms.erp_apply()');
is(query($code_sql), '2.25|f', 'a group in a group: what is in force of it, and no more');
query(qq{INSERT INTO product_category_customer_taxes_rel (category, tax) SELECT $category, id FROM account_tax WHERE name IN ('OMS extra', 'OMS fixed')});
query('SELECT oms.erp_apply()');
is(query($code_sql), '5.25|t', 'two taxes of one category add up; a fixed amount is left out, and said to be');
is(query("SELECT t.rate, t.taxable, t.cgst, t.sgst FROM oms.sku k, oms.tax(105.25, 1, k.hsn, '29', '29', current_date, tax_code => k.tax_code) t WHERE k.code = '$sku'"),
	'5.25|100.00|2.63|2.62', 'GST by Tryton\'s rate');
query(q{UPDATE account_tax SET start_date = current_date WHERE name = 'OMS future'});
query('SELECT oms.erp_apply()');
is(query($code_sql), '55.25|t', 'one that begins');
is(query($sound), '', 'no drift');
query(qq{DELETE FROM product_category_customer_taxes_rel WHERE category = $category; INSERT INTO product_category_customer_taxes_rel (category, tax) SELECT $category, tax FROM oms.were;
	UPDATE account_tax SET parent = NULL WHERE id NOT IN (SELECT id FROM oms.theirs); DELETE FROM account_tax WHERE id NOT IN (SELECT id FROM oms.theirs);
	DROP TABLE oms.theirs, oms.were});
query('SELECT oms.erp_apply()');
is(query($sound), '', 'and back: no drift');

### A load that skips triggers
query(q{SET session_replication_role = replica; UPDATE stock_move SET internal_quantity = internal_quantity + 1 WHERE id IN (SELECT max(id) FROM stock_move WHERE state = 'done' AND to_location IN (SELECT l.id FROM stock_location l JOIN stock_location w ON w.storage_location = l.id AND w.active))});
like(query($sound), qr/^stock\|/, 'a full recount finds what was loaded behind our back');
query(q{SELECT oms.erp_refresh('stock')});
is(query($sound), '', 'and a refresh repairs it');

### Lots: none without the modules; here their tables as Tryton makes them
like($report, qr/^entity lot: absent, the ERP has no table public\.stock_lot$/m, 'no module, no lots, no error');
is(query(q{SELECT count(*) FROM oms.erp_source_link WHERE 'lot' = ANY (watch) OR relation ~ 'lot'}), '0', 'and nothing more is watched');
query(q{CREATE TABLE stock_lot (id integer PRIMARY KEY, number varchar NOT NULL, product integer NOT NULL);
	ALTER TABLE stock_move ADD lot integer REFERENCES stock_lot});
is(query($sound), '', 'a new column of a watched table is no matter');
like(query(q{SELECT oms.attach_erp('tryton')}), qr/^entity lot: 0 rows$/m, 'attached again with module stock_lot');
query(qq{INSERT INTO stock_lot SELECT 1, 'T1', id FROM product_product WHERE code = '$sku';
	UPDATE stock_move SET lot = 1 WHERE product = (SELECT product FROM stock_lot)});
my $lots = sub { return query(qq{SELECT string_agg(b.lot || ' ' || trim_scale(b.on_hand), ', ' ORDER BY b.lot) FROM oms.stock_lot b
	JOIN oms.sku k USING (sku_id) JOIN oms.node n USING (node_id) WHERE k.code = '$sku' AND n.code = '$node_code' AND NOT b.gone}) };
my $free = sub { return query("SELECT trim_scale(available) FROM oms.available('$sku', '$node_code')") };
my $all = $free->();
is(query($sound), '', 'no drift');
is(query(qq{SELECT count(*) > 0, bool_and(b.on_hand = greatest(s.on_hand, 0)) FROM oms.stock_lot b JOIN oms.stock s USING (company_id, node_id, sku_id)}), 't|t',
	'where every move names the lot it is the whole count');
is($free->(), $all, 'all of it is promised');
query('ALTER TABLE stock_lot ADD shelf_life_expiration_date date, ADD expiration_date date');
is(query(q{SELECT oms.attach_erp('tryton'); SELECT watch FROM oms.erp_source_link WHERE relation = 'public.stock_lot'}) =~ s/.*\n//sr,
	'{expiration_date,id,number,product,shelf_life_expiration_date}', 'attached again with module stock_lot_sled');
query(q{UPDATE stock_lot SET shelf_life_expiration_date = '2020-01-01', expiration_date = '2099-01-01'});
is($free->(), '0', 'past its shelf life: the very next promise knows');
query(qq{INSERT INTO stock_lot SELECT 2, 'T2', id, '2098-01-01' FROM product_product WHERE code = '$sku';
	INSERT INTO stock_move (company, product, uom, quantity, internal_quantity, unit_price, currency, from_location, to_location, state, effective_date, lot)
	SELECT m.company, m.product, m.uom, 5, 5, m.unit_price, m.currency, m.from_location, w.storage_location, 'done', current_date - 1, 2 FROM stock_location w, stock_move m
	 WHERE w.code = '$node_code' AND m.product = (SELECT id FROM product_product WHERE code = '$sku') AND m.state = 'done' AND m.from_location <> w.storage_location ORDER BY m.id LIMIT 1});
is($free->(), '5', 'five of another lot come in');
is(query($sound), '', 'no drift');
is($lots->(), "T1 $all, T2 5", 'taken in');
query('UPDATE stock_lot SET shelf_life_expiration_date = NULL, expiration_date = NULL');
is($free->(), $all + 5, 'without an end all of it again');
is(query($sound), '', 'no drift');
# written back by lot: a move each, one task; what is in none has its own
query(qq{BEGIN;
	INSERT INTO oms.reservation (company_id, reservation_id, node_id, sku_id, qty, state, allocation_id)
	SELECT n.company_id, 900009, n.node_id, k.sku_id, 6, 'leaving', 900009 FROM oms.node n, oms.sku k WHERE n.code = '$node_code' AND k.code = '$sku';
	UPDATE oms.stock s SET reserved = s.reserved + 6 FROM oms.reservation r WHERE r.reservation_id = 900009 AND (s.node_id, s.sku_id) = (r.node_id, r.sku_id);
	INSERT INTO oms.reservation_lot (company_id, reservation_id, lot, node_id, sku_id, seq, qty)
	SELECT r.company_id, r.reservation_id, v.lot, r.node_id, r.sku_id, v.seq, v.qty FROM oms.reservation r, (VALUES ('T2', 1, 2), ('T1', 2, 3)) v (lot, seq, qty) WHERE r.reservation_id = 900009;
	INSERT INTO oms.erp_call (company_id, kind, node_id, sku_id, qty, document, reservation_id)
	SELECT company_id, 'stock_out', node_id, sku_id, qty, 'shipment 9', reservation_id FROM oms.reservation WHERE reservation_id = 900009;
	COMMIT});
cmp_ok(query('SELECT oms.erp_send()'), '>=', 1, 'told');
my ($ref, $ids) = split /\|/, query(q{SELECT erp_ref, replace(erp_ref, ',', ', ') FROM oms.erp_call WHERE document = 'shipment 9'});
is(query(qq{SELECT string_agg(coalesce(lot, 0) || ':' || internal_quantity || ' ' || state, ', ' ORDER BY coalesce(lot, 0)) FROM stock_move WHERE id IN ($ids)}), '0:1 draft, 1:3 draft, 2:2 draft', 'a draft move a lot');
is(query(qq{SELECT count(*) FROM ir_queue WHERE (data::json->>'instances') = '[$ids]'}), '1', 'one task for all');
is(query($sound), '', 'drafts are no change');
query(qq{UPDATE stock_move SET state = 'done', effective_date = planned_date WHERE id = (SELECT min(id) FROM stock_move WHERE id IN ($ids))});
query('SELECT oms.erp_apply()');
is(query(q{SELECT state FROM oms.erp_call WHERE document = 'shipment 9'}), 'sent', 'not booked before all are');
query(qq{UPDATE stock_move SET state = 'done', effective_date = planned_date WHERE id IN ($ids)});
is($free->(), $all - 1, 'booked: seen at once');
is(query($sound), '', 'no drift');
is(query(q{SELECT state FROM oms.erp_call WHERE document = 'shipment 9'}), 'done', 'the call is done');
is($lots->(), 'T1 ' . ($all - 4) . ', T2 3', 'gone from their lots, and the one of none from the first');
query(q{UPDATE oms.erp_call SET state = 'sent', next_at = now() - interval '1 hour' WHERE document = 'shipment 9';
	UPDATE ir_queue SET dequeued_at = now() AT TIME ZONE 'UTC' - interval '10 minutes' WHERE dequeued_at IS NULL});
query(qq{UPDATE stock_move SET state = 'draft' WHERE id = (SELECT max(id) FROM stock_move WHERE id IN ($ids))});
query('SELECT oms.erp_send()');
like(query(q{SELECT state, error FROM oms.erp_call WHERE document = 'shipment 9'}), qr/^failed\|Tryton could not do move $ref/, 'one of them tried in vain is all in vain');
query(qq{UPDATE stock_move SET state = 'done', effective_date = planned_date WHERE id IN ($ids)});
is(query($sound), '', 'no drift');
query('ALTER TABLE stock_move DROP lot; DROP TABLE stock_lot');
query('SELECT oms.erp_apply()');
is($free->(), $all - 1, 'the module is gone: what was stays');
like(query(q{SELECT oms.attach_erp('tryton')}), qr/^entity lot: absent/m, 'until attached again');
is(query($sound), '', 'no drift');

### Detach
query(q{ALTER TABLE product_list_price ALTER list_price TYPE numeric});
query(q{SELECT oms.detach_erp('tryton')});
is(schema(), $before, 'detached: its schema is what it was');
query(q{SET client_min_messages = warning; SELECT oms.uninstall(); DROP EXTENSION pg_oms; DROP SCHEMA oms});
is(schema(), $before, 'and without us');

$node->stop;
done_testing();
