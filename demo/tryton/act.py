#!/usr/bin/python3
"""Do to a Tryton 6.0 database what its users do, through Tryton's own objects.

    act.py postgresql://user@host:port/database ACTION [ARGUMENT...]
    act.py postgresql://user@host:port/database -        actions from stdin, one a line

Each action prints one line of JSON; {"error": ...} when Tryton refused, and the
exit status is then 1.  With "-" arguments are split as a shell would.

    confirm-sale SKU QTY WAREHOUSE    a new sale, quoted, confirmed, processed
    assign-pick-shipment SALE_ID      its shipments: assigned, picked
    pack-done-shipment SALE_ID        and packed, done
    cancel-shipment SALE_ID           its open shipments are cancelled
    inventory SKU WAREHOUSE QTY       counted: QTY on hand in the warehouse's storage
    price SKU PRICE                   list price
    rename SKU NAME
    deactivate SKU
    tax SKU PERCENT                   another GST rate for the SKU's accounting category
    new-product SKU PRICE             like the first product there is
    bin WAREHOUSE                     a new bin under the warehouse's storage
    receive-return SALE_ID            what a sale of less than nothing sends back: received, put away
    buy SKU QTY WAREHOUSE             a new purchase, quoted, confirmed, processed
    receive PURCHASE_ID               its goods have come: in the input zone
    put-away PURCHASE_ID              and are in storage
    list-line LIST QTY FORMULA        a new first line of a price list, for all items from QTY on
    list-prices QTY...                what price lists make of list prices, for every item
    address PARTY_CODE STREET         the street of a party's first address
    stock SKU WAREHOUSE               what Tryton says is on hand and free
    stock-all                         the same for every warehouse and SKU not at zero
"""
import datetime as dt
import json
import os
import shlex
import sys
import time
from decimal import Decimal as D

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from session import Session                         # noqa: E402


class Refused(Exception):
    pass


def one(model, *domain):
    found = model.search(list(domain), order=[('id', 'ASC')], limit=1)
    if not found:
        raise Refused('no %s with %s' % (model.__name__, domain))
    return found[0]


def product(get, sku):
    return one(get('product.product'), ('code', '=', sku))


def warehouse(get, code):
    return one(get('stock.location'), ('type', '=', 'warehouse'), ('code', '=', code))


def quantities(get, place, sku=None):
    """On hand and free, by product, in the storage of a warehouse."""
    Product, today = get('product.product'), get('ir.date').today()
    storage = [place.storage_location.id]
    from trytond.transaction import Transaction
    grouping = (([product(get, sku).id],) if sku else None)
    result = []
    for assigned in (False, True):
        with Transaction().set_context(stock_date_end=today, stock_assign=assigned):
            by = Product.products_by_location(storage, with_childs=True, grouping_filter=grouping)
        result.append({key[1]: round(q, 3) for key, q in by.items() if q})
    return result


def stock(get, sku, code):
    on_hand, free = quantities(get, warehouse(get, code), sku)
    pid = product(get, sku).id
    return {'sku': sku, 'warehouse': code, 'on_hand': on_hand.get(pid, 0), 'free': free.get(pid, 0)}


def stock_all(get):
    Product, rows = get('product.product'), []
    for place in get('stock.location').search([('type', '=', 'warehouse')], order=[('code', 'ASC')]):
        on_hand, free = quantities(get, place)
        code = {p.id: p.code for p in Product.browse(sorted(set(on_hand) | set(free)))}
        rows += sorted((place.code, code[i], on_hand.get(i, 0), free.get(i, 0)) for i in code)
    return {'stock': rows}


def sale_state(get, sale_id):
    sale = get('sale.sale')(sale_id)
    return {'sale': sale.id, 'number': sale.number, 'reference': sale.reference, 'state': sale.state,
            'shipment_state': sale.shipment_state,
            'shipments': [{'id': s.id, 'number': s.number, 'state': s.state} for s in sale.shipments]}


def confirm_sale(session, sku, qty, code):
    with session.work() as get:
        Sale, Line = get('sale.sale'), get('sale.line')
        sale = Sale(**Sale.default_get(list(Sale._fields), with_rec_name=False))
        sale.party = one(get('party.party'), ('code', 'like', 'C0%'), ('addresses', '!=', None))
        sale.on_change_party()
        sale.warehouse, sale.lines = warehouse(get, code), []
        sale.invoice_method = 'manual'
        if not sale.payment_term:
            sale.payment_term = one(get('account.invoice.payment_term'))
        if 'carrier' in Sale._fields:
            sale.carrier = sale.shipment_cost_method = None
        item = product(get, sku)
        line = Line(sale=sale, type='line', quantity=float(qty), unit=None)
        line.product = item
        line.on_change_product()
        if line.unit != item.default_uom:           # QTY is in the stock's unit
            line.unit = item.default_uom
            line.on_change_quantity()
        sale.lines = [line]
        sale.save()
        Sale.quote([sale])
        Sale.confirm([sale])
    with session.work() as get:
        return sale_state(get, sale.id)


