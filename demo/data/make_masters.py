#!/usr/bin/env python3
"""Make the demo company's master data: items, warehouses, dark stores,
customers, GST rates, opening stock and a history of ERP sales.

    python3 demo/data/make_masters.py [DIRECTORY]

Everything is invented here from a fixed seed; the files beside this script
are its output and are committed, so nobody needs to run it.  GST rates are
those in force from 22 September 2025 (and the ones they replaced).  Only the
standard library is used.
"""
import csv
import datetime as dt
import os
import random
import sys

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
BASE = dt.date(2026, 11, 20)
rnd = random.Random(20261120)


def write(name, header, rows):
    with open(os.path.join(OUT, name), 'w', newline='', encoding='utf-8') as f:
        out = csv.writer(f, lineterminator='\n')
        out.writerow(header)
        out.writerows(rows)
    print('%-22s %5d rows' % (name, len(rows)))


def ean13(n):
    # 2nn is the range GS1 keeps for use inside a company: it is nobody's
    s = '2%011d' % n
    odd_even = sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(s))
    return s + str(-odd_even % 10)


def gstin(state, pan, entity='1'):
    chars = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
    s = state + pan + entity + 'Z'
    total = 0
    for i, c in enumerate(s):
        p = chars.index(c) * (1 + i % 2)
        total += p // 36 + p % 36
    return s + chars[-total % 36]


# -- GST rates -----------------------------------------------------------------
# hsn, what, old (limit, below, above), new (limit, below, above).  The limit is
# on the tax-exclusive sale value of one piece (a pair, for footwear).
CLOTH = ((1000, 5, 12), (2500, 5, 18))
SHOE = ((1000, 12, 18), (2500, 5, 18))
RATES = {
    '62114210': ('Kurta and salwar, cotton', *CLOTH),
    '620442': ("Women's dresses, cotton", *CLOTH),
    '620444': ("Women's dresses, artificial fibres", *CLOTH),
    '610910': ('T-shirts, knitted, cotton', *CLOTH),
    '620630': ("Women's blouses and shirts, cotton", *CLOTH),
    '620640': ("Women's blouses, man-made fibres", *CLOTH),
    '620462': ("Women's trousers, cotton", *CLOTH),
    '610462': ("Women's leggings, knitted, cotton", *CLOTH),
    '620520': ("Men's shirts, cotton", *CLOTH),
    '621490': ('Shawls, stoles, dupattas', *CLOTH),
    '630221': ('Bed linen, printed, cotton', *CLOTH),
    '630260': ('Towels, terry, cotton', *CLOTH),
    '640399': ('Footwear, leather uppers', *SHOE),
    '640299': ('Footwear, rubber or plastics', *SHOE),
    '500720': ('Silk fabric, sarees', 5, 5),
    '520851': ('Cotton fabric printed, sarees', 5, 5),
    '340111': ('Toilet soap, bars', 18, 5),
    '340130': ('Washing preparations for the skin', 18, 18),
    '330510': ('Shampoos', 18, 5),
    '330590': ('Hair oil', 18, 5),
    '330610': ('Toothpaste', 18, 5),
    '330300': ('Perfumes', 18, 18),
    '330499': ('Skin care preparations', 18, 18),
    '960321': ('Tooth brushes', 18, 5),
    '850760': ('Lithium-ion accumulators, power banks', 18, 18),
    '850440': ('Static converters, chargers', 18, 18),
    '851830': ('Headphones and earphones', 18, 18),
    '853952': ('LED lamps', 18, 18),
    '854442': ('Cables with connectors', 18, 18),
    '851762': ('Smart watches, data apparatus', 18, 18),
    '850940': ('Food grinders and mixers', 18, 18),
    '841451': ('Table and ceiling fans', 18, 18),
    '851679': ('Electric kettles', 18, 18),
    '761510': ('Kitchen articles of aluminium', 12, 5),
    '732393': ('Kitchen articles of stainless steel', 12, 5),
    '741810': ('Kitchen articles of copper', 12, 5),
    '691110': ('Tableware of porcelain', 12, 5),
    '701337': ('Drinking glasses', 18, 18),
    '961700': ('Vacuum flasks', 18, 18),
    '392410': ('Tableware of plastics', 18, 18),
    '940490': ('Pillows, cushions, quilts of other stuff', 18, 18),
    '330741': ('Agarbatti', 5, 5),
    '340600': ('Candles', 12, 5),
    '090230': ('Black tea, packets', 5, 5),
    '090121': ('Coffee, roasted', 5, 5),
    '100630': ('Rice, pre-packaged and labelled', 5, 5),
    '091030': ('Turmeric', 5, 5),
    '080132': ('Cashew, shelled', 5, 5),
    '080212': ('Almonds, shelled', 12, 5),
    '040900': ('Honey', 5, 5),
    '040590': ('Ghee', 12, 5),
    '180632': ('Chocolate', 18, 5),
    '210690': ('Namkeen', 12, 5),
    '190531': ('Biscuits', 18, 5),
    '071360': ('Toor dal, loose', 0, 0),
    '070310': ('Onions, fresh', 0, 0),
    '040610': ('Paneer, pre-packaged', 5, 0),
    '220210': ('Aerated waters with sugar', 28, 40),
    '490199': ('Printed books', 0, 0),
    '482020': ('Exercise books', 12, 0),
    '950300': ('Toys', 12, 5),
    '950490': ('Board games', 12, 5),
    '950699': ('Cricket bats, sports goods', 12, 5),
    '950691': ('Exercise equipment', 18, 18),
    '420292': ('Backpacks, travel bags', 18, 18),
    '711719': ('Imitation jewellery', 3, 3),
    '910211': ('Wrist watches', 18, 18),
    '900410': ('Sunglasses', 18, 18),
}
OLD, NEW = '2025-04-01', '2025-09-22'
rate_rows = []
for hsn, (what, old, new) in RATES.items():
    if old == new:
        rate_rows.append((hsn, OLD, 0, old, what))
        continue
    for day, r in ((OLD, old), (NEW, new)):
        for above, pct in (((0, r[1]), (r[0], r[2])) if isinstance(r, tuple)
                           else ((0, r),)):
            rate_rows.append((hsn, day, above, pct, what))


