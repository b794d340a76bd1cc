-- JSON Schemas: each keyword, where and what is violated, references, combinations, and schemas that cannot be used.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;
BEGIN;
CREATE FUNCTION pg_temp.v(schema jsonb, doc jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', nullif(path, ''), rule, expected, coalesce(value::text, '-')), '; ' ORDER BY path COLLATE "C", rule COLLATE "C"), 'ok') FROM oms.json_violations(doc, schema) $$;
SELECT n, pg_temp.v(s::jsonb, d::jsonb) FROM (VALUES
    (1, '{"type": "string"}', '"a"'), (2, '{"type": "string"}', '1'), (3, '{"type": "integer"}', '1.0'), (4, '{"type": "integer"}', '1.5'), (5, '{"type": "number"}', '-1e30'), (6, '{"type": ["string", "null"]}', 'null'), (7, '{"type": ["string", "null"]}', 'true'),
    (8, '{"type": "object"}', '{}'), (9, '{"type": "object"}', '[]'), (10, '{"type": "array"}', '[]'), (11, '{"type": "array"}', '{}'), (12, '{"type": "boolean"}', 'false'), (13, '{"type": "null"}', '0'),
    (20, '{"enum": ["a", 1, null, [1, 2], {"x": 1}]}', '1.00'), (21, '{"enum": ["a", 1, null, [1, 2], {"x": 1}]}', '[1, 2]'), (22, '{"enum": ["a", 1, null, [1, 2], {"x": 1}]}', '{"x": 1}'), (23, '{"enum": ["a"]}', '"A"'), (24, '{"const": {"a": [1]}}', '{"a": [1]}'), (25, '{"const": 1}', '"1"'), (26, '{"enum": []}', 'null'),
    (30, '{"minLength": 2, "maxLength": 3}', '"नम"'), (31, '{"minLength": 2}', '"न"'), (32, '{"maxLength": 3}', '"abcd"'), (33, '{"minLength": 2}', '1'), (34, '{"pattern": "b+$"}', '"abb"'), (35, '{"pattern": "^b"}', '"ab"'), (36, '{"pattern": "^(?!0+$)[0-9]+$"}', '"000"'), (37, '{"pattern": "^x"}', '["y"]'),
    (40, '{"minimum": 0.10, "maximum": 99.99}', '0.1'), (41, '{"minimum": 0.1}', '0.0999999999999999999999'), (42, '{"maximum": 99.99}', '99.990000000000000000001'), (43, '{"exclusiveMinimum": 0}', '0'), (44, '{"exclusiveMaximum": 1}', '1'), (45, '{"multipleOf": 0.01}', '19.99'), (46, '{"multipleOf": 0.01}', '19.999'), (47, '{"minimum": 5}', '"4"'),
    (50, '{"required": ["a", "b"], "properties": {"a": {"type": "integer"}}}', '{"a": "x"}'), (51, '{"properties": {"a": {}}, "additionalProperties": false}', '{"a": 1, "b": 2}'), (52, '{"additionalProperties": {"type": "integer"}}', '{"a": 1, "b": "2"}'), (53, '{"required": ["a"]}', '[]'), (54, '{"properties": {"a": false}}', '{"a": 1}'), (55, '{"additionalProperties": true}', '{"a": 1}'),
    (60, '{"items": {"type": "integer"}, "minItems": 1, "maxItems": 2}', '[1, "x", 3]'), (61, '{"minItems": 1}', '[]'), (62, '{"items": {"properties": {"a": {"items": {"const": 1}}}}}', '[{"a": [1, 2]}, {}, {"a": [3]}]'),
    (70, '{"allOf": [{"minimum": 1}, {"maximum": 2}]}', '3'), (71, '{"anyOf": [{"type": "string"}, {"minimum": 3}]}', '3'), (72, '{"anyOf": [{"type": "string"}, {"minimum": 3}]}', '2'), (73, '{"oneOf": [{"minimum": 1}, {"minimum": 2}]}', '1'), (74, '{"oneOf": [{"minimum": 1}, {"minimum": 2}]}', '2'), (75, '{"not": {"type": "string"}}', '"a"'),
    (76, '{"if": {"minimum": 10}, "then": {"multipleOf": 10}, "else": {"maximum": 5}}', '20'), (77, '{"if": {"minimum": 10}, "then": {"multipleOf": 10}, "else": {"maximum": 5}}', '15'), (78, '{"if": {"minimum": 10}, "then": {"multipleOf": 10}, "else": {"maximum": 5}}', '7'), (79, '{"if": {"minimum": 10}}', '15'),
    (80, '{"$ref": "#/definitions/p", "type": "string", "definitions": {"p": {"type": "integer", "minimum": 3}}}', '2'), (81, '{"properties": {"next": {"$ref": "#/definitions/n"}}, "definitions": {"n": {"required": ["v"], "properties": {"next": {"$ref": "#/definitions/n"}}}}}', '{"next": {"v": 1, "next": {"next": {"v": 1}}}}')
) t (n, s, d) ORDER BY n;
-- deep, but no circle
SELECT pg_temp.v('{"$ref": "#/definitions/n", "definitions": {"n": {"properties": {"n": {"$ref": "#/definitions/n"}}, "additionalProperties": false}}}', (repeat('{"n": ', 200) || '{"m": 1}' || repeat('}', 200))::jsonb) = rpad('', 2 * 200, 'n.') || 'm additionalProperties 1' AS deep;
CREATE FUNCTION pg_temp.fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || d;
END $$;
SELECT pg_temp.fails(format('SELECT * FROM oms.json_violations(%L, %L)', d, s)) AS refused FROM (VALUES ('1', '{"minimun": 1}'), ('1', '5'), ('1', '[]'), ('1', '{"minimum": "1"}'), ('"x"', '{"pattern": 1}'), ('"x"', '{"pattern": "("}'), ('1', '{"type": "float"}'), ('1', '{"type": 1}'), ('{}', '{"required": "a"}'), ('{}', '{"required": [1]}'),
    ('{}', '{"properties": []}'), ('[1]', '{"items": [{}]}'), ('1', '{"$ref": "#/definitions/x"}'), ('1', '{"$ref": "other.json"}'), ('1', '{"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}}'),
    ('1', '{"multipleOf": 0}'), ('1', '{"enum": 1}'), ('1', '{"anyOf": {}}'), ('1', '{"allOf": [5]}')) v (d, s);
SELECT count(*) FROM oms.json_violations(NULL, '{}') UNION ALL SELECT count(*) FROM oms.json_violations('1', NULL);
-- by name; a row of the user's counts instead of a shipped one
SELECT name FROM oms.json_schema WHERE builtin ORDER BY name COLLATE "C";
SELECT path, rule FROM oms.check_json('{"channel": "web", "payment": {"mode": "COD"}, "lines": [{"sku": "A", "qty": 0}], "ship_to": {"pincode": "560001"}}', 'order') ORDER BY path COLLATE "C";
INSERT INTO oms.json_schema (name, schema) VALUES ('order', '{"maxProperties": 3}');
SELECT pg_temp.fails($$SELECT oms.check_json('{}', 'order')$$) UNION ALL SELECT pg_temp.fails($$SELECT oms.check_json('{}', 'letter')$$);
ROLLBACK;
