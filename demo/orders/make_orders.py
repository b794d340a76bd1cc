#!/usr/bin/env python3
"""Make the demo's stream of channel orders, one JSON document a line.

    python3 demo/orders/make_orders.py [--base 2026-11-20] [--seed 7] [--out demo/data]

Writes orders.ndjson.gz (2,500 lines: orders of three channels, exact
duplicates, malformed documents), orders_small.ndjson (30 good orders) and
orders_expect.json (what is in the stream).  Same arguments, same bytes.
Form of a document: doc/order.schema.json.  Standard library only.

Provenance.  Every order, buyer, phone and address is invented.  The shares
marked AMAZON below (state, city within state, category, size, lines per order,
quantity, business buyers, weekday) were computed from the public set 'Unlock
Profits with E-Commerce Sales Data' (Amazon.in orders of an Indian apparel
seller, April to June 2022); only those aggregate shares are here, no row of it
is copied.  The share of cash on delivery follows published industry figures
(about 60 % of direct-to-consumer orders, 60-70 % beyond the largest cities).
The rest (baskets of web and counter, non-apparel, hours of the day) is our
own assumption.
"""
import argparse
import csv
import datetime as dt
import gzip
import json
import math
import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, '..', 'data')

# -- shares ------------------------------------------------------------------------
STATE = {   # AMAZON, per cent of lines, by GST state code
    '27': 17.45, '29': 13.65, '33': 8.95, '36': 8.78, '09': 8.18, '07': 5.55, '32': 4.90,
    '19': 4.60, '37': 4.10, '06': 3.48, '24': 3.42, '08': 2.12, '23': 1.95, '21': 1.62,
    '10': 1.61, '03': 1.51, '18': 1.28, '05': 1.19, '20': 1.11, '30': 0.91, '22': 0.71,
    '02': 0.58, '01': 0.53, '34': 0.27, '04': 0.27, '14': 0.25, '35': 0.19, '11': 0.16,
    '17': 0.16, '13': 0.15, '16': 0.12, '12': 0.12, '15': 0.06, '26': 0.05, '38': 0.03}
CITY = {    # AMAZON, share of a state's lines that go to the city: prefixes, name, metro
    '29': [(0.777, ('560',), 'Bengaluru', True)],
    '27': [(0.325, ('400',), 'Mumbai', True), (0.084, ('421',), 'Thane', True), (0.209, ('411',), 'Pune', False)],
    '33': [(0.552, ('600',), 'Chennai', True)],
    '36': [(0.806, ('500',), 'Hyderabad', True)],
    '09': [(0.298, ('201',), 'Noida', True), (0.153, ('226',), 'Lucknow', False)],
    '07': [(1.0, ('110',), 'New Delhi', True)],
    '19': [(0.488, ('700',), 'Kolkata', True)],
    '06': [(0.451, ('122',), 'Gurugram', True)],
    '24': [(0.334, ('380',), 'Ahmedabad', False)]}
APPAREL = {'Set': 38.80, 'kurta': 38.51, 'Western Dress': 12.11, 'Top': 8.46, 'Ethnic Dress': 0.92,
           'Blouse': 0.73, 'Bottom': 0.34, 'Saree': 0.13, 'Dupatta': 0.05}          # AMAZON
SIZE = {'M': 17.5, 'L': 17.2, 'XL': 16.3, 'XXL': 14.2, 'S': 13.1}                   # AMAZON
LINES = {'AMAZON_IN': ([1, 2, 3, 4, 5], [94.30, 4.72, 0.71, 0.18, 0.09]),           # AMAZON
         'WEB': ([1, 2, 3, 4, 6], [66, 21, 8, 4, 1]),
         'POS': ([1, 2, 3, 4, 5, 7], [38, 26, 17, 11, 6, 2])}
QTY = ([1, 2, 3, 4, 5], [99.68, 0.28, 0.03, 0.007, 0.003])                          # AMAZON
QTY_STAPLE = ([1, 2, 3, 4], [70, 20, 7, 3])
B2B = {'AMAZON_IN': 0.0072, 'WEB': 0.025, 'POS': 0.01}                              # AMAZON; ours
WEEKDAY = [1.00, 1.02, 1.00, 0.92, 0.95, 1.00, 1.06]                                # AMAZON
HOUR = [3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 10, 9, 8, 8, 8, 9, 10, 12, 14, 14, 11, 7]
CHANNEL = (['AMAZON_IN', 'WEB', 'POS'], [55, 30, 15])
COD_METRO, COD_REST = 0.38, 0.62
APPAREL_SHARE = {'AMAZON_IN': 0.72, 'WEB': 0.50, 'POS': 0.20}
N_GOOD, N_TWICE, N_SMALL = 2415, 60, 30

