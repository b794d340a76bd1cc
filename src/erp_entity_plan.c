/*
 * erp_entity_plan.c
 *	  The statements by which rows of the ERP are checked, written and ended,
 *	  one list an entity.  What they mean is said in SQL (oms.erp_rows_*()).
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "erp_entity.h"

/*
 * Which of these rows cannot be taken in, or wait for a row of another entity,
 * or say that there is nothing: n (from 1), the entity and the key waited for,
 * fate (taken all the same, refused, none), and for oms.reject message, detail,
 * hint (no message: nothing to report).
 */
#define CHECK_COLUMNS "SELECT n::int4, on_entity, on_key, fate, message, detail, hint FROM "

OmsPlan		oms_erp_check_plans[OMS_ERP_NENTITIES] = {
	[OMS_ERP_KIT] = {
		CHECK_COLUMNS "oms.erp_check_kit($1, $2)",
		2, {INT4OID, JSONBARRAYOID}, NULL
	},
	[OMS_ERP_PRICE] = {
		CHECK_COLUMNS "oms.erp_check_price($1, $2)",
		2, {INT4OID, JSONBARRAYOID}, NULL
	},
	[OMS_ERP_ADDRESS] = {
		CHECK_COLUMNS "oms.erp_check_address($1, $2)",
		2, {INT4OID, JSONBARRAYOID}, NULL
	},
	[OMS_ERP_ORDER] = {
		CHECK_COLUMNS "oms.erp_check_document($1, 'order', $2)",
		2, {INT4OID, JSONBARRAYOID}, NULL
	},
	[OMS_ERP_SHIPMENT] = {
		CHECK_COLUMNS "oms.erp_check_document($1, 'shipment', $2)",
		2, {INT4OID, JSONBARRAYOID}, NULL
	},
	[OMS_ERP_RETURN] = {
		CHECK_COLUMNS "oms.erp_check_document($1, 'return', $2)",
		2, {INT4OID, JSONBARRAYOID}, NULL
	},
	[OMS_ERP_INBOUND] = {
		CHECK_COLUMNS "oms.erp_check_inbound($1, $2)",
		2, {INT4OID, JSONBARRAYOID}, NULL
	}
};

/*
 * Writing masters.  $1 company, $2 rows as the query returned them (jsonb
 * each); oms.erp_rows_*() brings them into our columns.  The last statement
 * of each list returns the keys that are new.
 */
