-- ./run erp: every entity evaluated anew; one that cannot be does not hide the
-- others.
CREATE TABLE oms_run.drift (entity text, erp_key text, erp_value text, oms_value text);
CREATE TABLE oms_run.failed (entity text, why text);
DO $do$
DECLARE
    e record;
BEGIN
    FOR e IN SELECT s.entity FROM oms.erp_state() AS s WHERE s.state <> 'absent' LOOP
        BEGIN
            INSERT INTO oms_run.drift SELECT e.entity, v.erp_key, v.erp_value, v.oms_value FROM oms.erp_verify(e.entity) AS v;
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO oms_run.failed VALUES (e.entity, SQLERRM);
        END;
    END LOOP;
END $do$;
CREATE TABLE oms_run.state AS SELECT row_number() OVER () AS no, s.* FROM oms.erp_state() AS s;
CREATE TABLE oms_run.verdict AS
SELECT NOT EXISTS (SELECT FROM oms_run.drift) AND NOT EXISTS (SELECT FROM oms_run.failed) AND NOT EXISTS (SELECT FROM oms_run.state AS s WHERE s.state = 'paused' OR s.problem IS NOT NULL)
       AND EXISTS (SELECT FROM oms.erp_attachment AS a WHERE a.snapshot_at IS NOT NULL) AS ok;
