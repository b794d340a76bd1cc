\echo Use "CREATE EXTENSION pg_oms" to load this file. \quit
-- core: installation, vocabulary of statuses and reasons.
-- Function bodies name tables that oms.install() makes later.
SET LOCAL check_function_bodies = off;

CREATE TABLE oms.status_move (      --| Allowed moves between statuses, by entity; any other move is an error.
    entity text NOT NULL,           --| allocation, return
    from_status text NOT NULL,      --| Status before
    to_status text NOT NULL,        --| Status after
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (entity, from_status, to_status)
);
SELECT pg_catalog.pg_extension_config_dump('oms.status_move', 'WHERE NOT builtin');

INSERT INTO oms.status_move (entity, from_status, to_status, builtin)
SELECT 'allocation', f, t, true
FROM (VALUES
    ('planned', 'reserved'), ('planned', 'backordered'), ('planned', 'cancelled'),
    ('backordered', 'reserved'), ('backordered', 'cancelled'),
    ('reserved', 'released'), ('reserved', 'cancelled'), ('reserved', 'backordered'),
    ('reserved', 'packed'), ('reserved', 'delivered'),
    ('released', 'reserved'), ('released', 'picked'), ('released', 'packed'), ('released', 'cancelled'), ('released', 'backordered'),
    ('picked', 'packed'), ('picked', 'reserved'), ('picked', 'cancelled'), ('picked', 'backordered'),
    ('packed', 'shipped'), ('packed', 'reserved'), ('packed', 'cancelled'), ('packed', 'delivered'),
    ('shipped', 'reserved'), ('shipped', 'delivered'), ('shipped', 'rto'),
    ('delivered', 'returned'), ('rto', 'returned')
) AS m (f, t);
INSERT INTO oms.status_move (entity, from_status, to_status, builtin)
SELECT 'return', f, t, true
FROM (VALUES
    ('requested', 'authorized'), ('requested', 'rejected'), ('requested', 'cancelled'),
    ('authorized', 'picked_up'), ('authorized', 'received'), ('authorized', 'cancelled'),
    ('picked_up', 'received'), ('received', 'inspected'), ('inspected', 'closed')
) AS m (f, t);

CREATE TABLE oms.reason_code (      --| Reasons people and reports see: refusals of nodes and couriers, returns, cancellations.
    code text PRIMARY KEY,          --| Code
    kind text NOT NULL CHECK (kind IN ('node', 'courier', 'return', 'cancel', 'risk')), --| What it explains
    text text NOT NULL,             --| For people
    builtin boolean NOT NULL DEFAULT false --| Ships with the extension; others are the user's and are dumped
);
SELECT pg_catalog.pg_extension_config_dump('oms.reason_code', 'WHERE NOT builtin');
INSERT INTO oms.reason_code (code, kind, text, builtin) VALUES
    ('CLOSED', 'node', 'The node is paused', true),
    ('OUT_OF_AREA', 'node', 'The delivery point is in none of the node''s service areas', true),
    ('DISTANCE', 'node', 'Farther than the sourcing rule allows', true),
    ('NO_PLACE', 'node', 'Distance unknown: node or delivery point has no place', true),
    ('NO_STOCK', 'node', 'Holds none of the items asked for', true),
    ('RESTRICTED', 'node', 'The order names another node', true),
    ('CHANNEL', 'node', 'The channel is not served from this node', true),
    ('NO_STATE', 'node', 'The node has no GST state, so tax cannot be told', true),
    ('REJECTED', 'node', 'The node rejected goods of this order', true),
    ('REGION', 'node', 'The node does not deliver to this state or pincode', true),
    ('NODE_COD', 'node', 'The node sends nothing against cash', true),
    ('NODE_COLD_CHAIN', 'node', 'The node does not keep the cold chain the items need', true),
    ('NOT_IN_STEP', 'node', 'No step of the sourcing rule names the node', true),
    ('BELOW_MIN_STOCK', 'node', 'Less of the items is available there than the sourcing rule asks for', true),
    ('BELOW_MIN_SPLIT', 'node', 'Its parcel would be worth less than a split must be', true),
    ('CAPACITY_FULL', 'node', 'Its slots are full', true),
    ('NOT_BEST', 'node', 'Possible, but another plan costs less or needs fewer parcels', true),
    ('NOT_SERVICEABLE', 'courier', 'The service does not deliver to this pincode', true),
    ('NO_PICKUP', 'courier', 'The service does not pick up at the node''s pincode', true),
    ('NO_COD', 'courier', 'No cash on delivery here, or more cash than allowed', true),
    ('EMBARGO', 'courier', 'The pincode is under embargo', true),
    ('TOO_HEAVY', 'courier', 'Heavier than the service carries', true),
    ('TOO_LIGHT', 'courier', 'Lighter than the service carries', true),
    ('TOO_CHEAP', 'courier', 'Worth less than the service carries', true),
    ('TOO_VALUABLE', 'courier', 'Worth more than the service carries', true),
    ('TOO_FAR', 'courier', 'Farther than the hyperlocal service rides', true),
    ('COLD_CHAIN', 'courier', 'The service has no cold chain', true),
    ('NO_AIR', 'courier', 'An item may not fly', true),
    ('NO_RATE', 'courier', 'No rate card in force for the lane', true),
    ('TOO_LARGE', 'courier', 'Larger than the service carries', true),
    ('TOO_SLOW', 'courier', 'Slower than the order allows', true),
    ('NOT_NAMED', 'courier', 'The order names another service', true),
    ('BREAKER', 'courier', 'The service is failing there: circuit breaker open', true),
    ('NETWORK', 'courier', 'The network is blocked on this lane', true),
    ('NO_REVERSE', 'courier', 'The service picks up no returns here', true),
    ('DAMAGED', 'return', 'Arrived damaged', true),
    ('WRONG_ITEM', 'return', 'Not what was ordered', true),
    ('SIZE', 'return', 'Does not fit', true),
    ('QUALITY', 'return', 'Quality not as expected', true),
    ('NO_LONGER_NEEDED', 'return', 'No longer needed', true),
    ('UNDELIVERED', 'return', 'Could not be delivered, came back to origin', true),
    ('BUYER', 'cancel', 'Cancelled by the buyer', true),
    ('SELLER', 'cancel', 'Cancelled by the seller', true),
    ('UNFILLED', 'cancel', 'Could not be filled in time', true),
    ('HOLD_REJECTED', 'cancel', 'A hold was rejected', true),
    ('R01', 'risk', 'Address: short, vague or unlike an address', true),
    ('R02', 'risk', 'Buyer: new, or with returned orders', true),
    ('R03', 'risk', 'Area: many orders come back from there', true),
    ('R04', 'risk', 'Value or discount unusual', true),
    ('R05', 'risk', 'Slow promise', true),
    ('R06', 'risk', 'Payment on delivery', true);

