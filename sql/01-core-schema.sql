-- core: JSON Schemas as rows, and what of a document they forbid.

CREATE TABLE oms.json_schema (      --| JSON Schemas (draft 7) that documents are checked with. A row of the user's with the name of a shipped one counts instead of it.
    name text NOT NULL,             --| Name, as oms.check_json() takes it
    schema jsonb NOT NULL CHECK (jsonb_typeof(schema) = 'object'), --| The schema
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (name, builtin)
);
SELECT pg_catalog.pg_extension_config_dump('oms.json_schema', 'WHERE NOT builtin');

CREATE FUNCTION oms.json_violations(doc jsonb, schema jsonb, OUT path text, OUT rule text, OUT expected jsonb, OUT value jsonb) RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 10
AS 'MODULE_PATHNAME', 'oms_json_violations';
COMMENT ON FUNCTION oms.json_violations(jsonb, jsonb) IS
    'What a JSON document has that a JSON Schema (draft 7) forbids: where (ItemList[0].HsnCd), which keyword, what that asks, what is there. No row: it is as the schema says. Raises OM001 for a schema with keywords it does not know.';

CREATE FUNCTION oms.check_json(doc jsonb, schema text, OUT path text, OUT rule text, OUT expected jsonb, OUT value jsonb) RETURNS SETOF record
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 10
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'oms_check_json';
COMMENT ON FUNCTION oms.check_json(jsonb, text) IS
    'oms.json_violations() by a schema of oms.json_schema: order, eway_bill, einvoice, or one of the user''s. Raises OM001, OM002.';