# -- names and streets ---------------------------------------------------------------
FIRST = ('Aarav Aditi Akash Amrita Anil Anjali Arjun Ayesha Bhavna Chetan Deepa Devika Dinesh Fatima Gaurav'
         ' Geeta Harpreet Imran Indu Ishaan Jaya Jaspreet Joseph Kabir Kavita Kiran Lakshmi Lalita Mahesh Manoj'
         ' Meera Mohan Nandini Naveen Neha Nikhil Nisha Omkar Pallavi Pooja Prakash Priya Rahul Rajesh Rekha Rhea'
         ' Ritu Rohan Sana Sandeep Sangeeta Sanjay Shalini Shreya Siddharth Sneha Sunita Suresh Tanvi Tarun Uma'
         ' Usha Varun Vidya Vikram Yash Zara').split()
LAST = ('Agarwal Ahmed Banerjee Bhat Biswas Bora Chauhan Choudhury Das Desai Deshmukh Dutta Fernandes Gogoi'
        ' Gowda Gupta Hegde Iyer Jain Jha Joshi Kamble Kapoor Kaur Khan Kulkarni Kumar Mehta Menon Mishra'
        ' Mohanty Naidu Nair Pandey Patel Patil Pillai Rao Rathore Reddy Sahoo Saxena Shah Sharma Shetty Singh'
        ' Sinha Thakur Thomas Tiwari Varma Verma Yadav').split()
AREA = ('Gandhi,Nehru,Shivaji,Ambedkar,Rajaji,Netaji,Tilak,Subhash,Patel,Vivekananda,Tagore,Kamaraj,Basava,'
        'Lakshmi,Ganesh,Sai,Green,Lake View,Model,Station').split(',')
KIND = 'Nagar,Colony,Layout,Road,Street,Marg,Enclave,Vihar,Puram,Extension'.split(',')
HOUSE = ['Flat {n}, {a} Residency', 'H.No. {n}/{m}', '{n}, 2nd Floor, {a} Apartments', 'Door No. {n}-{m}',
         'Plot {n}', '#{n}, {m}th Cross', 'Qtr No. {n}, Type {m}', '{n}/{m}']
MARK = ['Near bus stand', 'Opp. petrol pump', 'Behind government school', 'Near water tank', 'Next to SBI ATM',
        'Opposite temple', 'Near railway gate', 'Above medical store']
MASH = ['asdf', 'sdfghjk', 'hjkhkjh', 'abc', 'xxxx', 'test', 'qwerty qwerty', 'jhgjhg 123', '....', 'same address',
        'call me', 'home']
SCRIPT = {'27': 'घर क्र. {n}, शिवाजी नगर', '09': 'मकान नं. {n}, गांधी नगर', '29': 'ಮನೆ {n}, ಬಸವ ನಗರ',
          '33': 'எண் {n}, காமராஜ் தெரு', '19': 'বাড়ি {n}, নেতাজি রোড'}
ODD_STATE = {'07': 'NEW DELHI', '21': 'ORISSA', '34': 'PONDICHERRY', '08': 'Rajshthan', '03': 'PB',
             '33': 'TAMILNADU', '27': 'MH', '29': 'Karanataka', '05': 'UTTRAKHAND', '22': 'CHATTISGARH'}
ODD_CITY = {'Bengaluru': 'BANGALORE', 'Mumbai': 'BOMBAY', 'Gurugram': 'Gurgaon', 'New Delhi': 'Delhi',
            'Kolkata': 'CALCUTTA', 'Chennai': 'chennai'}


def rows(name, folder=DATA):
    with open(os.path.join(folder, name), newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))


def num(x):
    """A JSON number without a useless .0"""
    x = round(float(x), 3)
    return int(x) if x == int(x) else x


def gstin(state, pan, entity='1'):
    chars = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
    s, total = state + pan + entity + 'Z', 0
    for i, c in enumerate(s):
        p = chars.index(c) * (1 + i % 2)
        total += p // 36 + p % 36
    return s + chars[-total % 36]


