-- invoice: who carries goods, for e-way bills.

CREATE TABLE oms.courier_transporter ( --| Couriers as transporters of e-way bills.
    courier_id integer PRIMARY KEY REFERENCES oms.courier, --| The courier
    transporter_id text NOT NULL CHECK (transporter_id ~ '^[0-9]{2}[0-9A-Z]{13}$'), --| GSTIN, or number of enrolment (TRANSIN)
    name text                       --| Name; NULL: the courier's
);
