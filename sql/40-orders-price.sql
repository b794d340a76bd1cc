-- orders: prices of orders that are open when list prices change.

CREATE FUNCTION oms.list_price(sku text, channel text, qty numeric DEFAULT 1, at timestamptz DEFAULT now(), company text DEFAULT NULL,
    OUT amount numeric, OUT includes_tax boolean)
LANGUAGE sql STABLE PARALLEL SAFE COST 50
SET search_path = pg_catalog, oms, pg_temp AS $$
    SELECT p.amount, p.includes_tax
      FROM oms.company AS c
      JOIN oms.channel AS h ON h.company_id = c.company_id AND h.code = $2
      JOIN oms.sku AS k ON k.company_id = c.company_id AND k.code = $1
      LEFT JOIN oms.price_list AS t ON t.price_list_id = h.price_list_id AND t.active
      JOIN oms.price AS p ON p.company_id = c.company_id AND p.sku_id = k.sku_id AND p.price_list_id IN (0, coalesce(t.price_list_id, 0))
     WHERE c.company_id = oms.company_id($5) AND p.valid_from <= $4 AND (p.valid_to IS NULL OR p.valid_to > $4) AND p.min_qty <= $3
     ORDER BY p.price_list_id <> 0 DESC, p.min_qty DESC, p.valid_from DESC
     LIMIT 1
$$;
COMMENT ON FUNCTION oms.list_price(text, text, numeric, timestamptz, text) IS
    'The list price of an item in a channel at that time, as capture takes it: of the channel''s price list before base prices, for the largest quantity reached, of those the one that began last. No row, or NULLs: none.';

CREATE FUNCTION oms.reprice_line(order_id bigint, line_no integer, unit_price numeric, reason text DEFAULT 'PRICE', company text DEFAULT NULL) RETURNS numeric
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, oms, pg_temp
AS 'MODULE_PATHNAME', 'oms_reprice_line';
COMMENT ON FUNCTION oms.reprice_line(bigint, integer, numeric, text, text) IS
    'Another unit price (as the channel prices) for a line of an order that is not released: amounts, tax by its value band, what parcels collect, what is due to the buyer; its discount stays. Event order.repriced. Returns by how much the order costs more, below zero: less. Raises OM001 (price, or below the discount), OM002, OM004 (released).';

CREATE FUNCTION oms.reprice_orders(max_lines integer DEFAULT 500, at timestamptz DEFAULT now()) RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, oms, pg_temp AS $$
DECLARE
    l record;
    done integer := 0;
    why text;
BEGIN
    IF max_lines < 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'OM001', MESSAGE = 'max_lines is below zero', DETAIL = format('Argument max_lines is %s.', max_lines), HINT = 'It says how many lines are repriced, at most.';
    END IF;
    FOR l IN
        SELECT c.code AS company, o.company_id, o.order_id, x.line_no, CASE h.price_change WHEN 'lower' THEN least(x.unit_price, p.amount) ELSE p.amount END AS price
          FROM oms.channel AS h
          JOIN oms.company AS c ON c.company_id = h.company_id
          JOIN oms."order" AS o ON o.company_id = h.company_id AND o.channel_id = h.channel_id AND o.status IN ('captured', 'on_hold', 'backordered', 'part_reserved', 'reserved')
          JOIN oms.order_line AS x ON x.company_id = o.company_id AND x.order_id = o.order_id AND x.cancelled_qty < x.qty AND x.list_price IS NOT NULL
          JOIN oms.sku AS k ON k.sku_id = x.sku_id
         CROSS JOIN LATERAL oms.list_price(k.code, h.code, (SELECT sum(y.qty - y.cancelled_qty) FROM oms.order_line AS y WHERE y.company_id = x.company_id AND y.order_id = x.order_id AND y.sku_id = x.sku_id), $2, c.code) AS p
         WHERE h.price_change <> 'keep' AND p.includes_tax = h.price_includes_tax
           AND CASE h.price_change WHEN 'lower' THEN p.amount < x.list_price AND p.amount < x.unit_price
                                   ELSE p.amount <> x.unit_price AND x.unit_price = x.list_price AND o.paid_amount < o.total_amount END
           AND round((x.qty - x.cancelled_qty) * p.amount, 2) >= round(x.discount * (x.qty - x.cancelled_qty) / x.qty, 2)
           AND NOT EXISTS (SELECT FROM oms.allocation AS a WHERE a.company_id = o.company_id AND a.order_id = o.order_id AND a.status NOT IN ('planned', 'reserved', 'backordered', 'cancelled'))
         ORDER BY o.company_id, o.order_id, x.line_no LIMIT max_lines
    LOOP
        BEGIN
            PERFORM oms.reprice_line(l.order_id, l.line_no, l.price, 'LIST_PRICE', l.company);
            done := done + 1;
        EXCEPTION WHEN OTHERS THEN
            -- released meanwhile, or the like: it keeps its price
            GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
            RAISE LOG 'line % of order % keeps its price: %', l.line_no, l.order_id, why;
        END;
    END LOOP;
    RETURN done;
END $$;
COMMENT ON FUNCTION oms.reprice_orders(integer, timestamptz) IS
    'Lines of orders that are not released whose list price is another now, at most so many: priced anew as the channel''s price_change says (keep: never; lower: when it fell; reprice: lines at list price, until the order is paid). Returns how many lines. Run by the worker, also when it is woken by changes of the ERP. Raises OM001.';