class Maker:
    def __init__(self, base, seed):
        self.rnd = random.Random(seed)
        self.base = base
        self.items = rows('items.csv')
        self.by_sku = {i['sku']: i for i in self.items}
        self.shops = rows('dark_stores.csv')
        self.on_shelf = {}
        for r in rows('opening_stock.csv'):
            self.on_shelf.setdefault(r['place'], []).append(r['sku'])
        self.load_pincodes()
        self.weigh_items()
        self.buyers = {c: [] for c in CHANNEL[0]}
        self.n_phone = self.n_gstin = 0
        self.number = {c: 0 for c in CHANNEL[0]}

    def load_pincodes(self):
        """Per state: the big cities' pincodes and the rest, with a long tail of
        weights so that some pincodes are seen again and again."""
        self.place = {}
        for r in rows('pincodes.csv', os.path.join(HERE, '..', '..', 'data')):
            if r['state_code'] and r['lat']:
                self.place.setdefault(r['state_code'], []).append(r)
        self.pool = {}
        for code, pins in self.place.items():
            groups, taken = [], set()
            for share, prefixes, name, metro in CITY.get(code, []):
                own = [p for p in pins if p['pincode'][:3] in prefixes]
                taken.update(p['pincode'] for p in own)
                groups.append((share, own, name, metro))
            rest = [p for p in pins if p['pincode'] not in taken]
            left = max(0.0, 1 - sum(g[0] for g in groups))
            if rest and left > 0.001:
                groups.append((left, rest, None, False))
            self.pool[code] = []
            for share, own, name, metro in groups:
                own = self.rnd.sample(own, len(own))
                weight = [1 / (i + 4) ** 0.8 for i in range(len(own))]
                self.pool[code].append((share, own, weight, name, metro))

    def weigh_items(self):
        """Weights of the items within apparel (category and size shares) and
        within the rest.  Dear things sell less: the set's median line is worth
        606 rupees, nine in ten are below 1,075."""
        rush = {'EAR-0001': 5, 'MIX-0001': 3, 'WAT-0001': 4, 'SET-0002-S': 2}
        in_cat, self.apparel, self.other, self.fresh = {}, {}, {}, {}
        for i in self.items:
            if i['category'] in APPAREL:
                in_cat[i['category']] = in_cat.get(i['category'], 0) + SIZE.get(i['size'], 15)
        for i in self.items:
            r = rush.get(i['sku'], 1) * (800 / max(800, float(i['mrp']))) ** 1.5
            if i['category'] in APPAREL:
                self.apparel[i['sku']] = r * APPAREL[i['category']] * SIZE.get(i['size'], 15) / in_cat[i['category']]
            elif i['uom'] == 'KG' or i['cold_chain'] == 'true':
                self.fresh[i['sku']] = 1.0
            else:
                self.other[i['sku']] = r / (3 if i['size'] else 1)

    def draw(self, weights, allowed=None):
        keys = [k for k in weights if allowed is None or k in allowed]
        return self.rnd.choices(keys, [weights[k] for k in keys])[0] if keys else None

    # -- buyers ----------------------------------------------------------------------

    def phone(self):
        """Valid in form; the run of zeros shows that nobody chose it."""
        self.n_phone += 1
        k = self.n_phone * 7919
        return '%d0000%05d' % (6 + k // 100000 % 4, k % 100000)

    def new_buyer(self, channel, shop=None):
        rnd = self.rnd
        first, last = rnd.choice(FIRST), rnd.choice(LAST)
        b = {'name': '%s %s' % (first, last), 'phone': self.phone(), 'metro': True, 'shop': shop}
        if shop:
            b.update(pincode=shop['pincode'], city=shop['city'], state=shop['state'], code=shop['state_code'])
            radius = float(shop['service_radius_m']) * math.sqrt(rnd.random()) * 1.15
            turn = rnd.random() * 2 * math.pi
            b['lat'] = round(float(shop['lat']) + radius * math.cos(turn) / 111195, 5)
            b['lng'] = round(float(shop['lng']) + radius * math.sin(turn)
                             / (111195 * math.cos(math.radians(float(shop['lat'])))), 5)
        else:
            code = self.draw(STATE)
            groups = self.pool[code]
            _, pins, weight, name, b['metro'] = rnd.choices(groups, [g[0] for g in groups])[0]
            p = rnd.choices(pins, weight)[0]
            b.update(pincode=p['pincode'], city=name or p['district'] or p['state'], state=p['state'], code=code)
        self.address(b)
        if rnd.random() < B2B[channel]:
            self.n_gstin += 1
            b['gstin'] = gstin(b['code'], 'ZZ%sC%s%04dF' % (rnd.choice('ABCDEGHJ'), last[0], 2000 + self.n_gstin))
            b['name'] = '%s %s' % (last, rnd.choice(['Traders', 'Retail LLP', 'Enterprises', 'Textiles Pvt Ltd']))
        if rnd.random() < 0.7:
            b['email'] = '%s.%s%d@example.com' % (first.lower(), last.lower(), rnd.randint(1, 99))
        return b

    def address(self, b):
        rnd = self.rnd
        n, m, a, k = rnd.randint(1, 980), rnd.randint(1, 24), rnd.choice(AREA), rnd.choice(KIND)
        quality = rnd.random()
        if quality < 0.035:                                   # typed by a monkey
            b['address1'] = rnd.choice(MASH)
        elif quality < 0.05 and b['code'] in SCRIPT:          # in the buyer's own script
            b['address1'] = SCRIPT[b['code']].format(n=n)
        elif quality < 0.14:                                  # thin: no house number
            b['address1'] = '%s %s' % (a, k)
        elif quality < 0.17:                                  # everything in one field, shouting
            b['address1'] = ('%s, %s %s, %s, %s, %s' % (rnd.choice(HOUSE).format(n=n, m=m, a=a), a, k,
                             rnd.choice(MARK), b['city'], b['pincode'])).upper()
        else:
            b['address1'] = rnd.choice(HOUSE).format(n=n, m=m, a=a)
            b['address2'] = '%s %s' % (a, k)
            if rnd.random() < 0.45:
                b['landmark'] = rnd.choice(MARK)
        if rnd.random() < 0.05:
            b['state'] = ODD_STATE.get(b['code'], b['state'].upper())
        if rnd.random() < 0.10:
            b['city'] = ODD_CITY.get(b['city'], b['city'].upper())

    def buyer(self, channel, shop):
        """A third of the web's orders are from someone who bought before."""
        known = self.buyers[channel]
        if known and channel != 'POS' and self.rnd.random() < 0.28:
            b = known[int(len(known) * self.rnd.random() ** 1.6)]
            if (b['shop'] is None) == (shop is None):
                return b
        b = self.new_buyer(channel, shop)
        known.append(b)
        return b

    # -- one order ---------------------------------------------------------------------

    def moment(self):
        rnd = self.rnd
        days = [self.base - dt.timedelta(days=d) for d in range(14, 0, -1)]
        day = rnd.choices(days, [WEEKDAY[d.weekday()] for d in days])[0]
        return dt.datetime.combine(day, dt.time(rnd.choices(range(24), HOUR)[0], rnd.randrange(60), rnd.randrange(60)))

    def basket(self, channel, shop):
        rnd = self.rnd
        shelf = set(self.on_shelf[shop['code']]) if shop else None
        lines, used = [], set()
        for _ in range(rnd.choices(*LINES[channel])[0]):
            if shop and rnd.random() < 0.22:
                group = self.fresh
            elif rnd.random() < (0.2 if shop else APPAREL_SHARE[channel]):
                group = self.apparel
            else:
                group = self.other
            sku = self.draw(group, shelf) or self.draw(self.other, shelf)
            if sku in used:
                continue
            used.add(sku)
            item = self.by_sku[sku]
            if item['uom'] == 'KG':
                qty = rnd.choice([0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 0.485, 1.12])
            else:
                qty = rnd.choices(*(QTY_STAPLE if item['category'] == 'Grocery' else QTY))[0]
            lines.append((item, qty))
        return lines

    def order(self, channel, when):
        rnd = self.rnd
        shop = None
        if channel == 'POS':
            shop = rnd.choices(self.shops, [3 if s['kind'] == 'store' else 1 for s in self.shops])[0]
        elif channel == 'WEB' and rnd.random() < 0.30:        # the app, with a pin on the map
            shop = rnd.choice([s for s in self.shops if s['kind'] == 'dark_store'])
        b = self.buyer(channel, shop)
        shop = b['shop']
        self.number[channel] += 1
        n = self.number[channel]
        doc = {'channel': channel}
        doc['external_id'] = {'AMAZON_IN': lambda: '%d-%07d-%07d' % (rnd.choice((171, 402, 404, 406, 407, 408)),
                                                                      rnd.randrange(10 ** 7), n * 4211 % 10 ** 7),
                              'WEB': lambda: 'WEB-%d' % (100000 + n),
                              'POS': lambda: 'POS-%s-%05d' % (shop['code'], n)}[channel]()
        doc['placed_at'] = when.isoformat() + '+05:30'
        doc['currency'] = 'INR'
        basket = self.basket(channel, shop)
        total, lines = 0.0, []
        for k, (item, qty) in enumerate(basket, 1):
            price = float(item['mrp'])
            line = {'line_no': k, 'sku': item['sku'], 'qty': qty, 'unit_price': num(price)}
            if channel == 'AMAZON_IN' and rnd.random() < 0.15:     # a promotion of the seller
                line['discount'] = num(round(price * qty * rnd.choice((5, 8, 10, 15)) / 100))
            if channel == 'WEB' and rnd.random() < 0.08:
                del line['unit_price']                             # the list price is meant
            total += round(price * qty, 2) - line.get('discount', 0)
            lines.append(line)
        charges = []
        if channel == 'WEB':
            if rnd.random() < 0.18:
                charges.append(('CART_DISCOUNT', min(400, round(total * rnd.choice((5, 10, 12)) / 100))))
            if total < 999:
                charges.append(('SHIPPING', 25 if shop else 49))
            if rnd.random() < 0.04:
                charges.append(('GIFT_WRAP', 30))
        elif channel == 'AMAZON_IN' and total < 499:
            charges.append(('SHIPPING', 40))
        prepaid_only = any(i['cod_ok'] == 'false' for i, _ in basket)
        share = 0 if channel == 'POS' else COD_METRO if b['metro'] else COD_REST
        cod = rnd.random() < share and (not prepaid_only or rnd.random() < 0.15)
        if cod and channel == 'WEB':
            charges.append(('COD_FEE', 29))
        for kind, amount in charges:
            total += -amount if kind == 'CART_DISCOUNT' else amount
        doc['payment'] = {'mode': 'COD' if cod else 'PREPAID'}
        if cod and channel == 'WEB' and total > 1500 and rnd.random() < 0.10:
            doc['payment']['paid_amount'] = 99                     # token advance
        elif not cod and channel != 'WEB' and all('unit_price' in x for x in lines):
            doc['payment']['paid_amount'] = num(round(total, 2))
        who = {}
        if channel == 'AMAZON_IN':
            if rnd.random() < 0.8:                                 # marketplaces hide some
                who['phone'] = b['phone']
            who['name'] = b['name']
        elif channel == 'WEB':
            who = {'name': b['name'], 'phone': rnd.choice(['', '', '', '+91', '91', '0']) + b['phone']}
            if 'email' in b:
                who['email'] = b['email']
        elif rnd.random() < 0.6:
            who = {'name': b['name'], 'phone': b['phone']}
        if 'gstin' in b:
            who['gstin'] = b['gstin']
            who['name'] = b['name']
        if who:
            doc['customer'] = who
        if channel == 'POS':
            doc['ship_to'] = {'city': shop['city'], 'state': shop['state'], 'pincode': shop['pincode']}
        else:
            doc['ship_to'] = {'name': b['name'], 'phone': b['phone'] if channel == 'WEB' else who.get('phone')}
            for k in ('address1', 'address2', 'landmark', 'city', 'state', 'pincode', 'lat', 'lng'):
                if k in b:
                    doc['ship_to'][k] = b[k]
            doc['ship_to'] = {k: v for k, v in doc['ship_to'].items() if v is not None}
            doc['ship_to']['country'] = 'IN'
        doc['lines'] = lines
        if charges:
            doc['charges'] = [{'kind': k, 'amount': num(a)} for k, a in charges]
        if channel == 'POS':
            doc['fulfilment'] = {'mode': 'CARRY_OUT', 'node': shop['code']}
        return doc

    # -- what must be refused --------------------------------------------------------

    def bad(self):
        """(kind, text) of the malformed documents; most carry BAD-nn as number."""
        out = []

        def add(kind, change, channel='WEB'):
            doc = self.order(channel, self.moment())
            doc['external_id'] = 'BAD-%02d' % (len(out) + 1)
            change(doc)
            out.append((kind, dump(doc)))

        def put(*path_value):
            *path, last, value = path_value

            def change(doc):
                for p in path:
                    doc = doc.setdefault(p, {}) if isinstance(doc, dict) else doc[p]
                doc[last] = value
            return change

        add('unknown sku', put('lines', 0, 'sku', 'KUR-9999-M'))
        add('unknown sku', put('lines', 0, 'sku', 'B08XYZTEST'), 'AMAZON_IN')
        add('inactive sku', put('lines', 0, 'sku', 'MOB-0001'), 'AMAZON_IN')
        add('pincode too short', put('ship_to', 'pincode', '56003'))
        add('pincode begins with 0', put('ship_to', 'pincode', '012345'), 'AMAZON_IN')
        add('pincode not digits', put('ship_to', 'pincode', '5600O1'))
        add('no pincode', lambda d: d['ship_to'].pop('pincode'))
        add('no lines', lambda d: d.pop('lines'))
        add('empty lines', put('lines', []))
        add('qty 0', put('lines', 0, 'qty', 0))
        add('qty negative', put('lines', 0, 'qty', -1), 'AMAZON_IN')
        add('qty is text', put('lines', 0, 'qty', 'two'))
        add('negative price', put('lines', 0, 'unit_price', -449))
        add('negative price', put('lines', 0, 'unit_price', -0.01), 'AMAZON_IN')
        add('bad phone', put('customer', 'phone', '12345'))
        add('bad phone', put('customer', 'phone', '5123456789'))
        add('unknown channel', put('channel', 'FLIPKRT'))
        add('unknown channel', put('channel', 'amazon.com'))
        add('GSTIN check digit', put('customer', 'gstin', '01AABCE2207R1Z5'))
        add('GSTIN form', put('customer', 'gstin', '29ABCDE12F1ZW'))
        add('currency not traded', put('currency', 'XMR'))
        add('no payment', lambda d: d.pop('payment'))
        add('no external id', lambda d: d.pop('external_id'), 'AMAZON_IN')
        whole = dump(self.order('AMAZON_IN', self.moment()))
        out.append(('not JSON: cut off', whole[:len(whole) * 2 // 3]))
        out.append(('not JSON: a mail', 'Dear team, please send 2 pcs KUR-0001-M to Pune, will pay at delivery'))
        return out


def dump(doc):
    return json.dumps(doc, ensure_ascii=False, separators=(',', ':'))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--base', default='2026-11-20', help='the day after the last order')
    ap.add_argument('--seed', type=int, default=7)
    ap.add_argument('--out', default=DATA)
    a = ap.parse_args()
    maker = Maker(dt.date.fromisoformat(a.base), a.seed)
    rnd = maker.rnd
    moments = sorted(maker.moment() for _ in range(N_GOOD))
    stream, channels, cod = [], {c: 0 for c in CHANNEL[0]}, 0
    for when in moments:
        open_shop = 9 <= when.hour < 22
        channel = rnd.choices(CHANNEL[0], [w * open_shop * 1.17 if c == 'POS' else w for c, w in zip(*CHANNEL)])[0]
        doc = maker.order(channel, when)
        channels[channel] += 1
        cod += doc['payment']['mode'] == 'COD'
        stream.append(dump(doc))
    small = [stream[i * len(stream) // N_SMALL] for i in range(N_SMALL)]
    again = rnd.sample(range(N_GOOD - 50), N_TWICE)      # sent once more, soon or late
    late = [(i + rnd.choice((0, 1, 5, 40)) + 0.5, stream[i]) for i in again]
    bad = maker.bad()
    late += [(rnd.uniform(20, N_GOOD - 1), text) for _, text in bad]
    ordered = [t for _, t in sorted(list(enumerate(stream)) + late, key=lambda x: x[0])]
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, 'orders.ndjson.gz'), 'wb') as f:
        with gzip.GzipFile(filename='', mode='wb', compresslevel=9, fileobj=f, mtime=0) as z:
            z.write(''.join(t + '\n' for t in ordered).encode('utf-8'))
    with open(os.path.join(a.out, 'orders_small.ndjson'), 'w', encoding='utf-8', newline='\n') as f:
        f.write(''.join(t + '\n' for t in small))
    kinds = {}
    for kind, _ in bad:
        kinds[kind] = kinds.get(kind, 0) + 1
    with open(os.path.join(a.out, 'orders_expect.json'), 'w', encoding='utf-8', newline='\n') as f:
        json.dump({'documents': len(ordered), 'distinct_good': N_GOOD, 'exact_duplicates': N_TWICE,
                   'malformed': len(bad), 'malformed_by_kind': kinds, 'good_by_channel': channels,
                   'good_cod': cod}, f, indent=2)
        f.write('\n')
    print('%d documents: %d good %s, %d COD, %d sent twice, %d malformed'
          % (len(ordered), N_GOOD, channels, cod, N_TWICE, len(bad)))


if __name__ == '__main__':
    main()
