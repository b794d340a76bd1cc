-- ./run erp: attached, with what that says.
CREATE TABLE oms_run.attached AS
SELECT row_number() OVER () AS no, a AS line FROM oms_run.meant AS m, oms.attach_erp(m.profile, m.params) AS a;
