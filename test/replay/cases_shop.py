"""The company of one case, and the psql that makes it and asks it."""

import json
import subprocess
import sys
from decimal import Decimal

NOW = "now()"
EARLIER = "now() - interval '10 days'"
FAR_SOUTH = (8.0, 77.0)
KM_PER_DEGREE = 111.0
PLENTY = 99999999


class NotCovered(Exception):
    pass


class Refused(Exception):
    def __init__(self, answer):
        Exception.__init__(self, answer["message"])
        self.state = answer["state"]
        self.detail = answer["detail"] or ""


class Read(dict):
    """A mapping that knows which of its keys were read."""

    def __init__(self, values):
        dict.__init__(self, values or {})
        self.read = set()

    def get(self, key, default=None):
        self.read.add(key)
        return dict.get(self, key, default)

    def unread(self):
        return sorted(k for k in self if k not in self.read and self[k] is not None)


def quote(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


class Database:
    """One psql, spoken to line by line."""

    PROLOGUE = r"""
SET client_min_messages = error;
SET standard_conforming_strings = on;
CREATE EXTENSION IF NOT EXISTS pg_oms CASCADE;
SELECT oms.install() WHERE to_regclass('oms.meta') IS NULL;
SET TIME ZONE 'Asia/Kolkata';
CREATE FUNCTION pg_temp.attempt(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v jsonb; d text;
BEGIN
    EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(x)), ''[]'') FROM (%s) x', query) INTO v;
    RETURN jsonb_build_object('rows', v)::text;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
    RETURN jsonb_build_object('state', SQLSTATE, 'message', SQLERRM, 'detail', d)::text;
END $$;
"""

    def __init__(self):
        self.psql = subprocess.Popen(
            ["stdbuf", "-oL", "psql", "-XqAt"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, universal_newlines=True, bufsize=1)
        self.tell(self.PROLOGUE)

    def tell(self, text):
        """Statements without an answer."""
        self.psql.stdin.write(text + "\n\\echo ---\n")
        self.psql.stdin.flush()
        self.lines()

    def lines(self):
        got = []
        while True:
            line = self.psql.stdout.readline()
            if not line:
                sys.exit("psql ended: is the server up, and has the database pg_oms?")
            if line.rstrip("\n") == "---":
                return got
            got.append(line.rstrip("\n"))

    def rows(self, query):
        """Rows of a query as dicts; an error raises Refused and undoes it."""
        self.psql.stdin.write("SELECT pg_temp.attempt(%s);\n\\echo ---\n" % quote(query))
        self.psql.stdin.flush()
        got = self.lines()
        if len(got) != 1:
            sys.exit("psql answered %r to: %s" % (got, query))
        answer = json.loads(got[0], parse_float=Decimal)
        if "state" in answer:
            raise Refused(answer)
        return answer["rows"]

    def value(self, query):
        for value in self.rows(query)[0].values():
            return value

    def make(self, table, **columns):
        names = ", ".join(columns)
        values = ", ".join(v[1:] if isinstance(v, str) and v.startswith("=") else quote(v)
                           for v in columns.values())
        self.tell("INSERT INTO oms.%s (%s) VALUES (%s);" % (table, names, values))


def number(value):
    return Decimal(str(value)).normalize()


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


class Within:
    """Equal to any [from, to] that holds it."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return other[0] <= self.value <= other[1]

    def __repr__(self):
        return repr(plain(self.value))


class Shop:
    """The company of one case."""

    def __init__(self, db, case):
        self.db = db
        self.case = case
        self.options = Read(case.get("options"))
        self.nodes = [Read(n) for n in case.get("nodes") or []]
        self.orders = 0
        self.skus = {}
        self.node_codes = []
        self.kits = {}
        self.timezone = "Asia/Kolkata"
        self.reserved_as_cart = False
        self.damaged = False
        self.gathered = []
        self.db_requests = []
        self.baskets = {}
        self.limits = []
        self.own_couriers = False
        self.counted_later = {}

    # --- what the case is about

    def demand(self):
        lines = self.case.get("lines")
        if lines:
            out = []
            for line in lines:
                line = Read(line)
                out.append((line.get("sku"), line.get("qty")))
                line.get("line")
                if line.unread():
                    raise NotCovered("line field " + ", ".join(line.unread()))
            return out
        return [(sku, qty) for sku, qty in (self.case.get("demand") or {}).items()]

    def sku_codes(self):
        codes = []

        def add(code):
            if code is not None and code not in codes:
                codes.append(code)

        for node in self.nodes:
            for sku in node.get("stock") or {}:
                add(sku)
            for field in ("allocated", "reserved", "safety", "in_stock"):
                for sku in dict.get(node, field) or {}:
                    add(sku)
        for sku in self.case.get("demand") or {}:
            add(sku)
        for line in self.case.get("lines") or []:
            add(line.get("sku"))
        for step in self.case.get("steps") or []:
            add(step.get("sku"))
            for sku in step.get("lines") or {}:
                add(sku)
        for sku in dict.get(self.options, "each") or {}:
            add(sku)
        for parts in (dict.get(self.options, "bom") or {}).values():
            for sku in parts:
                add(sku)
        if not codes and any("quants" in n for n in self.nodes):
            add("P")
        return codes

    def only_sku(self):
        if len(self.skus) != 1:
            raise NotCovered("a step that names no item")
        return next(iter(self.skus))

    # --- making it

    def build(self):
        db, options = self.db, self.options
        destination = options.get("destination") or {}
        self.channels = [options.get("channel") or "WEB"]
        for step in self.case.get("steps") or []:
            if step.get("channel") and step["channel"] not in self.channels:
                self.channels.append(step["channel"])
        self.place = (destination.get("lat", FAR_SOUTH[0]), destination.get("lon", FAR_SOUTH[1]))
        partial = options.get("partial")
        if partial not in (None, "reject", "report_unshippable", "backorder"):
            raise NotCovered("partial " + str(partial))
        thresholds = dict(options.get("out_of_stock_threshold") or {})
        if options.get("use_global_threshold"):
            for sku in thresholds:
                thresholds[sku] = options.get("global_threshold")
        backorders = options.get("backorders") or {}
        waits = partial in ("report_unshippable", "backorder")
        beyond = any(backorders.values()) or any(t < 0 for t in thresholds.values())
        split = options.get("split", True)
        if options.get("split_orders") is False or options.get("assignment") == "single":
            split = False
        if options.get("assignment") not in (None, "single", "multi"):
            raise NotCovered("assignment")
        ttl = options.get("ttl_minutes", 15)

        db.make("company", company_id=9900, code="CASE", name="Case", state_code="29",
                timezone=self.timezone)
        db.tell("SET LOCAL oms.company = 'CASE';")
        for i, code in enumerate(self.channels):
            db.make("channel", channel_id=9900 + i, company_id=9900, code=code, name=code, kind="web",
                    allow_split=split, max_shipments=30,
                    allow_backorder=waits or beyond or dict.get(options, "on_unfillable") is not None,
                    cart_ttl="%s minutes" % ttl)
        db.make("pincode", pincode="999001", state_code="29", district="Case",
                place="=oms.geo_point(%s, %s)" % self.place)
        self.make_rule()
        tracked = options.get("track_inventory") or {}
        rules = {column: options.get(option) for option, column in
                 (("min_sale_qty", "sale_min"), ("max_sale_qty", "sale_max"), ("qty_increment", "sale_step"))}
        decimal = options.get("decimal_qty")
        if decimal is False and rules["sale_step"] is None:
            rules["sale_step"] = 1
        rules = {k: v for k, v in rules.items() if v is not None}
        bom = options.get("bom") or {}
        weight = options.get("unit_weight_kg")
        for i, code in enumerate(self.sku_codes()):
            self.skus[code] = 9900 + i
            extra = dict(rules)
            if weight is not None:
                extra["weight_g"] = int(weight * 1000)
            db.make("sku", sku_id=9900 + i, company_id=9900, code=code, name=code, hsn="6109",
                    tracked=tracked.get(code, True), **extra)
        for kit, parts in bom.items():
            for part, qty in parts.items():
                db.make("kit_component", company_id=9900, kit_sku_id=self.skus[kit],
                        sku_id=self.skus[part], qty=qty)
        self.kits = bom
        self.make_couriers()
        db.make("risk_model", risk_model_id=9900, company_id=9900, name="case", intercept=-9,
                state="champion", source="test")
        db.make("risk_policy", company_id=9900)
        for i, node in enumerate(self.nodes):
            self.make_node(9900 + i, node)
        cases_rules.fill_slots(self)
        self.set_policies(thresholds, backorders)
        self.make_allocated()
        self.count_later()
        self.serve_channels()
        self.make_holds()

    def count_later(self):
        """Counts that came after what was reserved; below zero they are an
        ERP's (ours are not), written as its taking in writes them."""
        for (node, sku), qty in self.counted_later.items():
            if qty >= 0:
                self.adjust(node, sku, qty)
                continue
            where = "s.company_id = 9900 AND s.node_id = %d AND s.sku_id = %d" % (
                9900 + [n["code"] for n in self.nodes].index(node), self.skus[sku])
            self.db.tell(
                "UPDATE oms.stock s SET on_hand = %s, shortfall = greatest(0, reserved - backorder_limit) WHERE %s;"
                "INSERT INTO oms.stock_ledger (company_id, node_id, sku_id, delta, on_hand, reason)"
                " SELECT s.company_id, s.node_id, s.sku_id, %s, %s, 'erp' FROM oms.stock s WHERE %s;" % (qty, where, qty, qty, where))

    def serve_channels(self):
        """Which nodes serve which channel, where nodes say so."""
        zones = self.options.get("require_shipping_zone")
        told = {}
        for node in self.nodes:
            channels, inside = node.get("channels"), node.get("in_channel")
            if channels is not None or inside is not None:
                told[node["code"]] = [c for c in self.channels if inside is not False and (channels is None or c in channels)]
            if zones and not node.get("shipping_zones"):
                told[node["code"]] = []
            node.get("shipping_zones")
        if not told:
            return
        for code in self.node_codes:
            for channel in self.channels:
                self.db.rows("SELECT oms.set_channel_node(%s, %s, %s)::text" % (
                    quote(channel), quote(code), quote(channel in told.get(code, self.channels))))

    def make_rule(self):
        options = self.options
        strategy = options.get("strategy")
        rule = {"shipment_cost": 45, "cost_per_km": 0, "cost_per_minute": 0, "cost_per_priority": 0.05,
                "max_nodes": 30}
        self.first_node = None
        if strategy in ("priority", "sorting_order"):
            rule["pick"] = "priority"
        elif strategy == "highest_stock":
            rule["pick"] = "stock"
        elif strategy == "distance":
            rule["pick"] = "distance"
        elif strategy == "single_node_per_line":
            rule["pick"] = "line"
        elif strategy not in (None, "minimize_splits"):
            raise NotCovered("strategy " + strategy)
        default = options.get("default_node")
        self.first_node = options.get("preferred_node") or default
        km = options.get("max_distance_km")
        if km is not None:
            rule["max_distance_m"] = int(km * 1000)
        cases_rules.rule_options(self, rule)
        self.db.make("sourcing_rule", company_id=9900, **rule)

    def make_couriers(self):
        db = self.db
        services = self.options.get("services") or [{"code": "ANY"}]
        db.make("courier", courier_id=9900, code=services[0]["code"] if self.own_couriers else "CASEC", name="Case courier")
        for i, service in enumerate(services):
            service = Read(service)
            columns = {}
            kg = service.get("max_weight_kg")
            columns["max_weight_g"] = 2147483647 if kg is None else int(kg * 1000)
            value = service.get("max_value")
            columns["max_value"] = 999999999999 if value is None else value
            if service.get("min_weight_kg") is not None:
                columns["min_weight_g"] = int(service["min_weight_kg"] * 1000)
            if service.get("max_volume") is not None:
                columns["max_volume_cm3"] = int(service.get("max_volume") * cases_rules.VOLUME)
            if service.get("min_value") is not None:
                columns["min_value"] = service["min_value"]
            seq = service.get("seq", 10)
            base = service.get("fixed")
            base = seq if base is None else base
            back = service.get("rto", base)
            if self.own_couriers and i > 0:
                db.make("courier", courier_id=9900 + i, code=service["code"], name="Case courier")
                db.make("zone_rule", courier_id=9900 + i, seq=1, test="otherwise", zone="Z")
            db.make("courier_service", courier_service_id=9900 + i, courier_id=9900 + (i if self.own_couriers else 0),
                    code=service.get("code"), name="Case", mode=service.get("mode", "surface"), max_cod=999999999999, **columns)
            db.make("serviceability", courier_service_id=9900 + i, pincode="999001", cod=True)
            db.make("zone_transit", courier_service_id=9900 + i, zone="Z", days=service.get("days", 2))
            db.make("rate_card", rate_card_id=9900 + i, company_id=9900, courier_service_id=9900 + i, note="case")
            for leg in ("forward", "rto", "reverse"):
                # the sequence is the price: what comes first is cheapest
                db.make("rate_slab", rate_card_id=9900 + i, zone="Z", leg=leg, base=back if leg == "rto" else base, add=0)
            if service.unread():
                raise NotCovered("service field " + ", ".join(service.unread()))
        if not self.own_couriers:
            self.db.value("SELECT oms.add_awbs('CASEC', ARRAY['9900000001', '9900000002', '9900000003', '9900000004'])")
        db.make("zone_rule", courier_id=9900, seq=1, test="otherwise", zone="Z")

    def make_node(self, node_id, node):
        db = self.db
        lat, lon = node.get("lat"), node.get("lon")
        km = node.get("distance_km")
        place = None
        if lat is not None:
            place = (lat, lon)
        elif km is not None:
            place = (self.place[0] + km / KM_PER_DEGREE, self.place[1])
        elif self.options.get("strategy") != "distance":
            place = self.place
        priority = node.get("priority")
        if priority is None:
            priority = 100 + node_id - 9900
        code = node.get("code")
        if self.first_node == code:
            priority = -1
        node.get("default")
        db.make("node", node_id=node_id, company_id=9900, code=code, name=code, state_code="29",
                pincode="999001", priority=priority,
                open=node.get("enabled", True) and node.get("allow_brokering") is not False,
                accepts_returns=node.get("accepts_returns", True), pos=node.get("pickup", False),
                place="=oms.geo_point(%s, %s)" % place if place else None)
        self.node_codes.append(code)
        cases_rules.node_options(self, node_id, node)
        stock = dict(node.get("stock") or {})
        quants = node.get("quants")
        if quants is not None:
            sku = self.only_sku()
            if quants:
                stock[sku] = sum(q["qty"] for q in quants)
            reserved = sum(q["reserved"] for q in quants)
            if reserved > stock.get(sku, 0):
                # counted too few after it was reserved
                self.counted_later[(code, sku)] = stock[sku]
                stock[sku] = reserved
            if reserved:
                self.reserved_quants = (code, sku, reserved)
        for sku, qty in stock.items():
            if qty < 0:
                self.counted_later[(code, sku)] = qty
                qty = (dict.get(node, "allocated") or {}).get(sku, 0)
            self.adjust(code, sku, qty)
        for sku, qty in (node.get("safety") or {}).items():
            self.policy(code, sku, safety=qty)
        for sku, flag in (node.get("in_stock") or {}).items():
            self.policy(code, sku, sellable=flag)

    def adjust(self, node, sku, qty):
        self.db.value("SELECT oms.adjust_stock(%s, %s, %s, 'case')" % (quote(node), quote(sku), qty))

    def policy(self, node, sku, **what):
        self.db.rows("SELECT oms.set_stock_policy(%s, %s, %s)::text" % (
            quote(node), quote(sku), ", ".join("%s => %s" % (k, quote(v)) for k, v in what.items())))

    def set_policies(self, thresholds, backorders):
        """A threshold of an item over all nodes is kept back at its nodes,
        the first first; depth for backorders is granted at the first."""
        allocated = {}
        for a in dict.get(self.options, "allocated") or []:
            allocated[a["sku"]] = allocated.get(a["sku"], 0) + a["qty"]
        for sku in set(thresholds) | {s for s, on in backorders.items() if on}:
            threshold = thresholds.get(sku, 0)
            listed = [n for n in self.nodes
                      if sku in (dict.get(n, "stock") or {}) and dict.get(n, "enabled", True)
                      and (dict.get(n, "in_stock") or {}).get(sku, True)]
            if not listed:
                continue
            if threshold > 0:
                rest = threshold
                for i, node in enumerate(listed):
                    part = min(rest, node["stock"][sku])
                    if i == len(listed) - 1:
                        part = rest
                    if part > 0:
                        self.policy(node["code"], sku, safety=part)
                    rest -= part
            else:
                depth = -threshold if threshold else PLENTY if backorders.get(sku) else 0
                needed = max(allocated.get(sku, 0) - listed[0]["stock"][sku], 0)
                if depth or needed:
                    self.policy(listed[0]["code"], sku, backorder_limit=max(depth, needed))

    def make_allocated(self):
        """Orders that hold what the case says is allocated."""
        held = [(a["node"], a["sku"], a["qty"]) for a in self.options.get("allocated") or []]
        for node in self.nodes:
            for field in ("allocated", "reserved"):
                held += [(node["code"], sku, qty) for sku, qty in (node.get(field) or {}).items()]
        if getattr(self, "reserved_quants", None):
            held.append(self.reserved_quants)
        self.held_orders = []
        for node, sku, qty in held:
            if not qty:
                continue
            if self.reserved_as_cart:
                self.cart("reserved", [(sku, qty)], node=node)
                continue
            answer = self.capture_held(node, sku, qty)
            self.held_orders.append((answer["order_id"], node, sku, Decimal(str(qty))))

    def capture_held(self, node, sku, qty):
        """More than is counted: the count fell after it was promised."""
        try:
            answer = self.capture([(sku, qty)], node=node, at=EARLIER)
            if not answer["unfilled"]:
                return answer
            self.db.value("SELECT oms.cancel_order(%s)" % answer["order_id"])
        except Refused as refused:
            result_of(refused)
        level = self.db.rows("SELECT on_hand FROM oms.available(%s, %s)" % (quote(sku), quote(node)))
        if self.case["kind"] not in ("fulfil", "deallocate", "cancel") or not level:
            raise NotCovered("more allocated than may be promised")
        self.adjust(node, sku, number(level[0]["on_hand"]) + number(qty))
        answer = self.capture([(sku, qty)], node=node, at=EARLIER)
        self.adjust(node, sku, number(level[0]["on_hand"]))
        return answer

    def make_holds(self):
        """Carts of other buyers, and of the own one."""
        carts = {}
        for hold in self.options.get("holds") or []:
            hold = Read(hold)
            key = (hold.get("owner", "other"), bool(hold.get("expired")))
            carts.setdefault(key, []).append((hold.get("node"), hold.get("sku"), hold.get("qty")))
            hold.get("line")
            if hold.unread():
                raise NotCovered("hold field " + ", ".join(hold.unread()))
        self.carts = {owner for owner, _ in carts}
        # those that name their node first: the others take what is left
        for (owner, expired), holds in sorted(carts.items(), key=lambda c: len({h[0] for h in c[1]})):
            nodes = {node for node, _, _ in holds}
            self.cart(owner, [(sku, qty) for _, sku, qty in holds],
                      node=nodes.pop() if len(nodes) == 1 else None, at=EARLIER if expired else NOW)

    # --- calls

    def document(self, lines, channel=None, node=None, cart=None, point=None, priority=None, asked=None):
        self.orders += 1
        document = {
            "channel": channel or self.channels[0], "external_id": "CASE-%d" % self.orders, "payment": {"mode": "PREPAID"},
            "ship_to": {"pincode": "999001", "address1": "1, Street", "city": "Town"},
            "lines": [{"sku": sku, "qty": qty, "unit_price": 100} for sku, qty in lines],
        }
        if node:
            document["fulfilment"] = {"mode": "SHIP", "node": node}
        if asked:
            document.setdefault("fulfilment", {"mode": "SHIP"}).update(asked)
        if isinstance(cart, list):
            document["cart_ids"] = cart
        elif cart:
            document["cart_id"] = cart
        if priority:
            document["priority"] = priority
        return quote(json.dumps(plain(document))) + "::jsonb"

    def promise(self, lines, cart=None, **how):
        return self.db.value("SELECT oms.promise(%s, %s)" % (self.document(lines, cart=cart, **how), NOW))

    def cart(self, owner, lines, at=NOW, **how):
        return self.db.value("SELECT oms.reserve_cart(%s, %s)" % (
            self.document(lines, cart=owner, **how), at))

    def capture(self, lines, at=NOW, **how):
        answer = self.db.value("SELECT oms.capture_order(%s, %s)" % (self.document(lines, **how), at))
        answer["pieces"] = [{"node": p["node"], "sku": p["sku"], "qty": p["qty"]}
                            for p in answer["plan"] if p.get("node")]
        answer["unfilled"] = {}
        asked = {}
        for sku, qty in lines:
            asked[sku] = asked.get(sku, 0) + number(qty)
        for p in answer["pieces"]:
            asked[p["sku"]] -= number(p["qty"])
        answer["unfilled"] = {sku: qty for sku, qty in asked.items() if qty > 0}
        return answer

    def atp(self, skus, cart=None):
        answer = self.promise([(sku, 1) for sku in skus], cart=cart)
        return {a["sku"]: a["available"] for a in answer["available"]}

    def levels(self, column):
        """What the room stock says of every listed item: {"node/sku": n}."""
        out = {}
        for sku in self.skus:
            for row in self.db.rows("SELECT * FROM oms.available(%s)" % quote(sku)):
                out["%s/%s" % (row["node"], sku)] = row[column]
        return out

    def own_cart(self):
        owners = list(self.options.get("exclude_owners") or [])
        if self.options.get("exclude_own_hold") or "self" in self.carts:
            owners.append("self")
        owners = sorted(set(owners))
        return owners if len(owners) > 1 else owners[0] if owners else None


def result_of(refused):
    if refused.state == "OM101":
        return "insufficient"
    raise refused


import cases_rules  # noqa: E402 (it needs the names above)
