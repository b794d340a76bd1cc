-- ./run erp: what there is to say before anything is attached.
CREATE TABLE oms_run.finding AS
SELECT row_number() OVER () AS no, c.* FROM oms_run.meant AS m, oms.check_profile(m.profile, m.params) AS c;
