#!/usr/bin/perl
# One client of the storm (test/t/009_storm.pl): does random things to orders
# and stock until told to stop, and writes down what it was told, each only
# after the server had answered the commit.  Reconnects when cut off, and then
# asks again for what it got no answer to.
#
#   client.pl CONNINFO NUMBER SEED DIR CANCELS
#
# CANCELS 0: statements of others are never cancelled.  (A cancel ends the wait
# for a standby: what is answered then may not be there, as PostgreSQL warns.)
# DIR/stop ends it.  Its book is DIR/cNUMBER.log:
#   order EXT ID, cancelled ID, line ID REQUEST QTY, shipped ID, rejected ID,
#   rerouted ORDER, count DOCUMENT DELTA    acknowledged
#   undone EXT           an order of a transaction that was rolled back
#   unexpected ...       what must not happen
#   did WHAT N           at the end: how often; retry SQLSTATE N, refused SQLSTATE N
use strict;
use warnings;
use IPC::Open3;

my $pending = '';
my ($conninfo, $me, $seed, $dir, $cancels) = @ARGV;
my ($storm) = $dir =~ m{([^/]+)$};
srand($seed * 1000 + $me + length $storm);
$SIG{PIPE} = 'IGNORE';
open my $book, '>>', "$dir/c$me.log" or die $!;
$book->autoflush(1);
my (%did, @mine, $doing, $psql, $in, $out);
my $serial = 0;
my $parent = getppid();