def rate_at(hsn, mrp):
    """The rate of today at a tax-inclusive price: the low band when the price
    less the low rate is within the limit, else the high one."""
    new = RATES[hsn][2]
    if not isinstance(new, tuple):
        return new
    limit, low, high = new
    return low if mrp * 100 <= limit * (100 + low) else high


# -- items -----------------------------------------------------------------------
# prefix, name, category, hsn, mrp, cost %, weight g, (l, w, h) mm, sizes, flags
# flags: f fragile, p prepaid only (no COD), n not returnable, c cold chain,
#        s surface only (no air), k sold by the kilogram
SIZES = {'A': 'S M L XL XXL'.split(), 'B': 'S M L XL'.split(),
         'C': 'M L XL'.split(), 'D': ['M', 'L'],
         'F': '7 8 9'.split(), '': ['']}
STYLES = [
    ('KUR', 'Indigo Block Print Cotton Kurta', 'kurta', '62114210', 449, 44, 280, (320, 260, 30), 'A', ''),
    ('KUR', 'Mustard Straight Cotton Kurta', 'kurta', '62114210', 399, 45, 260, (320, 260, 30), 'B', ''),
    ('KUR', 'White Chikankari Kurta', 'kurta', '62114210', 1299, 48, 300, (330, 260, 35), 'C', ''),
    ('SET', 'Teal Kurta with Palazzo Set', 'Set', '62114210', 799, 46, 520, (350, 280, 50), 'A', ''),
    ('SET', 'Maroon Anarkali Set with Dupatta', 'Set', '62114210', 1499, 45, 780, (360, 290, 60), 'B', ''),
    ('SET', 'Festive Silk Blend Sharara Set', 'Set', '62114210', 3499, 50, 1150, (400, 320, 80), 'D', 'p'),
    ('DRS', 'Floral Tiered Midi Dress', 'Western Dress', '620444', 749, 47, 350, (330, 260, 40), 'B', ''),
    ('DRS', 'Denim Shirt Dress', 'Western Dress', '620442', 1199, 49, 520, (340, 270, 45), 'D', ''),
    ('TOP', 'Ribbed Cotton T-shirt', 'Top', '610910', 499, 42, 190, (290, 230, 20), 'B', ''),
    ('TOP', 'Puff Sleeve Cotton Blouse Top', 'Top', '620630', 549, 44, 210, (290, 240, 25), 'D', ''),
    ('ETH', 'Bandhani Ethnic Gown', 'Ethnic Dress', '620444', 1849, 48, 640, (360, 280, 60), 'D', ''),
    ('BLO', 'Brocade Saree Blouse', 'Blouse', '620640', 549, 45, 160, (260, 220, 25), 'D', ''),
    ('BOT', 'Cotton Ankle Leggings', 'Bottom', '610462', 299, 43, 180, (260, 200, 20), 'C', ''),
    ('SHR', 'Oxford Cotton Shirt', 'Menswear', '620520', 999, 46, 290, (330, 260, 30), 'C', ''),
    ('SAR', 'Kanjivaram Silk Saree', 'Saree', '500720', 6499, 58, 820, (380, 300, 60), '', 'p'),
    ('SAR', 'Printed Cotton Mulmul Saree', 'Saree', '520851', 899, 47, 480, (340, 270, 35), '', ''),
    ('DUP', 'Phulkari Dupatta', 'Dupatta', '621490', 649, 44, 240, (300, 230, 25), '', ''),
    ('SHO', 'Leather Kolhapuri Sandals', 'Footwear', '640399', 1299, 47, 620, (310, 210, 110), 'F', ''),
    ('SHO', 'Running Shoes', 'Footwear', '640299', 2999, 52, 760, (330, 210, 120), 'F', ''),
    ('SHO', 'Rubber Flip-flops', 'Footwear', '640299', 349, 45, 380, (290, 200, 80), 'F', ''),
    ('SOP', 'Neem Tulsi Soap 4 x 125 g', 'Personal Care', '340111', 220, 62, 540, (140, 90, 70), '', 'n'),
    ('FWS', 'Vitamin C Face Wash 150 ml', 'Personal Care', '340130', 299, 50, 185, (170, 60, 45), '', 'n'),
    ('SHP', 'Bhringraj Shampoo 340 ml', 'Personal Care', '330510', 349, 52, 395, (200, 75, 50), '', 'n'),
    ('OIL', 'Coconut Hair Oil 500 ml', 'Personal Care', '330590', 265, 68, 545, (210, 80, 60), '', 'n'),
    ('TPS', 'Clove Toothpaste 150 g', 'Personal Care', '330610', 110, 60, 175, (190, 50, 40), '', 'n'),
    ('TBR', 'Bamboo Toothbrush, pack of 4', 'Personal Care', '960321', 199, 40, 80, (210, 70, 25), '', 'n'),
    ('PRF', 'Sandal Eau de Parfum 100 ml', 'Personal Care', '330300', 1299, 45, 330, (150, 80, 60), '', 'fns'),
    ('CRM', 'Saffron Night Cream 50 g', 'Personal Care', '330499', 599, 42, 160, (80, 80, 70), '', 'fn'),
    ('PWB', 'Power Bank 10000 mAh', 'Electronics', '850760', 1299, 70, 240, (160, 90, 40), '', 's'),
    ('PWB', 'Power Bank 20000 mAh', 'Electronics', '850760', 2199, 72, 430, (180, 95, 45), '', 's'),
    ('CHG', 'GaN Charger 33 W', 'Electronics', '850440', 999, 66, 120, (110, 80, 45), '', ''),
    ('EAR', 'Wireless Earbuds', 'Electronics', '851830', 1799, 68, 130, (120, 90, 45), '', 's'),
    ('EAR', 'Wired Earphones', 'Electronics', '851830', 399, 58, 60, (150, 80, 30), '', ''),
    ('LED', 'LED Bulb 9 W, pack of 4', 'Electronics', '853952', 399, 64, 310, (250, 130, 70), '', 'f'),
    ('CBL', 'USB-C Cable 1.5 m', 'Electronics', '854442', 299, 45, 55, (150, 90, 25), '', ''),
    ('WAT', 'Fitness Smart Watch', 'Electronics', '851762', 2499, 69, 190, (130, 100, 80), '', 's'),
    ('MIX', 'Mixer Grinder 750 W', 'Appliances', '850940', 3999, 71, 4600, (420, 300, 280), '', 'f'),
    ('FAN', 'Table Fan 400 mm', 'Appliances', '841451', 2799, 73, 5200, (480, 440, 200), '', 'f'),
    ('KET', 'Electric Kettle 1.5 l', 'Appliances', '851679', 1149, 66, 980, (240, 220, 210), '', ''),
    ('COO', 'Pressure Cooker 5 l', 'Home & Kitchen', '761510', 1899, 67, 2350, (380, 260, 220), '', ''),
    ('COO', 'Pressure Cooker 3 l', 'Home & Kitchen', '761510', 1499, 67, 1750, (340, 230, 190), '', ''),
    ('TIF', 'Steel Tiffin, 4 tiers', 'Home & Kitchen', '732393', 849, 60, 1150, (170, 170, 320), '', ''),
    ('KAD', 'Steel Kadai 24 cm', 'Home & Kitchen', '732393', 1249, 61, 1400, (420, 270, 110), '', ''),
    ('COP', 'Copper Water Bottle 950 ml', 'Home & Kitchen', '741810', 899, 58, 310, (280, 85, 85), '', ''),
    ('MUG', 'Blue Pottery Mugs, set of 2', 'Home & Kitchen', '691110', 549, 48, 760, (240, 130, 120), '', 'f'),
    ('GLS', 'Chai Glasses, set of 6', 'Home & Kitchen', '701337', 449, 50, 1100, (260, 180, 110), '', 'f'),
    ('FLK', 'Steel Vacuum Flask 1 l', 'Home & Kitchen', '961700', 1099, 62, 560, (320, 95, 95), '', ''),
    ('BOX', 'Airtight Boxes, set of 6', 'Home & Kitchen', '392410', 649, 52, 820, (300, 220, 200), '', ''),
    ('BED', 'Jaipuri Double Bedsheet', 'Home & Kitchen', '630221', 1199, 50, 1250, (360, 300, 80), '', ''),
    ('BED', 'King Size Quilted Bedspread', 'Home & Kitchen', '630221', 3299, 54, 2600, (480, 380, 160), '', ''),
    ('TOW', 'Bath Towel 500 gsm', 'Home & Kitchen', '630260', 599, 51, 560, (350, 260, 60), '', 'n'),
    ('PIL', 'Microfibre Pillows, set of 2', 'Home & Kitchen', '940490', 899, 49, 1700, (640, 420, 260), '', ''),
    ('AGR', 'Mogra Agarbatti 250 g', 'Home & Kitchen', '330741', 160, 55, 290, (250, 90, 60), '', 'n'),
    ('CND', 'Soy Candle Jar', 'Home & Kitchen', '340600', 449, 44, 380, (95, 95, 110), '', 'f'),
    ('TEA', 'Assam Tea 1 kg', 'Grocery', '090230', 520, 70, 1040, (220, 140, 90), '', 'n'),
    ('COF', 'Filter Coffee 500 g', 'Grocery', '090121', 475, 68, 525, (200, 120, 80), '', 'n'),
    ('RIC', 'Basmati Rice 5 kg', 'Grocery', '100630', 749, 74, 5050, (420, 280, 90), '', 'n'),
    ('HLD', 'Turmeric Powder 500 g', 'Grocery', '091030', 185, 66, 515, (190, 120, 50), '', 'n'),
    ('CSH', 'Cashew W320 500 g', 'Grocery', '080132', 649, 78, 515, (200, 130, 60), '', 'n'),
    ('ALM', 'California Almonds 500 g', 'Grocery', '080212', 599, 79, 515, (200, 130, 60), '', 'n'),
    ('HNY', 'Forest Honey 500 g', 'Grocery', '040900', 349, 60, 720, (130, 80, 80), '', 'fn'),
    ('GHE', 'Cow Ghee 1 l', 'Grocery', '040590', 720, 80, 985, (160, 110, 110), '', 'n'),
    ('CHO', 'Dark Chocolate 100 g', 'Grocery', '180632', 175, 58, 110, (160, 80, 12), '', 'n'),
    ('NMK', 'Ratlami Sev 400 g', 'Grocery', '210690', 120, 64, 410, (240, 170, 60), '', 'n'),
    ('BSC', 'Millet Biscuits 300 g', 'Grocery', '190531', 95, 60, 320, (210, 90, 60), '', 'n'),
    ('COL', 'Cola 750 ml', 'Grocery', '220210', 45, 72, 790, (270, 75, 75), '', 'n'),
    ('DAL', 'Toor Dal, loose', 'Grocery', '071360', 168, 82, 1000, (200, 150, 60), '', 'kn'),
    ('ONI', 'Onions, loose', 'Grocery', '070310', 42, 76, 1000, (250, 200, 120), '', 'kn'),
    ('PAN', 'Paneer 200 g', 'Grocery', '040610', 95, 78, 215, (110, 80, 40), '', 'cn'),
    ('BOK', 'Atlas of Indian Rivers', 'Books', '490199', 595, 55, 900, (290, 220, 20), '', ''),
    ('BOK', 'Everyday South Indian Cooking', 'Books', '490199', 399, 50, 420, (240, 170, 20), '', ''),
    ('NOT', 'Exercise Books, pack of 6', 'Books', '482020', 240, 62, 950, (240, 180, 45), '', 'n'),
    ('TOY', 'Wooden Channapatna Rattle', 'Toys & Sports', '950300', 349, 50, 140, (120, 90, 60), '', ''),
    ('TOY', 'Building Blocks, 120 pieces', 'Toys & Sports', '950300', 899, 53, 780, (300, 240, 90), '', ''),
    ('GAM', 'Carrom Coins and Striker', 'Toys & Sports', '950490', 249, 52, 320, (140, 140, 60), '', ''),
    ('BAT', 'Kashmir Willow Cricket Bat', 'Toys & Sports', '950699', 1599, 60, 1250, (880, 130, 70), '', ''),
    ('DMB', 'Dumbbell Pair 2 x 5 kg', 'Toys & Sports', '950691', 1499, 66, 10200, (330, 240, 170), '', ''),
    ('BAG', 'Laptop Backpack 25 l', 'Accessories', '420292', 1799, 55, 780, (480, 330, 120), '', ''),
    ('JEW', 'Oxidised Jhumka Earrings', 'Accessories', '711719', 299, 38, 60, (90, 90, 40), '', ''),
    ('JEW', 'Temple Jewellery Necklace Set', 'Accessories', '711719', 1499, 42, 210, (180, 150, 50), '', 'p'),
    ('WCH', 'Analogue Wrist Watch', 'Accessories', '910211', 2299, 60, 210, (110, 100, 80), '', 'f'),
    ('SUN', 'Polarised Sunglasses', 'Accessories', '900410', 999, 44, 120, (170, 80, 70), '', 'f'),
]
ITEM_HEAD = ('sku name category hsn gst_percent mrp cost weight_g length_mm width_mm'
             ' height_mm uom fragile cod_ok returnable ean13 style size cold_chain'
             ' surface_only').split()
