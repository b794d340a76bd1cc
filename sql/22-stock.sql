-- stock: counts by hand, what may be sold, and how much is kept back.

CREATE FUNCTION oms.adjust_stock(node text, sku text, on_hand numeric, document text DEFAULT NULL, company text DEFAULT NULL) RETURNS numeric
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_adjust_stock';
COMMENT ON FUNCTION oms.adjust_stock(text, text, numeric, text, text) IS
    'Sets the counted stock of an item (code) at a node (code) whose count is ours, and returns the change, in stock units; document says what is behind it (oms.stock_ledger). A count below what is reserved is recorded as a shortfall, with an event stock.shortfall. Raises OM001 for a missing or negative count, a kit, or a node whose count is the ERP''s, OM002 for an unknown node or item.';

CREATE FUNCTION oms.available(sku text, node text DEFAULT NULL, company text DEFAULT NULL, channel text DEFAULT NULL, at timestamptz DEFAULT NULL)
RETURNS TABLE (node text, on_hand numeric, reserved numeric, safety numeric, backorder_limit numeric, available numeric)
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 10
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_available';
COMMENT ON FUNCTION oms.available(text, text, text, text, timestamptz) IS
    'Stock of an item (code) at every node that lists it, or at one, in stock units, as a promise made now sees it: counts as the ERP last committed them, holds of carts that have expired left out. available = on_hand - reserved - safety, less what is set aside for other channels than the one named (oms.stock_quota, all of it where none is) and its threshold (oms.channel_threshold), at least 0, and 0 where oms.stock.sellable is false; NULL for an item that is not counted (oms.sku.tracked). A kit has no rows: ask for its components. at is the moment it holds for (NULL: now). Raises OM002 for an unknown item, node or channel.';

CREATE FUNCTION oms.set_stock_policy(node text, sku text, safety numeric DEFAULT NULL, backorder_limit numeric DEFAULT NULL, company text DEFAULT NULL,
    sellable boolean DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_set_stock_policy';
COMMENT ON FUNCTION oms.set_stock_policy(text, text, numeric, numeric, text, boolean) IS
    'Sets how much of an item (code) a node (code) keeps back from every promise (safety) and how far reservations may exceed its count (backorder_limit), in stock units, and whether it is promised from there at all (sellable); what is reserved already stays reserved. NULL leaves the one as it is. Raises OM001 for a negative number or a limit below what is promised beyond the count already, OM002 for an unknown node or item.';

CREATE FUNCTION oms.set_stock_quota(node text, sku text, channel text, qty numeric, expires_at timestamptz DEFAULT NULL, company text DEFAULT NULL, cap boolean DEFAULT false) RETURNS numeric
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_set_stock_quota';
COMMENT ON FUNCTION oms.set_stock_quota(text, text, text, numeric, timestamptz, text, boolean) IS
    'Sets units of an item (code) at a node (code) aside for a channel (code), until expires_at (NULL: no end): qty counts those it has used already, so the same call again changes nothing; less than that, or 0, ends the quota. The channel uses its quota first, then what is common; no other sees it. With cap nothing is set aside, but the channel may take no more in all, beyond the count too: its share of a pre-order. Returns what is left of it, in stock units. Raises OM001 for a negative number, NULL or a kit, OM002 for an unknown node, item or channel.';

CREATE FUNCTION oms.set_channel_threshold(node text, sku text, channel text, threshold numeric, company text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_set_channel_threshold';
COMMENT ON FUNCTION oms.set_channel_threshold(text, text, text, numeric, text) IS
    'How far a channel (code) may go with an item (code) at a node (code), in stock units: above 0 so many are kept back from it, beside safety; below 0 it may go so far below the count, if it takes backorders. In place of oms.stock.backorder_limit for that channel; NULL takes the threshold away. Raises OM001 for a kit, or where more is promised beyond the count than would be allowed, OM002 for an unknown node, item or channel.';

CREATE FUNCTION oms.set_channel_node(channel text, node text, serves boolean DEFAULT true, company text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_set_channel_node';
COMMENT ON FUNCTION oms.set_channel_node(text, text, boolean, text) IS
    'Says that a node (code) serves a channel (code), or not. From the first such call on the channel has nodes of its own (oms.channel.own_nodes): all others are refused, CHANNEL. Raises OM001 without an answer, OM002 for an unknown channel or node.';

CREATE FUNCTION oms.atp(sku text, node text DEFAULT NULL, by timestamptz DEFAULT NULL, channel text DEFAULT NULL, company text DEFAULT NULL, at timestamptz DEFAULT NULL,
    less_waiting boolean DEFAULT true)
RETURNS numeric
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_atp';
COMMENT ON FUNCTION oms.atp(text, text, timestamptz, text, text, timestamptz, boolean) IS
    'Available to promise of an item (code) by a moment, in stock units, at all open nodes or one (code), as a channel (code) sees it: what oms.available says now (at; NULL: now), and supply that is ready by then (oms.inbound; NULL: none), less what waits already (less_waiting false: all that there is for it, which oms.ordered_atp hands out). Overdrawn nodes first make good what they owe. Kits: as many whole ones as the components at each node make. NULL for an item that is not counted. Raises OM002 for an unknown item, node or channel.';

CREATE FUNCTION oms.adjust_lot(node text, sku text, lot text, on_hand numeric, expires_on date DEFAULT NULL, received_at timestamptz DEFAULT NULL,
    unit_cost numeric DEFAULT NULL, pick_rank integer DEFAULT NULL, unlotted boolean DEFAULT false, document text DEFAULT NULL, company text DEFAULT NULL,
    at timestamptz DEFAULT NULL) RETURNS numeric
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_adjust_lot';
COMMENT ON FUNCTION oms.adjust_lot(text, text, text, numeric, date, timestamptz, numeric, integer, boolean, text, text, timestamptz) IS
    'Sets how many units of a lot of an item (code) stand at a node (code), and what else is known of it (NULL leaves that as it is); returns the change. The count of the item (oms.stock.on_hand) changes by as much, with a ledger row; with unlotted, and where the ERP counts, it does not: units that stand there without a lot get one. From the first lot on only what is in lots that may still be used is promised. Raises OM001 for a missing or negative quantity, a missing lot, a kit, more than stands there without a lot, or another quantity than the ERP states where it states lots, OM002 for an unknown node or item.';

CREATE FUNCTION oms.pin_lot(allocation_id bigint, lot text, displace boolean DEFAULT false, company text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_pin_lot';
COMMENT ON FUNCTION oms.pin_lot(bigint, text, boolean, text, timestamptz) IS
    'Takes all of what an allocation holds from one lot, in place of the lots it was assigned; with displace also from others who were assigned it (the last first, not what was handed over), who get other lots as far as there are. Again it changes nothing. Raises OM001 without a lot, OM002 for an unknown allocation or lot, OM004 for an allocation that does not hold one item at a node, OM101 where the lot has too little or its last day is over.';
