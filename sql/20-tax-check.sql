-- tax: checks of identifiers. oms.check_*() answer what is wrong, to be put behind the value, or NULL.

CREATE FUNCTION oms.is_gstin(gstin text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'oms_is_gstin';
COMMENT ON FUNCTION oms.is_gstin(text) IS
    'Whether the text is a GSTIN: 15 capitals and digits of one of the forms in use, with the right check digit (mod 36).';

CREATE FUNCTION oms.check_gstin(gstin text, pan text DEFAULT NULL, state_code text DEFAULT NULL) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'oms_check_gstin';
COMMENT ON FUNCTION oms.check_gstin(text, text, text) IS
    'What is wrong with a GSTIN, NULL when nothing is: length, form, state code, check digit; whether it contains the PAN and is of the state that are given.';

CREATE FUNCTION oms.check_pan(pan text) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'oms_check_pan';
COMMENT ON FUNCTION oms.check_pan(text) IS
    'What is wrong with a PAN, NULL when nothing is: five capitals, four digits, a capital; the fourth letter is a kind of holder (oms.pan_holder).';

CREATE FUNCTION oms.pan_holder(pan text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN oms.check_pan(pan) IS NULL THEN
        CASE substr(pan, 4, 1)
            WHEN 'P' THEN 'person' WHEN 'C' THEN 'company' WHEN 'H' THEN 'Hindu undivided family' WHEN 'F' THEN 'firm'
            WHEN 'E' THEN 'limited liability partnership' WHEN 'A' THEN 'association of persons' WHEN 'B' THEN 'body of individuals'
            WHEN 'T' THEN 'trust' WHEN 'L' THEN 'local authority' WHEN 'J' THEN 'artificial juridical person' WHEN 'G' THEN 'government' END END;
END;
COMMENT ON FUNCTION oms.pan_holder(text) IS 'What kind of holder a PAN names by its fourth letter; NULL when it is no PAN.';

CREATE FUNCTION oms.check_phone(phone text, mobile boolean DEFAULT true) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'oms_check_phone';
COMMENT ON FUNCTION oms.check_phone(text, boolean) IS
    'What is wrong with an Indian telephone number, NULL when nothing is: ten digits after +91, 0091, 91 and 0; mobiles begin with 6 to 9, landlines (mobile false allows them) with the area code, 1 to 5. Area codes from 6 on cannot be told from mobiles.';

CREATE FUNCTION oms.phone_e164(phone text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'oms_phone_e164';
COMMENT ON FUNCTION oms.phone_e164(text) IS 'An Indian telephone number, mobile or landline, as +91 and ten digits; NULL when it is none.';

CREATE FUNCTION oms.check_hsn(hsn text, turnover numeric DEFAULT NULL, supply_type text DEFAULT NULL) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'oms_check_hsn';
COMMENT ON FUNCTION oms.check_hsn(text, numeric, text) IS
    'What is wrong with an HSN or SAC on an invoice, NULL when nothing is: 4, 6 or 8 digits (services 4 or 6), a chapter that exists, and the digits needed: 6 above a turnover of 5 crore INR in the year before, 8 of goods exported (EXPWP, EXPWOP). Up to 5 crore a supply to the unregistered (B2C) needs none.';

CREATE TABLE oms.pincode_range (    --| First three digits of the pincodes of a state, where no pincode catalogue is loaded. Ranges of states overlap: for checks, not to look a state up.
    first3 integer NOT NULL CHECK (first3 BETWEEN 100 AND 999), --| From
    last3 integer NOT NULL CHECK (last3 BETWEEN 100 AND 999), --| To, included
    state_code text NOT NULL REFERENCES oms.gst_state, --| GST state
    builtin boolean NOT NULL DEFAULT false, --| Ships with the extension; others are the user's and are dumped
    PRIMARY KEY (state_code, first3),
    CHECK (first3 <= last3)
);
SELECT pg_catalog.pg_extension_config_dump('oms.pincode_range', 'WHERE NOT builtin');
-- E-invoice master of states; Telangana and Ladakh were cut out of Andhra Pradesh and Jammu and Kashmir.
INSERT INTO oms.pincode_range (state_code, first3, last3, builtin) VALUES
    ('01', 180, 194, true), ('02', 171, 177, true), ('03', 140, 160, true), ('04', 140, 140, true), ('04', 160, 160, true),
    ('05', 244, 263, true), ('06', 121, 136, true), ('07', 110, 110, true), ('08', 301, 345, true), ('09', 201, 285, true),
    ('10', 800, 855, true), ('11', 737, 737, true), ('12', 790, 792, true), ('13', 797, 798, true), ('14', 795, 795, true),
    ('15', 796, 796, true), ('16', 799, 799, true), ('17', 793, 794, true), ('18', 781, 788, true), ('19', 700, 743, true),
    ('20', 813, 835, true), ('21', 751, 770, true), ('22', 490, 497, true), ('23', 450, 488, true), ('24', 360, 396, true),
    ('26', 362, 362, true), ('26', 396, 396, true), ('27', 400, 445, true), ('29', 560, 591, true), ('30', 403, 403, true),
    ('31', 682, 682, true), ('32', 670, 695, true), ('33', 600, 643, true), ('34', 533, 533, true), ('34', 605, 605, true),
    ('34', 607, 607, true), ('34', 609, 609, true), ('34', 673, 673, true), ('35', 744, 744, true), ('36', 500, 509, true),
    ('37', 500, 535, true), ('38', 194, 194, true);

CREATE FUNCTION oms.check_pincode(pincode text, state_code text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 200
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head integer;
    state text;
    known boolean := false;
    loaded boolean := false;
BEGIN
    IF pincode IS NULL OR pincode = '' THEN
        RETURN 'is missing';
    ELSIF pincode !~ '^[0-9]{6}$' THEN
        RETURN 'is not six digits';
    ELSIF pincode ~ '^0' THEN
        RETURN 'begins with 0, which is no region';
    ELSIF state_code IS NOT NULL AND NOT EXISTS (SELECT FROM oms.gst_state g WHERE g.state_code = check_pincode.state_code) THEN
        RETURN format('cannot be compared with %s, which is no GST state', state_code);
    ELSIF pincode ~ '^9' THEN
        RETURN NULL; -- army post: units move, it belongs to no state
    END IF;
    IF to_regclass('oms.pincode') IS NOT NULL THEN
        SELECT true, p.state_code INTO known, state FROM oms.pincode p WHERE p.pincode = check_pincode.pincode;
        loaded := EXISTS (SELECT FROM oms.pincode p WHERE p.pincode BETWEEN left(check_pincode.pincode, 1) || '00000' AND left(check_pincode.pincode, 1) || '99999');
    END IF;
    head := left(pincode, 3)::integer;
    IF known AND state IS NOT NULL THEN
        RETURN CASE WHEN state_code <> state THEN format('is in state %s, not %s', state, state_code) END;
    ELSIF loaded AND known IS NOT TRUE THEN
        RETURN 'is not in the catalogue of pincodes (oms.pincode)';
    ELSIF NOT EXISTS (SELECT FROM oms.pincode_range r WHERE head BETWEEN r.first3 AND r.last3) THEN
        RETURN 'is of no district';
    ELSIF NOT EXISTS (SELECT FROM oms.pincode_range r WHERE head BETWEEN r.first3 AND r.last3 AND r.state_code = coalesce(check_pincode.state_code, r.state_code)) THEN
        RETURN format('does not begin as those of state %s do', state_code);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION oms.check_pincode(text, text) IS
    'What is wrong with a pincode, NULL when nothing is: six digits, first from 1 to 9, in the catalogue oms.pincode where one is loaded, and of the GST state that is given. Army post (first digit 9) belongs to no state. Without a catalogue the first three digits are compared with oms.pincode_range.';
