-- grants: who may do what.  The script makes no roles.
COMMENT ON SCHEMA oms IS 'Order management: functions of the extension pg_oms, and the tables that oms.install() makes.';

CREATE FUNCTION oms.grant_role(kind text, role name) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- what orders write, and what taking in ERP changes writes
    documents text[] := '{order,accepted_order,order_line,line_cancellation,line_change,order_charge,order_hold,allocation,allocation_rejection,wave,wave_order,wave_piece,parking,node_slot,slot_use,decision_run,reservation,stock,stock_quota,inbound,inbound_receipt,supply_peg,stock_lot,reservation_lot,stock_ledger,event,reject,customer,risk_score,risk_rate,shipment,return_order,return_line,refund,erp_change,erp_call,erp_link,erp_document,erp_document_line,erp_order_note,sku,kit_component,price,tax_code,node,awb_pool,scan,ndr,manifest,courier_stat,courier_health,network_status,invoice_series,invoice_number,invoice,invoice_line,einvoice,eway_bill,intake_message,channel_stock_told,channel_stock_state}';
    -- configuration is the admin's; these belong to the owner of the tables
    owners text[] := '{meta,job,erp_source_link}';
    app_calls text[] := '{capture_order,capture_orders,promise,rules_of,available,atp,ordered_atp,reserve_cart,release_cart,cancel_order,cancel_line,pay_order,request_return,erp_apply,wake_worker,capture_from,capture_many_from,capture_csv,intake_document,channel_feed,refresh_channel_stock,channel_sellable}';
    admin_calls text[] := '{make_profile,attach_erp,detach_erp,check_profile,import_profile,place_node,set_stock_quota,set_channel_threshold,set_channel_node,set_service_area,add_dark_store,start_worker,stop_worker,make_event_partitions,forecast_demand,compute_stock_prices,refresh_stock_prices,copy_intake_map}';
    owner_calls text[] := '{install,uninstall,install_script,grant_role,revoke_role,memo_watch}';
    what record;
    calls integer := 0;
BEGIN
    IF kind <> ALL ('{admin,operator,app,reader}') THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('there is no kind of role "%s"', kind),
            HINT = 'Kinds are admin, operator, app and reader.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role) THEN
        RAISE EXCEPTION USING ERRCODE = 'OM002', MESSAGE = format('role "%s" does not exist', role),
            HINT = 'Make it with CREATE ROLE.';
    END IF;
    IF to_regclass('oms.meta') IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OM003', MESSAGE = 'pg_oms has no tables in this database yet',
            HINT = 'Call oms.install(), or oms.attach_erp() which calls it.';
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA oms_bi TO %I', role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA oms_bi TO %I', role);
    IF kind = 'reader' THEN
        RETURN format('%s may read schema oms_bi', role);
    END IF;

    EXECUTE format('GRANT USAGE ON SCHEMA oms TO %I', role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA oms TO %I', role);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA oms TO %I', role);
    FOR what IN SELECT c.relname FROM pg_class c
                 WHERE c.relnamespace = 'oms'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition LOOP
        IF what.relname = ANY (documents) THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON oms.%I TO %I', what.relname, role);
        ELSIF kind = 'admin' AND what.relname <> ALL (owners) THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON oms.%I TO %I', what.relname, role);
        END IF;
    END LOOP;
    IF kind <> 'admin' THEN -- nobody rewrites history
        EXECUTE format('REVOKE UPDATE, DELETE ON oms.event, oms.stock_ledger, oms.invoice_number, oms.invoice_line FROM %I', role);
        EXECUTE format('REVOKE DELETE ON oms.invoice_series, oms.invoice, oms.einvoice, oms.eway_bill FROM %I', role);
    ELSE -- not the command: it runs with the rights of the tables' owner
        EXECUTE format('GRANT UPDATE (every, enabled, next_run) ON oms.job TO %I', role);
    END IF;

    FOR what IN SELECT p.oid::regprocedure AS call, p.proname, p.provolatile, p.prokind FROM pg_proc p
                 WHERE p.pronamespace = 'oms'::regnamespace LOOP
        CONTINUE WHEN what.proname = ANY (owner_calls)
            OR (kind <> 'admin' AND what.proname = ANY (admin_calls || ARRAY(SELECT q.proname::text FROM pg_proc q WHERE q.proname LIKE 'load\_%')))
            OR (kind = 'app' AND what.provolatile = 'v' AND what.proname <> ALL (app_calls));
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', what.call, role);
        calls := calls + 1;
    END LOOP;
    RETURN format('%s may call %s functions as %s', role, calls, kind);
END $$;
COMMENT ON FUNCTION oms.grant_role(text, name) IS
    'Gives a role the rights of a kind: reader (the views of oms_bi), app (captures orders, holds carts, asks), operator (works orders: everything but configuration), admin (configures too; not the commands of jobs). Call it again after an upgrade. Functions run with the caller''s rights, so that a caller whose promises take in ERP changes also needs SELECT on the ERP''s tables. Returns what it did; raises OM002 for an unknown kind or role, OM003 before oms.install().';

CREATE FUNCTION oms.revoke_role(role name) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA oms FROM %I', role);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA oms FROM %I', role);
    EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA oms FROM %I', role);
    EXECUTE format('REVOKE ALL ON SCHEMA oms FROM %I', role);
    IF to_regnamespace('oms_bi') IS NOT NULL THEN
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA oms_bi FROM %I', role);
        EXECUTE format('REVOKE ALL ON SCHEMA oms_bi FROM %I', role);
    END IF;
    RETURN format('%s has no rights on oms any more', role);
END $$;
COMMENT ON FUNCTION oms.revoke_role(name) IS
    'Takes back all that oms.grant_role() gave a role. Returns what it did.';

-- PUBLIC has nothing; rights are given by oms.grant_role().
REVOKE ALL ON ALL ROUTINES IN SCHEMA oms FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA oms FROM PUBLIC;
