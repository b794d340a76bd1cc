-- risk: what a model may look at, scoring by hand, outcomes.

CREATE TABLE oms.risk_input (       --| What a term of a risk model can be, computed by the extension from what is known when the order is placed; formulas in doc/risk.md.
    term text PRIMARY KEY,          --| Name, as in oms.risk_term.term
    description text NOT NULL       --| What it is, with its unit
);
INSERT INTO oms.risk_input (term, description) VALUES
    ('log_value', 'ln(1 + what the buyer pays, INR)'),
    ('discount_share', 'Discount as a share of the price before discount, 0 to 1'),
    ('units', 'Units ordered, at most 10'),
    ('buyer_new', '1 for a buyer not recognised or without earlier orders'),
    ('buyer_rate', 'Log-odds of the buyer''s own RTO rate, smoothed towards the area''s (weight 2 orders), less the area''s'),
    ('buyer_cod_open', 'COD orders of the buyer still under way, at most 5'),
    ('area_rate', 'Log-odds of the RTO rate of the pincode, smoothed towards district, state, nation and the model; its contribution is kept within -0.7 and 0.7'),
    ('address_missing', '1 when there is no street address'),
    ('address_words', 'Words missing to 8, as a share of 8'),
    ('address_chars', 'Characters missing to 25, as a share of 25'),
    ('address_no_digit', '1 when the address has no digit'),
    ('address_repeat', '1 when a letter comes four times in a row, or a number consists of one digit'),
    ('address_monkey', 'Share of words with five consonants in a row, 0 to 1'),
    ('promise_fast', '1 when promised within 2 days'),
    ('promise_middle', '1 when promised in 3 to 5 days'),
    ('promise_slow', '1 when promised in more than 5 days'),
    ('prepaid', '1 when paid ahead');

CREATE FUNCTION oms.risk_score("order" jsonb) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'oms_risk_whatif';
COMMENT ON FUNCTION oms.risk_score(jsonb) IS
    'What the champion model and the policy would say of an order as described; nothing is kept. Fields: value (what the buyer pays, INR, required), discount (INR), units, cod (default true), promise_days, buyer_orders (-1 or absent: not recognised), buyer_delivered, buyer_rto, buyer_cod_open, address, city, pincode, district, state_code (both looked up by pincode when absent), margin (INR earned if delivered; absent: the policy''s percentage of value), loss (INR of freight lost if it comes back, both ways, default 0; the policy''s handling is added), company, channel (codes). Answers risk_model_id, probability, action, reason, reasons, terms, utilities (INR). Raises OM001 for a wrong field, OM002 for an unknown company or channel, OM301 without model or policy.';

CREATE FUNCTION oms.risk_outcome(order_id bigint, rto boolean, courier_fault boolean DEFAULT false, company text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100 AS 'MODULE_PATHNAME', 'oms_risk_outcome_sql';
COMMENT ON FUNCTION oms.risk_outcome(bigint, boolean, boolean, text) IS
    'Counts the outcome of an order (rto: it came back; else delivered) for its buyer and, when COD, for its pincode, district, state and nation. A courier''s fault counts for nobody. Call it once per order, and only for outcomes that shipments do not report themselves. Raises OM002 for an unknown order.';
