-- GSTIN: forms and check digit.  The valid ones are public test numbers and
-- four synthetic ones whose digit was worked out by hand.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
RESET client_min_messages;

-- valid: no row may appear
SELECT g FROM unnest(ARRAY[
    '24AAQCA8719H1ZC', '05AAACG2115R1ZN', '05AAACG2140A1ZL', '29AABCR1718E1ZL', '24AANFA2641L1ZF',
    '24AABCR6898M1ZN', '24AAUPV7468F1ZW', '29AAHCM7727Q1ZI', '33AAAAR6720M1ZG', '24AUTPV8831F1ZZ',
    '36AASFP8573D2ZN', '24AANCA4892J1Z8', '27AAJCS5738D1Z6', '29AABCF8078M2ZW', '27AAPFU0939F1ZV',
    '29ABCDE1234F1ZW', '07ABCDE1234F1Z2', '27ABCDE1234F1Z0', '36ABCDE1234F1Z1']) g
 WHERE NOT oms.is_gstin(g);

-- wrong check digit, with the right one beside it
SELECT bad, oms.is_gstin(bad) AS bad_passes, oms.is_gstin(good) AS good_passes
  FROM (VALUES ('01AABCE2207R1Z5', '01AABCE2207R1ZV'), ('24AANFA2641L1ZK', '24AANFA2641L1ZF'),
               ('29AAFCA7488L1Z0', '29AAFCA7488L1ZW')) v (bad, good);

-- wrong forms
SELECT g, oms.is_gstin(g)
  FROM unnest(ARRAY['', '24AAQCA8719H1Z', '24AAQCA8719H1ZCC', '24aaqca8719h1zc', ' 24AAQCA8719H1Z',
                    '2AAAQCA8719H1ZC', '24AAQC18719H1ZC', '24AAQCA8719H0ZC', '24AAQCA8719H1-C',
                    '24AAQCA8719H1Zé', '24AAQCA8719H1é', '000000000000000']) WITH ORDINALITY AS t (g, n)
 ORDER BY n;
SELECT oms.is_gstin(NULL) IS NULL AS null_is_null;

-- one changed character is always noticed
SELECT count(*) AS unnoticed
  FROM unnest(ARRAY['24AAQCA8719H1ZC', '27AAPFU0939F1ZV', '29ABCDE1234F1ZW']) g, generate_series(1, 15) i,
       regexp_split_to_table('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', '') c
 WHERE substr(g, i, 1) <> c AND oms.is_gstin(overlay(g PLACING c FROM i FOR 1));
-- and of the 36 check characters exactly one fits
SELECT g, count(*)
  FROM unnest(ARRAY['24AAQCA8719H1Z', '27AAPFU0939F1Z', '29AABCF8078M2Z', '24AAQCA8719H1C', '24AAQC58719H1D',
                    '24AAQC58719H1Z', '24AAQC00000H1Z', '2917ABC12345NR', '9917ABC12345OS', '0717ABC12345UN']) g,
       regexp_split_to_table('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', '') c
 WHERE oms.is_gstin(g || c)
 GROUP BY g ORDER BY g COLLATE "C";