OmsPlan		oms_erp_put_plans[OMS_ERP_NENTITIES][OMS_ERP_STEPS] = {
	[OMS_ERP_NODE] = {
		{
			"UPDATE oms.node t SET code = t.code || '~' || t.erp_key FROM oms.erp_rows_node($2) r"
			" WHERE t.company_id = $1 AND t.code = r.code AND t.erp_key <> r.key",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"UPDATE oms.node t SET erp_key = r.key, stock_from = 'erp' FROM oms.erp_rows_node($2) r"
			" WHERE t.company_id = $1 AND t.code = r.code AND t.erp_key IS NULL"
			" AND NOT EXISTS (SELECT FROM oms.node o WHERE o.company_id = $1 AND o.erp_key = r.key) RETURNING t.erp_key",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"UPDATE oms.node t SET code = r.code, name = r.name, address = coalesce(r.address, t.address),"
			" city = coalesce(r.city, t.city), pincode = coalesce(r.pincode, t.pincode),"
			" state_code = coalesce(r.state_code, t.state_code, r.state_of_pincode), gstin = coalesce(r.gstin, t.gstin), open = t.open AND r.active"
			" FROM oms.erp_rows_node($2) r WHERE t.company_id = $1 AND t.erp_key = r.key"
			" AND (t.code, t.name, t.address, t.city, t.pincode, t.state_code, t.gstin, t.open) IS DISTINCT FROM"
			" (r.code, r.name, coalesce(r.address, t.address), coalesce(r.city, t.city), coalesce(r.pincode, t.pincode),"
			" coalesce(r.state_code, t.state_code, r.state_of_pincode), coalesce(r.gstin, t.gstin), t.open AND r.active)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"INSERT INTO oms.node (company_id, erp_key, stock_from, code, name, kind, address, city, pincode, state_code, gstin, open)"
			" SELECT $1, r.key, 'erp', r.code, r.name, r.kind, r.address, r.city, r.pincode, coalesce(r.state_code, r.state_of_pincode), r.gstin, r.active"
			" FROM oms.erp_rows_node($2) r"
			" WHERE NOT EXISTS (SELECT FROM oms.node t WHERE t.company_id = $1 AND t.erp_key = r.key)"
			" ORDER BY r.code RETURNING erp_key",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_SKU] = {
		{
			"UPDATE oms.sku t SET code = t.code || '~' || t.erp_key FROM oms.erp_rows_sku($2) r"
			" WHERE t.company_id = $1 AND t.code = r.code AND t.erp_key <> r.key",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"UPDATE oms.sku t SET erp_key = r.key FROM oms.erp_rows_sku($2) r"
			" WHERE t.company_id = $1 AND t.code = r.code AND t.erp_key IS NULL"
			" AND NOT EXISTS (SELECT FROM oms.sku o WHERE o.company_id = $1 AND o.erp_key = r.key) RETURNING t.erp_key",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"UPDATE oms.sku t SET code = n.code, name = n.name, category = n.category, hsn = n.hsn, tax_code = n.tax_code, uom = n.uom,"
			" weight_g = n.weight_g, length_mm = n.length_mm, width_mm = n.width_mm, height_mm = n.height_mm, cost = n.cost,"
			" cod_ok = n.cod_ok, returnable = n.returnable, cold_chain = n.cold_chain, fragile = n.fragile, air_ok = n.air_ok,"
			" tracked = n.tracked, active = n.active"
			" FROM oms.erp_new_sku($1, $2) n WHERE t.sku_id = n.sku_id AND n.differs",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"INSERT INTO oms.sku (company_id, erp_key, code, name, category, hsn, tax_code, uom, weight_g, length_mm, width_mm, height_mm,"
			" cost, cod_ok, returnable, cold_chain, fragile, air_ok, tracked, active)"
			" SELECT $1, r.key, r.code, r.name, r.category, r.hsn, r.tax_code, coalesce(r.uom, 'NOS'), coalesce(r.weight_g, 500),"
			" coalesce(r.length_mm, 200), coalesce(r.width_mm, 150), coalesce(r.height_mm, 50), r.cost, coalesce(r.cod_ok, true),"
			" coalesce(r.returnable, true), coalesce(r.cold_chain, false), coalesce(r.fragile, false), coalesce(r.air_ok, true),"
			" coalesce(r.tracked, true), r.active"
			" FROM oms.erp_rows_sku($2) r"
			" WHERE NOT EXISTS (SELECT FROM oms.sku t WHERE t.company_id = $1 AND t.erp_key = r.key)"
			" ORDER BY r.code RETURNING erp_key",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_TAX] = {
		{
			"DELETE FROM oms.tax_code t USING oms.erp_rows_tax($2) r WHERE t.company_id = $1 AND t.erp_key = r.key"
			" AND (t.code, t.valid_from, t.above_value) IS DISTINCT FROM (r.code, r.valid_from, r.above_value)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"INSERT INTO oms.tax_code AS t (company_id, code, valid_from, above_value, rate, description, erp_key)"
			" SELECT $1, r.code, r.valid_from, r.above_value, r.rate, r.description, r.key FROM oms.erp_rows_tax($2) r"
			" ON CONFLICT (company_id, code, valid_from, above_value) DO UPDATE"
			" SET rate = excluded.rate, description = excluded.description, erp_key = excluded.erp_key"
			" WHERE (t.rate, t.description, t.erp_key) IS DISTINCT FROM (excluded.rate, excluded.description, excluded.erp_key)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_PRICE] = {
		{
			"DELETE FROM oms.price t USING oms.erp_rows_price($1, $2) r WHERE t.company_id = $1 AND t.erp_key = r.key"
			" AND (t.sku_id, t.price_list_id, t.min_qty, t.valid_from) IS DISTINCT FROM (r.sku_id, r.price_list_id, r.min_qty, r.valid_from)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"INSERT INTO oms.price AS t (company_id, sku_id, price_list_id, min_qty, valid_from, valid_to, amount, includes_tax, erp_key)"
			" SELECT $1, r.sku_id, r.price_list_id, r.min_qty, r.valid_from, r.valid_to, r.amount, r.includes_tax, r.key FROM oms.erp_rows_price($1, $2) r"
			" ON CONFLICT (company_id, sku_id, price_list_id, min_qty, valid_from) DO UPDATE"
			" SET amount = excluded.amount, includes_tax = excluded.includes_tax, valid_to = excluded.valid_to, erp_key = excluded.erp_key"
			" WHERE (t.amount, t.includes_tax, t.valid_to, t.erp_key) IS DISTINCT FROM (excluded.amount, excluded.includes_tax, excluded.valid_to, excluded.erp_key)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_CUSTOMER] = {
		{
			"UPDATE oms.customer t SET name = r.name, phone = r.phone, email = r.email, gstin = r.gstin, pincode = coalesce(r.pincode, t.pincode)"
			" FROM oms.erp_rows_customer($2) r WHERE t.company_id = $1 AND t.erp_key = r.key"
			" AND (t.name, t.phone, t.email, t.gstin, t.pincode) IS DISTINCT FROM"
			" (r.name, r.phone, r.email, r.gstin, coalesce(r.pincode, t.pincode))",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"INSERT INTO oms.customer (company_id, erp_key, name, phone, email, gstin, pincode)"
			" SELECT $1, r.key, r.name, r.phone, r.email, r.gstin, r.pincode FROM oms.erp_rows_customer($2) r"
			" WHERE NOT EXISTS (SELECT FROM oms.customer t WHERE t.company_id = $1 AND t.erp_key = r.key)"
			" ORDER BY r.key COLLATE \"C\" RETURNING erp_key",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_KIT] = {
		{
			"DELETE FROM oms.kit_component t USING oms.erp_rows_kit($1, $2) r WHERE t.company_id = $1 AND t.erp_key = r.key"
			" AND (t.kit_sku_id, t.sku_id) IS DISTINCT FROM (r.kit_sku_id, r.sku_id)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			/* a component that is a kit now is none any more: it waits until that ends */
			"WITH d AS (DELETE FROM oms.kit_component t USING oms.erp_rows_kit($1, $2) r"
			"  WHERE t.company_id = $1 AND t.erp_key IS NOT NULL AND t.sku_id = r.kit_sku_id RETURNING t.erp_key, t.sku_id)"
			" INSERT INTO oms.erp_waiting (company_id, entity, erp_key, on_entity, on_key, ready)"
			" SELECT $1, 'kit', d.erp_key, 'kit', s.erp_key, true FROM d JOIN oms.sku s ON s.sku_id = d.sku_id GROUP BY 3, 5 ON CONFLICT DO NOTHING",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"INSERT INTO oms.kit_component AS t (company_id, kit_sku_id, sku_id, qty, erp_key)"
			" SELECT $1, r.kit_sku_id, r.sku_id, r.qty, r.key FROM oms.erp_rows_kit($1, $2) r"
			" ON CONFLICT (company_id, kit_sku_id, sku_id) DO UPDATE SET qty = excluded.qty, erp_key = excluded.erp_key"
			" WHERE (t.qty, t.erp_key) IS DISTINCT FROM (excluded.qty, excluded.erp_key)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_PRICE_LIST] = {
		{
			"INSERT INTO oms.price_list AS t (company_id, erp_key, code, name, currency, includes_tax, active)"
			" SELECT $1, r.key, r.code, r.name, r.currency, r.includes_tax, r.active"
			" FROM oms.erp_rows_price_list($1, $2) r ON CONFLICT (company_id, erp_key) DO UPDATE SET"
			" code = excluded.code, name = excluded.name, currency = excluded.currency, includes_tax = excluded.includes_tax, active = excluded.active"
			" WHERE (t.code, t.name, t.currency, t.includes_tax, t.active) IS DISTINCT FROM"
			" (excluded.code, excluded.name, excluded.currency, excluded.includes_tax, excluded.active) RETURNING t.erp_key",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_ADDRESS] = {
		{
			"INSERT INTO oms.customer_address AS t (company_id, erp_key, customer_id, kind, name, phone, address1, address2, city, state_code, pincode, country, active)"
			" SELECT $1, r.key, r.customer_id, r.kind, r.name, r.phone, r.address1, r.address2, r.city, r.state_code, r.pincode, r.country, r.active"
			" FROM oms.erp_rows_address($1, $2) r ON CONFLICT (company_id, erp_key) DO UPDATE SET"
			" customer_id = excluded.customer_id, kind = excluded.kind, name = excluded.name, phone = excluded.phone, address1 = excluded.address1, address2 = excluded.address2, city = excluded.city, state_code = excluded.state_code, pincode = excluded.pincode, country = excluded.country, active = excluded.active"
			" WHERE (t.customer_id, t.kind, t.name, t.phone, t.address1, t.address2, t.city, t.state_code, t.pincode, t.country, t.active) IS DISTINCT FROM"
			" (excluded.customer_id, excluded.kind, excluded.name, excluded.phone, excluded.address1, excluded.address2, excluded.city, excluded.state_code, excluded.pincode, excluded.country, excluded.active)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_SUPPLIER] = {
		{
			"INSERT INTO oms.supplier AS t (company_id, erp_key, code, name, gstin, phone, email, pincode, lead_days, active)"
			" SELECT $1, r.key, r.code, r.name, r.gstin, r.phone, r.email, r.pincode, r.lead_days, r.active"
			" FROM oms.erp_rows_supplier($1, $2) r ON CONFLICT (company_id, erp_key) DO UPDATE SET"
			" code = excluded.code, name = excluded.name, gstin = excluded.gstin, phone = excluded.phone, email = excluded.email, pincode = excluded.pincode, lead_days = excluded.lead_days, active = excluded.active"
			" WHERE (t.code, t.name, t.gstin, t.phone, t.email, t.pincode, t.lead_days, t.active) IS DISTINCT FROM"
			" (excluded.code, excluded.name, excluded.gstin, excluded.phone, excluded.email, excluded.pincode, excluded.lead_days, excluded.active) RETURNING t.erp_key",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_ORDER] = {
		{
			"INSERT INTO oms.event (company_id, topic, subject_id, type, payload)"
			" SELECT $1, 'erp', coalesce(l.oms_key, 0), 'erp.order_status', jsonb_build_object('erp_key', r.key, 'number', r.number, 'was', t.status, 'status', r.status, 'erp_status', r.erp_status)"
			" FROM oms.erp_rows_order($1, $2) r JOIN oms.erp_order t ON t.company_id = $1 AND t.erp_key = r.key"
			" LEFT JOIN oms.erp_link l ON l.company_id = $1 AND l.entity = 'order' AND l.erp_key = r.key"
			" WHERE t.status IS DISTINCT FROM r.status ORDER BY r.key COLLATE \"C\"",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"INSERT INTO oms.erp_order AS t (company_id, erp_key, number, reference, customer_key, node_key, status, erp_status, ordered_at, currency, total, lines)"
			" SELECT $1, r.key, r.number, r.reference, r.customer_key, r.node_key, r.status, r.erp_status, r.ordered_at, r.currency, r.total, r.lines"
			" FROM oms.erp_rows_order($1, $2) r ON CONFLICT (company_id, erp_key) DO UPDATE SET seen_at = now(),"
			" number = excluded.number, reference = excluded.reference, customer_key = excluded.customer_key, node_key = excluded.node_key, status = excluded.status, erp_status = excluded.erp_status, ordered_at = excluded.ordered_at, currency = excluded.currency, total = excluded.total, lines = excluded.lines"
			" WHERE (t.number, t.reference, t.customer_key, t.node_key, t.status, t.erp_status, t.ordered_at, t.currency, t.total, t.lines) IS DISTINCT FROM"
			" (excluded.number, excluded.reference, excluded.customer_key, excluded.node_key, excluded.status, excluded.erp_status, excluded.ordered_at, excluded.currency, excluded.total, excluded.lines)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"SELECT oms.erp_find_links($1, 'order', (SELECT array_agg(e->>'key') FROM unnest($2) AS e))",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_SHIPMENT] = {
		{
			"INSERT INTO oms.event (company_id, topic, subject_id, type, payload)"
			" SELECT $1, 'erp', coalesce(l.oms_key, 0), 'erp.shipment_status', jsonb_build_object('erp_key', r.key, 'number', r.number, 'was', t.status, 'status', r.status, 'erp_status', r.erp_status)"
			" FROM oms.erp_rows_shipment($1, $2) r JOIN oms.erp_shipment t ON t.company_id = $1 AND t.erp_key = r.key"
			" LEFT JOIN oms.erp_link l ON l.company_id = $1 AND l.entity = 'shipment' AND l.erp_key = r.key"
			" WHERE t.status IS DISTINCT FROM r.status ORDER BY r.key COLLATE \"C\"",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"INSERT INTO oms.erp_shipment AS t (company_id, erp_key, number, reference, order_key, node_key, status, erp_status, carrier, awb, shipped_at, lines)"
			" SELECT $1, r.key, r.number, r.reference, r.order_key, r.node_key, r.status, r.erp_status, r.carrier, r.awb, r.shipped_at, r.lines"
			" FROM oms.erp_rows_shipment($1, $2) r ON CONFLICT (company_id, erp_key) DO UPDATE SET seen_at = now(),"
			" number = excluded.number, reference = excluded.reference, order_key = excluded.order_key, node_key = excluded.node_key, status = excluded.status, erp_status = excluded.erp_status, carrier = excluded.carrier, awb = excluded.awb, shipped_at = excluded.shipped_at, lines = excluded.lines"
			" WHERE (t.number, t.reference, t.order_key, t.node_key, t.status, t.erp_status, t.carrier, t.awb, t.shipped_at, t.lines) IS DISTINCT FROM"
			" (excluded.number, excluded.reference, excluded.order_key, excluded.node_key, excluded.status, excluded.erp_status, excluded.carrier, excluded.awb, excluded.shipped_at, excluded.lines)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"SELECT oms.erp_find_links($1, 'shipment', (SELECT array_agg(e->>'key') FROM unnest($2) AS e))",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_RETURN] = {
		{
			"INSERT INTO oms.event (company_id, topic, subject_id, type, payload)"
			" SELECT $1, 'erp', coalesce(l.oms_key, 0), 'erp.return_status', jsonb_build_object('erp_key', r.key, 'number', r.number, 'was', t.status, 'status', r.status, 'erp_status', r.erp_status)"
			" FROM oms.erp_rows_return($1, $2) r JOIN oms.erp_return t ON t.company_id = $1 AND t.erp_key = r.key"
			" LEFT JOIN oms.erp_link l ON l.company_id = $1 AND l.entity = 'return' AND l.erp_key = r.key"
			" WHERE t.status IS DISTINCT FROM r.status ORDER BY r.key COLLATE \"C\"",
			2, {INT4OID, JSONBARRAYOID}, NULL
		},
		{
			"INSERT INTO oms.erp_return AS t (company_id, erp_key, number, reference, order_key, node_key, status, erp_status, received_at, lines)"
			" SELECT $1, r.key, r.number, r.reference, r.order_key, r.node_key, r.status, r.erp_status, r.received_at, r.lines"
			" FROM oms.erp_rows_return($1, $2) r ON CONFLICT (company_id, erp_key) DO UPDATE SET seen_at = now(),"
			" number = excluded.number, reference = excluded.reference, order_key = excluded.order_key, node_key = excluded.node_key, status = excluded.status, erp_status = excluded.erp_status, received_at = excluded.received_at, lines = excluded.lines"
			" WHERE (t.number, t.reference, t.order_key, t.node_key, t.status, t.erp_status, t.received_at, t.lines) IS DISTINCT FROM"
			" (excluded.number, excluded.reference, excluded.order_key, excluded.node_key, excluded.status, excluded.erp_status, excluded.received_at, excluded.lines)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	},
	[OMS_ERP_INBOUND] = {
		{
			"SELECT oms.erp_put_inbound($1, $2)",
			2, {INT4OID, JSONBARRAYOID}, NULL
		}
	}
};

/*
 * What the query no longer returns: $2 keys asked for, $3 those found.  The
 * second of each pair is for when all were asked for ($2 is null).
 */
#define GONE_OF_ALL \
	" WHERE t.company_id = $1 AND t.erp_key IS NOT NULL" \
	" AND NOT EXISTS (SELECT FROM unnest($3) AS f WHERE f = t.erp_key)"
#define GONE_ALL GONE_OF_ALL " AND $2 IS NULL"
#define GONE_ASKED GONE_OF_ALL " AND t.erp_key = ANY ($2)"

OmsPlan		oms_erp_gone_plans[OMS_ERP_NENTITIES][2] = {
	[OMS_ERP_NODE] = {
		{
			"UPDATE oms.node t SET open = false" GONE_ASKED " AND t.open",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"UPDATE oms.node t SET open = false" GONE_ALL " AND t.open",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_SKU] = {
		{
			"UPDATE oms.sku t SET active = false" GONE_ASKED " AND t.active",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"UPDATE oms.sku t SET active = false" GONE_ALL " AND t.active",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_TAX] = {
		{
			"DELETE FROM oms.tax_code t" GONE_ASKED,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"DELETE FROM oms.tax_code t" GONE_ALL,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_PRICE] = {
		{
			"DELETE FROM oms.price t" GONE_ASKED,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"DELETE FROM oms.price t" GONE_ALL,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_CUSTOMER] = {{NULL, 0, {0}, NULL}, {NULL, 0, {0}, NULL}}, /* orders know them: they stay */
	[OMS_ERP_KIT] = {
		{
			"DELETE FROM oms.kit_component t" GONE_ASKED,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"DELETE FROM oms.kit_component t" GONE_ALL,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_PRICE_LIST] = {
		{
			"UPDATE oms.price_list t SET active = false" GONE_ASKED " AND t.active",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"UPDATE oms.price_list t SET active = false" GONE_ALL " AND t.active",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_ADDRESS] = {
		{
			"UPDATE oms.customer_address t SET active = false" GONE_ASKED " AND t.active",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"UPDATE oms.customer_address t SET active = false" GONE_ALL " AND t.active",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_SUPPLIER] = {
		{
			"UPDATE oms.supplier t SET active = false" GONE_ASKED " AND t.active",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"UPDATE oms.supplier t SET active = false" GONE_ALL " AND t.active",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_ORDER] = {
		{
			"WITH l AS (DELETE FROM oms.erp_link t" GONE_ASKED " AND t.entity = 'order' AND t.origin = 'erp')"
			" DELETE FROM oms.erp_order t" GONE_ASKED,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"WITH l AS (DELETE FROM oms.erp_link t" GONE_ALL " AND t.entity = 'order' AND t.origin = 'erp')"
			" DELETE FROM oms.erp_order t" GONE_ALL,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_SHIPMENT] = {
		{
			"WITH l AS (DELETE FROM oms.erp_link t" GONE_ASKED " AND t.entity = 'shipment' AND t.origin = 'erp')"
			" DELETE FROM oms.erp_shipment t" GONE_ASKED,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"WITH l AS (DELETE FROM oms.erp_link t" GONE_ALL " AND t.entity = 'shipment' AND t.origin = 'erp')"
			" DELETE FROM oms.erp_shipment t" GONE_ALL,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_RETURN] = {
		{
			"DELETE FROM oms.erp_return t" GONE_ASKED,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"DELETE FROM oms.erp_return t" GONE_ALL,
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	},
	[OMS_ERP_INBOUND] = {
		{
			"SELECT oms.erp_end_inbound($1, $2, $3)",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		},
		{
			"SELECT oms.erp_end_inbound($1, $2, $3)",
			3, {INT4OID, TEXTARRAYOID, TEXTARRAYOID}, NULL
		}
	}
};