def shipments(get, sale_id, *states):
    found = [s for s in get('sale.sale')(int(sale_id)).shipments if s.state in states]
    if not found:
        raise Refused('sale %s has no shipment that is %s' % (sale_id, ' or '.join(states)))
    return found


def assign_pick(session, sale_id):
    with session.work() as get:
        Shipment = get('stock.shipment.out')
        for s in shipments(get, sale_id, 'waiting', 'assigned'):
            if s.state == 'waiting' and not Shipment.assign_try([s]):
                raise Refused('no stock for shipment %s' % s.number)
            Shipment.pick([Shipment(s.id)])
    with session.work() as get:
        return sale_state(get, int(sale_id))


def pack_done(session, sale_id):
    with session.work() as get:
        Shipment = get('stock.shipment.out')
        todo = shipments(get, sale_id, 'picked', 'packed')
        Shipment.pack([s for s in todo if s.state == 'picked'])
        Shipment.done(Shipment.browse([s.id for s in todo]))
    with session.work() as get:
        return sale_state(get, int(sale_id))


def cancel_shipment(session, sale_id):
    with session.work() as get:
        get('stock.shipment.out').cancel(shipments(get, sale_id, 'waiting', 'assigned', 'picked', 'packed'))
    with session.work() as get:
        return sale_state(get, int(sale_id))


def inventory(session, sku, code, qty):
    """Bins are counted as empty, the storage location itself holds QTY."""
    with session.work() as get:
        Product, Inventory, Location = (get(n) for n in ('product.product', 'stock.inventory', 'stock.location'))
        item, storage = product(get, sku), warehouse(get, code).storage_location
        from trytond.transaction import Transaction
        tree = Location.search([('parent', 'child_of', [storage.id]), ('type', '=', 'storage')])
        with Transaction().set_context(stock_date_end=get('ir.date').today()):
            by = Product.products_by_location([l.id for l in tree], grouping_filter=([item.id],))
        count = {l: 0.0 for (l, _), q in by.items() if q and l != storage.id}
        count[storage.id] = float(qty)
        made = Inventory.create([
            {'location': l, 'lines': [('create', [{'product': item.id, 'quantity': q}])]}
            for l, q in sorted(count.items())])
        Inventory.complete_lines(made, fill=False)
        Inventory.confirm(made)
    with session.work() as get:
        return dict(stock(get, sku, code), inventories=[i.id for i in made])


def on_template(session, sku, values):
    with session.work() as get:
        item = product(get, sku)
        get('product.template').write([item.template], values)
    with session.work() as get:
        item = get('product.product')(item.id)
        return {'sku': sku, 'product': item.id, 'template': item.template.id, 'name': item.template.name,
                'list_price': str(item.template.list_price)}


def deactivate(session, sku):
    with session.work() as get:
        item = product(get, sku)
        get('product.product').write([item], {'active': False})
        return {'sku': sku, 'product': item.id, 'active': False}


def tax(session, sku, percent):
    with session.work() as get:
        category = product(get, sku).template.account_category
        wanted = one(get('account.tax'), ('name', '=', 'GST %g%%' % float(percent)), ('parent', '=', None))
        get('product.category').write([category], {
            'customer_taxes': [('remove', [t.id for t in category.customer_taxes]), ('add', [wanted.id])]})
        return {'sku': sku, 'category': category.id, 'name': category.name, 'tax': wanted.name}


def new_product(session, sku, price):
    with session.work() as get:
        like = one(get('product.template'), ('type', '=', 'goods'), ('salable', '=', True),
                   ('default_uom.name', '=', 'Unit'))
        made, = get('product.template').create([{
            'name': 'New product %s' % sku, 'code': sku, 'type': 'goods', 'list_price': D(price),
            'default_uom': like.default_uom.id, 'salable': True, 'sale_uom': like.default_uom.id,
            'account_category': like.account_category.id,
            'products': [('create', [{'cost_price': D(price) / 2}])]}])
        return {'sku': made.products[0].code, 'product': made.products[0].id, 'template': made.id,
                'list_price': str(D(price))}


def new_bin(session, code):
    with session.work() as get:
        Location, storage = get('stock.location'), warehouse(get, code).storage_location
        n = Location.search([('parent', '=', storage.id)], count=True) + 1
        made, = Location.create([{'name': 'Bin N-%02d' % n, 'code': '%s-N%02d' % (code, n), 'type': 'storage',
                                  'parent': storage.id}])
        return {'bin': made.id, 'code': made.code, 'warehouse': code}


def receive_return(session, sale_id):
    with session.work() as get:
        Return = get('stock.shipment.out.return')
        todo = [s for s in get('sale.sale')(int(sale_id)).shipment_returns if s.state == 'draft']
        if not todo:
            raise Refused('sale %s sends nothing back' % sale_id)
        Return.receive(todo)
        Return.done(Return.browse([s.id for s in todo]))
    with session.work() as get:
        return sale_state(get, int(sale_id))


