#!/bin/sh
# The demo's small ERP as one SQL script: schema, the files of demo/data, seed.
#
#   demo/erp/build.sh                  prints the script
#   demo/erp/build.sh -d mydb          loads it: the arguments are psql's
#
# The database must be empty of the ERP's tables (schema public).  It needs no
# extension and no file access by the server; it takes about a second.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

stage()     # stage TABLE FILE COLUMN-DEFINITIONS...: the file's rows, numbered
{
    table=$1; file=$here/../data/$2; shift 2
    printf 'create temp table %s (%s, n serial) on commit drop;\n' "$table" "$*"
    printf 'copy %s (%s) from stdin (format csv, header);\n' "$table" "$(sed 1q "$file")"
    cat "$file"
    printf '\\.\n'
}

script()
{
    printf '\\set ON_ERROR_STOP 1\n\\set QUIET 1\n'
    printf 'set client_min_messages = warning;\nset search_path = public, pg_temp;\nbegin;\n'
    cat "$here/schema.sql"
    stage stage_item items.csv 'sku text, name text, category text, hsn text, gst_percent numeric,
        mrp numeric, cost numeric, weight_g integer, length_mm integer, width_mm integer, height_mm integer,
        uom text, fragile boolean, cod_ok boolean, returnable boolean, ean13 text, style text, size text,
        cold_chain boolean, surface_only boolean'
    stage stage_tax tax_rates.csv 'hsn text, valid_from date, above_value numeric, percent numeric, description text'
    stage stage_warehouse warehouses.csv 'code text, name text, city text, pincode text, state text,
        state_code text, gstin text, lat float8, lng float8'
    stage stage_shop dark_stores.csv 'code text, name text, kind text, city text, pincode text, state text,
        state_code text, gstin text, lat float8, lng float8, service_radius_m integer, cutoff time, pick_minutes integer'
    stage stage_customer customers.csv 'code text, name text, kind text, gstin text, phone text, email text,
        address1 text, address2 text, city text, state text, state_code text, pincode text'
    stage stage_stock opening_stock.csv 'place text, sku text, qty numeric'
    stage stage_sale erp_sales.csv 'order_no text, order_date date, customer text, place text, status text,
        line_no integer, sku text, qty numeric, unit_price numeric'
    cat "$here/seed.sql"
    printf 'commit;\nanalyze;\n'
}

if [ $# -eq 0 ]; then
    script
else
    script | psql -X "$@"
fi
