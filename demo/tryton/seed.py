#!/usr/bin/python3
"""Fill a freshly initialised Tryton 6.0 with the demo company of demo/data.

    seed.py postgresql://user@host:port/database

Every row is written by Tryton's own objects.  The same files give the same
rows (but for Tryton's time stamps and, for what Tryton dates itself, the day).
See README.md for what is where.
"""
import csv
import datetime as dt
import os
import sys
import time
from decimal import Decimal as D

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from session import Session                         # noqa: E402

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data')
started = time.time()


def say(what):
    print('  %5.1f s  %s' % (time.time() - started, what), flush=True)


def rows(name):
    with open(os.path.join(DATA, name), newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))


ISO = {     # GST state code: ISO 3166-2:IN, name
    '01': ('JK', 'Jammu & Kashmir'), '02': ('HP', 'Himachal Pradesh'), '03': ('PB', 'Punjab'),
    '04': ('CH', 'Chandigarh'), '05': ('UK', 'Uttarakhand'), '06': ('HR', 'Haryana'),
    '07': ('DL', 'Delhi'), '08': ('RJ', 'Rajasthan'), '09': ('UP', 'Uttar Pradesh'), '10': ('BR', 'Bihar'),
    '11': ('SK', 'Sikkim'), '12': ('AR', 'Arunachal Pradesh'), '13': ('NL', 'Nagaland'),
    '14': ('MN', 'Manipur'), '15': ('MZ', 'Mizoram'), '16': ('TR', 'Tripura'), '17': ('ML', 'Meghalaya'),
    '18': ('AS', 'Assam'), '19': ('WB', 'West Bengal'), '20': ('JH', 'Jharkhand'), '21': ('OD', 'Odisha'),
    '22': ('CG', 'Chhattisgarh'), '23': ('MP', 'Madhya Pradesh'), '24': ('GJ', 'Gujarat'),
    '26': ('DH', 'Dadra & Nagar Haveli and Daman & Diu'), '27': ('MH', 'Maharashtra'),
    '29': ('KA', 'Karnataka'), '30': ('GA', 'Goa'), '31': ('LD', 'Lakshadweep'), '32': ('KL', 'Kerala'),
    '33': ('TN', 'Tamil Nadu'), '34': ('PY', 'Puducherry'), '35': ('AN', 'Andaman & Nicobar Islands'),
    '36': ('TS', 'Telangana'), '37': ('AP', 'Andhra Pradesh'), '38': ('LA', 'Ladakh')}
HOME = '29'                                         # the company's state
# what becomes of the first sales of erp_sales.csv
FATE = ('draft quotation cancelled waiting waiting waiting assigned assigned picked packed'
        ' done done waiting assigned picked quotation waiting done cancelled draft').split()

items, customers = rows('items.csv'), rows('customers.csv')
places = rows('warehouses.csv') + rows('dark_stores.csv')
today = dt.date.today()
opening = min(dt.date(2026, 8, 1), today - dt.timedelta(days=90))
session = Session(sys.argv[1])
ids = {}                                            # (kind, code) -> id
say('Tryton\'s objects loaded')


def keep(kind, codes, records):
    ids.update({(kind, c): r.id for c, r in zip(codes, records)})


def address(r, **more):
    street = '\n'.join(x for x in (r.get('address1'), r.get('address2')) if x) or None
    return dict(street=street, city=r['city'], postal_code=r['pincode'], country=ids['country', 'IN'],
                subdivision=ids['state', r['state_code']], **more)


# -- country, currency, company ---------------------------------------------------
with session.work() as get:
    india, = get('country.country').create([{'name': 'India', 'code': 'IN', 'code3': 'IND', 'code_numeric': '356'}])
    ids['country', 'IN'] = india.id
    keep('state', ISO, get('country.subdivision').create([
        {'country': india.id, 'code': 'IN-' + iso, 'name': name, 'type': 'state'} for iso, name in ISO.values()]))
    rupee, = get('currency.currency').create([{
        'name': 'Indian Rupee', 'symbol': '\u20b9', 'code': 'INR', 'numeric_code': '356',
        'rounding': D('0.01'), 'digits': 2,
        'rates': [('create', [{'date': dt.date(2020, 1, 1), 'rate': D(1)}])]}])
    blr = places[0]
    party, = get('party.party').create([{
        'name': 'Sahyadri Lifestyle Private Limited', 'code': 'SLPL',
        'identifiers': [('create', [{'code': g}
                                    for g in sorted({p['gstin'] for p in places})])],
        'addresses': [('create', [address(dict(blr, address1='14 Residency Road', pincode='560025'),
                                          party_name='Registered office')])]}])
    company, = get('company.company').create([{
        'party': party.id, 'currency': rupee.id, 'timezone': 'Asia/Kolkata'}])
    User = get('res.user')
    User.write([User(session.user)], {'companies': [('add', [company.id])], 'company': company.id})
    ids.update({('party', 'SLPL'): party.id, ('company', 1): company.id})
