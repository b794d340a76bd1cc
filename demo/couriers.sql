-- The demo's couriers: services, zones, days, rates, serviceability, record and AWB numbers for every company of the
-- database.  Run after oms.load_pincodes().
--
-- ILLUSTRATIVE.  The names are those of the field, and the structure is theirs (weight slabs, zones A to E, COD fee as
-- the larger of a flat sum and a percentage, return at its own rate).  The prices, limits, days, success rates and the
-- lists of pincodes are made up, by formula, so that the demo has something to choose from.  They are not the couriers'
-- own: put your contract's in their place.  Running it twice adds nothing.

INSERT INTO oms.courier (code, name) VALUES ('DELHIVERY', 'Delhivery'), ('SHADOWFAX', 'Shadowfax')
ON CONFLICT DO NOTHING;

INSERT INTO oms.courier_service (courier_id, code, name, mode, reverse, max_weight_g, max_value, max_cod, max_distance_m, cold_chain, minutes_per_km, oda_days)
SELECT c.courier_id, s.code, s.name, s.mode, s.reverse, s.max_weight_g, s.max_value, s.max_cod, s.max_distance_m, s.cold_chain, s.minutes_per_km, 2
  FROM (VALUES
    ('DELHIVERY', 'DLV-SURFACE', 'Delhivery Surface', 'surface', true, 30000, 200000, 50000, NULL::integer, false, 4),
    ('DELHIVERY', 'DLV-EXPRESS', 'Delhivery Express (air)', 'air', true, 10000, 200000, 50000, NULL, false, 4),
    ('SHADOWFAX', 'SFX-FORWARD', 'Shadowfax parcel', 'surface', true, 12000, 100000, 25000, NULL, false, 4),
    ('SHADOWFAX', 'SFX-LOCAL', 'Shadowfax hyperlocal', 'hyperlocal', false, 15000, 30000, 5000, 8000, true, 4)
  ) AS s (courier, code, name, mode, reverse, max_weight_g, max_value, max_cod, max_distance_m, cold_chain, minutes_per_km)
  JOIN oms.courier c ON c.code = s.courier
ON CONFLICT DO NOTHING;

-- Zones.  Far states: the North-East, Jammu and Kashmir, Ladakh, the islands.
-- Without a courier: for all that have no rules of their own (here Delhivery).  Shadowfax looks at the far states first.
INSERT INTO oms.zone_rule (courier_id, seq, test, states, zone)
SELECT NULL, r.seq, r.test, r.states, r.zone
  FROM (VALUES
    (10, 'same_city', '{}'::text[], 'A'),
    (20, 'special', '{01,11,12,13,14,15,16,17,18,31,35,38}', 'E'),
    (30, 'metro_to_metro', '{}', 'C'),
    (40, 'same_state', '{}', 'B'),
    (50, 'otherwise', '{}', 'D')) AS r (seq, test, states, zone)
UNION ALL
SELECT c.courier_id, r.seq, r.test, r.states, r.zone
  FROM oms.courier c, (VALUES
    (10, 'special', '{01,11,12,13,14,15,16,17,18,31,35,38}'::text[], 'E'),
    (20, 'same_city', '{}', 'A'),
    (30, 'same_state', '{}', 'B'),
    (40, 'metro_to_metro', '{}', 'C'),
    (50, 'otherwise', '{}', 'D')) AS r (seq, test, states, zone)
 WHERE c.code = 'SHADOWFAX'
ON CONFLICT DO NOTHING;

-- Working days from hand-over to the first attempt.
INSERT INTO oms.zone_transit (courier_service_id, zone, days)
SELECT s.courier_service_id, z.zone, z.days
  FROM (VALUES
    ('DLV-SURFACE', 'A', 1), ('DLV-SURFACE', 'B', 2), ('DLV-SURFACE', 'C', 4), ('DLV-SURFACE', 'D', 5), ('DLV-SURFACE', 'E', 8),
    ('DLV-EXPRESS', 'A', 1), ('DLV-EXPRESS', 'B', 1), ('DLV-EXPRESS', 'C', 2), ('DLV-EXPRESS', 'D', 3), ('DLV-EXPRESS', 'E', 5),
    ('SFX-FORWARD', 'A', 1), ('SFX-FORWARD', 'B', 2), ('SFX-FORWARD', 'C', 4), ('SFX-FORWARD', 'D', 5), ('SFX-FORWARD', 'E', 9),
    ('SFX-LOCAL', 'LOCAL', 0)) AS z (code, zone, days)
  JOIN oms.courier_service s USING (code)
