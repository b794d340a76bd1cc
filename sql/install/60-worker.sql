-- worker: what runs in the background, as rows.

CREATE TABLE oms.job (              --| A job the worker runs when due, each in its own transaction, with the rights of this table's owner.
    name text PRIMARY KEY,          --| Name
    command text NOT NULL,          --| SQL to run; returns the number of things done, or anything
    every interval NOT NULL CHECK (every > '0'), --| Pause between two runs
    enabled boolean NOT NULL DEFAULT true, --| Switched off jobs wait
    wake boolean NOT NULL DEFAULT false, --| Also run at once when the worker is woken (new ERP changes, new outbox rows)
    wake_stock boolean NOT NULL DEFAULT false, --| Also run at once when the worker is woken because more of an item is free for which an order waits
    next_run timestamptz NOT NULL DEFAULT now(), --| When due
    last_run timestamptz,           --| Start of the last run
    last_took interval,             --| How long it took; NULL before the first run and, mostly, while it runs
    last_result text,               --| What the last good run returned
    last_error text,                --| Error of the last run, SQLSTATE first; NULL if it went well
    failures integer NOT NULL DEFAULT 0 --| Failures in a row; each doubles the pause, up to an hour
) WITH (fillfactor = 50);

INSERT INTO oms.job (name, command, every, wake, wake_stock) VALUES
    ('cancel_parked', 'SELECT oms.cancel_parked()', '5 minutes', false, false),
    ('channel_stock', 'SELECT oms.refresh_channel_stock()', '15 seconds', false, false),
    ('complete_orders', 'SELECT oms.complete_orders()', '1 second', true, false),
    ('erp_apply', 'SELECT oms.erp_apply()', '1 second', true, false),
    ('erp_resync', 'SELECT oms.erp_resync()', '1 minute', false, false),
    ('erp_send', 'SELECT oms.erp_each(''erp_send'')', '1 second', true, false),
    ('erp_watch', 'SELECT oms.erp_each(''erp_watch'')', '5 seconds', false, false),
    ('event_partitions', 'SELECT oms.make_event_partitions()', '6 hours', false, false),
    ('expire_carts', 'SELECT oms.expire_carts()', '10 seconds', false, false),
    ('reprice_orders', 'SELECT oms.reprice_orders()', '10 seconds', true, false),
    ('repeg_supply', 'SELECT oms.repeg_supply()', '1 minute', false, false),
    ('resolve_shortfalls', 'SELECT oms.resolve_shortfalls()', '15 seconds', false, false),
    ('retry_backorders', 'SELECT oms.retry_backorders()', '15 seconds', false, true),
    ('stock_prices', 'SELECT oms.refresh_stock_prices()', '6 hours', false, false);

SELECT oms.wake_worker();