items, seq = [], {}
for prefix, name, cat, hsn, mrp, pct, grams, dims, sizes, flags in STYLES:
    seq[prefix] = seq.get(prefix, 0) + 1
    style = '%s-%04d' % (prefix, seq[prefix])
    for k, size in enumerate(SIZES[sizes]):
        b = lambda flag: 'true' if flag in flags else 'false'
        no = lambda flag: 'false' if flag in flags else 'true'
        items.append(dict(zip(ITEM_HEAD, (
            style + (size and '-' + size), name + (size and ', ' + size), cat, hsn,
            rate_at(hsn, mrp), '%.2f' % mrp, '%.2f' % (mrp * pct / 100),
            grams + (k * 12 if size else 0), *dims, 'KG' if 'k' in flags else 'NOS',
            b('f'), no('p'), no('n'), ean13(410000 + len(items) + 1), style, size,
            b('c'), b('s')))))

# -- places ------------------------------------------------------------------------
PAN = 'ZZDCS4821K'          # of no company: PANs do not begin with ZZ
WAREHOUSES = [
    ('BLR1', 'Bengaluru Fulfilment Centre', 'Bengaluru', '560066', 'Karnataka', '29', 12.9857, 77.7630),
    ('BOM1', 'Bhiwandi Fulfilment Centre', 'Bhiwandi', '421302', 'Maharashtra', '27', 19.2813, 73.0483),
    ('DEL1', 'Gurugram Fulfilment Centre', 'Gurugram', '122004', 'Haryana', '06', 28.4089, 76.9890),
    ('MAA1', 'Chennai Fulfilment Centre', 'Chennai', '600056', 'Tamil Nadu', '33', 13.0350, 80.1080),
    ('CCU1', 'Kolkata Fulfilment Centre', 'Dankuni', '712311', 'West Bengal', '19', 22.6760, 88.2920),
]
KA, MH, HR = ('Karnataka', '29'), ('Maharashtra', '27'), ('Haryana', '06')
D, S = 'dark_store', 'store'
SHOPS = [  # code, name, kind, city, pincode, state, lat, lng, radius m, cut-off, pick minutes
    ('BLR-IND', 'Indiranagar dark store', D, 'Bengaluru', '560038', KA, 12.9784, 77.6408, 2500, '23:00', 3),
    ('BLR-KOR', 'Koramangala dark store', D, 'Bengaluru', '560034', KA, 12.9352, 77.6245, 2500, '23:00', 3),
    ('BLR-HSR', 'HSR Layout dark store', D, 'Bengaluru', '560102', KA, 12.9116, 77.6389, 2500, '23:00', 3),
    ('BLR-JAY', 'Jayanagar store', S, 'Bengaluru', '560041', KA, 12.9250, 77.5938, 4000, '20:30', 8),
    ('BOM-AND', 'Andheri West dark store', D, 'Mumbai', '400053', MH, 19.1364, 72.8296, 2000, '23:30', 3),
    ('BOM-POW', 'Powai dark store', D, 'Mumbai', '400076', MH, 19.1176, 72.9060, 2500, '23:30', 3),
    ('BOM-LPA', 'Lower Parel dark store', D, 'Mumbai', '400013', MH, 18.9953, 72.8300, 2000, '23:30', 3),
    ('BOM-BAN', 'Bandra West store', S, 'Mumbai', '400050', MH, 19.0596, 72.8295, 3500, '21:00', 8),
    ('GGN-S29', 'Sector 29 dark store', D, 'Gurugram', '122001', HR, 28.4683, 77.0634, 3000, '22:30', 3),
    ('GGN-SOH', 'Sohna Road dark store', D, 'Gurugram', '122018', HR, 28.4145, 77.0420, 3000, '22:30', 4),
    ('GGN-CYB', 'Cyber City store', S, 'Gurugram', '122002', HR, 28.4950, 77.0890, 4000, '21:00', 8),
]

