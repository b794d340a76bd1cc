-- intake: the stock feed of channels.

CREATE FUNCTION oms.channel_sellable(channel_id integer, sku_id integer, at timestamptz DEFAULT now()) RETURNS numeric
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_channel_sellable';
COMMENT ON FUNCTION oms.channel_sellable(integer, integer, timestamptz) IS
    'Units of an item (sku_id) that a channel (channel_id) may sell: as oms.atp says at its nodes, less buffers, at most the cap (oms.channel_stock_rule); 0 where it is not listed or not active; NULL: as many as it likes. The view oms.channel_stock reads it. Raises OM002 for an unknown channel.';

CREATE FUNCTION oms.refresh_channel_stock(channel text DEFAULT NULL, company text DEFAULT NULL, max integer DEFAULT 20000) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_refresh_channel_stock';
COMMENT ON FUNCTION oms.refresh_channel_stock(text, text, integer) IS
    'Computes what may have changed for a channel (code; NULL: for all of all companies that have a row in oms.channel_stock_rule) since it was last computed, and at most max items of a sweep; rows of oms.channel_stock_told whose number changed get a new version and an event channel_stock.changed. Returns how many. Of all channels those are left out that somebody else is computing; one that is named is waited for. Run by the worker. Raises OM001 for a negative max, OM002 for an unknown channel, or one that is named and has no rule.';

CREATE FUNCTION oms.channel_feed(channel text, since bigint DEFAULT 0, max integer DEFAULT 1000, company text DEFAULT NULL,
    OUT version bigint, OUT sku text, OUT channel_sku text, OUT qty numeric, OUT price numeric, OUT changed_at timestamptz) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    of_company integer := oms.company_id(channel_feed.company);
    of_channel integer := (SELECT c.channel_id FROM oms.channel c WHERE c.company_id = of_company AND c.code = channel_feed.channel);
BEGIN
    IF channel IS NULL OR since IS NULL OR max IS NULL OR max < 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'a feed needs a channel, a cursor and how many rows at most',
            DETAIL = 'Arguments channel, since, max.', HINT = 'The cursor is the greatest version of the last answer, 0 in the beginning.';
    END IF;
    IF NOT pg_is_in_recovery() THEN
        PERFORM oms.refresh_channel_stock(channel, company);
    END IF;
    RETURN QUERY
    SELECT t.version, s.code, coalesce(i.channel_sku, s.code), t.qty,
           (SELECT p.amount FROM oms.price p WHERE p.company_id = of_company AND p.sku_id = t.sku_id AND p.valid_from <= now() ORDER BY p.valid_from DESC LIMIT 1),
           t.told_at
      FROM oms.channel_stock_told t
      JOIN oms.sku s ON s.sku_id = t.sku_id
      LEFT JOIN oms.channel_stock_rule i ON i.company_id = of_company AND i.channel_id = of_channel AND i.sku_id = t.sku_id
     WHERE t.company_id = of_company AND t.channel_id = of_channel AND t.version > since
     ORDER BY t.version LIMIT max;
END $$;
COMMENT ON FUNCTION oms.channel_feed(text, bigint, integer, text) IS
    'What a channel (code) may sell, rows that changed since a cursor (the greatest version of the last answer; 0: all), oldest first, at most max: computed now (oms.refresh_channel_stock; on a standby as it was last computed). qty NULL: as many as it likes. An item that is not sold there any more comes once with 0. Raises OM001 for a missing argument, OM002 for an unknown channel or one without a rule.';