session.take_company()

# -- accounts, GST, what an item belongs to --------------------------------------
with session.work() as get:
    Chart = get('account.create_chart', type='wizard')
    chart = Chart(Chart.create()[0])
    Data = get('ir.model.data')
    chart.account.account_template = get('account.account.template')(
        Data.get_id('account', 'account_template_root_en'))
    chart.account.company = company = get('company.company')(ids['company', 1])
    chart.transition_create_account()
    Account = get('account.account')

    def account(kind):
        return Account.search([('type.' + kind, '=', True), ('company', '=', company.id)], limit=1)[0].id

    chart.properties.company = company
    chart.properties.account_receivable, chart.properties.account_payable = account('receivable'), account('payable')
    chart.transition_create_properties()

    tax_account = Account.search([('name', '=', 'Main Tax')], limit=1)[0].id
    group, = get('account.tax.group').create([{'name': 'GST', 'code': 'GST', 'kind': 'both'}])
    percents = sorted({int(i['gst_percent']) for i in items})

    def tax(name, percent, **more):
        return dict({'name': name, 'description': name, 'type': 'percentage', 'rate': D(percent) / 100,
                     'invoice_account': tax_account, 'credit_note_account': tax_account}, **more)

    Tax = get('account.tax')
    half = ['%g' % (p / 2) for p in percents]
    keep('gst', percents, Tax.create([      # inside a state: a heading over its two halves
        {'name': 'GST %d%%' % p, 'description': 'GST %d%%' % p, 'type': 'none', 'group': group.id,
         'childs': [('create', [tax('CGST %s%%' % h, h), tax('SGST %s%%' % h, h)])]}
        for p, h in zip(percents, half)]))
    keep('igst', percents, Tax.create([     # between states
        tax('IGST %d%%' % p, p, group=group.id) for p in percents]))
    rule, = get('account.tax.rule').create([{
        'name': 'Inter-state supply', 'company': company.id, 'kind': 'sale',
        'lines': [('create', [{'group': group.id, 'origin_tax': ids['gst', p], 'tax': ids['igst', p]}
                              for p in percents])]}])
    ids['rule', 'inter'] = rule.id

    what = {r['hsn']: r['description'] for r in rows('tax_rates.csv')}
    pairs = sorted({(i['hsn'], int(i['gst_percent'])) for i in items})
    Category = get('product.category')
    goods, = Category.create([{
        'name': 'Goods', 'accounting': True, 'account_revenue': account('revenue'),
        'account_expense': account('expense')}])
    keep('hsn', pairs, Category.create([
        {'name': 'HSN %s %s, GST %d%%' % (hsn, what[hsn], p), 'accounting': True, 'parent': goods.id,
         'account_parent': True, 'customer_taxes': [('add', [ids['gst', p]])]} for hsn, p in pairs]))
    kinds = list(dict.fromkeys(i['category'] for i in items))
    keep('category', kinds, Category.create([{'name': k} for k in kinds]))
    get('account.invoice.payment_term').create([{
        'name': 'Due on receipt', 'lines': [('create', [{'type': 'remainder'}])]}])
say('country, company, accounts, GST, %d categories' % len(pairs))

# -- places: the nested set of locations is numbered once, at the end -----------------
with session.work() as get:
    Location = get('stock.location')
    lost, = Location.search([('type', '=', 'lost_found')], limit=1)
    old = Location.search([('type', '=', 'warehouse')])
    at = get('party.address').create([
        address(p, party=ids['party', 'SLPL'], party_name=p['name']) for p in places])
    zones = Location.create([
        {'name': name, 'code': '%s-%s' % (p['code'], short), 'type': 'storage'}
        for p in places for name, short in (('Input', 'IN'), ('Storage', 'STO'), ('Output', 'OUT'))])
    keep('place', [p['code'] for p in places], Location.create([
        {'name': p['name'], 'code': p['code'], 'type': 'warehouse', 'address': at[k].id,
         'input_location': zones[3 * k].id, 'storage_location': zones[3 * k + 1].id,
         'output_location': zones[3 * k + 2].id, 'lost_found_location': lost.id}
        for k, p in enumerate(places)]))
    keep('storage', [p['code'] for p in places], zones[1::3])
    bins = Location.create([
        {'name': 'Bin A-%02d' % n, 'code': '%s-A%02d' % (p['code'], n), 'type': 'storage',
         'parent': ids['storage', p['code']]} for p in places[:5] for n in (1, 2)])
    keep('bin', [p['code'] for p in places[:5]], bins[::2])
    Location.write(old, {'active': False})          # the one Tryton begins with
say('%d places' % len(places))