# -- customers of the ERP ------------------------------------------------------------
FIRST = ('Aarav Diya Vihaan Ananya Kabir Meera Rohan Isha Arjun Nisha Farhan Zoya Gurpreet'
         ' Simran Joseph Anita Tenzin Lakshmi Subramani Kavya Debojit Mousumi Harish Pallavi').split()
LAST = ('Sharma Iyer Patil Gupta Nair Reddy Das Shah Singh Menon Khan Fernandes Bora Sahoo'
        ' Yadav Joshi Chatterjee Pillai Naidu Kulkarni').split()
TRADE = 'Traders,Textiles,Retail,Enterprises,Lifestyle,Bazaar'.split(',')
CITIES = [
    ('Bengaluru', '560001', 'Karnataka', '29', 5), ('Mysuru', '570001', 'Karnataka', '29', 1),
    ('Mumbai', '400001', 'Maharashtra', '27', 5), ('Pune', '411001', 'Maharashtra', '27', 3),
    ('Gurugram', '122001', 'Haryana', '06', 2), ('New Delhi', '110001', 'Delhi', '07', 3),
    ('Chennai', '600001', 'Tamil Nadu', '33', 3), ('Coimbatore', '641001', 'Tamil Nadu', '33', 1),
    ('Kolkata', '700001', 'West Bengal', '19', 2), ('Hyderabad', '500001', 'Telangana', '36', 3),
    ('Ahmedabad', '380001', 'Gujarat', '24', 2), ('Kochi', '682001', 'Kerala', '32', 2),
    ('Lucknow', '226001', 'Uttar Pradesh', '09', 2), ('Jaipur', '302001', 'Rajasthan', '08', 2),
    ('Guwahati', '781001', 'Assam', '18', 1), ('Patna', '800001', 'Bihar', '10', 1),
]
customers = []
for i in range(1, 121):
    city, pin, state, sc, _ = rnd.choices(CITIES, [c[4] for c in CITIES])[0]
    b2b = i % 8 == 0
    last = rnd.choice(LAST)
    name = '%s %s' % (last, rnd.choice(TRADE)) if b2b else '%s %s' % (rnd.choice(FIRST), last)
    pan = 'ZZ%sF%s%04d%s' % (rnd.choice('ABCDEGHJK'), last[0], 1000 + i * 7, rnd.choice('ABCDEFGHJKLM'))
    customers.append((
        'C%05d' % i, name, 'B2B' if b2b else 'B2C', gstin(sc, pan) if b2b else '',
        '%d0000%05d' % (rnd.randint(6, 9), i * 613 % 100000), 'c%05d@example.com' % i,
        '%d, %s %s' % (rnd.randint(1, 240), rnd.choice(LAST), rnd.choice(['Street', 'Nagar', 'Road', 'Layout'])),
        rnd.choice(['', 'Near bus stand', '2nd floor', 'Opposite temple', 'Sector %d' % rnd.randint(1, 40)]),
        city, state, sc, pin))