ON CONFLICT DO NOTHING;

-- One rate card a service for every company.
INSERT INTO oms.rate_card (company_id, courier_service_id, valid_from, divisor, slab_g, min_g, fuel_pct, cod_flat, cod_pct, cod_on_rto, oda_charge, per_km, gst_pct, note)
SELECT c.company_id, s.courier_service_id, DATE '2026-01-01', r.divisor, r.slab_g, 0, r.fuel_pct, r.cod_flat, r.cod_pct, false, r.oda_charge, r.per_km, 18,
       'illustrative, not the courier''s prices'
  FROM oms.company c, (VALUES
    ('DLV-SURFACE', 5000, 500, 8, 36.00, 1.9, 25.00, 0),
    ('DLV-EXPRESS', 5000, 500, 10, 36.00, 1.9, 40.00, 0),
    ('SFX-FORWARD', 4500, 500, 0, 32.00, 2.1, 30.00, 0),
    ('SFX-LOCAL', 5000, 2000, 0, 10.00, 0.5, 0, 7.00)) AS r (code, divisor, slab_g, fuel_pct, cod_flat, cod_pct, oda_charge, per_km)
  JOIN oms.courier_service s USING (code)
ON CONFLICT DO NOTHING;

-- Freight of the first and each further slab; back to origin at 90 percent, customer returns at 125.
INSERT INTO oms.rate_slab (rate_card_id, zone, leg, base, add)
SELECT k.rate_card_id, r.zone, l.leg, round(r.base * l.share, 2), round(r.add * l.share, 2)
  FROM (VALUES
    ('DLV-SURFACE', 'A', 32, 26), ('DLV-SURFACE', 'B', 39, 31), ('DLV-SURFACE', 'C', 49, 38), ('DLV-SURFACE', 'D', 55, 43), ('DLV-SURFACE', 'E', 72, 58),
    ('DLV-EXPRESS', 'A', 38, 32), ('DLV-EXPRESS', 'B', 48, 40), ('DLV-EXPRESS', 'C', 68, 58), ('DLV-EXPRESS', 'D', 78, 66), ('DLV-EXPRESS', 'E', 104, 92),
    ('SFX-FORWARD', 'A', 29, 25), ('SFX-FORWARD', 'B', 38, 31), ('SFX-FORWARD', 'C', 52, 42), ('SFX-FORWARD', 'D', 59, 47), ('SFX-FORWARD', 'E', 84, 70),
    ('SFX-LOCAL', 'LOCAL', 25, 6)) AS r (code, zone, base, add)
  JOIN oms.courier_service s USING (code)
  JOIN oms.rate_card k USING (courier_service_id)
  CROSS JOIN (VALUES ('forward', 1.00), ('rto', 0.90), ('reverse', 1.25)) AS l (leg, share)
 WHERE k.note LIKE 'illustrative%'
ON CONFLICT DO NOTHING;

