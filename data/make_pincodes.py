#!/usr/bin/env python3
"""Make data/pincodes.csv, India's pincodes with state, district and a point.

    python3 data/make_pincodes.py INPUT.csv[.zst]

INPUT has one row per pincode with at least the columns pincode, state,
district, lat, lng: the All India Pincode Directory of data.gov.in merged with
GeoNames' postal codes (median of the post offices' coordinates, or GeoNames'
where that one is plainly better).  Sources, licences and limits: README.md
here.  This script normalises the state to the GST list, tidies the district,
fills a missing state where every other pincode of the same first three digits
lies in one state, and rounds the point to four decimals (11 m).
"""
import collections
import csv
import io
import os
import re
import subprocess
import sys

GST_STATE = {   # GST state codes as used by the GST and e-invoice systems
    '01': 'Jammu & Kashmir', '02': 'Himachal Pradesh', '03': 'Punjab', '04': 'Chandigarh',
    '05': 'Uttarakhand', '06': 'Haryana', '07': 'Delhi', '08': 'Rajasthan',
    '09': 'Uttar Pradesh', '10': 'Bihar', '11': 'Sikkim', '12': 'Arunachal Pradesh',
    '13': 'Nagaland', '14': 'Manipur', '15': 'Mizoram', '16': 'Tripura', '17': 'Meghalaya',
    '18': 'Assam', '19': 'West Bengal', '20': 'Jharkhand', '21': 'Odisha',
    '22': 'Chhattisgarh', '23': 'Madhya Pradesh', '24': 'Gujarat',
    '26': 'Dadra & Nagar Haveli and Daman & Diu', '27': 'Maharashtra', '29': 'Karnataka',
    '30': 'Goa', '31': 'Lakshadweep', '32': 'Kerala', '33': 'Tamil Nadu',
    '34': 'Puducherry', '35': 'Andaman & Nicobar Islands', '36': 'Telangana',
    '37': 'Andhra Pradesh', '38': 'Ladakh',
}
VARIANTS = {'chattisgarh': '22', 'orissa': '21', 'pondicherry': '34', 'uttaranchal': '05'}


def fold(name):
    name = name.lower().replace('&', ' and ')
    return re.sub(r'[^a-z]+', ' ', re.sub(r'^the ', '', name)).strip()


CODE = {fold(name): code for code, name in GST_STATE.items()}
CODE.update(VARIANTS)


def title(district):
    words = re.sub(r'\s+', ' ', district.strip()).split(' ')
    return ' '.join(w if re.search(r'[a-z]', w) and not w.islower() else w.capitalize()
                    for w in words)


def point(text, low, high):
    return '%.4f' % float(text) if text and low < float(text) < high else ''


def main(path):
    if path.endswith('.zst'):
        data = subprocess.run(['zstd', '-dqc', path], check=True, stdout=subprocess.PIPE).stdout
    else:
        data = open(path, 'rb').read()
    rows = sorted(csv.DictReader(io.StringIO(data.decode('utf-8'))), key=lambda r: r['pincode'])
    seen, prefix = set(), collections.defaultdict(set)
    for r in rows:
        r['code'] = CODE[fold(r['state'])] if r['state'].strip() else ''
        if r['code']:
            prefix[r['pincode'][:3]].add(r['code'])
    out, filled, empty, nowhere = [], 0, 0, 0
    for r in rows:
        if not re.fullmatch('[1-9][0-9]{5}', r['pincode']) or r['pincode'] in seen:
            sys.exit('bad or repeated pincode %s' % r['pincode'])
        seen.add(r['pincode'])
        around = prefix[r['pincode'][:3]]
        if not r['code'] and len(around) == 1:
            r['code'], = around
            filled += 1
        empty += not r['code']
        lat, lng = point(r['lat'], 6, 38), point(r['lng'], 68, 98)
        if not (lat and lng):
            lat = lng = ''
            nowhere += 1
        out.append((r['pincode'], r['code'], GST_STATE.get(r['code'], ''),
                    title(r['district']), lat, lng))
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'pincodes.csv')
    with open(target, 'w', newline='', encoding='utf-8') as f:
        w = csv.writer(f, lineterminator='\n')
        w.writerow('pincode state_code state district lat lng'.split())
        w.writerows(out)
    print('%d pincodes; state filled in from the prefix for %d, left empty for %d; %d without a point; %d bytes'
          % (len(out), filled, empty, nowhere, os.path.getsize(target)))


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