# told to stop, or nobody is there any more to tell
sub over { return -e "$dir/stop" || getppid() != $parent }
sub pick { return $_[ int rand @_ ] }
sub nap { select undef, undef, undef, $_[0] // 0.05 }

# SQL

sub leave
{
	return unless $psql;
	close $in;
	close $out;
	waitpid $psql, 0;
	$psql = undef;
}

sub join_in
{
	leave();
	$pending = '';
	open my $err, '>>', "$dir/c$me.err" or die $!;
	$psql = open3($in, $out, '>&' . fileno $err, 'psql', '-XAt', '-F', '|', '-d', "$conninfo application_name=storm$me", '-f', '-');
	$in->autoflush(1);
}

# The next line of psql's; undef when it ended, or says nothing for so long
# that it never will.
sub next_line
{
	my $ready = '';
	vec($ready, fileno $out, 1) = 1;
	my $end;
	while (($end = index $pending, "\n") < 0)
	{
		if (!select my $r = $ready, undef, undef, 60)
		{
			kill KILL => $psql;
			$did{'psql killed'}++;
			return undef;
		}
		return undef unless sysread $out, $pending, 65536, length $pending;
	}
	my $line = substr $pending, 0, $end;
	substr($pending, 0, $end + 1) = '';
	return $line;
}

# Runs one statement; its rows.  Dies with [SQLSTATE] when it fails, with
# ['lost'] when nobody answered.  The SQLSTATE is taken away first: a psql
# that could not even send the statement has none to tell, and goes on.
sub run
{
	my ($sql) = @_;
	my @rows;
	die ['lost'] unless $psql;
	print $in "\\set SQLSTATE none\n$sql;\n\\echo @@ :ERROR :SQLSTATE\n";
	while (defined(my $line = next_line()))
	{
		if ($line =~ /^@@ (true|false) (\w*)$/)
		{
			last if $2 eq 'none' || $2 eq '';
			die [$2] if $1 eq 'true';
			return @rows;
		}
		push @rows, $line;
	}
	leave();
	die ['lost'];
}

sub value { my @r = run(@_); return $r[0] // '' }

# what we prepared and had no answer to is committed
sub settle
{
	run("COMMIT PREPARED '$_'") for run("SELECT gid FROM pg_prepared_xacts WHERE gid LIKE 'storm-$me-%'");
}

# until the server takes us
sub connected
{
	return if $psql;
	until (over())
	{
		join_in();
		my $ok = eval {
			run("SET oms.company = 'SHOP'");
			settle();
			1;
		};
		$did{connected}++, return if $ok;
		nap();
	}
	die ['over'];
}

# What is refused for a reason is an answer; these are asked again.
sub again { return $_[0] =~ /^(lost|40001|40P01|55P03|57014|57P01|57P02|57P03)$/ }
my $fine = qr/^OM(001|002|004|101|103|401|501)$/;

# Things to do: each is made with all its choices, may be run any number of
# times, and returns lines for the book.

my @skus = qw(SHIRT SHIRT SHIRT BOOK RICE TV PAIR DRESS);

sub document
{
	my ($id, @choice) = @_;
	my ($channel, $pincode, $mode, $phone, @items) = @choice;
	my $n = 0;
	my $lines = join ', ', map { '{"sku": "' . $_->[0] . '", "qty": ' . $_->[1] . '}' } @items;
	return qq('{"company": "SHOP", "channel": "$channel", "external_id": "$id", "payment": {"mode": "$mode"}, "customer": {"phone": "$phone"},
		"ship_to": {"pincode": "$pincode", "address1": "12, Long Street"}, "lines": [$lines]}'::jsonb);
}

sub choices
{
	my %line;
	$line{ pick(@skus) } = 1 + int rand 3 for 1 .. pick(1, 1, 2, 3);
	$line{RICE} += 0.5 if $line{RICE};
	return (pick(qw(WEB WEB NOW NOW NOW ONE TWO)), pick(qw(981001 981002 981003)), pick(qw(PREPAID COD)),
		'90000000' . sprintf('%02d', rand 40), map { [ $_, $line{$_} ] } sort keys %line);
}

sub capture
{
	my ($id, $doc) = @_;
	my $own = !$id;
	if ($own)
	{
		$id = "$storm-c$me-" . ++$serial;
		$doc = document($id, choices());
	}
	my $cart = $own && rand() < 0.2 ? qq($doc || '{"cart_id": "cart-$id"}') : undef;
	my $held = 0;
	return sub {
		if ($cart && !$held)
		{
			# a cart that cannot be held is no reason not to order
			run('SAVEPOINT cart') if $_[0];
			eval { run("SELECT 1 FROM oms.reserve_cart($cart)"); 1 } or do {
				die $@ unless $@->[0] =~ $fine;
				run('ROLLBACK TO cart') if $_[0];
			};
			$held = !$_[0];
		}
		my ($order, $status) = split /\|/, value('SELECT a ->> \'order_id\', a ->> \'status\' FROM oms.capture_order(' . ($cart // $doc) . ') a');
		$did{accepted}++ if $status eq 'accepted';
		push @mine, $order if @mine < 500;
		return "order $id $order";
	};
}

# the very order somebody else sends at about the same moment, too
sub same
{
	my $k = int(time / 2);
	return capture("same-$storm-$k", document("same-$storm-$k", 'NOW', '981001', 'PREPAID', '9111111111', [ 'SHIRT', 1 ], [ 'BOOK', 1 + $k % 3 ]));
}

# a row of a table chosen by a random place in the order of its key
sub some
{
	my ($table, $key, $what, $where) = @_;
	my $r = rand();
	my $from = "FROM oms.$table t WHERE company_id = 9200 AND ($where)";
	my $first = value("SELECT floor(coalesce(max($key), 0) * $r) FROM oms.$table WHERE company_id = 9200");
	my $row = value("SELECT $what $from AND $key >= $first ORDER BY $key LIMIT 1");
	die ['none'] if $row eq '';
	return split /\|/, $row;
}

sub cancel_order
{
	my ($order) = @mine && rand() < 0.6 ? pick(@mine) : some('"order"', 'order_id', 'order_id', "status NOT IN ('cancelled', 'shipped')");
	return sub {
		my $status = value("SELECT oms.cancel_order($order)");
		return $status eq 'cancelled' ? "cancelled $order" : "unexpected cancelled order $order is $status";
	};
}

sub cancel_line
{
	my ($order, $line, $qty) = some('order_line', 'order_id', 'order_id, line_no, qty', 'cancelled_qty < qty');
	my $request = "$storm-$me-" . ++$serial;
	my $asked = rand() < 0.3 ? 'NULL' : $qty > 1 ? 1 : $qty;
	return sub {
		my $done = value("SELECT a ->> 'qty' FROM oms.cancel_line($order, $line, $asked, request_id => '$request') a");
		# 0: of a line of which nothing is left
		return $done > 0 ? "line $order $request $done" : ();
	};
}

sub reject
{
	my ($id) = some('allocation', 'allocation_id', 'allocation_id', "status IN ('reserved', 'released', 'picked')");
	my $until = pick('NULL', "now() + '1 second'");
	return sub { run("SELECT 1 FROM oms.reject_allocation($id, 'not on the shelf', $until)"); return "rejected $id" };
}

sub reroute
{
	my ($id) = some('allocation', 'allocation_id', 'allocation_id', "status IN ('reserved', 'released', 'backordered')");
	my $node = pick(qw(BLR BOM DEL));
	return sub { return map { "rerouted $_" } run("SELECT a ->> 'order_id' FROM oms.reroute_allocation($id, '$node') a WHERE a ->> 'duplicate' = 'false'") };
}

# counts go up and down; shirts are never counted (see 009_storm.pl)
sub count_stock
{
	my ($node, $sku) = (pick(qw(BLR BOM DEL)), pick(qw(BOOK RICE TV)));
	my $by = pick(-9, -3, -1, 2, 8, 20);
	my $document = "$storm-count-$me-" . ++$serial;
	return sub {
		my $delta = value("SELECT oms.adjust_stock('$node', '$sku', greatest(0, a.on_hand + $by), '$document') FROM oms.available('$sku', '$node') a");
		return "count $document $delta";
	};
}

sub policy
{
	my ($node, $sku) = (pick(qw(BLR BOM DEL)), pick(qw(BOOK RICE TV)));
	my ($safety, $limit) = (int rand 3, int rand 3);
	return sub { run("SELECT oms.set_stock_policy('$node', '$sku', $safety, $limit)"); return () };
}

sub dispatch
{
	my ($id, $order) = some('shipment', 'shipment_id', 'shipment_id, order_id',
		"state IN ('PLANNED', 'BOOKED') AND EXISTS (SELECT FROM oms.allocation a WHERE a.company_id = 9200 AND a.shipment_id = t.shipment_id AND a.status IN ('reserved', 'released', 'packed'))");
	return sub {
		run("SELECT oms.lift_hold($order)");
		run("SELECT 1 FROM oms.dispatch_shipment($id)");
		return "shipped $id";
	};
}

sub dispatch_many
{
	my @ids = map { (some('shipment', 'shipment_id', 'shipment_id', "state IN ('PLANNED', 'BOOKED')"))[0] } 1 .. 3;
	return sub { return map { "shipped $_" } run('SELECT shipment_id FROM oms.dispatch_shipments(ARRAY[' . join(',', @ids) . ']) WHERE ok') };
}

sub basket
{
	my $cart = "$storm-$me-" . int rand 3;
	my $doc = document('', choices());
	$doc = qq($doc - 'external_id' - 'payment' || '{"cart_id": "$cart"}');
	my $give_up = rand() < 0.4;
	return sub { run($give_up ? "SELECT oms.release_cart('$cart')" : "SELECT 1 FROM oms.reserve_cart($doc)"); return () };
}

sub retry { return sub { run('SELECT oms.retry_backorders(20)'); return () } }
# what was accepted is made, by the worker, too
sub complete { my $n = pick(1, 5, 50); return sub { run("SELECT oms.complete_orders($n)"); return () } }
sub expire { return sub { run("SELECT oms.expire_carts(now() + '1 hour')"); return () } }

sub look
{
	my $doc = document('', choices());
	my $sql = pick("SELECT oms.promise($doc - 'external_id' - 'payment')", "SELECT count(*) FROM oms.available('SHIRT')", "SELECT count(*) FROM oms.ordered_atp('TV')");
	return sub { run($sql); return () };
}

# somebody is cut off, or his statement is cancelled
sub violence
{
	my $call = $cancels ? pick('pg_terminate_backend', 'pg_cancel_backend') : 'pg_terminate_backend';
	my $r = rand();
	return sub {
		run(qq{SELECT $call(pid) FROM (SELECT pid, row_number() OVER (ORDER BY pid) AS n, count(*) OVER () AS of FROM pg_stat_activity
			WHERE application_name LIKE 'storm%' AND pid <> pg_backend_pid()) x WHERE n = 1 + floor($r * of)});
		return ();
	};
}

my @todo = (
	[ 40, capture => \&capture ], [ 3, same => \&same ], [ 10, cancel_order => \&cancel_order ], [ 8, cancel_line => \&cancel_line ],
	[ 6, reject => \&reject ], [ 4, reroute => \&reroute ], [ 8, count => \&count_stock ], [ 1, policy => \&policy ], [ 6, dispatch => \&dispatch ],
	[ 1, dispatch_many => \&dispatch_many ], [ 6, basket => \&basket ], [ 3, retry => \&retry ], [ 2, complete => \&complete ], [ 1, expire => \&expire ], [ 3, look => \&look ], [ 1, violence => \&violence ]);
my @deck = map { my $t = $_; map { $t } 1 .. $t->[0] } @todo;

sub something
{
	my $t = pick(@deck);
	$doing = $t->[1];
	my $thing = $t->[2]->();
	$did{$doing}++;
	return $thing;
}

# In a transaction: the lines of those things that stay.
sub transaction
{
	my ($how, $gid, @things) = @_;
	my @lines;
	my $level = $how eq 'repeatable' ? ' ISOLATION LEVEL REPEATABLE READ' : $how eq 'serializable' ? ' ISOLATION LEVEL SERIALIZABLE' : '';
	run("BEGIN$level");
	for my $i (0 .. $#things)
	{
		run("SAVEPOINT s$i");
		my @told = eval { $things[$i]->(1) };
		if (my $why = $@)
		{
			die $why unless ref $why && $why->[0] =~ $fine;
			$did{"refused $why->[0]"}++;
			run("ROLLBACK TO s$i");
		}
		elsif ($how eq 'undo' && $i % 2 == 0)
		{
			run("ROLLBACK TO s$i");
			push @lines, map { /^order (?!same)(\S+)/ ? "undone $1" : () } @told;
		}
		else
		{
			run("RELEASE s$i") if $i % 2;
			push @lines, @told;
		}
	}
	if ($how eq 'rollback')
	{
		@lines = map { /^order (?!same)(\S+)/ ? "undone $1" : () } @lines;
		run('ROLLBACK');
	}
	elsif ($how eq 'prepare')
	{
		run("PREPARE TRANSACTION '$gid'");
		run("COMMIT PREPARED '$gid'");
	}
	else
	{
		my $tag = (run('COMMIT'))[-1] // '';
		return "unexpected COMMIT answered $tag" if $tag ne 'COMMIT';
	}
	return @lines;
}

# until it is answered; at most so often
sub insist
{
	my ($name, $what) = @_;
	for my $try (1 .. 200)
	{
		connected();
		my @lines = eval { $what->() };
		my $why = $@;
		if (!$why)
		{
			print $book map { "$_\n" } @lines;
			return;
		}
		die $why unless ref $why;
		eval { run('ROLLBACK'); settle(); 1 } or leave() if $psql;
		if (!again($why->[0]))
		{
			$did{"refused $why->[0]"}++;
			print $book "unexpected SQLSTATE $why->[0]\n" unless $why->[0] =~ $fine;
			return;
		}
		$did{"retry $why->[0]"}++;
		$did{"retry $why->[0] $name"}++ if $why->[0] =~ /^40/;
		return if over();
		# whoever met others may meet them again
		nap(rand($try < 20 ? $try : 20) / 100) if $why->[0] ne '57014';
	}
	$did{'gave up'}++;
}

until (over())
{
	eval {
		connected();
		my $r = rand();
		if ($r < 0.75)
		{
			my $thing = something();
			insist($doing, sub { return $thing->(0) });
		}
		else
		{
			my $how = pick(qw(plain plain plain undo undo undo rollback rollback repeatable repeatable serializable prepare));
			my @things = map { something() } 1 .. pick(1, 2, 2, 3);
			my $gid = "storm-$me-" . ++$serial;
			$did{"transaction $how"}++;
			insist('transaction', sub { return transaction($how, $gid, @things) });
		}
		1;
	} or do {
		my $why = $@;
		print $book "unexpected $why" . ($why =~ /\n\z/ ? '' : "\n") unless ref $why;
		print $book "unexpected SQLSTATE $why->[0] while choosing\n" if ref $why && !again($why->[0]) && $why->[0] !~ /^(over|none)$/;
		# a choice that failed leaves the session as it was, or lost
	};
}
leave();
print $book "did $_ $did{$_}\n" for sort keys %did;