-- Where.  Metros have everything; elsewhere a number made from the pincode says what is missing.  Shadowfax goes to
-- metros and to districts with many pincodes; its riders to metros only.
INSERT INTO oms.serviceability (courier_service_id, pincode, prepaid, cod, pickup, reverse, embargo_from, oda)
SELECT s.courier_service_id, p.pincode, true,
       p.metro IS NOT NULL OR p.die >= CASE WHEN p.far THEN 250 ELSE 80 END,
       p.metro IS NOT NULL OR p.die >= 150,
       s.reverse AND (p.metro IS NOT NULL OR p.die >= CASE WHEN p.far THEN 400 ELSE 120 END),
       CASE WHEN p.metro IS NULL AND p.die BETWEEN 990 AND 991 THEN TIMESTAMPTZ '2026-01-01 00:00+05:30' END,
       p.metro IS NULL AND p.die BETWEEN 300 AND CASE WHEN p.far THEN 550 ELSE 360 END
  FROM oms.courier_service s
  JOIN oms.courier c USING (courier_id)
  CROSS JOIN LATERAL (
    SELECT q.pincode, q.metro,
           (q.pincode::bigint * 7919 + s.courier_id * 389) % 1000 AS die,
           coalesce(q.state_code = ANY ('{01,11,12,13,14,15,16,17,18,31,35,38}'), true) AS far,
           count(*) OVER (PARTITION BY q.state_code, q.district) AS in_district
      FROM oms.pincode q) p
 WHERE s.code IN ('DLV-SURFACE', 'DLV-EXPRESS', 'SFX-FORWARD', 'SFX-LOCAL')
   AND (p.metro IS NOT NULL
        OR (s.code = 'DLV-SURFACE' AND p.die >= CASE WHEN p.far THEN 60 ELSE 8 END)
        OR (s.code = 'DLV-EXPRESS' AND p.die >= CASE WHEN p.far THEN 300 ELSE 60 END)
        OR (s.code = 'SFX-FORWARD' AND NOT p.far AND p.in_district >= 45 AND p.die >= 20))
ON CONFLICT DO NOTHING;

-- First evidence of success by the buyer's state: parcels, delivered, at the first attempt, days.
INSERT INTO oms.courier_stat (company_id, courier_service_id, region, cod, shipped, delivered, first_attempt, days_sum, updated_at)
SELECT e.company_id, e.courier_service_id, e.region, e.cod, sum(e.shipped), sum(e.shipped * e.rate), sum(e.shipped * e.rate * 0.74),
       sum(e.shipped * e.rate * e.days), TIMESTAMPTZ '2026-01-01 00:00+05:30'
  FROM (
    SELECT c.company_id, s.courier_service_id, unnest(ARRAY[g.state_code, '*']) AS region, m.cod, x.days, x.shipped,
           least(0.99, CASE WHEN m.cod THEN
             CASE WHEN g.state_code = ANY ('{01,11,12,13,14,15,16,17,18,31,35,38}') THEN 0.68
                  WHEN g.state_code IN ('08', '09', '10', '20', '22', '23') THEN 0.72
                  WHEN g.state_code IN ('07', '27', '29', '33', '36') THEN 0.83 ELSE 0.78 END ELSE 0.965 END
             + x.better * CASE WHEN m.cod THEN 1 ELSE 0.2 END
             -- one courier is the better one in some states, the other in others
             + CASE WHEN m.cod THEN ((g.state_code::integer * 7 + s.courier_id * 5) % 9 - 4) * 0.01 ELSE 0 END) AS rate
      FROM oms.company c, oms.gst_state g, (VALUES (true), (false)) AS m (cod), (VALUES
        ('DLV-SURFACE', 0.00, 4.1, 180), ('DLV-EXPRESS', 0.035, 2.4, 90), ('SFX-FORWARD', -0.01, 3.8, 120), ('SFX-LOCAL', 0.12, 0.1, 60)) AS x (code, better, days, shipped)
      JOIN oms.courier_service s USING (code)
     WHERE g.state_code < '90') e
 GROUP BY e.company_id, e.courier_service_id, e.region, e.cod
ON CONFLICT DO NOTHING;

-- AWB numbers as they would be fetched beforehand, enough for 5,000 parcels and some returns with either courier.
INSERT INTO oms.awb_pool (courier_id, awb)
SELECT c.courier_id, CASE c.code WHEN 'DELHIVERY' THEN (1490810000000 + i * 37)::text ELSE 'SF' || lpad((480000000 + i * 37)::text, 9, '0') || 'IN' END
  FROM oms.courier c, generate_series(1, 6000) AS i
 WHERE c.code IN ('DELHIVERY', 'SHADOWFAX')
ON CONFLICT DO NOTHING;

ANALYZE oms.courier_service, oms.serviceability, oms.zone_rule, oms.zone_transit, oms.rate_card, oms.rate_slab, oms.courier_stat, oms.awb_pool;