# -- opening stock: every warehouse, and what a dark store would keep -----------------
# A few items are out of stock everywhere, some are scarce, some only at one place.
code = [i['sku'] for i in items]
nil = {'SET-0003-M', 'FAN-0001', 'JEW-0002', 'BAT-0001'}
scarce = {'KUR-0001-XXL', 'SET-0002-S', 'DRS-0002-M', 'SAR-0001', 'WAT-0001', 'EAR-0001',
          'SHO-0002-9', 'TOY-0002', 'MIX-0001', 'PWB-0002'}
single = {'SAR-0002': 'MAA1', 'DUP-0001': 'DEL1', 'COF-0001': 'BLR1', 'HNY-0001': 'CCU1',
          'ETH-0001-L': 'BOM1', 'GLS-0001': 'DEL1'}
FAST = {'kurta', 'Set', 'Western Dress', 'Top'}
stock = []
for w in WAREHOUSES:
    for it in items:
        sku = it['sku']
        if sku in nil or single.get(sku, w[0]) != w[0]:
            continue
        if sku in scarce:
            q = rnd.choice([0, 0, 1, 2, 3])
        elif rnd.random() < .08:
            q = 0
        elif it['cold_chain'] == 'true':
            q = 0
        elif it['category'] in FAST:
            q = rnd.randint(18, 60)
        else:
            q = rnd.randint(8, 45)
        if q:
            stock.append((w[0], sku, '%d.000' % (q * 5) if it['uom'] == 'KG' else q))
