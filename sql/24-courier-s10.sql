-- courier: postal tracking numbers (UPU standard S10), as India Post gives them.

CREATE FUNCTION oms.s10_digit(serial text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN serial ~ '^[0-9]{8}$' THEN
        (SELECT CASE 11 - sum(substr(serial, i, 1)::integer * ('{8,6,4,2,3,5,9,7}'::integer[])[i]) % 11
                WHEN 10 THEN '0' WHEN 11 THEN '5' ELSE (11 - sum(substr(serial, i, 1)::integer * ('{8,6,4,2,3,5,9,7}'::integer[])[i]) % 11)::text END
           FROM generate_series(1, 8) i) END;
END;
COMMENT ON FUNCTION oms.s10_digit(text) IS
    'Check digit of a postal tracking number (UPU S10, India Post: two letters, eight digits, this, IN) by its eight digits; NULL where they are not eight.';

CREATE FUNCTION oms.check_s10(number text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN coalesce(number, '') = '' THEN 'is missing'
                WHEN number !~ '^[A-Z]{2}[0-9]{9}[A-Z]{2}$' THEN 'is not two capitals, nine digits and two capitals'
                WHEN substr(number, 11, 1) <> oms.s10_digit(substr(number, 3, 8))
                    THEN 'has the check digit ' || substr(number, 11, 1) || ', it should be ' || oms.s10_digit(substr(number, 3, 8)) END;
END;
COMMENT ON FUNCTION oms.check_s10(text) IS
    'What is wrong with a postal tracking number (UPU S10, EE473124829IN), NULL when nothing is: its form and its check digit.';
