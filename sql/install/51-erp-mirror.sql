-- erp: documents of the ERP as it states them, and which of ours they are.
-- Keys of the ERP stay text here: nothing waits for anything.

CREATE TABLE oms.erp_order (        --| Orders of the ERP: its own word, never ours. Rows go when the ERP's go.
    company_id integer NOT NULL,    --| Whose
    erp_key text NOT NULL,          --| Key in the ERP
    number text,                    --| The ERP's number
    reference text,                 --| The other side's number: the channel's, or ours
    customer_key text,              --| The ERP's key of the buyer (oms.customer.erp_key)
    node_key text,                  --| The ERP's key of the node (oms.node.erp_key)
    status text CHECK (status IN ('draft', 'confirmed', 'part_shipped', 'shipped', 'delivered', 'cancelled')), --| By oms.erp_status; NULL: the ERP's word has no row there
    erp_status text,                --| The ERP's word or words, joined by /
    ordered_at timestamptz,         --| When ordered
    currency text,                  --| ISO 4217
    total numeric,                  --| What it costs in all
    lines jsonb NOT NULL DEFAULT '[]', --| [{"item", "qty", "unit_price"}, ...]; item: the ERP's key (oms.sku.erp_key), qty in stock units
    seen_at timestamptz NOT NULL DEFAULT now(), --| When this state was first seen
    PRIMARY KEY (company_id, erp_key)
);
CREATE INDEX erp_order_reference ON oms.erp_order (company_id, reference) WHERE reference IS NOT NULL;

CREATE TABLE oms.erp_shipment (     --| Shipments of the ERP to buyers, as oms.erp_order.
    company_id integer NOT NULL,    --| Whose
    erp_key text NOT NULL,          --| Key in the ERP
    number text,                    --| The ERP's number
    reference text,                 --| The other side's number
    order_key text,                 --| The ERP's key of the order (oms.erp_order)
    node_key text,                  --| The ERP's key of the node
    status text CHECK (status IN ('draft', 'waiting', 'assigned', 'picked', 'packed', 'shipped', 'cancelled')), --| By oms.erp_status; NULL: the ERP's word has no row there
    erp_status text,                --| The ERP's word or words, joined by /
    carrier text,                   --| Who carries it
    awb text,                       --| The carrier's number
    shipped_at timestamptz,         --| When it left
    lines jsonb NOT NULL DEFAULT '[]', --| [{"item", "qty"}, ...]
    seen_at timestamptz NOT NULL DEFAULT now(), --| When this state was first seen
    PRIMARY KEY (company_id, erp_key)
);
CREATE INDEX erp_shipment_order ON oms.erp_shipment (company_id, order_key);

CREATE TABLE oms.erp_return (       --| Returns of buyers in the ERP, as oms.erp_order.
    company_id integer NOT NULL,    --| Whose
    erp_key text NOT NULL,          --| Key in the ERP
    number text,                    --| The ERP's number
    reference text,                 --| The other side's number
    order_key text,                 --| The ERP's key of the order
    node_key text,                  --| The ERP's key of the node it comes to
    status text CHECK (status IN ('draft', 'received', 'cancelled')), --| By oms.erp_status; NULL: the ERP's word has no row there
    erp_status text,                --| The ERP's word or words, joined by /
    received_at timestamptz,        --| When it came
    lines jsonb NOT NULL DEFAULT '[]', --| [{"item", "qty"}, ...]
    seen_at timestamptz NOT NULL DEFAULT now(), --| When this state was first seen
    PRIMARY KEY (company_id, erp_key)
);
CREATE INDEX erp_return_order ON oms.erp_return (company_id, order_key);

CREATE TABLE oms.erp_link (         --| Which document of the ERP is which of ours: nothing is counted twice, and an echo is known as one.
    company_id integer NOT NULL,    --| Whose
    entity text NOT NULL CHECK (entity IN ('order', 'shipment')), --| What it is
    erp_key text NOT NULL,          --| Key in the ERP (oms.erp_order, oms.erp_shipment)
    oms_key bigint NOT NULL,        --| order_id or shipment_id
    origin text NOT NULL CHECK (origin IN ('erp', 'oms')), --| Where the document in the ERP comes from: erp: the ERP has it from elsewhere; oms: we had it made
    doc_hash text,                  --| md5 of the ERP's document as last taken in (oms.erp_doc_hash)
    at timestamptz NOT NULL DEFAULT now(), --| When found, or last changed
    PRIMARY KEY (company_id, entity, erp_key)
);
CREATE INDEX erp_link_oms ON oms.erp_link (company_id, entity, oms_key);

CREATE TABLE oms.erp_waiting (      --| Rows of the ERP that refer to what is not here (a price of what is no item, an address of no customer): looked at again when that comes.
    company_id integer NOT NULL,    --| Whose
    entity text NOT NULL,           --| Entity of the row
    erp_key text NOT NULL,          --| Its key
    on_entity text NOT NULL,        --| Entity of what is missing
    on_key text NOT NULL,           --| Its key
    ready boolean NOT NULL DEFAULT false, --| It has come
    PRIMARY KEY (company_id, entity, erp_key, on_entity, on_key)
);
CREATE INDEX erp_waiting_on ON oms.erp_waiting (company_id, on_entity, on_key);
CREATE INDEX erp_waiting_ready ON oms.erp_waiting (company_id) WHERE ready;