QUICK = {'Personal Care', 'Grocery', 'Electronics', 'Home & Kitchen', 'Books', 'Accessories', 'Toys & Sports'}
for s in SHOPS:
    for it in items:
        sku, store = it['sku'], s[2] == S
        if sku in nil or sku in single or int(it['weight_g']) > 4000 and it['uom'] != 'KG':
            continue
        take = .85 if it['category'] in QUICK else .75 if store else .15
        if rnd.random() > take:
            continue
        q = rnd.choice([0, 1, 1, 2]) if sku in scarce else rnd.randint(4, 22)
        if it['uom'] == 'KG':
            q = '%.3f' % (q * 1.75)
        if float(q):
            stock.append((s[0], sku, q))

# -- ninety days of ERP sales ----------------------------------------------------------
sales = []
by_sku = {i['sku']: i for i in items}
held = {(w, s): float(q) for w, s, q in stock}
WAREHOUSE_OF = {'29': 'BLR1', '27': 'BOM1', '24': 'BOM1', '33': 'MAA1', '32': 'MAA1', '36': 'BLR1',
                '19': 'CCU1', '18': 'CCU1', '10': 'CCU1'}
for n in range(1, 301):
    day = BASE - dt.timedelta(days=90 - n * 88 // 300)
    cust = rnd.choice(customers)
    wh = WAREHOUSE_OF.get(cust[10], 'DEL1')
    status = rnd.choices(['shipped', 'cancelled', 'draft', 'confirmed'],
                         [74, 6, 8, 12] if n > 240 else [94, 6, 0, 0])[0]
    line = 0
    for sku in rnd.sample([s for s in code if held.get((wh, s), 0) >= 12],
                          rnd.choice([1, 1, 1, 2, 2, 3])):
        line += 1
        q = rnd.randint(1, 3) if cust[2] == 'B2B' else 1
        if status == 'shipped':
            held[wh, sku] -= q
        sales.append(('SO-%05d' % n, day.isoformat(), cust[0], wh, status, line, sku, q,
                      by_sku[sku]['mrp']))

write('items.csv', ITEM_HEAD, [[i[k] for k in ITEM_HEAD] for i in items])
write('tax_rates.csv', 'hsn valid_from above_value percent description'.split(), rate_rows)
write('warehouses.csv', 'code name city pincode state state_code gstin lat lng'.split(),
      [w[:6] + (gstin(w[5], PAN),) + tuple('%.4f' % x for x in w[6:]) for w in WAREHOUSES])
write('dark_stores.csv', ('code name kind city pincode state state_code gstin lat lng'
                          ' service_radius_m cutoff pick_minutes').split(),
      [s[:5] + s[5] + (gstin(s[5][1], PAN), '%.4f' % s[6], '%.4f' % s[7]) + s[8:] for s in SHOPS])
write('customers.csv', ('code name kind gstin phone email address1 address2 city state'
                        ' state_code pincode').split(), customers)
write('opening_stock.csv', 'place sku qty'.split(), stock)
write('erp_sales.csv', 'order_no order_date customer place status line_no sku qty unit_price'.split(), sales)
