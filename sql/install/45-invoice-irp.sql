-- invoice: what decides whether e-invoices are due.

CREATE TABLE oms.turnover (         --| Aggregate turnover of a company by financial year: of all its GSTINs together (one PAN).
    company_id integer NOT NULL REFERENCES oms.company, --| Whose
    fin_year text NOT NULL CHECK (fin_year ~ '^[0-9]{4}-[0-9]{2}$' AND right(fin_year, 2)::integer = (left(fin_year, 4)::integer + 1) % 100), --| Financial year: 2024-25
    amount numeric(18,2) NOT NULL CHECK (amount >= 0 AND amount < 'NaN'), --| INR
    PRIMARY KEY (company_id, fin_year)
);