CREATE FUNCTION oms.install() RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
    part record;
    version text := (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_oms');
BEGIN
    IF pg_catalog.to_regclass('oms.meta') IS NOT NULL THEN
        RETURN (SELECT 'already installed, version ' OPERATOR(pg_catalog.||) value FROM oms.meta WHERE key OPERATOR(pg_catalog.=) 'installed_version');
    END IF;
    PERFORM pg_catalog.set_config('client_min_messages', 'warning', true);
    -- PostGIS may live in any schema; types are named plainly in the scripts
    PERFORM pg_catalog.set_config('search_path',
        (SELECT pg_catalog.format('oms, %I, pg_catalog, pg_temp', n.nspname)
           FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
          WHERE e.extname = 'postgis'), true);
    FOR part IN SELECT room, script FROM oms.install_script() ORDER BY room COLLATE "C" LOOP
        EXECUTE part.script;
    END LOOP;
    -- now, not when the worker first runs: attaching a partition takes rows
    -- of its month away from transactions that are on their way to the default
    PERFORM oms.make_event_partitions();
    INSERT INTO oms.meta (key, value) VALUES ('installed_version', version);
    RETURN 'installed, version ' OPERATOR(pg_catalog.||) version;
END $$;
COMMENT ON FUNCTION oms.install() IS
    'Makes the business tables, views and first rows in schemas oms and oms_bi as ordinary objects of the caller; does nothing where they are. Returns what it did.';
-- settings are changed for the call only
ALTER FUNCTION oms.install() SET client_min_messages = warning;
ALTER FUNCTION oms.install() SET search_path = oms, pg_catalog, pg_temp;

CREATE FUNCTION oms.uninstall() RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning AS $$
DECLARE
    thing record;
BEGIN
    IF to_regclass('oms.meta') IS NULL THEN
        RETURN 'nothing installed';
    END IF;
    PERFORM oms.detach_erp(a.profile) FROM (SELECT DISTINCT profile FROM oms.erp_attachment) AS a;
    DROP SCHEMA IF EXISTS oms_bi CASCADE;
    FOR thing IN
        SELECT c.oid::regclass AS name, CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind
          FROM pg_class c
         WHERE c.relnamespace = 'oms'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
         ORDER BY c.relkind = ANY ('{r,p}'), c.oid
    LOOP
        IF to_regclass(thing.name::text) IS NOT NULL THEN
            EXECUTE format('DROP %s %s CASCADE', thing.kind, thing.name);
        END IF;
    END LOOP;
    RETURN 'uninstalled';
END $$;
COMMENT ON FUNCTION oms.uninstall() IS
    'Detaches every ERP and drops all tables and views that install() made, with their rows. Afterwards DROP EXTENSION pg_oms; DROP SCHEMA oms; leave nothing behind.';

CREATE FUNCTION oms.company_id(code text DEFAULT NULL) RETURNS integer
LANGUAGE c STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_company_id_sql';
COMMENT ON FUNCTION oms.company_id(text) IS
    'company_id of a company code; of the setting oms.company, or of the only company where NULL. Raises OM002.';

CREATE FUNCTION oms.memo_changed() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'oms_memo_changed';
COMMENT ON FUNCTION oms.memo_changed() IS
    'Trigger of a master: tells all sessions at commit that rows of the table changed, so that what they keep of it is read anew. oms.memo_watch() puts it on a table. Errors: 39P01 when it is not an AFTER trigger.';

CREATE FUNCTION oms.memo_watch(master regclass) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS oms_memo ON %s', master);
    EXECUTE format('DROP TRIGGER IF EXISTS oms_memo_row ON %s', master);
    EXECUTE format('CREATE TRIGGER oms_memo AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION oms.memo_changed()', master);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER oms_memo', master);
    -- logical replication fires no statement triggers for the rows it applies
    EXECUTE format('CREATE TRIGGER oms_memo_row AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION oms.memo_changed()', master);
    EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER oms_memo_row', master);
END $$;
COMMENT ON FUNCTION oms.memo_watch(regclass) IS
    'Puts the triggers on a table that tell sessions of its changes; only tables that have them, enabled as they come, are kept in memory. oms.install() does it for our masters; call it again where they were dropped or disabled. Takes a SHARE ROW EXCLUSIVE lock on the table. Raises what CREATE TRIGGER does.';
ALTER FUNCTION oms.memo_watch(regclass) SET client_min_messages = warning;