# -- products -----------------------------------------------------------------------
with session.work() as get:
    unit = {'NOS': Data.get_id('product', 'uom_unit'), 'KG': Data.get_id('product', 'uom_kilogram')}
    styles = {}
    for i in items:
        styles.setdefault(i['style'], []).append(i)
    templates = get('product.template').create([
        {'name': s[0]['name'].split(', ' + s[0]['size'])[0] if s[0]['size'] else s[0]['name'],
         'code': style, 'type': 'goods', 'default_uom': unit[s[0]['uom']], 'list_price': D(s[0]['mrp']),
         'salable': True, 'sale_uom': unit[s[0]['uom']],
         'purchasable': True, 'purchase_uom': unit[s[0]['uom']],
         'account_category': ids['hsn', (s[0]['hsn'], int(s[0]['gst_percent']))],
         'categories': [('add', [ids['category', s[0]['category']]])],
         'products': [('create', [
             {'suffix_code': '-' + i['size'] if i['size'] else None, 'cost_price': D(i['cost']),
              'description': 'Size ' + i['size'] if i['size'] else None,
              'identifiers': [('create', [{'type': 'ean', 'code': i['ean13']}])]} for i in s])]}
        for style, s in styles.items()])
    for t in templates:
        keep('sku', [p.code for p in t.products], t.products)
    missing = [i['sku'] for i in items if ('sku', i['sku']) not in ids]
    if missing:
        sys.exit('products not made: %s' % missing)
say('%d products of %d templates' % (len(items), len(templates)))

# -- customers ----------------------------------------------------------------------
with session.work() as get:
    keep('party', [c['code'] for c in customers], get('party.party').create([
        {'name': c['name'], 'code': c['code'],
         'addresses': [('create', [address(c, invoice=True, delivery=True)])],
         'identifiers': [('create', [{'code': c['gstin']}] if c['gstin'] else [])],
         'contact_mechanisms': [('create', [{'type': 'mobile', 'value': '+91' + c['phone']},
                                            {'type': 'email', 'value': c['email']}])],
         'customer_tax_rule': None if c['state_code'] == HOME else ids['rule', 'inter']}
        for c in customers]))
say('%d customers' % len(customers))

# -- opening stock: one inventory a place; warehouses keep every tenth item in a bin -----
with session.work() as get:
    Inventory, on_hand = get('stock.inventory'), {}
    for k, r in enumerate(rows('opening_stock.csv')):
        kind = 'bin' if k % 10 == 0 and ('bin', r['place']) in ids else 'storage'
        on_hand.setdefault(ids[kind, r['place']], []).append(
            {'product': ids['sku', r['sku']], 'quantity': float(r['qty'])})
    inventories = Inventory.create([
        {'location': location, 'date': opening, 'lines': [('create', lines)]}
        for location, lines in on_hand.items()])
    Inventory.confirm(inventories)
say('opening stock, %d lines' % sum(map(len, on_hand.values())))

# -- sales in every state -----------------------------------------------------------------
orders = {}
for r in rows('erp_sales.csv'):
    orders.setdefault(r['order_no'], []).append(r)
fated = [(fate, list(orders.values())[-1 - k]) for k, fate in enumerate(FATE)]
of = {}
with session.work() as get:
    Sale, Line, Party, Product = (get(n) for n in ('sale.sale', 'sale.line', 'party.party', 'product.product'))
    made = []
    for fate, lines in fated:
        sale = Sale(**Sale.default_get(list(Sale._fields), with_rec_name=False))
        sale.party = Party(ids['party', lines[0]['customer']])
        sale.on_change_party()
        sale.warehouse = ids['place', lines[0]['place']]
        sale.sale_date = min(today, dt.date.fromisoformat(lines[0]['order_date']))
        sale.reference, sale.invoice_method, sale.lines = lines[0]['order_no'], 'shipment', []
        for r in lines:
            line = Line(sale=sale, type='line', quantity=float(r['qty']), unit=None)
            line.product = Product(ids['sku', r['sku']])
            line.on_change_product()
            sale.lines = list(sale.lines) + [line]
        made.append(sale)
    Sale.save(made)
    for (fate, _), sale in zip(fated, made):
        of.setdefault(fate, []).append(sale)
    Sale.cancel(of['cancelled'])
    on_the_way = [s for fate, sales in of.items() for s in sales if fate not in ('draft', 'cancelled')]
    Sale.quote(on_the_way)
    Sale.confirm([s for s in on_the_way if s not in of['quotation']])
with session.work() as get:
    Sale, Shipment = get('sale.sale'), get('stock.shipment.out')

    def shipments(*fates):
        return [s for f in fates for sale in Sale.browse([x.id for x in of[f]]) for s in sale.shipments]

    short = [s.number for s in shipments('assigned', 'picked', 'packed', 'done') if not Shipment.assign_try([s])]
    if short:
        sys.exit('no stock for the shipments %s' % short)
    Shipment.pick(shipments('picked', 'packed', 'done'))
    Shipment.pack(shipments('packed', 'done'))
    Shipment.done(shipments('done'))
say('%d sales: %s' % (len(fated), ', '.join('%d %s' % (len(v), k) for k, v in of.items())))
