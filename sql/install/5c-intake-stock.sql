-- intake: what each channel may sell, and what it was told of it.

CREATE TABLE oms.channel_stock_rule ( --| Which channels are told of stock, and how much is kept back from them. The row with sku_id 0 is the channel's; one of an item says where it is different.
    company_id integer NOT NULL,    --| Whose
    channel_id integer NOT NULL REFERENCES oms.channel ON DELETE CASCADE, --| The channel
    sku_id integer NOT NULL DEFAULT 0, --| The item; 0: all of them
    listed boolean NOT NULL DEFAULT true, --| Whether it is sold there; false in the channel's row: only items with a row of their own are
    channel_sku text,               --| What the channel calls the item; NULL: as oms.sku.code
    buffer numeric(14,3) CHECK (buffer >= 0 AND buffer < 'NaN'), --| Units never told; NULL: as the channel's row says, or 0
    buffer_pct numeric(5,2) CHECK (buffer_pct BETWEEN 0 AND 100), --| Per cent of what may be sold that is not told, rounded up to whole units; NULL: as the channel's row says, or 0
    minimum numeric(14,3) CHECK (minimum >= 0 AND minimum < 'NaN'), --| Less than this is told as 0; NULL: as the channel's row says, or none
    cap numeric(14,3) CHECK (cap >= 0 AND cap < 'NaN'), --| Never more than this is told; NULL: as the channel's row says, or none
    sweep_every interval NOT NULL DEFAULT '1 hour' CHECK (sweep_every > '0'), --| In the channel's row: how often all items are computed anew, for what changes by the clock alone
    PRIMARY KEY (company_id, channel_id, sku_id)
);

CREATE TABLE oms.channel_stock_told ( --| What a channel was last told of an item. Written by oms.refresh_channel_stock only.
    company_id integer NOT NULL,    --| Whose
    channel_id integer NOT NULL,    --| The channel
    sku_id integer NOT NULL,        --| The item
    qty numeric(14,3),              --| Units it may sell; NULL: as many as it likes (an item that is not counted)
    version bigint NOT NULL,        --| The channel's counter when this was told; the cursor of oms.channel_feed
    told_at timestamptz NOT NULL DEFAULT now(), --| When
    PRIMARY KEY (company_id, channel_id, sku_id)
) WITH (fillfactor = 80);
CREATE INDEX channel_stock_told_version ON oms.channel_stock_told (company_id, channel_id, version);

CREATE TABLE oms.channel_stock_state ( --| How far the telling of a channel is. Its row is locked while numbers are computed, so that versions are in the order of commits.
    company_id integer NOT NULL,    --| Whose
    channel_id integer NOT NULL,    --| The channel
    version bigint NOT NULL DEFAULT 0, --| Counter of what was told
    seen text,                      --| Transactions before this one (xid8) have been looked at; NULL: none
    sweep_from integer DEFAULT 0,   --| A sweep over all items goes on behind this sku_id; NULL: none is under way
    again boolean NOT NULL DEFAULT false, --| What concerns all items changed during the sweep: another follows
    swept_at timestamptz NOT NULL DEFAULT '-infinity', --| When the last sweep began
    refreshed_at timestamptz NOT NULL DEFAULT '-infinity', --| When it was last computed
    PRIMARY KEY (company_id, channel_id)
) WITH (fillfactor = 50);

CREATE VIEW oms.channel_stock AS    --| What each channel may sell now, computed as it is read: one row per channel that has a rule and item listed there.
SELECT c.company_id AS company_id,  --| Whose
       c.channel_id AS channel_id,  --| Key of the channel
       c.code AS channel,           --| The channel
       s.sku_id AS sku_id,          --| Key of the item
       s.code AS sku,               --| The item
       coalesce(i.channel_sku, s.code) AS channel_sku, --| What the channel calls it
       oms.channel_sellable(c.channel_id, s.sku_id) AS qty, --| Units it may sell: available to promise at its nodes, less buffers, at most the cap; NULL: as many as it likes
       (SELECT p.amount FROM oms.price p WHERE p.company_id = s.company_id AND p.sku_id = s.sku_id AND p.valid_from <= now()
         ORDER BY p.valid_from DESC LIMIT 1) AS price, --| List price in force
       t.qty AS told_qty,           --| What it was last told; NULL: nothing yet, or as many as it likes
       t.version AS version,        --| Cursor of what it was told; NULL: nothing yet
       t.told_at AS changed_at      --| When it was told
  FROM oms.channel_stock_rule r
  JOIN oms.channel c ON c.channel_id = r.channel_id
  JOIN oms.sku s ON s.company_id = r.company_id AND s.active
  LEFT JOIN oms.channel_stock_rule i ON i.company_id = r.company_id AND i.channel_id = r.channel_id AND i.sku_id = s.sku_id
  LEFT JOIN oms.channel_stock_told t ON t.company_id = r.company_id AND t.channel_id = r.channel_id AND t.sku_id = s.sku_id
 WHERE r.sku_id = 0 AND c.active AND coalesce(i.listed, r.listed);
