-- tax: GST by the ERP's own codes; the law's rates by HSN are the catalogue oms.gst_rate.

CREATE TABLE oms.tax_code (         --| GST rate the ERP states for its own tax codes (often the HSN), by date and unit value.
    company_id integer NOT NULL REFERENCES oms.company, --| Whose
    code text NOT NULL,             --| Tax code of the ERP (sku.tax_code)
    valid_from date NOT NULL DEFAULT '-infinity', --| First day of supply it holds for
    above_value numeric(14,2) NOT NULL DEFAULT 0 CHECK (above_value >= 0 AND above_value < 'NaN'), --| Holds for units whose taxable value is above this (0: all); the highest band below the value counts
    rate numeric(6,3) NOT NULL CHECK (rate >= 0 AND rate <= 100), --| GST in percent, CGST and SGST together
    description text,               --| For people
    erp_key text,                   --| Key of the rate in the ERP
    PRIMARY KEY (company_id, code, valid_from, above_value)
);

-- masters: sessions keep rows of them until they change (doc/core.md)
SELECT oms.memo_watch(t::pg_catalog.regclass) FROM pg_catalog.unnest('{oms.tax_code}'::pg_catalog.text[]) AS t;