def buy(session, sku, qty, code):
    with session.work() as get:
        Purchase, Line = get('purchase.purchase'), get('purchase.line')
        made = Purchase(**Purchase.default_get(list(Purchase._fields), with_rec_name=False))
        made.party = one(Purchase, ('state', '!=', 'cancelled')).party
        made.on_change_party()
        made.warehouse, made.lines = warehouse(get, code), []
        made.invoice_method = 'manual'
        if not made.payment_term:
            made.payment_term = one(get('account.invoice.payment_term'))
        line = Line(purchase=made, type='line', quantity=float(qty), unit=None)
        line.product = product(get, sku)
        line.on_change_product()
        line.unit_price = line.unit_price or D(1)
        made.lines = [line]
        made.save()
        Purchase.quote([made])
        Purchase.confirm([made])
    with session.work() as get:
        made = get('purchase.purchase')(made.id)
        return {'purchase': made.id, 'number': made.number, 'state': made.state, 'moves': [m.id for m in made.moves]}


def receive(session, purchase_id):
    with session.work() as get:
        Shipment, bought = get('stock.shipment.in'), get('purchase.purchase')(int(purchase_id))
        come = Shipment(supplier=bought.party, warehouse=bought.warehouse, company=bought.company,
                        contact_address=bought.party.addresses[0])
        come.incoming_moves = [m for m in bought.moves if m.state == 'draft']
        come.save()
        Shipment.receive([come])
        return {'shipment': come.id}


def put_away(session, purchase_id):
    with session.work() as get:
        bought = get('purchase.purchase')(int(purchase_id))
        todo = [s for s in bought.shipments if s.state == 'received']
        get('stock.shipment.in').done(todo)
        return {'shipments': [s.id for s in todo]}


def list_line(session, name, qty, formula):
    with session.work() as get:
        Line, named = get('product.price_list.line'), one(get('product.price_list'), ('name', '=', name))
        for n, line in enumerate(named.lines):
            Line.write([line], {'sequence': n + 1})
        made, = Line.create([{'price_list': named.id, 'sequence': 0, 'quantity': float(qty), 'formula': formula}])
        return {'line': made.id}


def list_prices(get, *quantities):
    goods = get('product.product').search([('template.type', '=', 'goods'), ('template.salable', '=', True)], order=[('code', 'ASC')])
    return {'prices': [
        (named.name, item.code, float(qty), str(named.compute(None, item, item.list_price, float(qty), item.default_uom)))
        for named in get('product.price_list').search([], order=[('id', 'ASC')]) for item in goods for qty in quantities]}


def address(session, code, street):
    with session.work() as get:
        party = one(get('party.party'), ('code', '=', code))
        get('party.address').write([party.addresses[0]], {'street': street})
        return {'address': party.addresses[0].id}


def reading(work):
    def act(session, *args):
        with session.work() as get:
            return work(get, *args)
    return act


ACTIONS = {
    'confirm-sale': (confirm_sale, 3), 'assign-pick-shipment': (assign_pick, 1),
    'pack-done-shipment': (pack_done, 1), 'cancel-shipment': (cancel_shipment, 1),
    'inventory': (inventory, 3), 'deactivate': (deactivate, 1), 'tax': (tax, 2),
    'price': (lambda session, sku, p: on_template(session, sku, {'list_price': D(p)}), 2),
    'rename': (lambda session, sku, name: on_template(session, sku, {'name': name}), 2),
    'new-product': (new_product, 2), 'bin': (new_bin, 1), 'receive-return': (receive_return, 1),
    'buy': (buy, 3), 'receive': (receive, 1), 'put-away': (put_away, 1), 'list-line': (list_line, 3),
    'list-prices': (reading(list_prices), None), 'address': (address, 2),
    'stock': (reading(stock), 2), 'stock-all': (reading(stock_all), 0)}


def act(session, words):
    began = time.time()
    try:
        work, n = ACTIONS.get(words[0], (None, 0))
        if work is None or n not in (None, len(words) - 1):
            raise Refused('no action "%s" with %d arguments' % (words[0], len(words) - 1))
        result = work(session, *words[1:])
    except Exception as e:
        result = {'error': '%s: %s' % (type(e).__name__, ' '.join(str(e).split()))}
    result = dict({'action': words[0]}, **result, ms=round((time.time() - began) * 1000))
    print(json.dumps(result, ensure_ascii=False), flush=True)
    return 'error' not in result


def main(argv):
    if len(argv) < 2:
        sys.exit(__doc__)
    session, ok = Session(argv[0]), True
    if argv[1:] != ['-']:
        ok = act(session, argv[1:])
    else:
        for line in sys.stdin:
            words = shlex.split(line, comments=True)
            if words:
                ok = act(session, words) and ok
    return 0 if ok else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
