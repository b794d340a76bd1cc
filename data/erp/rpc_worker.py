#!/usr/bin/python3
"""An agent outside the ERP: takes calls from the OMS, makes them by XML-RPC of Odoo, answers.

    rpc_worker.py POSTGRESQL_URI ODOO_URL DATABASE LOGIN PASSWORD

A short example of a loop that may be stopped at any time: a call that was taken and not answered
is given again after its lease, and looked for by its reference first.
"""
import sys
import time
import xmlrpc.client

import psycopg2
import psycopg2.extras


def main(dsn, url, database, login, password):
    oms = psycopg2.connect(dsn)
    oms.autocommit = True
    uid = xmlrpc.client.ServerProxy(url + '/xmlrpc/2/common').authenticate(database, login, password, {})
    if not uid:
        sys.exit('Odoo does not let %s in' % login)
    odoo = xmlrpc.client.ServerProxy(url + '/xmlrpc/2/object', allow_none=True)

    def call(model, method, *args, **kwargs):
        return odoo.execute_kw(database, uid, password, model, method, list(args), kwargs)

    def do(c):
        found = call('sale.order', 'search', [('client_order_ref', '=', c['reference'])], limit=1, order='id')
        if c['kind'] == 'order_create' and not found:
            doc = c['document']
            found = [call('sale.order', 'create', {
                'partner_id': int(doc['customer']), 'warehouse_id': int(doc['node']), 'client_order_ref': c['reference'],
                'order_line': [(0, 0, {'product_id': int(x['item']), 'product_uom_qty': x['qty'], 'price_unit': x['unit_price']})
                               for x in doc['lines']]})]
        elif not found:
            raise RuntimeError('no order with reference %s' % c['reference'])
        elif c['kind'] == 'order_confirm':
            call('sale.order', 'action_confirm', found)
        elif c['kind'] == 'order_cancel':
            call('sale.order', 'action_cancel', found)
        elif c['kind'] != 'order_create':
            raise RuntimeError('%s is not for this worker' % c['kind'])
        return str(found[0])

    while True:
        with oms.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cur:
            cur.execute("SELECT * FROM oms.erp_take_calls('rpc', 10)")
            calls = cur.fetchall()
            for c in calls:
                try:
                    cur.execute('SELECT oms.erp_call_done(%s, %s)', (c['call_id'], do(c)))
                except (RuntimeError, OSError, xmlrpc.client.Error) as error:
                    cur.execute('SELECT oms.erp_call_failed(%s, %s)', (c['call_id'], str(error)[:500]))
        if not calls:
            time.sleep(1)


if __name__ == '__main__':
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
